"""The moves and links of what a new version follows, in the transaction that registers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.errors import Refused
from certsvc.events.payloads import MOVED
from certsvc.license.links import VersionLink
from certsvc.license.model import MoveRecord

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.issuance.lineage import Lineage, Predecessor
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.request import IssuanceRequest
    from certsvc.license.states import Move

SERVICE = "certsvc"


def end_predecessors(
    deps: Deps, tx: UnitOfWork, request: IssuanceRequest, lineage: Lineage, version: LicenseVersion, now: datetime
) -> None:
    """Make the move of every predecessor that still has one to make.

    Raises:
        Refused: one of them moved meanwhile.
    """
    for predecessor in lineage.all:
        move = predecessor.following.move
        if move is None:
            continue
        row = _record(deps, request, predecessor, move, now)
        done = tx.licenses.move(
            row, revision=predecessor.version.revision, suspended_until=None, replaced_by=version.version_id
        )
        if not done:
            raise Refused("原证照在办理期间状态已变化，请核对后重新申请")
        _announce(deps, tx, predecessor.version, version, move, row, now)


def link_predecessors(
    tx: UnitOfWork, request: IssuanceRequest, lineage: Lineage, version: LicenseVersion, now: datetime
) -> None:
    """Write down what the version follows."""
    if lineage.rule is None:
        return
    for predecessor in lineage.all:
        tx.links.insert(
            VersionLink(
                predecessor_id=predecessor.version.version_id,
                successor_id=version.version_id,
                kind=lineage.rule.kind,
                case_no=request.payload.case_no,
                at=now,
            )
        )


def _record(deps: Deps, request: IssuanceRequest, predecessor: Predecessor, move: Move, now: datetime) -> MoveRecord:
    """The service's own moves have no decision: the approval behind the new version is their ground."""
    return MoveRecord(
        move_id=deps.ids.new("mov"),
        version_id=predecessor.version.version_id,
        name=move.name,
        from_state=predecessor.version.state,
        to_state=move.target,
        decision=request.payload.decision,
        actor=request.caller if request.payload.decision else SERVICE,
        at=now,
    )


def _announce(
    deps: Deps,
    tx: UnitOfWork,
    old: LicenseVersion,
    new: LicenseVersion,
    move: Move,
    row: MoveRecord,
    now: datetime,
) -> None:
    decision = row.decision
    event = MOVED[move.event](
        identifier=old.identifier,
        license_type=old.type_slug,
        from_state=row.from_state.value,
        to_state=row.to_state.value,
        deciding_authority=new.issuer_code,
        document_no=decision.document_no if decision else "",
        decided_on=(decision.decided_on if decision else new.issued_on).isoformat(),
        until="",
        replaced_by=new.identifier,
    )
    tx.outbox.add(
        event.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=old.identifier, at=now)
    )
    record(
        tx,
        deps,
        kind=f"license.{move.event}",
        subject=old.identifier,
        actor=row.actor,
        content={"replaced_by": new.identifier, "state": row.to_state.value, "rows": rows_of([row])},
        at=now,
    )
