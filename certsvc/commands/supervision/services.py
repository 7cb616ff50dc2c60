"""好差评: a completed service gets a code, the code takes one mark, a bad mark opens a 整改 that is called back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.counter.serving import matter_at
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.supervision.reach import (
    CLERKS,
    REPORTERS,
    SUPERVISORS,
    body_seen,
    check_reporter,
    may_see,
    tell,
)
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.supervision_payloads import ServiceCompleted, ServiceMended, ServiceRated
from certsvc.license.ratings import (
    BAD_MARK,
    BEST_MARK,
    MAX_CODES,
    MAX_REASONS,
    MAX_ROUNDS,
    MAX_TEXT,
    MEND_WORKDAYS,
    MEND_ZH,
    RATING_DAYS,
    WORST_MARK,
    Channel,
    MendState,
    RatingReason,
    Service,
    reasons_fault,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

COMPLETERS = (*REPORTERS, roles.CLERK)
"""Approval systems, and counters for what they completed themselves."""
AHEAD = timedelta(minutes=5)
OLDEST = timedelta(days=30)
"""How long ago a service may have been completed: who is asked a month later does not remember it."""
NO_CODE_ZH = "没有这个评价码，请核对"
NO_MEND_ZH = "没有这件差评整改"
NO_SERVICE_ZH = "没有这次服务"
UNKNOWN_CASE_ZH = "没有这个办件；请先报送受理（POST /v1/supervision/cases），或用窗口核验、制证申请时的办件编号"
CODES_ZH = f"这次服务已经评价或已过期，或已取得 {MAX_CODES} 个评价码，不能再换码"
USED_ZH = "这个评价码已经评价过或已过期；如有其他意见，可以投诉"


class ServiceBody(BaseModel):
    """一次服务办结，请办事人评价."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    authority_code: Line = Field(min_length=18, max_length=18, description="办理机关统一社会信用代码")
    matter_code: Line = Field(min_length=1, max_length=33, description="事项实施编码")
    case_no: Line = Field(
        min_length=1, max_length=64, pattern=r"^[^/\\?#%\s]+$", description="办件编号，不含空格和 / \\ ? # %"
    )
    channel: Channel = Field(description="counter 大厅 · online 网上 · mobile 移动端 · kiosk 自助终端 · phone 热线")
    completed_at: AwareDatetime = Field(description="办结时间")
    handler: Line = Field(default="", max_length=64, description="承办人，差评整改时点名用")


class CodeBody(BaseModel):
    """换发评价码：原码作废，换发留痕."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Line = Field(min_length=2, max_length=200, description="为什么换发，如办事人遗失")


class MarkBody(BaseModel):
    """评价：5 非常满意，1 非常不满意."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mark: int = Field(ge=WORST_MARK, le=BEST_MARK)
    reasons: list[RatingReason] = Field(default=[], max_length=MAX_REASONS)
    text: Line = Field(default="", max_length=MAX_TEXT, description="其他意见；请勿填写身份证号等个人信息")


class MendAnswerBody(BaseModel):
    """整改答复：核实的情况和采取的措施."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Line = Field(min_length=5, max_length=MAX_TEXT)


class FollowUpBody(BaseModel):
    """回访：办事人是否满意."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    content: bool = Field(description="满意则办结；不满意的退回再整改一次")
    text: Line = Field(min_length=2, max_length=MAX_TEXT, description="回访情况")


