"""Subscriptions are served by one process at a time, and their deliveries in order per subject, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from store_records import T0, make_event
from webhook_records import SUBSCRIBED, WHSEC, make_subscription, queued, subscribe

from certsvc.events.envelope import PREFIX
from certsvc.events.webhooks import (
    Claim,
    Delivery,
    DeliveryState,
    Fault,
    Health,
    Secret,
    SubscriptionState,
    Try,
)
from certsvc.store.engine import Store
from certsvc.store.feed import DISORDER

ONE = "whk_000001"
SOON = T0 + timedelta(seconds=60)
WELL = Health(failures=0, failing_since=None, last_success_at=SOON)
OK = Try(at=SOON, status=204, fault=Fault.NONE, duration_ms=12)
BAD = Try(at=SOON, status=500, fault=Fault.STATUS, duration_ms=3)


def claim(store: Store, name: str = "t1", *, healthy: bool = False, at: int = 60) -> Claim | None:
    with store.uow() as tx:
        return tx.webhooks.claim(token=name, now=T0 + timedelta(seconds=at), lease_s=30, healthy=healthy)


def must_claim(store: Store, name: str = "t1", *, at: int = 60) -> Claim:
    found = claim(store, name, at=at)
    assert found is not None
    return found


def heads(store: Store, subscription_id: str = ONE, *, at: int = 60) -> list[Delivery]:
    with store.uow() as tx:
        found = tx.deliveries.heads(subscription_id, now=T0 + timedelta(seconds=at), limit=100)
    for delivery, event in found:
        assert (delivery.event_id, delivery.position, delivery.subject) == (
            event.event_id,
            event.position,
            event.subject,
        )
    return [delivery for delivery, _ in found]


def places(deliveries: list[Delivery]) -> list[int]:
    return [delivery.position for delivery in deliveries]


def log(store: Store, subscription_id: str = ONE, state: DeliveryState | None = None) -> list[Delivery]:
    with store.uow.read() as tx:
        return list(tx.deliveries.log(subscription_id, state=state, before=0, limit=100))


def test_a_subscription_comes_back_as_it_was_and_its_secrets_with_their_ends(store: Store) -> None:
    made = make_subscription(1, types=("license.*", "seal.made.v1"), missed_after=4, failures=3, failing_since=SOON)
    secrets = [Secret(text=WHSEC), Secret(text=WHSEC + "old", until=SOON)]
    with store.uow() as tx:
        tx.webhooks.insert(made, secrets)
    with store.uow.read() as tx:
        assert tx.webhooks.by_id(ONE) == made
        assert list(tx.webhooks.secrets(ONE)) == secrets
        assert tx.webhooks.secrets("whk_none") == ()
    changed = replace(made, url="https://x.example/", types=("*",), state=SubscriptionState.DISABLED, reason="gone")
    changed = replace(changed, missed_after=9, missed_until=None, failures=0, failing_since=None, changed_at=SOON)
    with store.uow() as tx:
        assert tx.webhooks.hold(ONE) == made
        tx.webhooks.update(changed)
        tx.webhooks.set_secrets(ONE, secrets[:1])
    with store.uow.read() as tx:
        assert tx.webhooks.by_id(ONE) == changed
        assert list(tx.webhooks.secrets(ONE)) == secrets[:1]


def test_a_client_finds_its_own_and_a_deleted_one_is_found_by_the_sweep_alone(store: Store) -> None:
    subscribe(store, 1, 2, 3)
    subscribe(store, 4, client_id="client_2")
    subscribe(store, 5, state=SubscriptionState.DELETED)
    subscribe(store, 6, state=SubscriptionState.PAUSED)
    subscribe(store, 7, state=SubscriptionState.DISABLED)
    with store.uow.read() as tx:
        own = [one.subscription_id for one in tx.webhooks.page("client_1", behind="whk_000001", limit=3)]
        assert own == ["whk_000002", "whk_000003", "whk_000006"]
        assert len(tx.webhooks.page("", behind="", limit=100)) == 6
        assert (tx.webhooks.count("client_1"), tx.webhooks.count("client_2"), tx.webhooks.count("x")) == (5, 1, 0)
        assert tx.webhooks.by_id("whk_000005") is None
        assert tx.webhooks.deleted(limit=9) == ["whk_000005"]
        assert [one.subscription_id[-1] for one in tx.webhooks.wanting(make_event(1).type)] == list("12346")
        found = tx.webhooks.paused_since_before(SUBSCRIBED + timedelta(seconds=7), limit=9)
        assert [one.subscription_id for one in found] == ["whk_000006"]
        assert tx.webhooks.paused_since_before(SUBSCRIBED + timedelta(seconds=6), limit=9) == []


def test_the_database_finds_who_wants_a_type_and_takes_no_name_within_another(store: Store) -> None:
    asked = {
        1: ("*",),
        2: ("license.*",),
        3: ("seal.use_decided.v1",),
        4: ("seal.*", "license.issued.v1"),
        5: ("seal.usexdecided.v1", "al.*", "license.issued.v11"),
    }
    for n, types in asked.items():
        subscribe(store, n, types=types)
    with store.uow.read() as tx:

        def who(name: str) -> str:
            return "".join(one.subscription_id[-1] for one in tx.webhooks.wanting(PREFIX + name))

        assert who("license.issued.v1") == "124"
        assert who("license.revoked.v1") == "12"
        assert who("seal.use_decided.v1") == "134"
        assert who("signer.issued.v1") == "1"


def test_one_process_holds_a_subscription_until_it_gives_it_back_or_its_lease_runs_out(store: Store) -> None:
    subscribe(store, 1)
    assert claim(store) is None, "nothing is queued"
    queued(store, "a", 1)
    with ThreadPoolExecutor(8) as pool:
        found = [one for one in pool.map(lambda n: claim(store, f"t{n}"), range(8)) if one is not None]
    assert len(found) == 1
    assert found[0].secrets == (WHSEC,)
    assert claim(store, "late", at=89) is None
    second = must_claim(store, "late", at=90)
    [first] = heads(store, at=90)
    with store.uow() as tx:
        assert not tx.webhooks.release(found[0], health=WELL, not_before=SOON)
        assert not tx.deliveries.confirm(found[0], first, OK), "its lease was lost"
    with store.uow() as tx:
        assert tx.webhooks.release(second, health=WELL, not_before=T0 + timedelta(seconds=95))
    assert claim(store, at=94) is None, "it rests"
    assert claim(store, at=95) is not None


def test_a_secret_that_has_ended_signs_no_more(store: Store) -> None:
    with store.uow() as tx:
        secrets = [Secret(text="new"), Secret(text="old", until=T0 + timedelta(seconds=100))]
        tx.webhooks.insert(make_subscription(1), secrets)
    queued(store, "a", 1)
    assert must_claim(store, at=99).secrets == ("new", "old")
    assert must_claim(store, at=200).secrets == ("new",)


def test_subscriptions_take_turns_and_those_that_failed_can_be_passed_over(store: Store) -> None:
    subscribe(store, 1, 2, 3)
    subscribe(store, 4, state=SubscriptionState.PAUSED)
    queued(store, "ab", 1, 2, 3, 4)
    order = []
    for n in range(6):
        held = must_claim(store, f"t{n}", at=60 + n)
        order.append(held.subscription.subscription_id[-1])
        with store.uow() as tx:
            bad = order[-1] == "2"
            health = Health(failures=int(bad), failing_since=SOON if bad else None, last_success_at=None)
            assert tx.webhooks.release(held, health=health, not_before=T0 + timedelta(seconds=60 + n))
    assert order == list("123123")
    with store.uow.read() as tx:
        second = tx.webhooks.by_id("whk_000002")
        assert second is not None
        assert (second.failures, second.failing_since) == (1, SOON)
    healthy = [claim(store, f"g{n}", healthy=True, at=70) for n in range(3)]
    assert [one.subscription.subscription_id[-1] for one in healthy if one] == ["1", "3"]
    with store.uow.read() as tx:
        assert tx.webhooks.is_due(now=T0 + timedelta(seconds=70), healthy=False)
        assert not tx.webhooks.is_due(now=T0 + timedelta(seconds=70), healthy=True)


def test_a_rest_can_be_ended_and_a_lease_cannot(store: Store) -> None:
    subscribe(store, 1)
    queued(store, "a", 1)
    held = must_claim(store)
    with store.uow() as tx:
        tx.webhooks.wake(ONE, now=SOON)
    assert claim(store) is None
    with store.uow() as tx:
        tx.webhooks.release(held, health=WELL, not_before=T0 + timedelta(days=1))
    assert claim(store) is None
    with store.uow() as tx:
        tx.webhooks.wake(ONE, now=SOON)
    assert claim(store) is not None


def test_what_waits_goes_out_in_order_and_behind_what_waits_of_its_subject(store: Store) -> None:
    subscribe(store, 1, 2)
    queued(store, "abacab", 1)
    assert places(heads(store)) == [1, 2, 4]
    assert heads(store, "whk_000002") == []
    held = must_claim(store)
    first, second, third = heads(store)
    with store.uow() as tx:
        assert tx.deliveries.confirm(held, first, OK)
        assert tx.deliveries.put_off(held, second, BAD, ready_at=SOON + timedelta(minutes=5))
        assert tx.deliveries.fail(held, third, BAD)
        assert not tx.deliveries.confirm(held, first, OK), "it is confirmed already"
    assert places(heads(store)) == [3], "b waits and its next one behind it; a and c go on"
    assert places(heads(store, at=360)) == [2, 3]
    shown = {one.position: (one.state.value, one.attempts, [tried.status for tried in one.tries]) for one in log(store)}
    assert shown == {
        1: ("delivered", 1, [204]),
        2: ("waiting", 1, [500]),
        3: ("waiting", 0, []),
        4: ("failed", 1, [500]),
        5: ("waiting", 0, []),
        6: ("waiting", 0, []),
    }
    assert places(log(store)) == [6, 5, 4, 3, 2, 1]
    assert places(log(store, state=DeliveryState.FAILED)) == [4]
    with store.uow.read() as tx:
        assert tx.deliveries.counts([ONE, "whk_000002"]) == {ONE: (4, 1)}
        page = tx.deliveries.log(ONE, state=DeliveryState.WAITING, before=5, limit=1)
        assert [one.position for one in page] == [3]
        assert [event.position for event in tx.deliveries.failed(ONE, behind=0, limit=9)] == [4]
        assert tx.deliveries.failed(ONE, behind=4, limit=9) == []


def test_events_behind_one_that_is_tried_later_are_not_looked_at_before_that_one_is(store: Store) -> None:
    subscribe(store, 1)
    queued(store, "aaa", 1)
    held = must_claim(store)
    first = heads(store)[0]
    with store.uow() as tx:
        tx.deliveries.put_off(held, first, BAD, ready_at=SOON + timedelta(minutes=5))
        tx.webhooks.release(held, health=WELL, not_before=SOON)
    held = must_claim(store)
    assert heads(store) == []
    with store.uow() as tx:
        tx.webhooks.release(held, health=WELL, not_before=SOON)
    assert claim(store) is None
    assert claim(store, at=359) is None
    assert claim(store, at=360) is not None
    assert places(heads(store, at=360)) == [1]


def test_an_event_is_queued_once_and_a_replay_begins_anew_what_does_not_wait(store: Store) -> None:
    subscribe(store, 1)
    events = queued(store, "abc", 1)
    with store.uow() as tx:
        tx.deliveries.queue([ONE], events[0], now=SOON)
    held = must_claim(store)
    first, second, third = heads(store)
    with store.uow() as tx:
        tx.deliveries.confirm(held, first, OK)
        tx.deliveries.fail(held, second, BAD)
        tx.deliveries.put_off(held, third, BAD, ready_at=SOON + timedelta(minutes=5))
        tx.deliveries.queue([ONE], events[0], now=SOON)
    assert [one.state.value for one in log(store)] == ["waiting", "failed", "delivered"]
    with store.uow() as tx:
        tx.deliveries.requeue(ONE, events, now=SOON)
        tx.deliveries.requeue(ONE, [], now=SOON)
    found = log(store)
    assert [(one.state.value, one.attempts, one.replays) for one in found] == [
        ("waiting", 1, 0),
        ("waiting", 0, 1),
        ("waiting", 0, 1),
    ]
    assert [one.ended_at for one in found] == [None] * 3
    assert [len(one.tries) for one in found] == [1, 1, 1], "what was tried stays in the log"
    assert places(heads(store)) == [1, 2]
    with store.uow() as tx:
        tx.deliveries.restart(ONE, now=SOON)
    assert places(heads(store)) == [1, 2, 3]


def test_a_row_remembers_the_last_tries_only(store: Store) -> None:
    subscribe(store, 1)
    queued(store, "a", 1)
    held = must_claim(store)
    for n in range(25):
        tried = Try(at=SOON, status=500 + n, fault=Fault.STATUS, duration_ms=n)
        [found] = heads(store)
        with store.uow() as tx:
            assert tx.deliveries.put_off(held, found, tried, ready_at=SOON)
    assert [tried.status for tried in log(store)[0].tries] == list(range(505, 525))


def test_only_what_was_confirmed_long_ago_is_swept(store: Store) -> None:
    subscribe(store, 1, 2)
    queued(store, "abcd", 1)
    held = must_claim(store)
    first, second, third, _ = heads(store)
    old = Try(at=T0, status=200, fault=Fault.NONE, duration_ms=1)
    with store.uow() as tx:
        tx.deliveries.confirm(held, first, old)
        tx.deliveries.confirm(held, second, OK)
        tx.deliveries.fail(held, third, replace(old, fault=Fault.STATUS))
    with store.uow() as tx:
        assert tx.deliveries.sweep(before=SOON, limit=10) == 1
        assert tx.deliveries.sweep(before=SOON, limit=10) == 0
    assert places(log(store)) == [4, 3, 2]
    with store.uow() as tx:
        tx.webhooks.update(make_subscription(1, state=SubscriptionState.DELETED))
        assert [tx.deliveries.forget(ONE, limit=2) for _ in range(3)] == [2, 1, 0]
        tx.webhooks.forget(ONE)
        tx.webhooks.forget("whk_000002")
    with store.uow.read() as tx:
        assert tx.webhooks.deleted(limit=9) == []
        assert tx.webhooks.by_id("whk_000002") is not None, "only deleted ones are forgotten"


def test_the_consumer_begins_at_the_end_of_the_feed_and_its_place_can_be_held(store: Store) -> None:
    with store.uow() as tx:
        assert tx.webhooks.hold_queue("webhooks") == 0
        tx.outbox.advance("webhooks", position=7)
    with store.uow() as tx:
        assert tx.webhooks.hold_queue("webhooks") == 7


def test_who_subscribes_while_an_event_is_queued_comes_before_it_or_after_it(postgres_store: Store) -> None:
    """The relay holds the place; a subscription that begins at that moment waits, and begins behind the event."""
    store = postgres_store
    began: list[int] = []

    def begin() -> None:
        with store.uow() as other:
            began.append(other.webhooks.hold_queue("webhooks"))

    with ThreadPoolExecutor(1) as pool:
        with store.uow() as tx:
            tx.webhooks.hold_queue("webhooks")
            running = pool.submit(begin)
            with pytest.raises(TimeoutError):
                running.result(timeout=0.3)
            tx.outbox.advance("webhooks", position=1)
        running.result(timeout=60)
    assert began == [1]


def test_a_moment_is_found_in_the_feed_without_an_index_of_times(store: Store) -> None:
    with store.uow.read() as tx:
        assert (tx.feed.end(), tx.feed.before(T0), tx.feed.at(1)) == (0, 0, None)
    with store.uow() as tx:
        for n in range(1, 101):
            tx.outbox.add(make_event(n, time=T0 + timedelta(hours=n)))
    with store.uow() as tx:
        tx.outbox.sequence(limit=1000)
    with store.uow.read() as tx:
        assert tx.feed.end() == 100
        for hours in (0, 1, 37, 99, 100, 101, 500):
            assert tx.feed.before(T0 + timedelta(hours=hours) + DISORDER) == min(max(hours - 1, 0), 100)
        found = tx.feed.at(37)
        assert found == make_event(37, time=T0 + timedelta(hours=37), position=37)
