"""Seals reserve no more than their budget, whoever asks at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from store_records import DAY_END, DAY_START, T0, make_reservation, make_seal

from certsvc.errors import IntegrityError
from certsvc.seal.model import ReservationResult, Seal, SealReservation, SealState
from certsvc.store.engine import Store


def declare(store: Store, *seals: Seal) -> None:
    with store.uow() as tx:
        for seal in seals:
            tx.seals.upsert(seal)


def reserve(store: Store, reservation: SealReservation) -> bool:
    with store.uow() as tx:
        return tx.seals.reserve([reservation], day_start=DAY_START, day_end=DAY_END)


def test_a_seal_comes_back_as_it_was(store: Store) -> None:
    declare(store, make_seal(2, scope_types=()), make_seal(1))
    with store.uow.read() as tx:
        assert tx.seals.by_id("seal_001") == make_seal(1)
        assert list(tx.seals.all()) == [make_seal(1), make_seal(2, scope_types=())]
        assert tx.seals.by_id("seal_x") is None


def test_declaring_a_known_seal_again_updates_it_but_keeps_its_state(store: Store) -> None:
    declare(store, make_seal(1))
    with store.uow() as tx:
        assert tx.seals.set_state("seal_001", source=SealState.ACTIVE, target=SealState.STOPPED)
    declare(store, make_seal(1, daily_budget=5, name="示例新章"))
    with store.uow.read() as tx:
        assert tx.seals.by_id("seal_001") == make_seal(1, daily_budget=5, name="示例新章", state=SealState.STOPPED)


def test_a_seal_moves_only_from_the_state_that_was_named(store: Store) -> None:
    declare(store, make_seal(1))
    with store.uow() as tx:
        assert not tx.seals.set_state("seal_001", source=SealState.STOPPED, target=SealState.CANCELLED)
        assert tx.seals.set_state("seal_001", source=SealState.ACTIVE, target=SealState.STOPPED)
        assert not tx.seals.set_state("seal_001", source=SealState.ACTIVE, target=SealState.STOPPED)
        assert not tx.seals.set_state("seal_x", source=SealState.ACTIVE, target=SealState.STOPPED)


def test_a_thousand_parallel_tries_around_a_budget_of_a_hundred_give_exactly_a_hundred(store: Store) -> None:
    declare(store, make_seal(1, daily_budget=100))
    with ThreadPoolExecutor(32) as pool:
        won = list(pool.map(lambda n: reserve(store, make_reservation(n)), range(1000)))
    assert sum(won) == 100
    with store.uow.read() as tx:
        assert len(tx.seals.unanswered(before=DAY_END, limit=2000)) == 100


def test_the_next_day_has_a_budget_of_its_own(store: Store) -> None:
    declare(store, make_seal(1, daily_budget=1))
    assert reserve(store, make_reservation(1))
    assert not reserve(store, make_reservation(2))
    tomorrow = make_reservation(3, reserved_at=DAY_END)
    with store.uow() as tx:
        assert tx.seals.reserve([tomorrow], day_start=DAY_END, day_end=DAY_END + timedelta(days=1))


def test_a_rolled_back_reservation_gives_its_use_back(store: Store) -> None:
    declare(store, make_seal(1, daily_budget=1))

    def reserve_and_fail() -> None:
        with store.uow() as tx:
            assert tx.seals.reserve([make_reservation(1)], day_start=DAY_START, day_end=DAY_END)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reserve_and_fail()
    assert reserve(store, make_reservation(2))


@pytest.mark.parametrize("state", [state for state in SealState if state is not SealState.ACTIVE])
def test_a_seal_that_is_not_active_reserves_nothing(store: Store, state: SealState) -> None:
    declare(store, make_seal(1, state=state))
    assert not reserve(store, make_reservation(1))


def test_a_seal_reserves_only_within_its_period_and_with_a_budget(store: Store) -> None:
    declare(
        store,
        make_seal(1, valid_from=T0 + timedelta(hours=1)),
        make_seal(2, valid_until=T0),
        make_seal(3, daily_budget=0),
        make_seal(4, valid_from=T0 + timedelta(milliseconds=1), valid_until=T0 + timedelta(milliseconds=2)),
        make_seal(6, valid_until=T0 + timedelta(milliseconds=1)),
    )
    took = [reserve(store, make_reservation(1, seal_id=f"seal_00{n}")) for n in (1, 2, 3, 4, 5, 6)]
    assert took == [False, False, False, True, False, False]


def test_a_reservation_outside_its_day_is_our_own_mistake(store: Store) -> None:
    declare(store, make_seal(1))
    with pytest.raises(RuntimeError):
        reserve(store, make_reservation(1, reserved_at=DAY_END))


def test_the_same_reservation_is_not_stored_twice(store: Store) -> None:
    declare(store, make_seal(1))
    assert reserve(store, make_reservation(1))
    with pytest.raises(IntegrityError):
        reserve(store, make_reservation(1))


def test_a_reservation_is_answered_once(store: Store) -> None:
    declare(store, make_seal(1))
    assert reserve(store, make_reservation(1))
    with store.uow() as tx:
        assert tx.seals.answer([("res_000001", ReservationResult.USED, "ab")], now=T0)
        assert not tx.seals.answer([("res_000001", ReservationResult.FAILED, "")], now=T0)
        assert not tx.seals.answer([("res_x", ReservationResult.USED, "")], now=T0)
        assert list(tx.seals.unanswered(before=DAY_END, limit=9)) == []
        with pytest.raises(RuntimeError):
            tx.seals.answer([("res_000001", ReservationResult.OPEN, "")], now=T0)


def test_unanswered_reservations_are_listed_oldest_first(store: Store) -> None:
    declare(store, make_seal(1))
    for n in (3, 1, 2):
        assert reserve(store, make_reservation(n))
    with store.uow.read() as tx:
        before = make_reservation(3).reserved_at
        assert list(tx.seals.unanswered(before=before, limit=9)) == [make_reservation(1), make_reservation(2)]
        assert list(tx.seals.unanswered(before=DAY_END, limit=1)) == [make_reservation(1)]


def test_abandoned_reservations_are_unknown_and_stay_counted_and_listed(store: Store) -> None:
    declare(store, make_seal(1, daily_budget=3))
    for n in (1, 2):
        assert reserve(store, make_reservation(n, purpose="issue:req_1"))
    assert reserve(store, make_reservation(3, purpose="issue:req_2"))
    unknown = make_reservation(2, purpose="issue:req_1", result=ReservationResult.UNKNOWN, answered_at=T0)
    with store.uow() as tx:
        assert tx.seals.answer([("res_000001", ReservationResult.USED, "ab")], now=T0)
        assert list(tx.seals.abandon(["issue:req_1"], now=T0)) == [unknown]
        assert list(tx.seals.abandon(["issue:req_1"], now=T0)) == []
        still_open = make_reservation(3, purpose="issue:req_2")
        assert list(tx.seals.unanswered(before=DAY_END, limit=9)) == [unknown, still_open]
        assert not tx.seals.answer([("res_000002", ReservationResult.USED, "")], now=T0)
    assert not reserve(store, make_reservation(4)), "an abandoned use may have signed: it stays counted"


def test_a_stop_waits_for_a_running_reservation_and_no_later_one_passes(store: Store) -> None:
    declare(store, make_seal(1, daily_budget=1000))

    def stop() -> bool:
        with store.uow() as tx:
            return tx.seals.set_state("seal_001", source=SealState.ACTIVE, target=SealState.STOPPED)

    with ThreadPoolExecutor(9) as pool:
        tries = [pool.submit(reserve, store, make_reservation(n)) for n in range(100)]
        assert pool.submit(stop).result()
        assert not reserve(store, make_reservation(500))
        before = sum(attempt.result() for attempt in tries)
    with store.uow.read() as tx:
        assert len(tx.seals.unanswered(before=DAY_END, limit=2000)) == before
