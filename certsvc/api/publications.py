"""The published catalog: departments propose type files, the 政务服务管理机构 previews and publishes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ConfigDict, Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.catalog.publication import Proposal, Publication
from certsvc.commands.access import roles
from certsvc.commands.catalog.govern import (
    MAX_FILE_BYTES,
    catalog_status,
    propose_type,
    publish_types,
    waiting,
)
from certsvc.commands.catalog.preview import preview_type
from certsvc.commands.ports import Principal

router = APIRouter(tags=["catalog 目录"], route_class=JsonRoute)

PROPOSER = Access(roles.CATALOG_PROPOSER)
PUBLISHER = Access(roles.CATALOG_PUBLISHER)
EITHER = Access(roles.CATALOG_PROPOSER, roles.CATALOG_PUBLISHER)
READER = Access(roles.CATALOG_PROPOSER, roles.CATALOG_PUBLISHER, roles.AUDITOR, roles.OPERATOR)

MAX_AT_ONCE = 500
"""Proposals published together: a whole catalog."""

ProposalId = Annotated[str, Path(max_length=64, pattern=r"^pro_[0-9A-Z]+$", description="提案编号")]


class ProposalIn(Model):
    """A type file as it would stand in ``types/``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(min_length=1, max_length=MAX_FILE_BYTES, description="类型文件（TOML）全文")


class PublicationIn(Model):
    """Which proposals, published together or not at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    proposals: tuple[str, ...] = Field(min_length=1, max_length=MAX_AT_ONCE, description="提案编号")


class ProposalOut(Model):
    """A proposed version of a type."""

    proposal_id: str
    type: str
    version: int
    digest: str
    proposed_by: str
    authority_code: str
    proposed_at: datetime

    @staticmethod
    def of(proposal: Proposal) -> ProposalOut:
        """From a proposal."""
        return ProposalOut(
            proposal_id=proposal.proposal_id,
            type=proposal.slug,
            version=proposal.version,
            digest=proposal.digest,
            proposed_by=proposal.proposed_by,
            authority_code=proposal.authority_code,
            proposed_at=proposal.proposed_at,
        )


class PublicationOut(Model):
    """A published version of a type."""

    type: str
    version: int
    digest: str
    proposed_by: str
    published_by: str
    published_at: datetime

    @staticmethod
    def of(publication: Publication) -> PublicationOut:
        """From a publication."""
        return PublicationOut(
            type=publication.slug,
            version=publication.version,
            digest=publication.digest,
            proposed_by=publication.proposed_by,
            published_by=publication.published_by,
            published_at=publication.published_at,
        )


class CatalogStatusOut(Model):
    """The epoch, what waits for publication, and what was published."""

    epoch: int
    waiting: list[ProposalOut]
    published: list[PublicationOut]


@router.post("/v1/catalog/proposals", status_code=201)
def propose(request: Request, body: ProposalIn, caller: Annotated[Principal, Depends(PROPOSER)]) -> ProposalOut:
    """Propose a version of a type; the same file again is the same proposal."""
    return ProposalOut.of(propose_type(deps_of(request), caller, body.file.encode()))


@router.get("/v1/catalog/proposals/{proposal_id}/preview", response_class=Response)
def preview(request: Request, proposal_id: ProposalId, caller: Annotated[Principal, Depends(EITHER)]) -> Response:
    """The page with the sample's data, marked 样本."""
    data = preview_type(deps_of(request), caller, proposal_id)
    return Response(data, media_type="application/pdf", headers={"Cache-Control": "private, no-store"})


@router.post("/v1/catalog/publications", status_code=201)
def publish(
    request: Request, body: PublicationIn, caller: Annotated[Principal, Depends(PUBLISHER)]
) -> list[PublicationOut]:
    """Publish proposals together; whoever proposed one of them may not."""
    return [PublicationOut.of(row) for row in publish_types(deps_of(request), caller, body.proposals)]


@router.get("/v1/catalog/status")
def status(request: Request, caller: Annotated[Principal, Depends(READER)]) -> CatalogStatusOut:
    """What waits, what was published, and the epoch that every process follows."""
    found = catalog_status(deps_of(request), caller)
    return CatalogStatusOut(
        epoch=found.epoch,
        waiting=[ProposalOut.of(proposal) for proposal in waiting(found)],
        published=[PublicationOut.of(publication) for publication in found.publications],
    )