def complete_service(deps: Deps, caller: Principal, body: ServiceBody) -> Service:
    """Register a completed service and give it a rating code; the same again gives the same service without its code.

    Raises:
        Forbidden: a service of another body; NoLawfulBasis: not a matter of this counter.
        InvalidInput: a time to come or long past, or a case that nothing here knows: who is rated would make one up.
        Conflict: the case was completed for another matter.
    """
    roles.require(caller, *COMPLETERS)
    if roles.CLERK not in caller.roles:
        check_reporter(caller, body.authority_code)
    else:
        matter, _ = matter_at(deps, caller, body.matter_code)
        if matter.authority_code != body.authority_code:
            raise NotFound("这个事项不归该机关办理，请核对 authority_code 和 matter_code")
    now = deps.clock.now()
    if not now - OLDEST <= body.completed_at <= now + AHEAD:
        detail = f"办结时间不能晚于现在，也不能早于 {OLDEST.days} 天前"
        problem = FieldProblem(pointer="/completed_at", code="range", detail=detail)
        raise InvalidInput(detail, problems=(problem,))
    with deps.uow() as tx:
        known = tx.services.of_case(body.authority_code, body.case_no, body.channel.value)
        if known is not None:
            if known.matter_code != body.matter_code:
                raise Conflict("这个办件已按另一事项请求过评价，请核对办件编号")
            return known
        if not tx.services.case_known(body.authority_code, body.case_no, counter_code=caller.authority_code):
            problem = FieldProblem(pointer="/case_no", code="unknown", detail=UNKNOWN_CASE_ZH)
            raise InvalidInput(UNKNOWN_CASE_ZH, problems=(problem,))
        return _register(deps, tx, caller, body, now)


def _register(deps: Deps, tx: UnitOfWork, caller: Principal, body: ServiceBody, now: datetime) -> Service:
    made = Service(
        service_id=deps.ids.new("svc"),
        token=deps.ids.token(),
        authority_code=body.authority_code,
        matter_code=body.matter_code,
        case_no=body.case_no,
        channel=body.channel,
        handler=body.handler,
        completed_at=body.completed_at,
        expires_at=now + timedelta(days=RATING_DAYS),
    )
    if not tx.services.insert(made, token_sha256=_digest(made.token)):
        raise Conflict("这个办件刚请求过评价，评价码已交给先请求的一方；遗失的请换发")
    payload = ServiceCompleted(
        service_id=made.service_id,
        authority_code=made.authority_code,
        matter_code=made.matter_code,
        channel=made.channel.value,
    )
    tell(deps, tx, payload, made.service_id, now)
    _on_record(deps, tx, "service.completed", made, caller.subject, now, {"channel": made.channel.value})
    return made


def read_service(deps: Deps, caller: Principal, service_id: str) -> Service:
    """A service without its code, for the body that completed it; NotFound for others."""
    roles.require(caller, *COMPLETERS)
    with deps.uow.read() as tx:
        return _own(tx, caller, service_id)


def renew_code(deps: Deps, caller: Principal, service_id: str, body: CodeBody) -> Service:
    """Make a lost code anew, on record; the old one ends, and the days of the first one stay.

    Raises:
        NotFound: another body's service.
        Conflict: it is rated or its time is over, or it had its :data:`MAX_CODES`.
    """
    roles.require(caller, *COMPLETERS)
    now, token = deps.clock.now(), deps.ids.token()
    with deps.uow() as tx:
        found = _own(tx, caller, service_id)
        renewed = replace(found, token=token, codes=found.codes + 1)
        open_yet = found.may_be_rated(now) and found.codes < MAX_CODES
        if not open_yet or not tx.services.renew_code(renewed, token_sha256=_digest(token)):
            raise Conflict(CODES_ZH)
        content = {"codes": renewed.codes, "reason": body.reason}
        _on_record(deps, tx, "service.code_renewed", renewed, caller.subject, now, content)
    return renewed


def _own(tx: UnitOfWork, caller: Principal, service_id: str) -> Service:
    found = tx.services.by_id(service_id)
    everywhere = roles.APPROVAL_ANY in caller.roles
    if found is None or not (everywhere or found.authority_code == caller.authority_code):
        raise NotFound(NO_SERVICE_ZH)
    return found


def read_rating(deps: Deps, token: str) -> Service:
    """The service behind a code, for whoever holds it; NotFound for an unknown one."""
    with deps.uow.read() as tx:
        found = tx.services.by_token(_digest(token))
    if found is None:
        raise NotFound(NO_CODE_ZH)
    return found


