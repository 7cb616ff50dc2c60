"""A use whose answer a crash took is settled by hand, once, on record, and stays counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from seal_people import seal_in_use

from certsvc.app import Service
from certsvc.clock import FixedClock, end_of_day, local_day
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.operations.figures import database_figures
from certsvc.commands.ports import Deps
from certsvc.commands.seals.settle_use import STILL_AT_WORK, settle_use_by_hand
from certsvc.commands.seals.use_seal import abandon_earlier, reserve_use, settle_uses, unanswered_uses
from certsvc.errors import Conflict, InvalidInput, NotFound
from certsvc.events.envelope import PREFIX
from certsvc.events.seal_payloads import SealUseSettled
from certsvc.seal.model import ReservationResult, Seal, SealReservation
from certsvc.seal.use import SealUse

NOON = datetime(2026, 12, 2, 4, tzinfo=UTC)
DIGEST = hashlib.sha256(b"a page").hexdigest()


@pytest.fixture
def clock() -> FixedClock:
    """A clock that the tests move."""
    return FixedClock(NOON)


@pytest.fixture
def deps(make_service: Callable[..., Service], database_url: str, clock: FixedClock) -> Deps:
    """The ports of a sandbox, once per kind of database."""
    service = make_service(database_url, clock=clock)
    seed_sandbox(service.deps)
    return service.deps


def reserved(deps: Deps, seal: Seal, purpose: str) -> SealReservation:
    return reserve_use(deps, seal, purpose=purpose, digest=DIGEST, use=SealUse())


def alarmed(deps: Deps) -> float:
    """The age that the alarm looks at; none is 0."""
    [family] = [one for one in database_figures(deps, ()) if one.name == "certsvc_seal_reservations_open_seconds"]
    return max((sample.value for sample in family.samples), default=0.0)


def on_record(deps: Deps) -> list[tuple[str, object]]:
    """Kind of evidence and id of the reservation, in order."""
    kinds = ("seal.used", "seal.failed", "seal.settled")
    with deps.uow.read() as tx:
        rows = [one.row for one in tx.reconciling.evidence_after(0, kinds=kinds, limit=100) if one.row]
    return [(row.kind, json.loads(row.details)["content"]["reservation_id"]) for row in rows]


def told(deps: Deps) -> list[dict[str, object]]:
    """What the events say."""
    with deps.uow.read() as tx:
        found = tx.reconciling.events_after(0, types=(PREFIX + SealUseSettled.NAME,), limit=100)
    return [dict(event.data) for _, event in found]


def test_an_unknown_use_is_settled_once_and_the_alarm_is_over(deps: Deps, clock: FixedClock) -> None:
    seal = seal_in_use(deps)
    uses = [reserved(deps, seal, f"work:{n}") for n in range(2)]
    abandon_earlier(deps, [use.purpose for use in uses])
    clock.advance(timedelta(minutes=20))
    assert alarmed(deps) == 1200
    first, second = uses
    settled = settle_use_by_hand(deps, first.reservation_id, reason="核对过", actor="op")
    assert settled.result is ReservationResult.USED, "it counts as used unless said otherwise"
    assert [one.reservation_id for one in unanswered_uses(deps, older_than_s=0)] == [second.reservation_id]
    settled = settle_use_by_hand(deps, second.reservation_id, reason="密码机日志", actor="op", used=False)
    assert settled.result is ReservationResult.FAILED
    assert alarmed(deps) == 0
    for use in uses:
        with pytest.raises(Conflict):
            settle_use_by_hand(deps, use.reservation_id, reason="再来", actor="op")
    with deps.uow.read() as tx:
        day = end_of_day(local_day(NOON)) - timedelta(days=1)
        assert tx.seals.used_on(day)[seal.seal_id] == 2, "nothing is given back"
    ids = (first.reservation_id, second.reservation_id)
    kinds = ("seal.used", "seal.settled", "seal.failed", "seal.settled")
    assert on_record(deps) == list(zip(kinds, (ids[0], ids[0], ids[1], ids[1]), strict=True))
    assert [(one["reservation_id"], one["result"]) for one in told(deps)] == list(
        zip(ids, ("used", "failed"), strict=True)
    )


def test_what_may_still_be_answered_is_left_alone(deps: Deps, clock: FixedClock) -> None:
    seal = seal_in_use(deps)
    use = reserved(deps, seal, "work:1")
    with pytest.raises(Conflict):
        settle_use_by_hand(deps, use.reservation_id, reason="急", actor="op")
    settle_uses(deps, [(use, "ab")])
    clock.advance(STILL_AT_WORK + timedelta(seconds=1))
    with pytest.raises(Conflict):
        settle_use_by_hand(deps, use.reservation_id, reason="急", actor="op")
    left = reserved(deps, seal, "work:2")
    clock.advance(STILL_AT_WORK + timedelta(seconds=1))
    settled = settle_use_by_hand(deps, left.reservation_id, reason="进程已终止", actor="op")
    assert settled.result is ReservationResult.USED


def test_it_needs_a_reason_and_a_use(deps: Deps) -> None:
    with pytest.raises(NotFound):
        settle_use_by_hand(deps, "use_none", reason="核对过", actor="op")
    for reason in ("", "  ", "长" * 201):
        with pytest.raises(InvalidInput):
            settle_use_by_hand(deps, "use_none", reason=reason, actor="op")
