"""What a license costs in statements, commits and syncs: counts, which are the same on every machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from consent_city import bind, citizen, given, party, show
from fixtures_city import ServedCity
from matter_city import fetched, opened
from sqlalchemy import Connection, event
from test_fetch import CLIENT, asking, grant
from test_fetch import SLUG as FETCHED

from certsvc.commands.access.principals import of_client, of_person
from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.commands.issuance.accept_issuance import (
    Accepted,
    Origin,
    Prepared,
    accept_issuances,
    prepare_acceptance,
)
from certsvc.commands.issuance.body import parse_issuance
from certsvc.commands.sharing.fetch_license import FetchAnswer, FetchBody, fetch_licenses
from certsvc.commands.showing.scan_code import scan_codes
from certsvc.errors import BusinessKeyConflict, IdempotencyMismatch, InvalidInput

SLUG = "tour_guide"
SMALL, LARGE = 4, 20
"""Both fit into one batch."""

MOST_PER_ACCEPTANCE = 13
"""Who calls, look-up, photo, request, event, evidence, and what opens and ends three transactions and a savepoint."""
MOST_PER_ACCEPTANCES = 8
"""Of those that come together, however many: keys, requests, photos, events, evidence; what opens and ends them."""
MOST_PER_BATCH = 134
"""Statements from the claim to the last consumer, however many licenses."""
MOST_COMMITS_PER_BATCH = 38
MOST_PER_SCAN = 14
"""Over HTTP, alone: who calls, visit, code, license, redemption, facts, followers, seal, photo, scan, event, evidence,
and what opens two transactions."""
MOST_PER_SCANS = 12
"""Of scans that come together, however many."""
MOST_PER_SCANS_OF_OTHERS = MOST_PER_SCANS + 1
"""Where others show for holders, what that rests on is read once; members of bundles are read with all the rest."""
MOST_PER_FETCHES = 11
"""Mark of the policies, grants, licenses, facts, followers, use of the grants, their cases, ledger, event, evidence."""
MOST_PER_FETCHES_ON_DUTY = 12
"""Of others' licenses, whoever holds them: what all holders have and its facts are read once."""
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


