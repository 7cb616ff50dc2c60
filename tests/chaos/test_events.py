"""R6: events doubled, out of order, and receivers that fail: none lost, none with two effects, in order per subject.

Each run writes a history of what was written and of what arrived; a checker decides. A failure prints the seed.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from fixtures_city import ServedCity
from store_records import make_event
from test_webhook_sending import ONE, Room
from webhook_receivers import Got
from webhook_records import subscribe

from certsvc.commands.webhook_ports import Reply
from certsvc.delivery.consumers import webhooks as consumer
from certsvc.delivery.relay import deliver
from certsvc.delivery.webhooks import send_due
from certsvc.store.engine import Store

DOUBLED, REORDERED, FAILING = 0.05, 0.10, 0.30
WRITERS, SUBJECTS = 6, 5
MOST_AT_ONCE = 5
LONGEST_OPEN_S, SLOW = 0.01, 0.3
PATIENCE_S = 60.0
"""Without anything new."""


@dataclass
class History:
    """What was written, by subject, and what arrived, in the order in which it did."""

    written: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    arrived: list[tuple[str, str]] = field(default_factory=list)

    def check(self) -> None:
        """Nothing lost, nothing invented, and the first arrivals of each subject in the order of writing."""
        first: dict[str, list[str]] = defaultdict(list)
        seen: set[str] = set()
        for subject, event_id in self.arrived:
            if event_id not in seen:
                seen.add(event_id)
                first[subject].append(event_id)
        assert set(first) == set(self.written)
        for subject, events in self.written.items():
            assert first[subject] == events, f"{subject}: lost, invented or out of order"


def test_the_checker_finds_what_is_lost_doubled_or_out_of_order() -> None:
    good = [("a", "1"), ("b", "2"), ("a", "3"), ("a", "1")]
    for wrong in (good[:1], [*good, ("a", "9")], [good[2], *good[:2]], [*good, ("c", "4")]):
        history = History({"a": ["1", "3"], "b": ["2"]}, list(good))
        history.check()
        with pytest.raises(AssertionError):
            History(history.written, wrong).check()


class Feed:
    """Writers whose transactions end in another order than they began, the sequencer, and a reader page by page."""

    def __init__(self, store: Store, total: int) -> None:
        self.store, self.total = store, total
        self.history = History()
        self.read_all = threading.Event()
        self._numbers, self._guard = iter(range(1, total + 1)), threading.Lock()

    def write(self, writer: int) -> None:
        """Write until everything is written; a subject is of one writer, so its order is known."""
        chance = Random(writer)
        subjects = [f"w{writer}-{n}" for n in range(SUBJECTS)]
        while mine := self._take(chance.randint(1, MOST_AT_ONCE)):
            events = [make_event(n, subject=chance.choice(subjects)) for n in mine]
            with self.store.uow() as tx:
                for event in events:
                    tx.outbox.add(event)
                if chance.random() < SLOW:
                    time.sleep(chance.random() * LONGEST_OPEN_S)  # others that began later commit before
            for event in events:
                self.history.written[event.subject].append(event.event_id)

    def _take(self, most: int) -> list[int]:
        with self._guard:
            return list(itertools.islice(self._numbers, most))

    def number(self) -> None:
        """Give positions until everything was read."""
        while not self.read_all.is_set():
            with self.store.uow() as tx:
                numbered = tx.outbox.sequence(limit=200)
            if not numbered:
                self.read_all.wait(0.002)

    def read(self) -> list[int]:
        """Read to the end; the positions in the order in which they came."""
        positions: list[int] = []
        last = time.monotonic()
        while len(positions) < self.total and time.monotonic() - last < PATIENCE_S:
            with self.store.uow.read() as tx:
                page = tx.outbox.after(positions[-1] if positions else 0, limit=7)
            if not page:
                time.sleep(0.002)
                continue
            last = time.monotonic()
            positions += [event.position for event in page]
            self.history.arrived += [(event.subject, event.event_id) for event in page]
        self.read_all.set()
        return positions


def test_a_reader_misses_nothing_while_transactions_commit_out_of_order(
    store: Store, rounds: Callable[[int, int], int]
) -> None:
    feed = Feed(store, rounds(600, 100_000))
    with ThreadPoolExecutor(WRITERS + 2) as pool:
        reader, sequencer = pool.submit(feed.read), pool.submit(feed.number)
        for writing in [pool.submit(feed.write, writer) for writer in range(WRITERS)]:
            writing.result()
        positions = reader.result()
        sequencer.result()
    assert positions == list(range(1, feed.total + 1)), "every position once, without a gap"
    feed.history.check()


def test_receivers_that_fail_and_a_feed_that_repeats_and_reorders(
    store: Store, rounds: Callable[[int, int], int]
) -> None:
    total, seed = rounds(200, 100_000), 20260615
    chance = Random(seed)
    history, room = History(), Room(store, lambda _: Reply(status=200))
    subscribe(store, 1)

    def answer(got: Got) -> Reply:
        dice = chance.random()
        if dice < FAILING - DOUBLED:
            return Reply(status=chance.choice((500, 502, 503, 429)))
        history.arrived.append((got.event["subject"], got.event["id"]))
        if dice < FAILING:
            raise TimeoutError("taken, but the answer is lost")  # it comes again: doubled
        return Reply(status=204)

    room.receivers.answer = answer
    written = 0
    while written < total:
        some = min(total - written, chance.randint(20, 120))
        events = [make_event(written + n, subject=f"s{chance.randrange(40)}") for n in range(1, some + 1)]
        with store.uow() as tx:
            for event in events:
                tx.outbox.add(event)
                history.written[event.subject].append(event.event_id)
        written += some
        with store.uow() as tx:
            tx.outbox.sequence(limit=1000)
        _fan_out(room, chance)
        for _ in range(4):
            send_due(room.deps)
            room.clock.advance(min(room.next_try() or timedelta(0), timedelta(hours=1)))
    for _ in range(100 + total):
        wait = room.next_try()
        if wait is None:
            break
        room.clock.advance(max(wait, timedelta(seconds=30)))
        send_due(room.deps)
    with store._engines[-1].connect() as connection:
        query = "SELECT state, count(*), count(DISTINCT event_id) FROM webhook_deliveries GROUP BY state"
        states = connection.exec_driver_sql(query).all()
    assert [tuple(row) for row in states] == [("delivered", total, total)], f"seed {seed}: each once, all taken"
    assert len(history.arrived) > total, "some came twice, as they may"
    history.check()
    assert room.subscription(ONE).state.value == "active"


def _fan_out(room: Room, chance: Random) -> None:
    """What is new, handed to the consumer again and again, in parts out of order: the inbox keeps what was there."""
    with room.store.uow.read() as tx:
        place = tx.outbox.cursor(consumer.NAME)
        events = list(tx.outbox.after(place, limit=1000))
    mixed = _mangled(events, chance)
    deliver(room.deps, consumer.NAME, consumer.handle, mixed[: len(mixed) // 2])
    with room.store.uow() as tx:
        tx.outbox.advance(consumer.NAME, position=place)  # as ``events resend`` does: from the beginning
    deliver(room.deps, consumer.NAME, consumer.handle, events)


def _mangled(events: Sequence[Any], chance: Random) -> list[Any]:
    """A tenth of them later than their place, a twentieth twice."""
    keyed = [(n + (chance.uniform(1, 10) if chance.random() < REORDERED else 0), one) for n, one in enumerate(events)]
    mixed = [one for _, one in sorted(keyed, key=lambda pair: pair[0])]
    return [one for event in mixed for one in ([event, event] if chance.random() < DOUBLED else [event])]


def test_requests_that_come_twice_and_out_of_order_are_one_each(
    city: ServedCity, rounds: Callable[[int, int], int]
) -> None:
    total, chance = rounds(60, 100_000), Random(7)
    headers = {**city.system(), "Content-Type": "application/cloudevents+json"}
    events = [city.event(f"e-{n}", city.body("tour_guide", f"R-{n}")) for n in range(total)]
    answered: dict[str, set[str]] = defaultdict(set)

    def send(event: dict[str, Any]) -> tuple[str, str]:
        answer = city.answer(city.client.post("/v1/events", headers=headers, json=event), 202)
        return event["id"], answer["request_id"]

    with ThreadPoolExecutor(4) as pool:
        for event_id, request_id in pool.map(send, _mangled(events, chance)):
            answered[event_id].add(request_id)
    assert len(answered) == total
    assert all(len(found) == 1 for found in answered.values()), "a repeat is answered as the first"
    assert len({next(iter(found)) for found in answered.values()}) == total
    assert city.rows("SELECT count(*), count(DISTINCT request_id) FROM requests") == [(total, total)]
    while city.rows("SELECT count(*) FROM events WHERE position IS NULL") != [(0,)]:
        with city.service.store.uow() as tx:
            tx.outbox.sequence(limit=500)
    accepted = Counter(subject for (subject,) in city.rows("SELECT subject FROM events WHERE type LIKE '%accepted%'"))
    assert set(accepted.values()) == {1}, "one effect each"
    assert len(accepted) == total
