"""Sending on a clock of the test's own: schedule, rests, ends, order, on both databases."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import func, select
from store_records import T0, make_client, make_event
from webhook_receivers import Got, Scripted, sender_deps
from webhook_records import WHSEC, make_subscription, queued, sequenced, subscribe

from certsvc.clock import FixedClock
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.webhook_ports import Reply
from certsvc.commands.webhooks.ends import KEPT_FOR, sweep_webhooks
from certsvc.commands.webhooks.replay import Wish, replay
from certsvc.commands.webhooks.subscribe import Change, change_webhook
from certsvc.delivery.consumers import webhooks as consumer
from certsvc.delivery.relay import deliver
from certsvc.delivery.webhooks import LEASE_S, send_due, take_turn
from certsvc.errors import Conflict, Unavailable
from certsvc.events.addressing import is_addressed
from certsvc.events.envelope import PREFIX
from certsvc.events.webhooks import (
    FAILING_FOR,
    JITTER,
    NAMES,
    PAUSED_FOR,
    REST_AFTER,
    SCHEDULE,
    DeliveryState,
    Subscription,
    SubscriptionState,
)
from certsvc.store.engine import Store
from certsvc.store.tables_webhooks import webhook_deliveries

ONE = "whk_000001"
OWNER = Principal(subject="client_1", kind="system", roles=frozenset({"events"}))


def ok(_: Got) -> Reply:
    return Reply(status=200)


def status(number: int, wait: timedelta | None = None) -> Callable[[Got], Reply]:
    return lambda _: Reply(status=number, retry_after=wait)


class Room:
    """A store, a clock, receivers, and a client that may have events."""

    def __init__(self, store: Store, answer: Callable[[Got], Reply]) -> None:
        self.store = store
        self.clock = FixedClock(T0)
        self.receivers = Scripted(answer)
        self.deps: Deps = sender_deps(store, self.clock, self.receivers)
        with store.uow() as tx:
            for n in (1, 2, 3):
                tx.access.upsert_client(make_client(n, roles=frozenset({"events"})))

    def subscription(self, subscription_id: str = ONE) -> Subscription:
        with self.store.uow.read() as tx:
            found = tx.webhooks.by_id(subscription_id)
        assert found is not None
        return found

    def states(self, subscription_id: str = ONE) -> list[str]:
        with self.store.uow.read() as tx:
            found = tx.deliveries.log(subscription_id, state=None, before=0, limit=1000)
        return [one.state.value for one in reversed(found)]

    def next_try(self) -> timedelta | None:
        """How far away the next try of anything is; None when nothing waits."""
        ready_at = webhook_deliveries.c.ready_at
        with self.store._engines[-1].connect() as connection:
            first = connection.scalar(select(func.min(ready_at)).where(webhook_deliveries.c.state == "waiting"))
        return None if first is None else first - self.clock.now()

    def sent(self) -> list[int]:
        return [int(got.event["position"]) for got in self.receivers.got]

    def fan_out(self) -> None:
        """Let the consumer queue what is in the feed."""
        with self.store.uow() as tx:
            tx.outbox.sequence(limit=1000)
        with self.store.uow.read() as tx:
            events = tx.outbox.after(tx.outbox.cursor(consumer.NAME), limit=1000)
        deliver(self.deps, consumer.NAME, consumer.handle, events)


@pytest.fixture
def room(store: Store) -> Room:
    return Room(store, ok)


@pytest.fixture
def small_room(sqlite_store: Store) -> Room:
    """The same on SQLite only, where the database makes no difference."""
    return Room(sqlite_store, ok)


def test_tries_follow_the_published_schedule_for_more_than_72_hours_and_then_it_failed(room: Room) -> None:
    subscribe(room.store, 1)
    queued(room.store, "a", 1)
    room.receivers.answer = status(500)
    for _ in SCHEDULE:
        room.clock.advance(room.next_try() or timedelta(0))
        assert send_due(room.deps) == 1
        assert send_due(room.deps) == 0
    times = [at - T0 for at in room.receivers.times]
    assert len(times) == len(SCHEDULE)
    for (before, after), pause in zip(pairwise(times), SCHEDULE[1:], strict=True):
        assert pause <= after - before <= pause * (1 + JITTER)
    assert times[-1] >= timedelta(hours=72)
    assert len({got.headers["webhook-id"] for got in room.receivers.got}) == 1
    assert len({got.body for got in room.receivers.got}) == 1
    stamps = [int(got.headers["webhook-timestamp"]) for got in room.receivers.got]
    assert stamps == [int(at.timestamp()) for at in room.receivers.times], "each try is signed with its own time"
    assert room.states() == ["failed"]
    assert room.subscription().state is SubscriptionState.ACTIVE
    assert (room.subscription().failures, room.subscription().failing_since) == (10, T0)


def test_what_failed_for_good_is_there_and_is_replayed(small_room: Room) -> None:
    room = small_room
    subscribe(room.store, 1)
    queued(room.store, "acb", 1)
    room.receivers.answer = lambda got: Reply(status=200 if got.event["subject"] == "b" else 400)
    for _ in range(30):
        room.clock.advance(max(room.next_try() or timedelta(0), timedelta(minutes=6)))
        send_due(room.deps)
    assert room.states() == ["failed", "failed", "delivered"]
    room.receivers.answer, room.receivers.got[:] = ok, []
    assert replay(room.deps, OWNER, ONE, Wish(failed=True)).count == 2
    send_due(room.deps)
    assert (room.sent(), room.states()) == ([1, 2], ["delivered"] * 3)


@pytest.mark.parametrize(
    ("raised", "fault"),
    [(TimeoutError("late"), "timeout"), (OSError("reset"), "no_answer"), (Unavailable("内部地址"), "address_refused")],
    ids=["timeout", "no_answer", "address_refused"],
)
def test_whatever_happens_on_the_way_is_a_fault_in_one_word(small_room: Room, raised: Exception, fault: str) -> None:
    def fail(_: Got) -> Reply:
        raise raised

    subscribe(small_room.store, 1)
    queued(small_room.store, "a", 1)
    small_room.receivers.answer = fail
    assert send_due(small_room.deps) == 1
    with small_room.store.uow.read() as tx:
        [found] = tx.deliveries.log(ONE, state=None, before=0, limit=9)
    assert [(tried.status, tried.fault.value) for tried in found.tries] == [(0, fault)]
    assert found.state is DeliveryState.WAITING


@pytest.mark.parametrize(
    ("number", "taken", "fault"),
    [
        (200, True, ""),
        (204, True, ""),
        (299, True, ""),
        (302, False, "redirect"),
        (304, False, "redirect"),
        (404, False, "status"),
        (500, False, "status"),
        (101, False, "status"),
    ],
)
def test_only_2xx_is_success(small_room: Room, number: int, taken: bool, fault: str) -> None:
    subscribe(small_room.store, 1)
    queued(small_room.store, "a", 1)
    small_room.receivers.answer = status(number)
    send_due(small_room.deps)
    with small_room.store.uow.read() as tx:
        [found] = tx.deliveries.log(ONE, state=None, before=0, limit=9)
    assert (found.state is DeliveryState.DELIVERED) is taken
    assert (found.tries[0].status, found.tries[0].fault.value) == (number, fault)


@pytest.mark.parametrize("number", [429, 503])
def test_retry_after_is_honoured_for_the_whole_receiver(small_room: Room, number: int) -> None:
    room = small_room
    subscribe(room.store, 1)
    queued(room.store, "ab", 1)
    room.receivers.answer = status(number, timedelta(minutes=50))
    send_due(room.deps)
    assert room.sent() == [1], "nothing else is sent to a receiver that asked us to stay away"
    room.receivers.answer = ok
    room.clock.advance(timedelta(minutes=49, seconds=59))
    assert send_due(room.deps) == 0
    room.clock.advance(timedelta(seconds=1))
    assert send_due(room.deps) == 2
    assert sorted(room.sent()) == [1, 1, 2]


def test_retry_after_never_shortens_the_schedule_and_means_nothing_with_other_statuses(small_room: Room) -> None:
    room = small_room
    subscribe(room.store, 1)
    queued(room.store, "a", 1)
    room.receivers.answer = status(503, timedelta(seconds=1))
    send_due(room.deps)
    assert (room.next_try() or timedelta(0)) >= SCHEDULE[1]
    room.clock.advance(timedelta(seconds=6))
    room.receivers.answer = status(500, timedelta(hours=20))
    assert send_due(room.deps) == 1
    assert (room.next_try() or timedelta(0)) <= SCHEDULE[2] * (1 + JITTER)


def test_410_disables_with_an_event_and_evidence_and_keeps_what_waits(room: Room) -> None:
    subscribe(room.store, 1, 2)
    subscribe(room.store, 3, client_id="client_2")
    sequenced(room.store, "ab")
    room.fan_out()
    room.receivers.answer = lambda got: Reply(status=410 if got.path.endswith("-1.example/hook") else 200)
    send_due(room.deps)
    ended = room.subscription()
    assert (ended.state, ended.reason, ended.missed_after) == (SubscriptionState.DISABLED, "gone", 2)
    assert room.states() == ["waiting", "waiting"]
    room.fan_out()
    send_due(room.deps)
    told = [got for got in room.receivers.got if got.event["type"] == PREFIX + "webhook.disabled.v1"]
    assert [got.path for got in told] == ["https://receiver-2.example/hook"], "the owner's other one, and nobody else's"
    assert told[0].event["data"] == {"subscription_id": ONE, "reason": "gone", "missed_after": 2}
    with room.store.uow() as tx:
        tx.outbox.sequence(limit=100)
    with room.store.uow.read() as tx:
        kinds = [row.kind for row in tx.outbox.evidence_after(0, limit=100)]
    assert kinds == ["webhook.disabled"]


def test_activating_sends_what_waited_and_says_what_was_missed(room: Room) -> None:
    subscribe(room.store, 1)
    sequenced(room.store, "a")
    room.fan_out()
    room.receivers.answer = status(410)
    send_due(room.deps)
    sequenced(room.store, "bc", first=2)
    room.fan_out()
    assert room.states() == ["waiting"], "nothing is queued for a disabled one"
    with pytest.raises(Conflict):
        replay(room.deps, OWNER, ONE, Wish(after=0))
    room.receivers.answer, room.receivers.got[:] = ok, []
    again = change_webhook(room.deps, OWNER, ONE, Change(state=SubscriptionState.ACTIVE))
    # Position 2 is the event that says it was disabled: it was in the feed before b and c.
    assert (again.missed_after, again.missed_until, again.failures) == (1, 4, 0)
    send_due(room.deps)
    assert room.sent() == [1]
    wish = Wish(after=again.missed_after or 0, until=again.missed_until)
    assert replay(room.deps, OWNER, ONE, wish).count == 3
    send_due(room.deps)
    assert sorted(room.sent()) == [1, 2, 3, 4], "of different subjects, so in any order"
    sequenced(room.store, "d", first=5)
    room.fan_out()
    send_due(room.deps)
    assert room.sent()[-1] == 5


def test_a_receiver_that_only_fails_for_days_is_disabled_and_one_success_begins_the_days_anew(small_room: Room) -> None:
    room = small_room
    subscribe(room.store, 1)
    room.receivers.answer = status(500)
    for day in range(4):
        queued(room.store, "abcdefgh"[day], 1, first=day + 1)
        send_due(room.deps)
        room.clock.advance(timedelta(days=1))
    room.receivers.answer = ok
    send_due(room.deps)
    assert (room.subscription().failures, room.subscription().failing_since) == (0, None)
    room.receivers.answer = status(500)
    began = room.clock.now()
    for day in range(7):
        queued(room.store, "hijklmno"[day], 1, first=day + 5)
        send_due(room.deps)
        if room.subscription().state is SubscriptionState.DISABLED:
            break
        room.clock.advance(timedelta(days=1))
    assert room.subscription().reason == "failing"
    assert room.clock.now() - began == FAILING_FOR


def test_a_failing_event_holds_up_its_subject_and_nothing_else(room: Room) -> None:
    subscribe(room.store, 1)
    queued(room.store, "abaca", 1)
    room.receivers.answer = lambda got: Reply(status=500 if got.event["subject"] == "a" else 200)
    for _ in range(3):
        send_due(room.deps)
    assert sorted(room.sent()) == [1, 2, 4]
    room.receivers.answer, room.receivers.got[:] = ok, []
    room.clock.advance(timedelta(seconds=6))
    send_due(room.deps)
    assert room.sent() == [1, 3, 5]


def test_a_dead_receiver_with_much_to_get_is_tried_ever_more_rarely(small_room: Room) -> None:
    room = small_room
    subscribe(room.store, 1)
    queued(room.store, "".join(chr(0x4E00 + n) for n in range(300)), 1)
    room.receivers.answer = status(500)
    for _ in range(600):
        send_due(room.deps)
        room.clock.advance(timedelta(seconds=1))
    # Five at once, then after 5, 10, 20, 40, 80, 160 and 300 s.
    assert REST_AFTER + 5 <= len(room.receivers.got) <= REST_AFTER + 8
    assert max(Counter(room.sent()).values()) <= 3, "each goes on its own schedule"
    room.receivers.answer = ok
    room.clock.advance(timedelta(minutes=5))
    send_due(room.deps)
    assert room.states() == ["delivered"] * 300


def test_paused_ones_are_queued_and_not_sent_and_too_long_a_pause_disables(small_room: Room) -> None:
    room = small_room
    subscribe(room.store, 1)
    paused = change_webhook(room.deps, OWNER, ONE, Change(state=SubscriptionState.PAUSED, reason="维护"))
    assert (paused.state, paused.reason) == (SubscriptionState.PAUSED, "维护")
    sequenced(room.store, "ab")
    room.fan_out()
    assert (send_due(room.deps), room.states()) == (0, ["waiting", "waiting"])
    change_webhook(room.deps, OWNER, ONE, Change(state=SubscriptionState.ACTIVE))
    assert send_due(room.deps) == 2
    change_webhook(room.deps, OWNER, ONE, Change(state=SubscriptionState.PAUSED))
    room.clock.advance(PAUSED_FOR)
    sweep_webhooks(room.deps)
    assert room.subscription().state is SubscriptionState.PAUSED
    room.clock.advance(timedelta(seconds=1))
    sweep_webhooks(room.deps)
    assert room.subscription().reason == "paused_too_long"


@pytest.mark.parametrize("change", [{"active": False}, {"roles": frozenset({"using"})}], ids=["inactive", "no role"])
def test_a_client_that_lost_its_access_is_sent_nothing_more(room: Room, change: dict[str, object]) -> None:
    subscribe(room.store, 1)
    queued(room.store, "a", 1)
    with room.store.uow() as tx:
        tx.access.upsert_client(make_client(1, **{"roles": frozenset({"events"}), **change}))
    assert send_due(room.deps) == 0
    assert (room.sent(), room.subscription().reason) == ([], "access_ended")


def test_old_confirmed_deliveries_and_deleted_subscriptions_are_swept_and_nothing_else(small_room: Room) -> None:
    room = small_room
    subscribe(room.store, 1, 2)
    queued(room.store, "ab", 1, 2)
    room.receivers.answer = lambda got: Reply(status=200 if got.event["subject"] == "a" else 500)
    send_due(room.deps)
    with room.store.uow() as tx:
        tx.webhooks.update(make_subscription(2, state=SubscriptionState.DELETED))
    assert sweep_webhooks(room.deps) == 2
    with room.store.uow.read() as tx:
        assert tx.webhooks.deleted(limit=9) == []
    room.clock.advance(KEPT_FOR + timedelta(seconds=1))
    assert sweep_webhooks(room.deps) == 1
    assert room.states() == ["waiting"]
    assert replay(room.deps, OWNER, ONE, Wish(after=0)).count == 2, "what was swept is in the feed still"
    assert room.states() == ["waiting", "waiting"]


def test_a_sender_that_slept_through_its_lease_changes_nothing(room: Room) -> None:
    subscribe(room.store, 1)
    queued(room.store, "ab", 1)
    others: list[int] = []

    def sleep_then(got: Got) -> Reply:
        room.receivers.answer = ok
        room.clock.advance(timedelta(seconds=LEASE_S + 1))
        others.append(send_due(room.deps))
        return Reply(status=500)

    room.receivers.answer = sleep_then
    turn = take_turn(room.deps)
    assert turn is not None
    turn.serve(threading.Event())
    assert others == [2]
    assert room.states() == ["delivered", "delivered"], "the failure of the one that slept is not recorded"
    assert room.subscription().failures == 0


def test_a_replay_in_pieces_goes_on_where_it_stopped(small_room: Room) -> None:
    room = small_room
    subscribe(room.store, 1, types=("license.*",))
    with room.store.uow() as tx:
        for n in range(1, 1201):
            kind = "license.issued.v1" if n % 3 else "seal.made.v1"
            tx.outbox.add(make_event(n, type=PREFIX + kind, subject=str(n), time=T0 + timedelta(minutes=n)))
    while True:
        with room.store.uow() as tx:
            if not tx.outbox.sequence(limit=500):
                break
    pieces, after = [], 0
    while True:
        done = replay(room.deps, OWNER, ONE, Wish(after=after), most=500)
        pieces.append((done.count, done.next))
        if done.next is None:
            break
        after = done.next
    assert pieces == [(334, 500), (333, 1000), (133, None)]
    since = replay(room.deps, OWNER, ONE, Wish(since=T0 + timedelta(minutes=1000)))
    assert (since.count, since.next) == (134, None), "exactly those of that time and later"
    assert replay(room.deps, OWNER, ONE, Wish(after=10, until=19)).count == 6
    assert len(room.states()) == 800


class Ledger:
    """A consumer that keys on the event id, behind a receiver of which a share of the answers is a failure.

    Half of the failures come after the effect, as with an answer that was lost: then the event comes twice.
    """

    def __init__(self, seed: int, share: float) -> None:
        self.random = Random(seed)
        self.share = share
        self.lock = threading.Lock()
        self.effects: Counter[str] = Counter()
        self.order: defaultdict[str, list[int]] = defaultdict(list)
        self.requests = self.doubles = self.refused = 0

    def __call__(self, got: Got) -> Reply:
        with self.lock:
            self.requests += 1
            self.refused += not got.is_signed(WHSEC)
            event = got.event
            draw = self.random.random()
            if draw < self.share / 2:
                return Reply(status=500)
            if event["id"] in self.effects:
                self.doubles += 1
            else:
                self.effects[event["id"]] += 1
                self.order[event["subject"]].append(int(event["position"]))
            if draw < self.share:
                raise TimeoutError
            return Reply(status=200)


RECEIVERS, FAILING = 10, 3
"""Three receivers in ten fail, half of the time."""


def run_many(store: Store, count: int, seed: int) -> None:
    """Each event is wanted by one receiver; the queue gets one in twenty twice, and one in ten out of its order."""
    room, random = Room(store, ok), Random(seed)
    # What is for one reader only is queued for that reader only, and replayed so.
    names = [name for name in sorted(NAMES) if not is_addressed(make_event(1, type=PREFIX + name))][:RECEIVERS]
    ids = [f"whk_{n:06d}" for n in range(1, RECEIVERS + 1)]
    ledgers = [Ledger(seed + n, 0.5 if n < FAILING else 0.0) for n in range(RECEIVERS)]
    for n, name in enumerate(names, start=1):
        subscribe(store, n, types=(name,))
    room.receivers.answer = lambda got: ledgers[int(got.path.split("-")[1].split(".")[0]) - 1](got)
    for first in range(1, count + 1, 500):
        with store.uow() as tx:
            for n in range(first, min(first + 500, count + 1)):
                subject = f"license-{random.randrange(count // 8)}"
                tx.outbox.add(make_event(n, type=PREFIX + names[n % RECEIVERS], subject=subject))
        with store.uow() as tx:
            tx.outbox.sequence(limit=500)
        with store.uow.read() as tx:
            page = list(tx.outbox.after(first - 1, limit=500))
        late = sorted(page, key=lambda event: event.position + (random.random() < 0.1) * random.randrange(20))
        with store.uow() as tx:
            for event in [*late, *random.sample(page, len(page) // 20)]:
                to = ids[names.index(event.type.removeprefix(PREFIX))]
                tx.deliveries.queue([to], event, now=room.clock.now())
    for _ in range(1000):
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _: send_due(room.deps), range(3)))
        pause = room.next_try()
        # What used up its schedule is replayed, as its owner would do: one in a thousand of those that fail.
        if pause is None and not sum(replay(room.deps, OWNER, one, Wish(failed=True)).count for one in ids):
            break
        room.clock.advance(max(pause or timedelta(0), timedelta(minutes=5)))
    for n, ledger in enumerate(ledgers):
        assert sorted(ledger.effects.values()) == [1] * (count // RECEIVERS), "none lost, none done twice"
        assert sum(len(places) for places in ledger.order.values()) == count // RECEIVERS
        assert [places for places in ledger.order.values() if places != sorted(places)] == [], "order per subject"
        assert ledger.refused == 0
        assert (ledger.doubles > 0) == (n < FAILING)
        assert (ledger.requests > count // RECEIVERS) == (n < FAILING)
    with store.uow.read() as tx:
        assert tx.deliveries.counts(ids) == {}


def test_many_events_three_in_ten_receivers_failing_none_lost_none_doubled(sqlite_store: Store) -> None:
    run_many(sqlite_store, 2_000, seed=20261127)


def test_the_same_on_postgresql(postgres_store: Store) -> None:
    run_many(postgres_store, 300, seed=20261127)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_events_none_lost_none_doubled(store: Store) -> None:
    run_many(store, 100_000, seed=20261127)