def test_acceptances_that_come_together_cost_no_more_than_a_few(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    deps = small_city.service.deps
    with deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
    assert client is not None
    caller = of_client(client)
    spent: dict[int, int] = {}
    for count in (SMALL, LARGE):
        bodies = [parse_issuance(small_city.body(SLUG, f"T{count}-{n}")) for n in range(count)]
        origins = [Origin(idempotency_key=f"T{count}-{n}") for n in range(count)]
        asked = [prepare_acceptance(deps, caller, *one) for one in zip(bodies, origins, strict=True)]
        with counted(small_city, monkeypatch) as costs:
            answers = accept_issuances(deps, asked)
        assert [isinstance(one, Accepted) and one.created for one in answers] == [True] * count
        assert costs.commits == 1
        spent[count] = costs.statements
    assert spent[LARGE] == spent[SMALL] <= MOST_PER_ACCEPTANCES


def test_acceptances_that_come_together_have_an_answer_each(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    with deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
    assert client is not None

    def asked(number: str, key: str = "", **changes: Any) -> Prepared:
        body = parse_issuance({**small_city.body(SLUG, number), **changes})
        return prepare_acceptance(deps, of_client(client), body, Origin(idempotency_key=key))

    [before] = accept_issuances(deps, [asked("K-1", "k1")])
    assert isinstance(before, Accepted)
    assert before.created
    first, twin, known, key_of_other, business_of_other, refused, alias = accept_issuances(
        deps,
        [
            asked("K-2", "k2"),
            asked("K-2", "k2"),
            asked("K-1", "k1"),
            asked("K-3", "k1"),
            asked("K-2", "", case_no="AN-1"),
            asked("K-4", "k4", region="110000"),
            asked("K-1", "k9"),
        ],
    )
    assert isinstance(first, Accepted)
    assert isinstance(twin, Accepted)
    assert {first.created, twin.created} == {True, False}
    assert first.request.request_id == twin.request.request_id
    for one in (known, alias):
        assert isinstance(one, Accepted)
        assert (one.created, one.request.request_id) == (False, before.request.request_id)
    assert isinstance(key_of_other, IdempotencyMismatch)
    assert isinstance(business_of_other, BusinessKeyConflict)
    assert isinstance(refused, InvalidInput)
    [bound] = accept_issuances(deps, [asked("K-5", "k9")])
    assert isinstance(bound, IdempotencyMismatch), "the further key is bound too"
    stored = small_city.rows("SELECT count(*) FROM requests WHERE business_no IN ('K-1','K-2','K-3','K-4','K-5')")
    assert stored == [(2,)]


def test_further_keys_of_what_is_known_are_bound_in_the_one_transaction(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the commit nothing may be left that can fail: all who came together would be told 503."""
    deps = small_city.service.deps
    with deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
    assert client is not None
    caller = of_client(client)

    def asked(number: str, key: str) -> Prepared:
        body = parse_issuance(small_city.body(SLUG, number))
        return prepare_acceptance(deps, caller, body, Origin(idempotency_key=key))

    accept_issuances(deps, [asked(f"F-{n}", f"f{n}") for n in range(SMALL)])
    again = [asked(f"F-{n}", f"other-{SMALL - n}") for n in range(SMALL)]
    with counted(small_city, monkeypatch) as costs:
        answers = accept_issuances(deps, [*again, asked("F-new", "f-new")])
    assert [isinstance(one, Accepted) and one.created for one in answers] == [False] * SMALL + [True]
    assert costs.commits == 1
    for n in range(SMALL):
        [found] = accept_issuances(deps, [asked(f"G-{n}", f"other-{SMALL - n}")])
        assert isinstance(found, IdempotencyMismatch), "each further key is bound"


def test_a_scan_costs_few_statements_and_scans_that_come_together_no_more(
    shared_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, deps = shared_city, shared_city.service.deps
    identifier, officer = city.one_of(SLUG)["identifier"], city.officer_of(SLUG)
    city.person(officer)

    def codes(count: int) -> list[str]:
        return [city.show(SLUG, identifier, "tour_inspection")["code"] for _ in range(count)]

    [alone] = codes(1)
    with counted(city, monkeypatch) as costs:
        assert city.scan(officer, alone)["photo"]
    assert costs.statements <= MOST_PER_SCAN
    assert costs.commits <= 2
    person = next(one for one in city.people if one.subject == officer)
    for count in (SMALL, LARGE):
        asked = [(of_person(person), code) for code in codes(count)]
        with counted(city, monkeypatch) as costs:
            answers = scan_codes(deps, asked)
        assert [answer.light for answer in answers] == ["green"] * count
        assert len({answer.scan.scan_id for answer in answers}) == count
        assert costs.statements <= MOST_PER_SCANS
        assert costs.commits == 1


def test_members_of_bundles_and_codes_that_others_show_cost_no_more_together(
    shared_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, scene = shared_city, "tour_inspection"
    city.one_of("food_operation")
    city.one_of("business_license")
    identifier, holder = city.one_of(SLUG)["identifier"], city.person(city.holder_of(SLUG))
    firm, officer = city.person(city.holder_of("business_license")), city.officer_of(SLUG)
    code = citizen(date(1990, 2, 2), 77)
    friend = bind(city, "costs-friend", "示例友", code=code)
    allowed = given(city, holder, party("示例友", code), {identifier: [scene]}, friend)
    person = next(one for one in city.people if one.subject == officer)
    spent: dict[int, int] = {}
    for count in (SMALL, LARGE):
        bodies = [{"bundle": "restaurant", "reader": "officer"} for _ in range(count)]
        answers = [city.client.post("/v1/shows/bundles", headers=firm, json=body) for body in bodies]
        members = len(city.answer(answers[0], 201)["preview"]["members"])
        answers += [show(city, friend, identifier, scene, allowed) for _ in range(count)]
        asked = [(of_person(person), city.answer(answer, 201)["code"]) for answer in answers]
        with counted(city, monkeypatch) as costs:
            read = scan_codes(city.service.deps, asked)
        # What else of the trade the firm was issued in this city, other tests decide.
        assert members >= 2
        assert [len(one.scans) for one in read] == [members] * count + [1] * count
        assert all(one.presenter for one in read[count:])
        spent[count] = costs.statements
        assert costs.commits == 1
    assert spent[LARGE] == spent[SMALL] <= MOST_PER_SCANS_OF_OTHERS


def test_fetches_by_consent_that_come_together_cost_no_more_than_a_few(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier, deps = small_city.issue(FETCHED, "W-1")["identifier"], small_city.service.deps
    with deps.uow.read() as tx:
        client = tx.access.client(CLIENT)
    assert client is not None
    spent: dict[int, int] = {}
    for count in (SMALL, LARGE):
        bodies = [
            FetchBody(**asking(small_city, basis="consent", fields=["holder_name"], grant_code=one["code"]))
            for one in (grant(small_city, identifier) for _ in range(count))
        ]
        with counted(small_city, monkeypatch) as costs:
            answers = fetch_licenses(deps, [(of_client(client), body) for body in bodies])
        assert [isinstance(one, FetchAnswer) for one in answers] == [True] * count
        assert costs.commits == 1
        spent[count] = costs.statements
    assert spent[LARGE] == spent[SMALL] <= MOST_PER_FETCHES


def test_fetches_on_duty_that_come_together_cost_no_more_than_a_few(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is about another holder."""
    city, deps = small_city, small_city.service.deps
    holders = [citizen(date(1980, 1, 1 + n), 50 + 2 * n) for n in range(LARGE)]  # all of one sex, as the sample says
    for n, code in enumerate(holders):
        body = city.body(SLUG, f"W-{n}", holder=party("示例甲乙丙丁"[: 3 + n % 4], code))
        city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    city.drain()
    opened(city, SLUG, keys=["holder_name", "number"], quota=None)
    with deps.uow.read() as tx:
        client = tx.access.client(CLIENT)
    assert client is not None
    city.answer(fetched(city, SLUG, holder_code=holders[0]), 201)  # the policies are looked at anew once
    spent: dict[int, int] = {}
    for count in (SMALL, LARGE):
        bodies = [FetchBody(**asking(city, type=SLUG, holder_code=code, fields=["number"])) for code in holders[:count]]
        with counted(city, monkeypatch) as costs:
            answers = fetch_licenses(deps, [(of_client(client), body) for body in bodies])
        given = [one for one in answers if isinstance(one, FetchAnswer)]
        assert len({one.fetch.version_id for one in given}) == count, "each its own holder's"
        assert costs.commits == 1
        spent[count] = costs.statements
    assert spent[LARGE] == spent[SMALL] <= MOST_PER_FETCHES_ON_DUTY
