"""Move a license on an authority's decision: suspend, resume, rescind, withdraw, revoke, cancel, void, reinstate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.authority import may_decide
from certsvc.commands.issuance.body import Code
from certsvc.commands.shapes import Day, Line
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from certsvc.events.payloads import MOVED
from certsvc.license.model import Decision, LicenseVersion, MoveRecord
from certsvc.license.states import MOVE_BY_NAME, lawful

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.states import Move

NOT_FOR_THIS_BODY = "没有这张证照，或此机关无权对其作出该决定；请核对证照标识和决定机关代码"


class MoveBody(BaseModel):
    """决定：谁、依据什么、哪份文书、何时."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    move: str = Field(
        description="suspend 暂扣 · resume 恢复 · rescind 撤销 · withdraw 撤回 · revoke 吊销 · cancel 注销 · void 作废"
        " · reinstate 恢复效力",
        max_length=20,
        examples=["revoke"],
    )
    authority_code: Code = Field(description="决定机关统一社会信用代码", max_length=18, examples=["11990000MB0000019F"])
    document_no: Line = Field(description="文书号", min_length=1, max_length=100, examples=["示市监罚〔2026〕1号"])
    decided_on: Day = Field(description="决定日期", examples=["2026-01-15"])
    basis: Line = Field(description="法律依据", min_length=1, max_length=500, examples=["《行政许可法》第六十九条"])
    until: Day | None = Field(default=None, description="暂扣截止日期，仅用于 suspend")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """The version after the move, the record of it, and whether this call made it."""

    version: LicenseVersion
    record: MoveRecord
    created: bool


def move_license(deps: Deps, caller: Principal, identifier: str, body: MoveBody) -> Moved:
    """Carry out a decision, once: the same decision sent again returns what it did.

    Raises:
        NotFound: no such license, or the caller may not act for the deciding authority on it.
        IllegalMove: the state does not allow the move; the detail names those that are.
        InvalidInput: end date missing or given where none belongs, or a decision from the future.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    if roles.APPROVAL_ANY not in caller.roles and body.authority_code != caller.authority_code:
        raise Forbidden("该系统不能以此决定机关的名义办理（authority_code）")
    now = deps.clock.now()
    _check_shape(body, now)
    with deps.uow() as tx:
        version = tx.licenses.by_identifier(identifier)
        if version is None:
            raise NotFound(NOT_FOR_THIS_BODY)
        repeated = _repeated(tx, version, body)
        if repeated is not None:
            return Moved(version=version, record=repeated, created=False)
        # Who may decide comes first: to anyone else a license in any state looks like none.
        if not may_decide(deps, tx, version, MOVE_BY_NAME[body.move].who, body.authority_code):
            raise NotFound(NOT_FOR_THIS_BODY)
        move = lawful(body.move, version.state, version.paper)
        row = _record(deps, caller, version, move, body, now)
        until = body.until if move.needs_until else None
        if not tx.licenses.move(row, revision=version.revision, suspended_until=until):
            raise Conflict("证照状态刚刚被其他操作更改，请重新读取后再办理")
        _announce(deps, tx, caller, version, move, row, now)
        changed = tx.licenses.by_version_id(version.version_id)
    if changed is None:
        msg = "a license vanished within its own transaction"
        raise RuntimeError(msg)
    return Moved(version=changed, record=row, created=True)


def _check_shape(body: MoveBody, now: datetime) -> None:
    problems: list[FieldProblem] = []
    move = MOVE_BY_NAME.get(body.move)
    if move is None or move.by_link:
        names = "、".join(sorted(f"{m.name}（{m.name_zh}）" for m in MOVE_BY_NAME.values() if not m.by_link))
        problems.append(FieldProblem(pointer="/move", code="enum", detail=f"可用的取值：{names}"))
    elif move.needs_until and body.until is None:
        problems.append(FieldProblem(pointer="/until", code="missing", detail="暂扣必须写明截止日期"))
    elif not move.needs_until and body.until is not None:
        problems.append(FieldProblem(pointer="/until", code="extra_forbidden", detail="只有暂扣才填截止日期"))
    if body.until is not None and body.until < body.decided_on:
        problems.append(FieldProblem(pointer="/until", code="before_start", detail="暂扣截止日期早于决定日期"))
    if body.decided_on > local_day(now):
        problems.append(FieldProblem(pointer="/decided_on", code="in_future", detail="决定日期晚于今天"))
    if problems:
        raise InvalidInput("决定内容有误，请按提示更正", problems=tuple(problems))


def _repeated(tx: UnitOfWork, version: LicenseVersion, body: MoveBody) -> MoveRecord | None:
    """The latest move, when it was made by this very decision."""
    moves = tx.licenses.moves_of(version.version_id)
    if not moves:
        return None
    last = moves[-1]
    same = (
        last.name == body.move
        and last.decision is not None
        and last.decision.authority_code == body.authority_code
        and last.decision.document_no == body.document_no
        and last.decision.decided_on == body.decided_on
    )
    return last if same else None


def _record(
    deps: Deps, caller: Principal, version: LicenseVersion, move: Move, body: MoveBody, now: datetime
) -> MoveRecord:
    return MoveRecord(
        move_id=deps.ids.new("mov"),
        version_id=version.version_id,
        name=move.name,
        from_state=version.state,
        to_state=move.target,
        decision=Decision(
            authority_code=body.authority_code,
            document_no=body.document_no,
            decided_on=body.decided_on,
            basis=body.basis,
            until=body.until,
        ),
        actor=caller.subject,
        at=now,
    )


def _announce(
    deps: Deps, tx: UnitOfWork, caller: Principal, version: LicenseVersion, move: Move, row: MoveRecord, now: datetime
) -> None:
    decision = row.decision
    if decision is None:
        msg = "a move on a decision has none"
        raise RuntimeError(msg)
    payload = MOVED[move.event](
        identifier=version.identifier,
        license_type=version.type_slug,
        from_state=row.from_state.value,
        to_state=row.to_state.value,
        deciding_authority=decision.authority_code,
        document_no=decision.document_no,
        decided_on=decision.decided_on.isoformat(),
        basis=decision.basis,
        until=decision.until.isoformat() if decision.until else "",
        replaced_by="",
    )
    tx.outbox.add(
        payload.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=version.identifier, at=now)
    )
    record(
        tx,
        deps,
        kind=f"license.{move.event}",
        subject=version.identifier,
        actor=caller.subject,
        content={"document_no": decision.document_no, "authority": decision.authority_code, "move_id": row.move_id},
        at=now,
    )
