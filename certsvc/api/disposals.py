"""鉴定销毁: what is over its term, lists that are proposed and decided, 清册, and what is held."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from certsvc.api.auth import Access, deps_of
from certsvc.api.doors import DOOR
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.catalog.entry import Keeping
from certsvc.commands.access import roles
from certsvc.commands.disposing.holds import DisposalHoldBody, lift_hold, list_holds, place_hold
from certsvc.commands.disposing.judge import Judged
from certsvc.commands.disposing.propose import (
    DisposalBody,
    DisposalDecisionBody,
    decide,
    list_disposals,
    propose,
    read_disposal,
    take_back,
)
from certsvc.commands.disposing.read_over import read_over
from certsvc.commands.disposing.sheet import disposal_sheet, remark
from certsvc.commands.ports import Principal
from certsvc.commands.showing.ledger import MAX_CURSOR, read_cursor, write_cursor
from certsvc.license.archives import ARCHIVE_ZH, ArchiveKind
from certsvc.license.disposal import BOUND_ZH, DISPOSAL_ZH, ITEM_ZH, OUTCOME_ZH, Disposal, DisposalItem, Hold

router = APIRouter(tags=["archive 归档"], route_class=JsonRoute)

ARCHIVIST = Access(roles.ARCHIVIST)
READER = Access(roles.ARCHIVIST, roles.AUDITOR)
MAX_PAGE = 100
DEFAULT_PAGE = 20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_SHEET: dict[int | str, dict[str, Any]] = {200: {"description": "清册", "content": {XLSX: _BINARY}}}

ListId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_]+$", description="清册编号")]
HoldId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_]+$", description="暂停销毁编号")]
Cursor = Annotated[str, Query(max_length=MAX_CURSOR, description="上一页答复中的 next")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


class BoundOut(Model):
    """One thing that speaks against letting it go."""

    code: str
    reason: str


class OverOut(Model):
    """One license or case that is over its term."""

    kind: str = Field(description="license 证照 · case 办件")
    kind_zh: str
    label: str = Field(description="证照标识（现行版本的），或办件编号")
    authority_code: str
    title: str = Field(description="题名，不含姓名")
    keeping: str
    keeping_zh: str
    formed_on: date = Field(description="最后形成日期")
    over_on: date = Field(description="到期日期：这一天起可以鉴定")
    bound: list[BoundOut] = Field(description="不能列入销毁清册的原因；没有的为空")

    @staticmethod
    def of(one: Judged) -> OverOut:
        """From what was judged."""
        contents = one.contents
        return OverOut(
            kind=contents.kind.value,
            kind_zh=ARCHIVE_ZH[contents.kind],
            label=contents.label,
            authority_code=contents.authority_code,
            title=one.title,
            keeping=one.keeping.value,
            keeping_zh=one.keeping.zh,
            formed_on=one.formed_on,
            over_on=one.over_on,
            bound=[BoundOut(code=word.value, reason=BOUND_ZH[word]) for word in one.bound],
        )


class OverPageOut(Model):
    """What a page of the register holds, which may be nothing; ask again with ``next``, unless it is empty."""

    found: list[OverOut]
    next: str


class DisposalItemOut(Model):
    """One item of a list."""

    place: int
    kind: str
    kind_zh: str
    label: str
    title: str
    keeping: str
    keeping_zh: str
    formed_on: date
    over_on: date
    files: int
    packages: list[str] = Field(description="归档信息包的 SHA-256")
    state: str = Field(
        description="listed 待处理 · spared 缓销 · removing 正在销毁 · destroyed 已销毁 · extended 已延长保管"
    )
    state_zh: str
    remark: str
    moved_at: datetime | None

    @staticmethod
    def of(one: DisposalItem) -> DisposalItemOut:
        """From a record."""
        return DisposalItemOut(
            place=one.place,
            kind=one.kind.value,
            kind_zh=ARCHIVE_ZH[one.kind],
            label=one.label,
            title=one.title,
            keeping=one.keeping,
            keeping_zh=Keeping(one.keeping).zh,
            formed_on=one.formed_on,
            over_on=one.over_on,
            files=one.files,
            packages=list(one.packages),
            state=one.state.value,
            state_zh=ITEM_ZH[one.state],
            remark=remark(one),
            moved_at=one.moved_at,
        )


class DisposalOut(Model):
    """A list without its items."""

    list_id: str
    authority_code: str
    outcome: str = Field(description="destroy 销毁 · extend 延长保管")
    outcome_zh: str
    years: int
    reason: str
    state: str = Field(
        description="proposed 待审批 · approved 已批准，待生效 · running 正在销毁 · done 已完成 · "
        "declined 未批准 · withdrawn 已撤回"
    )
    state_zh: str
    proposed_by: str
    proposed_at: datetime
    opinion: str
    decided_by: str
    decided_at: datetime | None
    effect_at: datetime | None = Field(description="批准销毁的，此时之前可以撤回，之后才执行")
    ended_by: str
    ended_at: datetime | None

    @staticmethod
    def of(one: Disposal) -> DisposalOut:
        """From a record."""
        return DisposalOut(
            list_id=one.list_id,
            authority_code=one.authority_code,
            outcome=one.outcome.value,
            outcome_zh=OUTCOME_ZH[one.outcome],
            years=one.years,
            reason=one.reason,
            state=one.state.value,
            state_zh=DISPOSAL_ZH[one.state],
            proposed_by=one.proposed_by,
            proposed_at=one.proposed_at,
            opinion=one.opinion,
            decided_by=one.decided_by,
            decided_at=one.decided_at,
            effect_at=one.effect_at,
            ended_by=one.ended_by,
            ended_at=one.ended_at,
        )


class DisposalWithItemsOut(Model):
    """A list with its items."""

    disposal: DisposalOut
    items: list[DisposalItemOut]


class DisposalPageOut(Model):
    """Newest first; ask again with ``next`` as ``cursor``, unless it is empty."""

    disposals: list[DisposalOut]
    next: str


class HoldOut(Model):
    """暂停销毁."""

    hold_id: str
    kind: str
    kind_zh: str
    label: str
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str
    lifted_at: datetime | None

    @staticmethod
    def of(one: Hold) -> HoldOut:
        """From a record."""
        return HoldOut(
            hold_id=one.hold_id,
            kind=one.kind.value,
            kind_zh=ARCHIVE_ZH[one.kind],
            label=one.label,
            reason=one.reason,
            placed_by=one.placed_by,
            placed_at=one.placed_at,
            lifted_by=one.lifted_by,
            lifted_at=one.lifted_at,
        )


class HoldPageOut(Model):
    """Newest first."""

    holds: list[HoldOut]
    next: str


@router.get("/v1/disposals/due", dependencies=[DOOR])
def over(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    kind: Annotated[ArchiveKind, Query(description="license 证照 · case 办件")] = ArchiveKind.LICENSE,
    cursor: Annotated[str, Query(max_length=200, description="上一页答复中的 next")] = "",
) -> OverPageOut:
    """保管期限已满的：本机关的，审计管理员看全部；不能列入的写明原因。一页看登记库的一段，可能没有."""
    page = read_over(deps_of(request), caller, kind=kind, after=cursor)
    return OverPageOut(found=[OverOut.of(one) for one in page.found], next=page.next)


@router.post("/v1/disposals", status_code=201)
def proposed(request: Request, body: DisposalBody, caller: Annotated[Principal, Depends(ARCHIVIST)]) -> DisposalOut:
    """提出鉴定清册：销毁或延长保管；由另一名档案员审批."""
    return DisposalOut.of(propose(deps_of(request), caller, body))


@router.get("/v1/disposals")
def listed(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_PAGE,
) -> DisposalPageOut:
    """本机关的鉴定清册，新的在前；审计管理员看全部."""
    found = list_disposals(deps_of(request), caller, limit=limit, behind=read_cursor(cursor))
    last = found[-1] if len(found) == limit else None
    return DisposalPageOut(
        disposals=[DisposalOut.of(one) for one in found],
        next=write_cursor((last.proposed_at, last.list_id)) if last is not None else "",
    )


@router.get("/v1/disposals/{list_id}")
def one(request: Request, list_id: ListId, caller: Annotated[Principal, Depends(READER)]) -> DisposalWithItemsOut:
    """一份鉴定清册和其中各项."""
    found, items = read_disposal(deps_of(request), caller, list_id)
    return DisposalWithItemsOut(disposal=DisposalOut.of(found), items=[DisposalItemOut.of(item) for item in items])


@router.get("/v1/disposals/{list_id}/sheet", response_class=Response, responses=_SHEET)
def sheet(request: Request, list_id: ListId, caller: Annotated[Principal, Depends(READER)]) -> Response:
    """销毁清册（XLSX），可打印签字；取用留痕."""
    name, data = disposal_sheet(deps_of(request), caller, list_id)
    named = f"attachment; filename=\"{list_id}.xlsx\"; filename*=UTF-8''{quote(name)}"
    return Response(data, media_type=XLSX, headers={"Content-Disposition": named, "Cache-Control": "no-store"})


@router.post("/v1/disposals/{list_id}/decision", status_code=201)
def decided(
    request: Request, list_id: ListId, body: DisposalDecisionBody, caller: Annotated[Principal, Depends(ARCHIVIST)]
) -> DisposalOut:
    """审批，提出人不得审批；批准销毁的七日后才执行，其间可以撤回."""
    return DisposalOut.of(decide(deps_of(request), caller, list_id, body))


@router.post("/v1/disposals/{list_id}/withdrawal", status_code=201)
def withdrawn(request: Request, list_id: ListId, caller: Annotated[Principal, Depends(ARCHIVIST)]) -> DisposalOut:
    """撤回还没有开始执行的清册."""
    return DisposalOut.of(take_back(deps_of(request), caller, list_id))


@router.post("/v1/disposal-holds", status_code=201)
def held(request: Request, body: DisposalHoldBody, caller: Annotated[Principal, Depends(ARCHIVIST)]) -> HoldOut:
    """登记暂停销毁（诉讼、审计、检查需要的）."""
    return HoldOut.of(place_hold(deps_of(request), caller, body))


@router.get("/v1/disposal-holds")
def holds(
    request: Request,
    caller: Annotated[Principal, Depends(ARCHIVIST)],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_PAGE,
) -> HoldPageOut:
    """本机关的暂停销毁，新的在前，已解除的也在内."""
    found = list_holds(deps_of(request), caller, limit=limit, behind=read_cursor(cursor))
    last = found[-1] if len(found) == limit else None
    return HoldPageOut(
        holds=[HoldOut.of(one) for one in found],
        next=write_cursor((last.placed_at, last.hold_id)) if last is not None else "",
    )


@router.post("/v1/disposal-holds/{hold_id}/lifting", status_code=201)
def lifted(request: Request, hold_id: HoldId, caller: Annotated[Principal, Depends(ARCHIVIST)]) -> HoldOut:
    """解除暂停销毁."""
    return HoldOut.of(lift_hold(deps_of(request), caller, hold_id))
