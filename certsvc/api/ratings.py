"""好差评: services that were completed, their rating codes, and the 整改 of bad marks."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from certsvc.api.auth import PUBLIC, Access, deps_of
from certsvc.api.counter_models import body_name
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.uses import DEFAULT_LIMIT, Cursor, Limit
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.sharing.policy import matter_name
from certsvc.commands.showing.ledger import read_cursor, write_cursor
from certsvc.commands.supervision.reach import CLERKS, READERS, SUPERVISORS
from certsvc.commands.supervision.services import (
    COMPLETERS,
    CodeBody,
    FollowUpBody,
    MarkBody,
    MendAnswerBody,
    ServiceBody,
    answer_mend,
    complete_service,
    follow_up_mend,
    list_mends,
    rate_service,
    read_rating,
    read_service,
    renew_code,
)
from certsvc.license.ratings import (
    CHANNEL_ZH,
    GOOD_REASONS,
    MARK_ZH,
    MEND_ZH,
    REASON_ZH,
    MendState,
    RatingReason,
    Service,
)

router = APIRouter(tags=["rating 好差评"], route_class=JsonRoute)

COMPLETER = Access(*COMPLETERS)
READER = Access(*READERS)
CLERK = Access(*CLERKS)
SUPERVISOR = Access(*SUPERVISORS)
Token = Annotated[str, Path(max_length=64, description="评价码中的随机部分")]
ServiceId = Annotated[str, Path(max_length=64, description="服务编号")]


class ServiceOut(Model):
    """A completed service, and its rating code where that was just made."""

    service_id: str
    url: str = Field(description="评价码的内容，只交给办事人；只在取得或换发时给出一次，其他时候为空")
    qr_png: str = Field(description="二维码 PNG 的 Base64，与 url 同时给出")
    expires_at: datetime

    @staticmethod
    def of(deps: Deps, one: Service) -> ServiceOut:
        """From a service."""
        url = f"{deps.policy.public_base}/r/{one.token}" if one.token else ""
        picture = base64.b64encode(deps.renderer.qr_png(url)).decode() if url else ""
        return ServiceOut(service_id=one.service_id, url=url, qr_png=picture, expires_at=one.expires_at)


class ReasonChoiceOut(Model):
    """One reason that may be given."""

    key: str
    name: str
    good: bool


class RatingOut(Model):
    """What whoever holds the code sees."""

    authority_name: str
    matter_name: str
    channel_zh: str
    completed_at: datetime
    expires_at: datetime
    open: bool = Field(description="是否还可以评价")
    mark: int = Field(description="已作的评价，0 为还没有")
    mark_zh: str
    marks: dict[int, str]
    reasons: list[ReasonChoiceOut]

    @staticmethod
    def of(deps: Deps, one: Service) -> RatingOut:
        """From a service as it stands now; neither case nor names."""
        return RatingOut(
            authority_name=body_name(deps.catalog, one.authority_code),
            matter_name=matter_name(deps, one.matter_code),
            channel_zh=CHANNEL_ZH[one.channel],
            completed_at=one.completed_at,
            expires_at=one.expires_at,
            open=one.may_be_rated(deps.clock.now()),
            mark=one.mark,
            mark_zh=MARK_ZH.get(one.mark, ""),
            marks=MARK_ZH,
            reasons=[
                ReasonChoiceOut(key=reason.value, name=REASON_ZH[reason], good=reason in GOOD_REASONS)
                for reason in RatingReason
            ],
        )


class MendOut(Model):
    """差评整改."""

    service_id: str
    authority_code: str
    authority_name: str
    matter_code: str
    matter_name: str
    case_no: str
    channel_zh: str
    handler: str
    mark: int
    mark_zh: str
    reasons: list[str]
    text: str
    rated_at: datetime | None
    state: str
    state_zh: str
    due_on: date | None
    late: bool
    rounds: int
    answer: str
    follow_up: str
    content: bool | None

    @staticmethod
    def of(deps: Deps, one: Service) -> MendOut:
        """From a service with a bad mark, as it stands now."""
        return MendOut(
            service_id=one.service_id,
            authority_code=one.authority_code,
            authority_name=body_name(deps.catalog, one.authority_code),
            matter_code=one.matter_code,
            matter_name=matter_name(deps, one.matter_code),
            case_no=one.case_no,
            channel_zh=CHANNEL_ZH[one.channel],
            handler=one.handler,
            mark=one.mark,
            mark_zh=MARK_ZH[one.mark],
            reasons=[REASON_ZH[RatingReason(reason)] for reason in one.reasons],
            text=one.text,
            rated_at=one.rated_at,
            state=one.mend.value,
            state_zh=MEND_ZH[one.mend],
            due_on=one.due_on,
            late=one.late(deps.clock.now()),
            rounds=one.rounds,
            answer=one.answer,
            follow_up=one.follow_up,
            content=one.content,
        )


class MendPageOut(Model):
    """Newest mark first; ask again with ``next`` as ``cursor``, unless it is empty."""

    mends: list[MendOut]
    next: str


@router.post("/v1/services", status_code=201)
def completed(request: Request, body: ServiceBody, caller: Annotated[Principal, Depends(COMPLETER)]) -> ServiceOut:
    """服务办结：取得一次性评价码，交给办事人。同一办件同一渠道再次请求，得到同一次服务，不再给码."""
    deps = deps_of(request)
    return ServiceOut.of(deps, complete_service(deps, caller, body))


@router.get("/v1/services/{service_id}")
def service(request: Request, service_id: ServiceId, caller: Annotated[Principal, Depends(COMPLETER)]) -> ServiceOut:
    """A service that the own body completed, without its code."""
    deps = deps_of(request)
    return ServiceOut.of(deps, read_service(deps, caller, service_id))


@router.post("/v1/services/{service_id}/codes", status_code=201)
def code(
    request: Request, service_id: ServiceId, body: CodeBody, caller: Annotated[Principal, Depends(COMPLETER)]
) -> ServiceOut:
    """换发遗失的评价码：原码作废，换发留痕，有次数限制."""
    deps = deps_of(request)
    return ServiceOut.of(deps, renew_code(deps, caller, service_id, body))


@router.get("/v1/ratings/{token}", dependencies=[Depends(PUBLIC)])
def look(request: Request, token: Token) -> RatingOut:
    """What a rating code is about; anyone who holds it may ask."""
    deps = deps_of(request)
    return RatingOut.of(deps, read_rating(deps, token))


@router.post("/v1/ratings/{token}", status_code=201, dependencies=[Depends(PUBLIC)])
def rate(request: Request, token: Token, body: MarkBody) -> RatingOut:
    """Rate, once; a mark of 2 or less opens a 整改 at the department."""
    deps = deps_of(request)
    return RatingOut.of(deps, rate_service(deps, token, body))


@router.get("/v1/supervision/mends")
def mends(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    state: Annotated[MendState, Query(description="open 待整改 · answered 待回访 · closed 已办结")] = MendState.OPEN,
    authority_code: Annotated[str, Query(max_length=18, description="只看此部门")] = "",
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> MendPageOut:
    """差评整改 of the own body, or of any for who supervises."""
    deps = deps_of(request)
    behind = read_cursor(cursor)
    found = list_mends(deps, caller, authority_code=authority_code, state=state, limit=limit, behind=behind)
    last = found[-1] if len(found) == limit else None
    return MendPageOut(
        mends=[MendOut.of(deps, one) for one in found],
        next=write_cursor((last.rated_at, last.service_id)) if last is not None and last.rated_at else "",
    )


@router.post("/v1/supervision/mends/{service_id}/answers", status_code=201)
def answer(
    request: Request, service_id: ServiceId, body: MendAnswerBody, caller: Annotated[Principal, Depends(CLERK)]
) -> MendOut:
    """整改答复 of the department."""
    deps = deps_of(request)
    return MendOut.of(deps, answer_mend(deps, caller, service_id, body))


@router.post("/v1/supervision/mends/{service_id}/follow-ups", status_code=201)
def follow_up(
    request: Request, service_id: ServiceId, body: FollowUpBody, caller: Annotated[Principal, Depends(SUPERVISOR)]
) -> MendOut:
    """回访 by a supervisor."""
    deps = deps_of(request)
    return MendOut.of(deps, follow_up_mend(deps, caller, service_id, body))
