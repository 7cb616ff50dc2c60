"""Counts per day, kept up from the feed: figures then cost the same however large the register is.

The place in the feed and the counts move in one transaction, under a lease: what is counted is counted once. Everything
can be counted anew from the feed: empty ``supervision_days`` but for ``finished`` and set the place to 0.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import (
    IssuanceAccepted,
    IssuanceRefused,
    LicenseFetched,
    LicenseIssued,
    LicenseScanned,
    LicenseSimulated,
)
from certsvc.events.supervision_payloads import ComplaintMoved, ServiceCompleted, ServiceRated
from certsvc.license.figures import DayCount, Measure
from certsvc.license.request import Action

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event
    from certsvc.license.figures import CountedRequest

NAME = "supervision"
LEASE_S = 60
BATCH = 500
REPLACING = "supervision-paper"
"""Under which the inbox knows which license of which case was counted as a paper replaced."""
OF_REQUESTS = {
    PREFIX + IssuanceAccepted.NAME: Measure.ACCEPTED,
    PREFIX + IssuanceRefused.NAME: Measure.REFUSED,
    PREFIX + LicenseIssued.NAME: Measure.SEALED,
    PREFIX + LicenseSimulated.NAME: Measure.SEALED,
}
ISSUED, SCANNED, FETCHED, COMPLETED, RATED, COMPLAINED = (
    PREFIX + payload.NAME
    for payload in (LicenseIssued, LicenseScanned, LicenseFetched, ServiceCompleted, ServiceRated, ComplaintMoved)
)
UNASKED = frozenset({Action.CORRECT.value, Action.CONVERT.value})
"""Versions that end no case of their own: 更正 mends a file, 转正 follows the formal case by itself."""


def count_some(deps: Deps, *, owner: str) -> int:
    """Count one batch of the feed; how many events were read. Nothing while another process holds the lease."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        place = tx.outbox.cursor(NAME)
        events = tx.outbox.after(place, limit=BATCH)
    if not events:
        return 0
    with deps.uow() as tx:
        # The row of the lease is held until the commit: whoever else counts waits, and then finds another place.
        held = tx.outbox.lease(NAME, owner=owner, now=now, lease_s=LEASE_S)
        if not held or tx.outbox.cursor(NAME) != place:
            return 0
        tx.day_counts.add(list(_counted(tx, events, now)))
        tx.outbox.advance(NAME, position=events[-1].position)
    return len(events)


def _said(event: Event, name: str) -> str:
    """One word of an event's data."""
    return str(event.data[name])


def _counted(tx: UnitOfWork, events: Sequence[Event], now: datetime) -> Iterator[DayCount]:
    requests = tx.day_counts.requests({_said(one, "request_id") for one in events if one.type in OF_REQUESTS})
    scenes = tx.day_counts.scenes({(one.subject, one.time) for one in events if one.type == SCANNED})
    fetches = [one for one in events if one.type == FETCHED]
    bodies = {
        client_id: client.authority_code
        for client_id, client in tx.access.clients([_said(one, "client_id") for one in fetches]).items()
    }
    for event in events:
        day = local_day(event.time)
        if event.type in OF_REQUESTS:
            yield from _of_request(event, requests)
        elif event.type == SCANNED:
            scene = scenes.get((event.subject, event.time), "")
            yield _one(day, Measure.SCANNED, _said(event, "authority_code"), _said(event, "license_type"), scene)
        elif event.type == COMPLETED:
            yield _one(day, Measure.SERVED, _said(event, "authority_code"), "", _said(event, "matter_code"))
        elif event.type == RATED:
            yield _one(day, Measure.MARKED, _said(event, "authority_code"), "", _said(event, "mark"))
        elif event.type == COMPLAINED:
            yield _one(day, Measure.COMPLAINED, _said(event, "authority_code"), "", _said(event, "state"))
    yield from _of_fetches(tx, fetches, bodies, now)


def _of_request(event: Event, requests: Mapping[str, CountedRequest]) -> Iterator[DayCount]:
    request = requests.get(_said(event, "request_id"))
    if request is None or request.backfill:
        return
    slug = _said(event, "license_type")
    yield _one(request.day, OF_REQUESTS[event.type], request.authority_code, slug)
    if event.type == ISSUED and request.action not in UNASKED:
        yield _one(local_day(event.time), Measure.ISSUED, request.authority_code, slug)


def _of_fetches(
    tx: UnitOfWork, fetches: Sequence[Event], bodies: Mapping[str, str], now: datetime
) -> Iterator[DayCount]:
    keys = {event.event_id: _paper(event) for event in fetches if _said(event, "case_no")}
    first = set(tx.outbox.first_times(REPLACING, list(keys.values()), now=now)) if keys else set()
    for event in fetches:
        day = local_day(event.time)
        body = bodies.get(_said(event, "client_id"), "")
        yield _one(day, Measure.FETCHED, body, _said(event, "license_type"), _said(event, "matter_code"))
        key = keys.get(event.event_id, "")
        if key in first:
            first.discard(key)
            yield _one(day, Measure.REPLACED, body, _said(event, "license_type"), _said(event, "matter_code"))


def _paper(event: Event) -> str:
    """One license of one case of one system: asked for twice, it replaced one paper."""
    parts = (_said(event, "client_id"), _said(event, "matter_code"), _said(event, "case_no"), event.subject)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _one(day: date, measure: Measure, department: str, type_slug: str, about: str = "") -> DayCount:
    return DayCount(day=day, measure=measure.value, department=department, type_slug=type_slug, about=about, value=1)
