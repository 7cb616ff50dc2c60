"""Send the reports that wait to the province, and note item by item what it answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.reporting.metadata import reported_metadata
from certsvc.errors import Unavailable
from certsvc.license.reports import pause_after

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.report_ports import Answered, Province
    from certsvc.license.reports import Report

log = structlog.get_logger("certsvc.reports")

AT_ONCE = 50
"""Reports of one sending; a province limits its bodies, and an unanswered sending is sent again as a whole."""
LONGEST_REST = timedelta(minutes=5)
"""How long a silent province is left alone: each report has its own pause, and new ones come meanwhile."""
LEASE = "reports"
LEASE_S = 120
"""Longer than one sending may take."""


def send_reports(deps: Deps, province: Province, *, owner: str) -> timedelta | None:
    """Send some of what is due, by the holder of the lease; how long to stay away then, or None when nothing is due."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        waits = bool(tx.reports.due(now=now, limit=1))
    if not waits or not _held(deps, owner):
        return None
    with deps.uow.read() as tx:  # under the lease: whoever held it before may just have sent some
        due = tx.reports.due(now=now, limit=AT_ONCE)
    return _send(deps, province, due, owner) if due else None


def resend_rejected(deps: Deps, identifier: str | None, *, actor: str) -> int:
    """Let rejected reports of a license, or all, be sent again after mending; how many."""
    now = deps.clock.now()
    with deps.uow() as tx:
        count = tx.reports.again(identifier, now=now)
        if count:
            content = {"count": count}
            record(tx, deps, kind="reports.resent", subject=identifier or "*", actor=actor, content=content, at=now)
    return count


def _held(deps: Deps, owner: str) -> bool:
    """Whether the lease is ours, from now on for the time of one sending."""
    with deps.uow() as tx:
        return tx.outbox.lease(LEASE, owner=owner, now=deps.clock.now(), lease_s=LEASE_S)


def _send(deps: Deps, province: Province, due: Sequence[Report], owner: str) -> timedelta:
    """Send and note; a sending that is refused as a whole is sent report by report, so that one holds up no other."""
    try:
        answered = province.send(_items(deps, due), now=deps.clock.now())
    except Unavailable as error:
        log.warning("province does not answer", action="report.failed", reason=error.detail, reports=len(due))
        _note(deps, due, None)
        return min(pause_after(min(one.attempts for one in due) + 1), LONGEST_REST)
    deps.faults.reach("report.sent")
    if answered.refused and len(due) > 1:
        aways = [_send(deps, province, [one], owner) for one in due if _held(deps, owner)]
        return max(aways, default=timedelta(0))
    _note(deps, due, answered)
    return answered.away


def _note(deps: Deps, due: Sequence[Report], answered: Answered | None) -> None:
    now = deps.clock.now()
    with deps.uow() as tx:
        for report in due:
            said = answered.about.get(report.report_id) if answered is not None else None
            if said is not None and said.accepted:
                tx.reports.accept(report, now=now)
            elif said is not None:
                tx.reports.reject(report, said.reason, now=now)
            elif answered is not None and answered.refused:
                tx.reports.reject(report, answered.refused, now=now)
            else:
                away = answered.away if answered is not None else timedelta(0)
                tx.reports.put_off(report, ready_at=_next(report, now, away))


def _next(report: Report, now: datetime, away: timedelta) -> datetime:
    return now + max(away, pause_after(report.attempts + 1))


def _items(deps: Deps, due: Sequence[Report]) -> list[dict[str, object]]:
    with deps.uow.read() as tx:
        versions = [tx.licenses.by_identifier(report.identifier) for report in due]
    return [
        reported_metadata(deps, report, version)
        for report, version in zip(due, versions, strict=True)
        if version is not None
    ]
