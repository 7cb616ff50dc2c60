"""Notices and their service (送达), for staff: what could not be sent, and how it was served instead."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.notice_models import NoticeOut
from certsvc.commands.notices.serve_by_hand import (
    MAX_PAGE,
    READERS,
    SENDERS,
    SERVERS,
    ByHand,
    Told,
    list_notices,
    read_notice,
    resend_notice,
    serve_by_hand,
)
from certsvc.commands.ports import Principal
from certsvc.commands.shapes import Day, Line
from certsvc.license.notices import NoticeState, Way

router = APIRouter(tags=["notices 通知与送达"], route_class=JsonRoute)

READER = Access(*READERS)
SERVER = Access(*SERVERS)
SENDER = Access(*SENDERS)

NoticeId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_]+$", description="通知编号")]


class OpenState(StrEnum):
    """States that are listed; every other is read with its license."""

    FAILED = NoticeState.FAILED.value
    WAITING = NoticeState.WAITING.value


class HandWay(StrEnum):
    """Ways that staff record."""

    DIRECT = Way.DIRECT.value
    LEFT = Way.LEFT.value
    POST = Way.POST.value
    ANNOUNCEMENT = Way.ANNOUNCEMENT.value


class ServiceBody(BaseModel):
    """送达记录：方式、日期、说明."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    way: HandWay = Field(description="direct 直接送达 · left 留置送达 · post 邮寄送达 · announcement 公告送达")
    served_on: Day = Field(description="送达日期", examples=["2026-01-15"])
    note: Line = Field(default="", max_length=200, description="送达回证编号、签收人、邮件编号、公告载体等；加密存放")


class ToldOut(Model):
    """A notice and the license that it is about."""

    identifier: str
    type: str
    type_name: str
    authority_code: str = Field(description="负责送达的机关")
    notice: NoticeOut


class NoticePage(Model):
    """Notices; ask again with ``after`` = ``next`` until there are none."""

    notices: list[ToldOut]
    next: str


@router.get("/v1/notices")
def notices(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    state: Annotated[OpenState, Query(description="failed 未能发送 · waiting 待发送")] = OpenState.FAILED,
    after: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> NoticePage:
    """Notices that the caller's body has to serve, oldest first: those that failed and were not read or served yet."""
    found = list_notices(deps_of(request), caller, state=NoticeState(state.value), behind=after, limit=limit)
    return NoticePage(
        notices=[_out(request, told) for told in found], next=found[-1].notice.notice_id if found else after
    )


@router.get("/v1/notices/{notice_id}")
def notice(request: Request, notice_id: NoticeId, caller: Annotated[Principal, Depends(READER)]) -> ToldOut:
    """One notice, whatever its state."""
    return _out(request, read_notice(deps_of(request), caller, notice_id))


@router.post("/v1/notices/{notice_id}/services", status_code=201)
def serve(
    request: Request, notice_id: NoticeId, body: ServiceBody, caller: Annotated[Principal, Depends(SERVER)]
) -> ToldOut:
    """Record that it was served in another way; the same record again returns the same."""
    act = ByHand(way=Way(body.way.value), served_on=body.served_on, note=body.note)
    return _out(request, serve_by_hand(deps_of(request), caller, notice_id, act))


@router.post("/v1/notices/{notice_id}/sendings", status_code=202)
def resend(request: Request, notice_id: NoticeId, caller: Annotated[Principal, Depends(SENDER)]) -> ToldOut:
    """Send a failed one again: the holder has a contact by now, or the gateway is back."""
    return _out(request, resend_notice(deps_of(request), caller, notice_id))


def _out(request: Request, told: Told) -> ToldOut:
    version = told.version
    return ToldOut(
        identifier=version.identifier,
        type=version.type_slug,
        type_name=deps_of(request).catalog.type(version.type_slug).name,
        authority_code=told.notice.authority_code,
        notice=NoticeOut.of(told.notice),
    )
