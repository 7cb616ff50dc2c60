"""Queue a report for each event that brings a license version into a state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import MOVED, LicenseIssued
from certsvc.license.origin import LicenseOrigin
from certsvc.license.reports import Report, ReportState
from certsvc.license.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

ISSUED = PREFIX + LicenseIssued.NAME
REPORTED = frozenset({ISSUED, *(PREFIX + cls.NAME for cls in MOVED.values())})
"""Events that are reported; opinions of 模拟审批 and licenses made elsewhere are sorted out by their version."""


def queue_reports(deps: Deps, events: Sequence[Event]) -> None:
    """Store what is to be reported of these events; again without effect."""
    some = [event for event in events if event.type in REPORTED]
    if not some:
        return
    with deps.uow() as tx:
        tx.reports.queue([report for event in some if (report := _report(deps, tx, event)) is not None])


def _report(deps: Deps, tx: UnitOfWork, event: Event) -> Report | None:
    version = tx.licenses.by_identifier(event.subject)
    if version is None or version.provisional or version.origin is not LicenseOrigin.ISSUED:
        return None
    if deps.catalog.type(version.type_slug).document:
        return None
    if event.type == ISSUED:
        moves = tx.licenses.moves_of(version.version_id)
        state = moves[0].from_state if moves else version.state
    else:
        state = State(str(event.data["to_state"]))
    return Report(
        identifier=event.subject,
        state=state,
        report_id=event.event_id,
        position=event.position,
        status=ReportState.WAITING,
        attempts=0,
        ready_at=deps.clock.now(),
    )
