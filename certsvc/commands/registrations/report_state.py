"""The source of a registered license reports its state: the only way in which one moves.

Laws:

* Only a system of the body that runs the source reports; to every other caller the license looks like none.
* The moves are those of ``license/states.py``; who decided is the source's affair and is written down as it says.
* Reports of one license are taken in the order in which things happened: an older one after a newer is refused, so that
  a late or repeated message never undoes what is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from certsvc.clock import local_day, rfc3339
from certsvc.commands.access import roles
from certsvc.commands.issuance.body import Code, body_hash
from certsvc.commands.issuance.move_license import Overtaken, announce_move, bind_keys, write_move
from certsvc.commands.shapes import Day, Line
from certsvc.commands.verifying.register import CLOCK_TOLERANCE
from certsvc.errors import Conflict, FieldProblem, IllegalMove, InvalidInput, NotFound
from certsvc.license.model import Decision, LicenseVersion, MoveRecord
from certsvc.license.states import MOVES, STATE_ZH, Paper, State

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.issuance.accept_issuance import Origin
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.states import Move

NOT_OF_THIS_SOURCE = "没有由本来源登记的这张证照；请核对证照标识，状态只能由制作该证照的来源系统报告"

_MOVES = tuple(move for move in MOVES if Paper.FORMAL in move.papers and move.name not in {"correct", "convert"})
"""What a source may report; that another version took a license's place is the source's word too."""

_REPORTABLE = tuple(dict.fromkeys(move.target for move in _MOVES if move.target is not State.PROVISIONAL))


class StateReportBody(BaseModel):
    """来源系统报告证照状态：现为何状态、何时、凭来源的哪一份文书."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State = Field(
        description=" · ".join(f"{state.value} {STATE_ZH[state]}" for state in _REPORTABLE), examples=["revoked"]
    )
    reference: Line = Field(
        description="来源的文书号或变更编号，同一证照不重复",
        min_length=1,
        max_length=100,
        examples=["国示吊〔2026〕1号"],
    )
    happened_at: AwareDatetime = Field(
        description="来源系统中的变更时间，须带时区", examples=["2026-01-15T09:00:00+08:00"]
    )
    authority_code: Code | None = Field(default=None, max_length=18, description="决定机关，缺省为来源系统的运行机构")
    basis: Line = Field(default="来源系统报告", min_length=1, max_length=500, description="依据")
    until: Day | None = Field(default=None, description="暂扣截止日期，仅用于 suspended")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """The version after the report, the record of it, and whether this call made it."""

    version: LicenseVersion
    record: MoveRecord
    created: bool


def report_state(
    deps: Deps, caller: Principal, identifier: str, body: StateReportBody, origin: Origin | None = None
) -> Reported:
    """Carry out a report, once: the same report sent again, however late, returns what it did.

    Raises:
        NotFound: no license that this caller's source registered.
        IdempotencyMismatch: the key or event came before with another report.
        Conflict: the reference came before with other content, or something later is known already.
        IllegalMove: the state cannot follow the present one; the detail names those that can.
        InvalidInput: end date missing or given where none belongs, or a time to come.
    """
    roles.require(caller, roles.SOURCE)
    now = deps.clock.now()
    _check_shape(body, now)
    try:
        return _carry_out(deps, caller, identifier, body, origin, now)
    except Overtaken:
        return _carry_out(deps, caller, identifier, body, origin, now)


