"""A million licenses: what a rebuilt list reads, how long it takes and how large it is; on both databases."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from fixtures_city import ServedCity
from status_reader import read_cwt

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.verifying.status_lists import Form, StatusBoard
from certsvc.license.status_list import REBUILD_S

MILLION = 1_000_000
MANY = 400_000
"""Ended in a list that has grown old: most licenses are renewed once."""
BUDGET = 16 * 1024
REBUILD_SECONDS = 2.0
"""Far above what it takes, far below what reading a million rows takes."""

CHUNK = 10_000
"""Rows of a statement, which ends within the time that the service gives one."""
ROWS = {
    "sqlite": """
WITH RECURSIVE n(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM n WHERE n < {last})
INSERT INTO licenses ({names}) SELECT {values} FROM n""",
    "postgresql": "INSERT INTO licenses ({names}) SELECT {values} FROM generate_series({first}, {last}) AS n",
}
TEXTS = ("version_id", "license_id", "identifier", "printed_token", "artifact_id")
EMPTY = ("photo_id", "previous_version_id", "replaced_by_version_id", "request_id")


def fill(city: ServedCity, kind: str) -> None:
    """Rows by the database itself; the blobs are as long as real ones and hold nothing."""
    blob = "zeroblob(60)" if kind == "sqlite" else "decode(repeat('00', 60), 'hex')"
    blind = "CAST(n AS BLOB)" if kind == "sqlite" else "decode(lpad(to_hex(n), 64, '0'), 'hex')"
    columns = {
        **{name: f"'{name}-' || n" for name in TEXTS},
        **dict.fromkeys(EMPTY, "''"),
        **dict.fromkeys(("issuer_code", "issuer_name", "root", "type_slug"), "'11990000MB0000019F'"),
        **dict.fromkeys(("number", "holder", "data"), blob),
        **dict.fromkeys(("number_blind", "holder_blind"), blind),
        **dict.fromkeys(("issued_on", "first_issued_on", "valid_from"), "'2026-01-01'"),
        **dict.fromkeys(("version", "revision"), "1"),
        "created_at": "'2026-01-01 00:00:00.000000+00:00'",
        "state": "'valid'",
        "status_no": "n",
    }
    if kind == "postgresql":
        columns |= {name: f"DATE {columns[name]}" for name in ("issued_on", "first_issued_on", "valid_from")}
        columns["created_at"] = f"TIMESTAMPTZ {columns['created_at']}"
    names, values = ", ".join(columns), ", ".join(columns.values())
    for first in range(1, MILLION, CHUNK):
        city.execute(ROWS[kind].format(names=names, values=values, first=first, last=first + CHUNK - 1))


def end(city: ServedCity, numbers: list[int]) -> None:
    for at in range(0, len(numbers), 10_000):
        some = ", ".join(map(str, numbers[at : at + 10_000]))
        city.execute(f"UPDATE licenses SET state = 'revoked' WHERE status_no IN ({some})")


@pytest.fixture
def large(city: ServedCity, request: pytest.FixtureRequest) -> ServedCity:
    kind = "sqlite" if "sqlite" in request.node.callspec.id else "postgresql"
    fill(city, kind)
    return city


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_change_among_a_million_licenses_is_published_quickly_and_small(large: ServedCity) -> None:
    clock = FixedClock(SystemClock().now())
    deps = replace(large.service.deps, clock=clock)
    board = StatusBoard()
    numbers = random.Random(7).sample(range(1, MILLION + 1), MANY + 1)
    done = 0
    for ended in (0, 10_000, 10_001, MANY, MANY + 1):
        end(large, numbers[done:ended])
        done = ended
        large.execute("ANALYZE licenses")
        clock.advance(timedelta(seconds=REBUILD_S))
        began = time.perf_counter()
        signed = board.signed(deps, "1", Form.CWT)
        took = time.perf_counter() - began
        print(f"{ended} of {MILLION} ended: {took:.3f} s, {len(signed.data)} bytes")
        found = read_cwt(signed.data, deps.status_signer.keys())
        assert sum(byte.bit_count() for byte in found.array) == ended
        assert took < REBUILD_S
        if ended < MANY:
            assert took < REBUILD_SECONDS
            assert len(signed.data) < BUDGET
