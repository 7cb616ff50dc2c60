"""Move a license on an authority's decision: suspend, resume, rescind, withdraw, revoke, cancel, void, reinstate."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.issuance.authority import NOT_FOR_THIS_BODY, require_decider
from certsvc.commands.issuance.body import Code, body_hash
from certsvc.commands.shapes import Day, Line
from certsvc.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    IdempotencyMismatch,
    IntegrityError,
    InvalidInput,
    NotFound,
    Stale,
)
from certsvc.events.payloads import MOVED
from certsvc.license.model import Decision, LicenseVersion, MoveRecord
from certsvc.license.states import MOVE_BY_NAME, lawful

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

    from certsvc.commands.issuance.accept_issuance import Origin
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.states import Move


class Overtaken(Conflict):
    """Another call moved the license between our look and our write."""


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


def move_license(
    deps: Deps,
    caller: Principal,
    identifier: str,
    body: MoveBody,
    origin: Origin | None = None,
    *,
    revisions: Collection[int] | None = None,
) -> Moved:
    """Carry out a decision, once: the same decision sent again, however late, returns what it did.

    ``revisions``: those of the license that the caller decided on after reading one of them; None does not ask.

    Raises:
        Stale: the license has another revision.
        IdempotencyMismatch: the key or event came before with another decision.
        Conflict: the same 文书号 came before with other content, or the license moved meanwhile.
        NotFound: no such license, or the caller may not act for the deciding authority on it.
        StateOfSource: it was made elsewhere, and only its source reports its state.
        IllegalMove: the state does not allow the move; the detail names those that are.
        InvalidInput: end date missing or given where none belongs, or a decision from the future.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    if roles.APPROVAL_ANY not in caller.roles and body.authority_code != caller.authority_code:
        raise Forbidden("该系统不能以此决定机关的名义办理（authority_code）")
    now = deps.clock.now()
    check_move(body, now)
    try:
        return _carry_out(deps, caller, identifier, body, origin, now, revisions)
    except Overtaken:
        # The second look sees what the other call did: this very decision, or a state that may not allow it any more.
        return _carry_out(deps, caller, identifier, body, origin, now, revisions)


def _carry_out(
    deps: Deps,
    caller: Principal,
    identifier: str,
    body: MoveBody,
    origin: Origin | None,
    now: datetime,
    revisions: Collection[int] | None,
) -> Moved:
    with deps.uow() as tx:
        version = tx.licenses.by_identifier(identifier)
        if version is None:
            raise NotFound(NOT_FOR_THIS_BODY)
        repeated = _repeated(tx, version, body)
        bind_keys(tx, caller, origin, f"{identifier}\n{body_hash(body)}", now)
        if repeated is not None:
            return Moved(version=version, record=repeated, created=False)
        # Who may decide comes first: to anyone else a license in any state looks like none.
        require_decider(deps, tx, version, MOVE_BY_NAME[body.move].who, body.authority_code)
        if revisions is not None and version.revision not in revisions:
            raise Stale("证照在读取之后已被更改，请重新读取，确认后再办理（If-Match）")
        move = lawful(body.move, version.state, version.paper)
        row = _record(deps, caller, version, move, body, now)
        until = body.until if move.needs_until else None
        write_move(tx, row, version, until)
        announce_move(deps, tx, version, move, row)
        changed = tx.licenses.by_version_id(version.version_id)
    if changed is None:
        msg = "a license vanished within its own transaction"
        raise RuntimeError(msg)
    return Moved(version=changed, record=row, created=True)


def check_move(body: MoveBody, now: datetime) -> None:
    """What is wrong with a decision whatever license it is about, with pointers (InvalidInput)."""
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
    """The move that this very decision made before; Conflict when its number came with other content."""
    asked = Decision(
        authority_code=body.authority_code,
        document_no=body.document_no,
        decided_on=body.decided_on,
        basis=body.basis,
        until=body.until,
    )
    for row in tx.licenses.moves_of(version.version_id):
        decision = row.decision
        if (
            decision is None
            or row.name != body.move
            or (decision.authority_code, decision.document_no) != (asked.authority_code, asked.document_no)
        ):
            continue
        if decision != asked:
            raise Conflict("同一文书号的决定已经办理，且内容与本次不同；内容有变请使用新的文书号")
        return row
    return None


def bind_keys(tx: UnitOfWork, caller: Principal, origin: Origin | None, content: str, now: datetime) -> None:
    """Bind the keys under which the decision came; the same key with another decision is refused."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    for key in origin.names if origin else ():
        bound = tx.receipts.find(caller.subject, key)
        if bound is None:
            tx.receipts.bind(caller.subject, key, body_hash=digest, result_id=digest, now=now)
        elif bound[0] != digest:
            raise IdempotencyMismatch("同一幂等键（或事件 id）已用于另一份决定；重发请保持内容不变，新决定请换新的键")


def write_move(tx: UnitOfWork, row: MoveRecord, version: LicenseVersion, until: date | None) -> None:
    """Set the state; Conflict when another version of it is in force, Overtaken when it moved meanwhile."""
    try:
        done = tx.licenses.move(row, revision=version.revision, suspended_until=until)
    except IntegrityError as error:
        # Only a reinstatement can meet this: the number or the license is in force again through a newer one.
        raise Conflict("同一编号或同一证照已有在用的新版本，不能恢复效力") from error
    if not done:
        raise Overtaken("证照状态刚刚被其他操作更改，请重新读取后再办理")


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


def announce_move(
    deps: Deps,
    tx: UnitOfWork,
    version: LicenseVersion,
    move: Move,
    row: MoveRecord,
    more: Mapping[str, str] | None = None,
) -> None:
    """The event and the evidence of a move on a decision; ``more`` is added to the evidence."""
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
        until=decision.until.isoformat() if decision.until else "",
        replaced_by="",
        origin=version.origin.value,
    )
    tx.outbox.add(
        payload.event(
            event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=version.identifier, at=row.at
        )
    )
    record(
        tx,
        deps,
        kind=f"license.{move.event}",
        subject=version.identifier,
        actor=row.actor,
        content={
            "document_no": decision.document_no,
            "authority": decision.authority_code,
            "move_id": row.move_id,
            "state": row.to_state.value,
            "rows": rows_of([row]),
            **(more or {}),
        },
        at=row.at,
    )