def _check_shape(body: StateReportBody, now: datetime) -> None:
    problems: list[FieldProblem] = []
    if body.state not in _REPORTABLE:
        names = "、".join(f"{state.value}（{STATE_ZH[state]}）" for state in _REPORTABLE)
        problems.append(FieldProblem(pointer="/state", code="enum", detail=f"可用的取值：{names}"))
    suspended = body.state is State.SUSPENDED
    if suspended and body.until is None:
        problems.append(FieldProblem(pointer="/until", code="missing", detail="暂扣必须写明截止日期"))
    if not suspended and body.until is not None:
        problems.append(FieldProblem(pointer="/until", code="extra_forbidden", detail="只有暂扣才填截止日期"))
    if body.happened_at > now + CLOCK_TOLERANCE:
        problems.append(FieldProblem(pointer="/happened_at", code="in_future", detail="变更时间晚于现在"))
    elif body.until is not None and body.until < local_day(body.happened_at):
        problems.append(FieldProblem(pointer="/until", code="before_start", detail="暂扣截止日期早于变更日期"))
    if problems:
        raise InvalidInput("报告内容有误，请按提示更正", problems=tuple(problems))


def _carry_out(
    deps: Deps, caller: Principal, identifier: str, body: StateReportBody, origin: Origin | None, now: datetime
) -> Reported:
    with deps.uow() as tx:
        version = _of_source(deps, tx, caller, identifier)
        decision = _decision(caller, body)
        repeated = _repeated(tx, version, body, decision)
        bind_keys(tx, caller, origin, f"{identifier}\n{body_hash(body)}", now)
        if repeated is not None:
            return Reported(version=version, record=repeated, created=False)
        last = tx.source_reports.last(version.version_id)
        if last is not None and body.happened_at < last:
            raise Conflict(f"来源已报告更晚（{rfc3339(last)}）的变更，较早的不再办理；如以此为准，请以新的变更时间重报")
        move = _move_to(version.state, body.state)
        row = MoveRecord(
            move_id=deps.ids.new("mov"),
            version_id=version.version_id,
            name=move.name,
            from_state=version.state,
            to_state=move.target,
            decision=decision,
            actor=caller.subject,
            at=now,
        )
        write_move(tx, row, version, body.until)
        tx.source_reports.insert(row.move_id, version.version_id, body.happened_at)
        announce_move(deps, tx, version, move, row, {"happened_at": rfc3339(body.happened_at)})
        changed = tx.licenses.by_version_id(version.version_id)
    if changed is None:
        msg = "a license vanished within its own transaction"
        raise RuntimeError(msg)
    return Reported(version=changed, record=row, created=True)


def _of_source(deps: Deps, tx: UnitOfWork, caller: Principal, identifier: str) -> LicenseVersion:
    version = tx.licenses.by_identifier(identifier)
    own = {source.id for source in deps.catalog.sources if source.authority_code == caller.authority_code}
    if version is None or version.registration is None or version.registration.source_id not in own:
        raise NotFound(NOT_OF_THIS_SOURCE)
    return version


def _decision(caller: Principal, body: StateReportBody) -> Decision:
    return Decision(
        authority_code=body.authority_code or caller.authority_code,
        document_no=body.reference,
        decided_on=local_day(body.happened_at),
        basis=body.basis,
        until=body.until,
    )


def _repeated(tx: UnitOfWork, version: LicenseVersion, body: StateReportBody, decision: Decision) -> MoveRecord | None:
    """The move that this very report made before; Conflict when its reference came with other content."""
    for row in tx.licenses.moves_of(version.version_id):
        if row.decision is None or row.decision.document_no != body.reference:
            continue
        happened = tx.source_reports.of_move(row.move_id)
        if (row.decision, row.to_state, happened) != (decision, body.state, body.happened_at):
            raise Conflict("同一文书号或变更编号已经报告，且内容与本次不同；内容有变请使用新的编号（reference）")
        return row
    return None


def _move_to(state: State, target: State) -> Move:
    for move in _MOVES:
        if state in move.sources and move.target is target:
            return move
    targets = dict.fromkeys(move.target for move in _MOVES if state in move.sources)
    names = "、".join(f"{STATE_ZH[one]}（{one.value}）" for one in targets) or "无"
    raise IllegalMove(f"证照当前状态为“{STATE_ZH[state]}”，不能变为“{STATE_ZH[target]}”；可以变为：{names}")
