"""The daily sweep of what falls due: ``license.due.v1`` once per version, kind and day; no state changes.

The sweep goes through the licenses that have not ended in the order of their ids, a batch per transaction. The batch's
reminders, their events and the place reached are one transaction, so a crash repeats nothing and loses nothing, and a
day that was missed is made up by the next: what is due stays due. Days are days in Asia/Shanghai.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from certsvc.clock import local_day
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.verifying.stands import rules_for
from certsvc.errors import UnknownLicenseType
from certsvc.events.payloads import LicenseDue
from certsvc.license.dues import DueRow, dues_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.dues import Due
    from certsvc.license.facts import Fact
    from certsvc.license.model import LicenseVersion

log = structlog.get_logger("certsvc.remind")

SWEEP = "remind"
BATCH = 200
"""Licenses per transaction; bounds how long the writer's turn is held."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reminded:
    """What one batch did."""

    looked_at: int
    announced: int
    finished: bool


def remind(deps: Deps) -> Reminded:
    """Sweep until the day is finished; the sums."""
    looked_at = announced = 0
    while True:
        batch = remind_some(deps)
        looked_at, announced = looked_at + batch.looked_at, announced + batch.announced
        if batch.finished:
            return Reminded(looked_at=looked_at, announced=announced, finished=True)


def remind_some(deps: Deps) -> Reminded:
    """One batch of the sweep of today; at once finished when today's is."""
    deps = deps.pinned()
    now = deps.clock.now()
    day = local_day(now)
    with deps.uow.read() as tx:
        if tx.dues.finished(SWEEP, day):
            return Reminded(looked_at=0, announced=0, finished=True)
    with deps.uow() as tx:
        behind = tx.dues.place(SWEEP, day)
        if behind is None:
            return Reminded(looked_at=0, announced=0, finished=True)
        versions = tx.licenses.not_ended_after(behind, limit=BATCH)
        facts = tx.facts.of_many([version.license_id for version in versions])
        announced = sum(_announce_all(deps, tx, version, facts[version.license_id], now) for version in versions)
        finished = len(versions) < BATCH
        tx.dues.keep_place(SWEEP, day, behind=versions[-1].license_id if versions else behind, finished=finished)
    if finished:
        log.info("swept", action="remind.finished", day=day.isoformat())
    return Reminded(looked_at=len(versions), announced=announced, finished=finished)


def _announce_all(deps: Deps, tx: UnitOfWork, version: LicenseVersion, facts: Sequence[Fact], now: datetime) -> int:
    try:
        rules = rules_for(deps, version)
    except UnknownLicenseType:
        # A type that was taken out of the catalog: its licenses still expire, and nobody may stop the sweep.
        log.warning("type not in the catalog", action="remind.unknown_type", type=version.type_slug)
        return 0
    return sum(_announce(deps, tx, version, due, now) for due in dues_of(version, facts, rules, now))


def _announce(deps: Deps, tx: UnitOfWork, version: LicenseVersion, due: Due, now: datetime) -> bool:
    issuer = issuer_today(deps, version)  # after a reform its successor has to act
    row = DueRow(version_id=version.version_id, issuer_code=issuer, due=due, at=now)
    if not tx.dues.announce(row):
        return False
    payload = LicenseDue(
        identifier=version.identifier,
        license_type=version.type_slug,
        issuer_code=issuer,
        kind=due.kind.value,
        ref=due.ref,
        due_on=due.due_on.isoformat(),
        origin=version.origin.value,
    )
    tx.outbox.add(
        payload.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=version.identifier, at=now)
    )
    record(
        tx,
        deps,
        kind="license.due",
        subject=version.identifier,
        actor="certsvc",
        content={"due": due.kind.value, "ref": due.ref, "due_on": due.due_on.isoformat()},
        at=now,
    )
    return True