def rate_service(deps: Deps, token: str, body: MarkBody) -> Service:
    """Take the one mark of a code; a bad one opens a 整改.

    Raises:
        NotFound: an unknown code.
        InvalidInput: reasons that do not go with the mark.
        Conflict: it was used, or its time is over.
    """
    fault = reasons_fault(body.mark, tuple(body.reasons))
    if fault:
        raise InvalidInput(fault, problems=(FieldProblem(pointer="/reasons", code="invalid", detail=fault),))
    now = deps.clock.sure()
    bad = body.mark <= BAD_MARK
    with deps.uow() as tx:
        found = tx.services.by_token(_digest(token))
        if found is None:
            raise NotFound(NO_CODE_ZH)
        rated = replace(
            found,
            mark=body.mark,
            reasons=tuple(reason.value for reason in body.reasons),
            text=body.text,
            rated_at=now,
            mend=MendState.OPEN if bad else MendState.NONE,
            due_on=deps.catalog.workdays.after(local_day(now), MEND_WORKDAYS) if bad else None,
            rounds=int(bad),
        )
        if not found.may_be_rated(now) or not tx.services.rate(rated):
            raise Conflict(USED_ZH)
        payload = ServiceRated(
            service_id=rated.service_id,
            authority_code=rated.authority_code,
            matter_code=rated.matter_code,
            mark=rated.mark,
            due_on=rated.due_on.isoformat() if rated.due_on else "",
        )
        tell(deps, tx, payload, rated.service_id, now)
        content = {"mark": rated.mark, "reasons": list(rated.reasons), "text": rated.text}
        _on_record(deps, tx, "service.rated", rated, "code", now, content)
    return rated


def list_mends(
    deps: Deps,
    caller: Principal,
    *,
    authority_code: str,
    state: MendState,
    limit: int,
    behind: tuple[datetime, str] | None,
) -> Sequence[Service]:
    """差评整改 in a state, newest mark first: of the own body, or of any for who supervises."""
    body = body_seen(caller, authority_code)
    with deps.uow.read() as tx:
        return tx.services.mends(body, state, limit=limit, behind=behind)


def answer_mend(deps: Deps, caller: Principal, service_id: str, body: MendAnswerBody) -> Service:
    """The department says what it found and did; NotFound for another body's, Conflict when it waits for nothing."""
    roles.require(caller, *CLERKS)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = _mend(tx, caller, service_id)
        answered = replace(
            found, mend=MendState.ANSWERED, answer=body.text, answered_by=caller.subject, answered_at=now
        )
        return _move(deps, tx, caller, found, answered, MendState.OPEN)


def follow_up_mend(deps: Deps, caller: Principal, service_id: str, body: FollowUpBody) -> Service:
    """回访: closed when the caller was content, or after the second round; else opened again with a new last day."""
    roles.require(caller, *SUPERVISORS)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = _mend(tx, caller, service_id)
        again = not body.content and found.rounds < MAX_ROUNDS
        followed = replace(
            found,
            mend=MendState.OPEN if again else MendState.CLOSED,
            due_on=deps.catalog.workdays.after(local_day(now), MEND_WORKDAYS) if again else found.due_on,
            rounds=found.rounds + int(again),
            follow_up=body.text,
            content=body.content,
            followed_by=caller.subject,
            followed_at=now,
        )
        return _move(deps, tx, caller, found, followed, MendState.ANSWERED)


def _mend(tx: UnitOfWork, caller: Principal, service_id: str) -> Service:
    found = tx.services.by_id(service_id)
    if found is None or found.mend is MendState.NONE or not may_see(caller, found.authority_code):
        raise NotFound(NO_MEND_ZH)
    return found


def _move(deps: Deps, tx: UnitOfWork, caller: Principal, found: Service, moved: Service, source: MendState) -> Service:
    now = (moved.answered_at if source is MendState.OPEN else moved.followed_at) or deps.clock.now()
    if found.mend is not source or not tx.services.mend(moved, source=source):
        raise Conflict(f"这件整改现在不是“{MEND_ZH[source]}”，请刷新后再看")
    payload = ServiceMended(service_id=moved.service_id, authority_code=moved.authority_code, state=moved.mend.value)
    tell(deps, tx, payload, moved.service_id, now)
    words = moved.answer if source is MendState.OPEN else moved.follow_up
    content = {"state": moved.mend.value, "text": words}
    _on_record(deps, tx, "service.mended", moved, caller.subject, now, content)
    return moved


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _on_record(
    deps: Deps, tx: UnitOfWork, kind: str, one: Service, actor: str, now: datetime, content: Mapping[str, object]
) -> None:
    record(tx, deps, kind=kind, subject=one.service_id, actor=actor, content=content, at=now)
