"""Drafts of type files: checked and drawn as they would be, kept nowhere; and the file that is in effect."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import ConfigDict, Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.doors import DOOR
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.catalog.drafts import DrawnType, draw_draft, draw_proposal, draw_type
from certsvc.commands.catalog.govern import MAX_FILE_BYTES
from certsvc.commands.ports import Principal

router = APIRouter(tags=["catalog 目录"], route_class=JsonRoute)

EDITOR = Access(roles.CATALOG_PROPOSER, roles.CATALOG_PUBLISHER)
READER = Access(roles.CATALOG_PROPOSER, roles.CATALOG_PUBLISHER, roles.AUDITOR, roles.OPERATOR)

ProposalId = Annotated[str, Path(max_length=64, pattern=r"^pro_[0-9A-Z]+$", description="提案编号")]
Slug = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-z_-]+$", description="证照类型")]


class DraftIn(Model):
    """A type file as it would be proposed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(min_length=1, max_length=MAX_FILE_BYTES, description="类型文件（TOML）全文")


class DrawnTypeOut(Model):
    """A type file that the catalog can use, and its page."""

    type: str
    name: str
    version: int
    published: int = Field(description="已发布的最新版本；提案的 version 须大于它")
    file: str
    masks: dict[str, dict[str, str]] = Field(
        description="信息项 → 场合（face、show、print、log）→ 遮盖方式；没有列出的不遮盖"
    )
    picture: str = Field(description="样本数据的页面，PNG 的 Base64")

    @staticmethod
    def of(drawn: DrawnType) -> DrawnTypeOut:
        """From the command's."""
        return DrawnTypeOut(
            type=drawn.slug,
            name=drawn.name,
            version=drawn.version,
            published=drawn.published,
            file=drawn.file.decode(),
            masks={key: dict(masks) for key, masks in drawn.masks.items()},
            picture=base64.b64encode(drawn.picture).decode(),
        )


@router.post("/v1/catalog/drafts", dependencies=[DOOR])
def draft(request: Request, body: DraftIn, caller: Annotated[Principal, Depends(EDITOR)]) -> DrawnTypeOut:
    """Check a type file and draw its page with the sample's data; nothing is kept and nothing proposed by this."""
    return DrawnTypeOut.of(draw_draft(deps_of(request), caller, body.file.encode()))


@router.get("/v1/catalog/proposals/{proposal_id}/page", dependencies=[DOOR])
def page(request: Request, proposal_id: ProposalId, caller: Annotated[Principal, Depends(EDITOR)]) -> DrawnTypeOut:
    """A proposal as it was sent, and its page as a picture."""
    return DrawnTypeOut.of(draw_proposal(deps_of(request), caller, proposal_id))


@router.get("/v1/catalog/types/{slug}/page", dependencies=[DOOR])
def type_page(request: Request, slug: Slug, caller: Annotated[Principal, Depends(READER)]) -> DrawnTypeOut:
    """The type in effect: its file, its masks and its page as a picture."""
    return DrawnTypeOut.of(draw_type(deps_of(request), caller, slug))
