"""What a license costs in statements, commits and syncs: counts, which are the same on every machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from fixtures_city import ServedCity
from sqlalchemy import Connection, event

SLUG = "tour_guide"
SMALL, LARGE = 4, 20
"""Both fit into one batch."""

MOST_PER_ACCEPTANCE = 13
"""Who calls, look-up, photo, request, event, evidence, and what opens and ends three transactions and a savepoint."""
MOST_PER_BATCH = 120
"""Statements from the claim to the last consumer, however many licenses."""
MOST_COMMITS_PER_BATCH = 30
MOST_SYNCS_PER_LICENSE = 2
"""The file, and the directory that names it; directories of a young store come once."""


@dataclass
class Costs:
    """What was counted so far."""

    statements: int = 0
    commits: int = 0
    syncs: int = 0


@contextmanager
def counted(city: ServedCity, monkeypatch: pytest.MonkeyPatch) -> Iterator[Costs]:
    """What any thread does in the city's store within the block."""
    costs = Costs()
    sync = os.fsync

    def executing(*_: Any) -> None:
        costs.statements += 1

    def committing(_: Connection) -> None:
        costs.commits += 1

    def syncing(handle: int) -> None:
        costs.syncs += 1
        sync(handle)

    monkeypatch.setattr(os, "fsync", syncing)
    engines = city.service.store._engines
    for engine in engines:
        event.listen(engine, "before_cursor_execute", executing)
        event.listen(engine, "commit", committing)
    try:
        yield costs
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", executing)
            event.remove(engine, "commit", committing)
        monkeypatch.setattr(os, "fsync", sync)


def accept(city: ServedCity, prefix: str, count: int) -> None:
    with ThreadPoolExecutor(8) as pool:
        bodies = [city.body(SLUG, f"{prefix}-{n}") for n in range(count)]
        headers = city.system()
        answers = pool.map(lambda body: city.client.post("/v1/issuances", headers=headers, json=body), bodies)
        assert [answer.status_code for answer in answers] == [202] * count


def test_a_license_costs_few_statements_and_two_syncs(small_city: ServedCity, monkeypatch: pytest.MonkeyPatch) -> None:
    small_city.issue(SLUG, "warm")
    costs: dict[int, Costs] = {}
    for count in (SMALL, LARGE):
        accept(small_city, f"B{count}", count)
        with counted(small_city, monkeypatch) as costs[count]:
            small_city.drain()
        assert small_city.rows("SELECT count(*) FROM requests WHERE state <> 'issued'") == [(0,)]
    assert costs[LARGE].statements <= costs[SMALL].statements + 2, "a larger batch takes no more statements"
    assert costs[LARGE].statements <= MOST_PER_BATCH
    assert costs[LARGE].commits <= MOST_COMMITS_PER_BATCH
    assert costs[LARGE].syncs <= MOST_SYNCS_PER_LICENSE * LARGE + 1


def test_an_acceptance_costs_few_statements(small_city: ServedCity, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(small_city, "warm", 1)
    with counted(small_city, monkeypatch) as costs:
        accept(small_city, "A", LARGE)
    assert costs.statements <= MOST_PER_ACCEPTANCE * LARGE
