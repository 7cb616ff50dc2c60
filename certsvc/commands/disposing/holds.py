"""暂停销毁: what litigation, an audit or an inspection still needs does not go, whatever its term."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.archiving.contents import NO_CASE_ZH, case_contents, codes_of
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.issuance.read_license import NO_LICENSE_ZH
from certsvc.commands.shapes import Line
from certsvc.errors import Conflict, NotFound
from certsvc.license.archives import ArchiveKind
from certsvc.license.disposal import Hold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

NO_HOLD_ZH = "没有这项暂停销毁，或不属于本机关"
MAX_REASON = 200


class DisposalHoldBody(BaseModel):
    """暂停销毁：哪一项，为什么."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ArchiveKind = Field(description="license 证照 · case 办件")
    label: Line = Field(min_length=1, max_length=128, description="证照标识（任一版本的），或办件编号")
    reason: Line = Field(min_length=2, max_length=MAX_REASON, description="原因，如诉讼、审计、检查的文号")


def place_hold(deps: Deps, caller: Principal, body: DisposalHoldBody) -> Hold:
    """Hold a license or case of the own body; also what is in an approved list, which then is spared.

    Raises:
        NotFound: none such, or another body's.
        Conflict: it is held already.
    """
    roles.require(caller, roles.ARCHIVIST)
    now = deps.clock.now()
    with deps.uow() as tx:
        authority_code, subject = _subject(deps, tx, caller, body)
        if any(one.authority_code == authority_code for one in tx.disposals.placed(body.kind, [subject])):
            raise Conflict("这一项已经登记了暂停销毁")
        hold = Hold(
            hold_id=deps.ids.new("hld"),
            kind=body.kind,
            authority_code=authority_code,
            subject=subject,
            label=body.label,
            reason=body.reason,
            placed_by=caller.subject,
            placed_at=now,
        )
        tx.disposals.place(hold)
        _on_record(deps, tx, "disposal.held", hold, caller, now)
    return hold


def lift_hold(deps: Deps, caller: Principal, hold_id: str) -> Hold:
    """Lift a hold; again, nothing changes. NotFound for another body's."""
    roles.require(caller, roles.ARCHIVIST)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = tx.disposals.hold(hold_id)
        if found is None or found.authority_code not in codes_of(deps, caller.authority_code):
            raise NotFound(NO_HOLD_ZH)
        if not tx.disposals.lift(hold_id, by=caller.subject, now=now):
            return tx.disposals.hold(hold_id) or found
        lifted = replace(found, lifted_by=caller.subject, lifted_at=now)
        _on_record(deps, tx, "disposal.hold_lifted", lifted, caller, now)
    return lifted


def list_holds(
    deps: Deps, caller: Principal, *, limit: int, behind: tuple[datetime, str] | None = None
) -> Sequence[Hold]:
    """Holds of the own body and those merged into it, newest first."""
    roles.require(caller, roles.ARCHIVIST)
    with deps.uow.read() as tx:
        return tx.disposals.holds_of(codes_of(deps, caller.authority_code), limit=limit, behind=behind)


def _subject(deps: Deps, tx: UnitOfWork, caller: Principal, body: DisposalHoldBody) -> tuple[str, str]:
    if body.kind is ArchiveKind.LICENSE:
        version = tx.licenses.by_identifier(body.label)
        if version is None or not caller.authority_code or issuer_today(deps, version) != caller.authority_code:
            raise NotFound(NO_LICENSE_ZH)
        return caller.authority_code, version.license_id
    for code in codes_of(deps, caller.authority_code):
        try:
            return code, case_contents(deps, tx, code, body.label).subject
        except NotFound:
            continue
    raise NotFound(NO_CASE_ZH)


def _on_record(deps: Deps, tx: UnitOfWork, kind: str, hold: Hold, caller: Principal, now: datetime) -> None:
    said = hashlib.sha256(hold.reason.encode()).hexdigest()
    content = {"kind": hold.kind.value, "label": hold.label, "reason_sha256": said}
    record(tx, deps, kind=kind, subject=hold.hold_id, actor=caller.subject, content=content, at=now)
