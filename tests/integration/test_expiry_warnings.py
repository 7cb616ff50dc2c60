"""A seal whose certificate ends soon is announced at each stage once, whoever looks, and not after its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from fixtures_city import ServedCity

from certsvc.clock import FixedClock
from certsvc.commands.seals.warn_expiry import warn_expiry

SEAL = "seal_11990000MB0000027A"


def test_each_stage_is_announced_once(database_url: str, make_city: Callable[..., ServedCity]) -> None:
    city = make_city(database_url)
    assert warn_expiry(city.service.deps) == 0
    city.execute(f"UPDATE seals SET state = 'cancelled' WHERE seal_id <> '{SEAL}'")
    with city.service.deps.uow.read() as tx:
        seal = tx.seals.by_id(SEAL)
    assert seal is not None
    seen = []
    for days in (91, 90, 60, 30, 29, 7, 1, -1):
        then = replace(city.service.deps, clock=FixedClock(seal.valid_until - timedelta(days=days)))
        seen.append(warn_expiry(then))
        assert warn_expiry(then) == 0
    assert seen == [0, 1, 0, 1, 0, 1, 0, 0]
    city.drain()
    told = [event["data"] for event in city.events() if event["type"].endswith("seal.expiring.v1")]
    assert [(one["seal_id"], one["stage_days"]) for one in told] == [(SEAL, 90), (SEAL, 30), (SEAL, 7)]


def test_a_seal_that_is_not_in_use_is_not_announced(small_city: ServedCity) -> None:
    small_city.execute("UPDATE seals SET state = 'cancelled'")
    with small_city.service.deps.uow.read() as tx:
        seal = tx.seals.by_id(SEAL)
    assert seal is not None
    then = replace(small_city.service.deps, clock=FixedClock(seal.valid_until - timedelta(days=5)))
    assert warn_expiry(then) == 0
