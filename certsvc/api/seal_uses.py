"""Uses of a seal: the newest, those without an answer, and how much of budget and rate is used up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.seals import SealId
from certsvc.commands.ports import Principal
from certsvc.commands.seals.duties import SEERS
from certsvc.commands.seals.read_uses import SealUses, read_uses
from certsvc.seal.model import SealReservation

router = APIRouter(tags=["seal 印章"], route_class=JsonRoute)

READER = Access(*SEERS)


class SealUseOut(Model):
    """One reserved use."""

    reservation_id: str
    purpose: str = Field(description="办理编号，如 issue:req_… 制证")
    digest: str = Field(description="所签内容的摘要（SHA-256）")
    reserved_at: datetime
    result: str = Field(description="open 尚无应答 · used 已用 · failed 未用成 · unknown 结果不明，仍计入用量")

    @staticmethod
    def many(uses: Sequence[SealReservation]) -> list[SealUseOut]:
        """From reservations."""
        return [
            SealUseOut(
                reservation_id=one.reservation_id,
                purpose=one.purpose,
                digest=one.digest,
                reserved_at=one.reserved_at,
                result=one.result.value,
            )
            for one in uses
        ]


class SealUsesOut(Model):
    """How a seal is used now."""

    used_today: int
    daily_budget: int
    used_last_minute: int = Field(description="一分钟内的用印次数，最多数到超出上限一次；没有上限的不数")
    per_minute: int = Field(description="每分钟用印上限，0 为不限")
    newest: list[SealUseOut]
    unanswered: list[SealUseOut] = Field(description="预留已超过十分钟而没有应答的，最早的在前")
    at: datetime

    @staticmethod
    def of(uses: SealUses) -> SealUsesOut:
        """From the command's."""
        return SealUsesOut(
            used_today=uses.used_today,
            daily_budget=uses.daily_budget,
            used_last_minute=uses.used_last_minute,
            per_minute=uses.per_minute,
            newest=SealUseOut.many(uses.newest),
            unanswered=SealUseOut.many(uses.unanswered),
            at=uses.at,
        )


@router.get("/v1/seals/{seal_id}/uses")
def uses(request: Request, seal_id: SealId, caller: Annotated[Principal, Depends(READER)]) -> SealUsesOut:
    """最近的用印、没有应答的预留、今日和一分钟内的用量."""
    return SealUsesOut.of(read_uses(deps_of(request), caller, seal_id))
