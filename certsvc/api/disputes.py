"""异议申诉: filed by holders, answered by the body that used or issued the license."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import ENGLISH, Model
from certsvc.api.uses import DEFAULT_LIMIT, Cursor, Limit
from certsvc.catalog.loader import Catalog
from certsvc.commands.access import roles
from certsvc.commands.disputing.disputes import (
    MAX_TEXT,
    DisputeBody,
    Page,
    answer_dispute,
    disputes_to_answer,
    file_dispute,
    own_disputes,
    take_dispute,
    withdraw_dispute,
)
from certsvc.commands.offline.labels import english_of
from certsvc.commands.ports import Principal
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.use_rows import Used, used_name
from certsvc.commands.showing.ledger import cursor_behind, read_cursor
from certsvc.identifiers.material_kind import slug_of
from certsvc.license.archives import Material
from certsvc.license.disputes import DISPUTE_ZH, Dispute

router = APIRouter(tags=["dispute 异议申诉"], route_class=JsonRoute)

HOLDER = Access(roles.HOLDER)
CLERK = Access(roles.DISPUTE_CLERK)
DisputeId = Annotated[str, Path(max_length=64, description="异议申诉编号")]


class DisputeOut(Model):
    """One dispute as both sides see it."""

    dispute_id: str
    about: str = Field(description="scan 核验 · fetch 调用 · content 证照内容")
    use_id: str
    authority_name: str = Field(description="负责答复的机关")
    text: str
    state: str = Field(description="filed · in_review · upheld · rejected · withdrawn")
    state_zh: str
    filed_at: datetime
    due_on: str = Field(description="答复期限")
    late: bool = Field(description="已过答复期限")
    answer: str = Field(description="答复；尚未答复的为空")
    closed_at: datetime | None

    @staticmethod
    def of(catalog: Catalog, one: Dispute, now: datetime) -> DisputeOut:
        """From a dispute as it stands at ``now``."""
        known = catalog.has_authority(one.authority_code)
        return DisputeOut(
            dispute_id=one.dispute_id,
            about=one.about.value,
            use_id=one.use_id,
            authority_name=catalog.authority(one.authority_code).name if known else one.authority_code,
            text=one.text,
            state=one.state.value,
            state_zh=DISPUTE_ZH[one.state],
            filed_at=one.filed_at,
            due_on=one.due_on.isoformat(),
            late=one.late(now),
            answer=one.answer,
            closed_at=one.closed_at,
        )


class ListedDisputeOut(DisputeOut):
    """A dispute and the license or 电子材料 it is about."""

    identifier: str = Field(description="证照标识，或电子材料的登记号")
    type_name: str
    type_name_en: str = Field(description=ENGLISH)

    @staticmethod
    def listed(catalog: Catalog, one: Dispute, used: Used, now: datetime) -> ListedDisputeOut:
        """From a dispute and what it is about."""
        slug = slug_of(used.code) if isinstance(used, Material) else used.type_slug
        return ListedDisputeOut(
            **DisputeOut.of(catalog, one, now).model_dump(),
            identifier=used_name(used),
            type_name=catalog.used_name(slug) if catalog.has_use(slug) else "电子材料",
            type_name_en=english_of(used.code if isinstance(used, Material) else slug),
        )


class DisputePageOut(Model):
    """Newest first; ask again with ``next`` as ``cursor``, unless it is empty."""

    disputes: list[ListedDisputeOut]
    next: str


class DisputeAnswerIn(Model):
    """What the clerk found, in words for the holder."""

    upheld: bool = Field(description="异议是否成立")
    text: Line = Field(min_length=5, max_length=MAX_TEXT)


@router.post("/v1/disputes", status_code=201)
def file(request: Request, body: DisputeBody, caller: Annotated[Principal, Depends(HOLDER)]) -> DisputeOut:
    """Dispute a use of one's license, or what it says."""
    deps = deps_of(request)
    return DisputeOut.of(deps.catalog, file_dispute(deps, caller, body), deps.clock.now())


@router.get("/v1/disputes")
def own(
    request: Request,
    caller: Annotated[Principal, Depends(HOLDER)],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> DisputePageOut:
    """The caller's disputes."""
    deps = deps_of(request)
    found = own_disputes(deps, caller, limit=limit, behind=read_cursor(cursor))
    return _page(deps.catalog, found, limit, deps.clock.now())


@router.get("/v1/disputes/inbox")
def inbox(
    request: Request,
    caller: Annotated[Principal, Depends(CLERK)],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> DisputePageOut:
    """Disputes that the caller's authority answers."""
    deps = deps_of(request)
    found = disputes_to_answer(deps, caller, limit=limit, behind=read_cursor(cursor))
    return _page(deps.catalog, found, limit, deps.clock.now())


@router.post("/v1/disputes/{dispute_id}/withdrawals", status_code=201)
def withdraw(request: Request, dispute_id: DisputeId, caller: Annotated[Principal, Depends(HOLDER)]) -> DisputeOut:
    """Let it go."""
    deps = deps_of(request)
    return DisputeOut.of(deps.catalog, withdraw_dispute(deps, caller, dispute_id), deps.clock.now())


@router.post("/v1/disputes/{dispute_id}/reviews", status_code=201)
def take(request: Request, dispute_id: DisputeId, caller: Annotated[Principal, Depends(CLERK)]) -> DisputeOut:
    """Take it up; whoever made the use in dispute does not."""
    deps = deps_of(request)
    return DisputeOut.of(deps.catalog, take_dispute(deps, caller, dispute_id), deps.clock.now())


@router.post("/v1/disputes/{dispute_id}/answers", status_code=201)
def answer(
    request: Request, dispute_id: DisputeId, body: DisputeAnswerIn, caller: Annotated[Principal, Depends(CLERK)]
) -> DisputeOut:
    """The answer, by the clerk who took it up; the holder reads it."""
    deps = deps_of(request)
    made = answer_dispute(deps, caller, dispute_id, upheld=body.upheld, text=body.text)
    return DisputeOut.of(deps.catalog, made, deps.clock.now())


def _page(catalog: Catalog, found: Page, limit: int, now: datetime) -> DisputePageOut:
    rows, used = found
    return DisputePageOut(
        disputes=[ListedDisputeOut.listed(catalog, one, used[one.version_id], now) for one in rows],
        next=cursor_behind(rows, limit, lambda one: (one.filed_at, one.dispute_id)),
    )
