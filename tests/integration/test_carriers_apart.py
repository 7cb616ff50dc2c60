"""Carriers go on by themselves: one that waits for its server holds up no other, and many files are locked at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from fixtures_city import ServedCity

from certsvc.commands.care.retention import kept_until
from certsvc.commands.ports import Deps
from certsvc.delivery.loops import Loops
from certsvc.delivery.object_locks import ObjectLocks
from certsvc.events.envelope import Event

SLUG = "tour_guide"
PATIENCE_S = 60.0


class Carried:
    """A carrier that notes what it was given, once it may."""

    def __init__(self, name: str, *, may: bool) -> None:
        self.name = name
        self.begun = threading.Event()
        self.may = threading.Event()
        self.seen: list[str] = []
        if may:
            self.may.set()

    def carry(self, deps: Deps, events: Sequence[Event]) -> None:  # noqa: ARG002
        """Wait until it may."""
        self.begun.set()
        assert self.may.wait(PATIENCE_S)
        self.seen += [event.event_id for event in events]

    def close(self) -> None:
        """Nothing."""


def _until(there: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not there() and time.monotonic() < deadline:
        time.sleep(0.05)
    return there()


def test_a_carrier_that_waits_holds_up_no_other_and_loses_nothing(city: ServedCity) -> None:
    slow, quick = Carried("slow", may=False), Carried("quick", may=True)
    deps = replace(city.service.deps, carriers=(slow, quick))
    loops = Loops(deps, name="apart", lease_s=60)
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=city.body(SLUG, "APART-1")), 202)
    loops.start(workers=1, relay=True)
    try:
        assert _until(lambda: len(quick.seen) == 2)
        assert slow.begun.wait(PATIENCE_S)
        assert slow.seen == []
        slow.may.set()
        assert _until(lambda: slow.seen == quick.seen)
    finally:
        slow.may.set()
        loops.stop()
    assert city.rows("SELECT count(*) FROM leases") == [(0,)], "each loop hands over its own"


class Locks:
    """Notes what is locked until when, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, datetime]] = []

    def retain_all(self, until: Mapping[str, datetime]) -> None:
        """Note it."""
        self.asked.append(dict(until))


def test_the_files_of_several_licenses_are_locked_together_each_until_its_day(city: ServedCity) -> None:
    deps = city.service.deps
    identifiers = [city.issue(SLUG, f"LOCK-{number}")["identifier"] for number in range(3)]
    with deps.uow.read() as tx:
        events = tx.outbox.after(0, limit=100)
        versions = tx.licenses.by_identifiers(identifiers)
    locks = Locks()
    ObjectLocks().carry(replace(deps, objects=cast("Any", locks)), events)
    made = {event.subject: event.time for event in events if event.subject in versions}
    assert len(versions) == 3
    assert locks.asked == [
        {one.artifact.object_name: kept_until(deps, one, made[one.identifier]) for one in versions.values()}
    ]
