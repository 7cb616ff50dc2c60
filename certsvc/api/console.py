"""The console: licenses of all bodies, what is stuck, numbers, evidence. Operators mend, auditors look."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.console_models import ChartsOut, HistoryOut, SearchOut, StuckOut
from certsvc.api.json_body import JsonRoute
from certsvc.api.licenses import Identifier
from certsvc.api.models import Model
from certsvc.commands.console.audit import find_leaves
from certsvc.commands.console.charts import read_charts
from certsvc.commands.console.history import read_history
from certsvc.commands.console.kinds import FAMILIES
from certsvc.commands.console.reach import AUDITORS, OPERATORS, READERS
from certsvc.commands.console.search import MAX_PLACE, MAX_TEXT, search
from certsvc.commands.console.stuck import MAX_RETRIED, read_stuck, retry_requests
from certsvc.commands.ports import Principal

router = APIRouter(tags=["console 管理台"], route_class=JsonRoute)

READER = Access(*READERS)
OPERATOR = Access(*OPERATORS)
AUDITOR = Access(*AUDITORS)

MAX_POSITION = 2**53 - 1
"""The largest integer that every JSON reader keeps."""
MAX_KIND = 64

RequestId = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_]+$")]


class SearchBody(Model):
    """What is looked for; in a body, because a holder's code must not stand in an address."""

    text: str = Field(
        default="",
        max_length=MAX_TEXT,
        description="证照标识、证照编号、持证主体证件号码、业务流水号、办件编号或申请编号，须完整；不填为最近制发的",
    )
    type: str = Field(default="", max_length=64, description="证照类型")
    state: str = Field(default="", max_length=32, description="证照状态")
    cursor: str = Field(default="", max_length=MAX_PLACE, pattern=r"^[A-Za-z0-9_]*$", description="上一页的 next")


class RetryBody(Model):
    """Which failed requests to try at once."""

    request_ids: list[RequestId] = Field(min_length=1, max_length=MAX_RETRIED)


class RetryOut(Model):
    """How many will be tried; the others are being worked on or have ended."""

    retried: int


class LeavesBody(Model):
    """Which evidence; in a body, because what it is about may be somebody's account."""

    subject: str = Field(
        default="", max_length=128, description="留痕的对象，须完整：证照标识、印章编号、申请编号、账号"
    )
    kind: str = Field(
        default="",
        max_length=MAX_KIND,
        pattern=r"^[a-z_.]*$",
        description="种类或其开头，如 seal.，须是答复的 kinds 之一",
    )
    first: date | None = Field(default=None, alias="from", description="起始日（北京），含当日")
    last: date | None = Field(default=None, alias="to", description="结束日，含当日")
    before: int = Field(default=0, ge=0, le=MAX_POSITION, description="上一页的 before；0 为最新")


class LeafOut(Model):
    """One leaf; its proof is at ``GET /v1/log/proofs/inclusion``."""

    position: int
    evidence_id: str
    kind: str
    at: datetime


class KindOut(Model):
    """A family of kinds to choose from."""

    key: str = Field(description="种类的开头，如 seal.")
    zh: str
    en: str


class LeavesOut(Model):
    """Newest first; ask again with ``before``, unless it is 0."""

    leaves: list[LeafOut]
    before: int
    size: int = Field(description="最新检查点的规模；更大的序号尚未进入")
    checkpoint_at: datetime | None
    kinds: list[KindOut] = Field(description="可选的种类，按列出的先后")


@router.post("/v1/console/searches")
def find(request: Request, body: SearchBody, caller: Annotated[Principal, Depends(READER)]) -> SearchOut:
    """查证照：按编号、标识、证件号码、流水号精确查找，或按类型、状态列出最近的；按人查找的留痕."""
    deps = deps_of(request)
    found = search(deps, caller, text=body.text, type_slug=body.type, state=body.state, place=body.cursor)
    return SearchOut.of(deps, found)


@router.get("/v1/console/licenses/{identifier}")
def history(request: Request, identifier: Identifier, caller: Annotated[Principal, Depends(READER)]) -> HistoryOut:
    """一张证照的全部经过，新的在前；查看的留痕."""
    deps = deps_of(request)
    return HistoryOut.of(deps, read_history(deps, caller, identifier))


@router.get("/v1/console/stuck")
def stuck(request: Request, caller: Annotated[Principal, Depends(READER)]) -> StuckOut:
    """待处理：失败或久等的申请（按原因）、存放的事件、未答的用印、落后的消费者."""
    deps = deps_of(request)
    return StuckOut.of(deps, read_stuck(deps, caller))


@router.post("/v1/console/retries", status_code=201)
def retry(request: Request, body: RetryBody, caller: Annotated[Principal, Depends(OPERATOR)]) -> RetryOut:
    """Let failed requests be tried at once."""
    done = retry_requests(deps_of(request), caller, body.request_ids)
    request.app.state.wake()
    return RetryOut(retried=done)


@router.get("/v1/console/charts")
def charts(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    first: Annotated[date, Query(alias="from", description="起始日（北京），含当日")],
    last: Annotated[date, Query(alias="to", description="结束日，含当日")],
) -> ChartsOut:
    """数字：制发、签章率、亮证场景、用证和减纸、各状态."""
    deps = deps_of(request)
    return ChartsOut.of(deps, read_charts(deps, caller, first=first, last=last))


@router.post("/v1/console/leaves")
def leaves(request: Request, body: LeavesBody, caller: Annotated[Principal, Depends(AUDITOR)]) -> LeavesOut:
    """审计：按对象、种类、日期查留痕；只有序号、种类和时间，不含内容."""
    found = find_leaves(
        deps_of(request),
        caller,
        subject=body.subject.strip(),
        kind=body.kind,
        first=body.first,
        last=body.last,
        before=body.before,
    )
    newest = found.checkpoint
    return LeavesOut(
        leaves=[
            LeafOut(position=one.position, evidence_id=one.evidence_id, kind=one.kind, at=one.at)
            for one in found.leaves
        ],
        before=found.before,
        size=newest.size if newest else 0,
        checkpoint_at=newest.at if newest else None,
        kinds=[KindOut(key=f"{family}.", zh=zh, en=en) for family, (zh, en) in FAMILIES.items()],
    )
