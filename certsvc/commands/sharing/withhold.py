"""暂缓告知: uses on duty for one case are not told to the holder until a moment, on a legal basis, by two people.

Evidence has them at once. When the moment comes they stand in 谁用过我的证 at the time they were made, with the reason.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.consent_only import check_duty_on_record
from certsvc.commands.sharing.policy import open_matter
from certsvc.commands.sharing.use_rows import announce
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NoLawfulBasis, NotFound
from certsvc.identifiers.material_kind import is_material_id
from certsvc.identifiers.use_basis import DUTY
from certsvc.license.consents import LONGEST_WITHHELD, MAX_WITHHELD_DAYS, Withholding, WithholdState
from certsvc.license.uses import GIVEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.use_rows import Used
    from certsvc.commands.store_ports import UnitOfWork

NO_WITHHOLDING_ZH = "没有这项暂缓告知，或不属于本单位"
MAX_LISTED = 200
"""Withholdings in one list."""
TOLD_AT_ONCE = 100
READERS = (roles.USE_CLERK, roles.USE_APPROVER, roles.POLICY_REQUESTER, roles.AUDITOR)
"""Who of a body sees which of its uses are not told yet."""


class WithholdBody(BaseModel):
    """暂缓告知申请：哪个事项、哪个办件、到何时、依据."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matter_code: Line = Field(max_length=33, description="事项实施编码；须可依职能用证")
    case_no: Line = Field(min_length=1, max_length=64, description="办件编号")
    until: AwareDatetime = Field(description=f"暂缓到何时，最长 {MAX_WITHHELD_DAYS} 天")
    legal_basis: Line = Field(min_length=8, max_length=300, description="法律依据，写到条款；到期后持证人会看到")


def ask_withholding(deps: Deps, caller: Principal, body: WithholdBody) -> Withholding:
    """Ask that uses for a case are not told to the holder for a while.

    Raises:
        ConsentOnly: the caller's body has no use on duty that could be told later.
        NoLawfulBasis: no such matter of the caller's body, or not one of duty.
        InvalidInput: until a moment that is past or too far away.
    """
    roles.require(caller, roles.USE_CLERK)
    now = deps.clock.now()
    if not now < body.until <= now + LONGEST_WITHHELD:
        detail = f"应晚于现在，且不超过 {MAX_WITHHELD_DAYS} 天"
        problem = FieldProblem(pointer="/until", code="out_of_range", detail=detail)
        raise InvalidInput("暂缓告知的期限不合要求", problems=(problem,))
    check_duty_on_record(deps, caller, wished="withholding", matter_code=body.matter_code)
    with deps.uow() as tx:
        matter = open_matter(deps, tx, body.matter_code, caller.authority_code)
        if DUTY not in matter.bases:
            raise NoLawfulBasis("该事项不能依职能用证，也就不能暂缓告知")
        made = Withholding(
            withholding_id=deps.ids.new("whd"),
            authority_code=caller.authority_code,
            matter_code=matter.code,
            case_no=body.case_no,
            legal_basis=body.legal_basis,
            until=body.until,
            asked_by=caller.subject,
            asked_at=now,
        )
        tx.bases.insert_withholding(made)
        _on_record(deps, tx, "withholding.asked", made, caller.subject, now)
    return made


def decide_withholding(deps: Deps, caller: Principal, withholding_id: str, *, agrees: bool) -> Withholding:
    """Another person of the same body agrees or refuses.

    Raises:
        NotFound: none, or another body's.
        Forbidden: the caller asked for it.
        Conflict: decided already, or its moment has come.
    """
    roles.require(caller, roles.USE_APPROVER)
    now = deps.clock.now()
    state = WithholdState.APPROVED if agrees else WithholdState.REFUSED
    with deps.uow() as tx:
        found = tx.bases.withholdings([withholding_id]).get(withholding_id)
        if found is None or found.authority_code != caller.authority_code:
            raise NotFound(NO_WITHHOLDING_ZH)
        if found.asked_by == caller.subject:
            raise Forbidden("申请人不得审批自己的申请，请由本单位另一人办理")
        late = now >= found.until
        if late or not tx.bases.decide_withholding(withholding_id, state, by=caller.subject, now=now):
            raise Conflict("这项暂缓告知已有决定，或期限已过")
        _on_record(deps, tx, f"withholding.{state.value}", found, caller.subject, now)
        return tx.bases.withholdings([withholding_id])[withholding_id]


def list_withholdings(deps: Deps, caller: Principal) -> Sequence[Withholding]:
    """Those of the caller's body, newest first."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return tx.bases.withholdings_of(caller.authority_code, limit=MAX_LISTED)


def tell_withheld(deps: Deps) -> int:
    """Tell the feed of withheld uses whose moment has come, each once; how many there were."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        waiting = tx.sharing.withheld_to_tell(now=now, limit=TOLD_AT_ONCE)
    if not waiting:
        return 0
    told = 0
    with deps.uow() as tx:
        ids = [row.version_id for row in waiting if row.version_id]
        used: dict[str, Used] = {
            **tx.licenses.by_version_ids([one for one in ids if not is_material_id(one)]),
            **tx.materials.by_ids([one for one in ids if is_material_id(one)]),
        }
        for row in waiting:
            if not tx.sharing.told(row.fetch_id, now=now):
                continue
            told += 1
            about = used.get(row.version_id)
            if about is not None and row.outcome == GIVEN and row.fields:  # a refusal names what was asked for
                announce(deps, tx, row, about, now)
    return told


def _on_record(deps: Deps, tx: UnitOfWork, kind: str, made: Withholding, actor: str, now: datetime) -> None:
    content = {
        "matter_code": made.matter_code,
        "case_no": made.case_no,
        "until": made.until.isoformat(),
        "legal_basis": made.legal_basis,
    }
    record(tx, deps, kind=kind, subject=made.withholding_id, actor=actor, content=content, at=now)
