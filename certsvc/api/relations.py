"""Facts about people by which others act, and further holders of a license; from systems with the right to say so."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.licenses import Identifier
from certsvc.api.models import Model
from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.commands.access import roles
from certsvc.commands.delegating.co_holders import (
    CoHolderBody,
    add_co_holder,
    list_co_holders,
    remove_co_holder,
)
from certsvc.commands.delegating.relations import RelationBody, end_relation, state_relation
from certsvc.commands.ports import Principal
from certsvc.commands.shapes import Line
from certsvc.license.relations import RELATION_ZH, CoHolder, Relation

router = APIRouter(tags=["relation 监护、法定代表人、共有"], route_class=JsonRoute)

STATER = Access(roles.KINSHIP, roles.REGISTRY)
ISSUER = Access(roles.APPROVAL, roles.APPROVAL_ANY)


class RelationOut(Model):
    """A fact; the people in it are known to who stated it and are not repeated."""

    relation_id: str
    kind: str
    kind_zh: str
    document_no: str
    from_on: str
    until_on: str
    created_at: datetime

    @staticmethod
    def of(one: Relation) -> RelationOut:
        """From a fact."""
        return RelationOut(
            relation_id=one.relation_id,
            kind=one.kind.value,
            kind_zh=RELATION_ZH[one.kind],
            document_no=one.document_no,
            from_on=one.from_on.isoformat(),
            until_on=one.until_on.isoformat() if one.until_on else "",
            created_at=one.created_at,
        )


class RelationEndIn(Model):
    """By which document it ended."""

    document_no: Line = Field(min_length=1, max_length=100)


class CoHolderOut(Model):
    """One further holder, masked."""

    co_holder_id: str
    name_masked: str
    code_masked: str
    fields: list[str] = Field(description="属于本人的信息项")
    added_at: datetime

    @staticmethod
    def of(one: CoHolder) -> CoHolderOut:
        """From a co-holder."""
        return CoHolderOut(
            co_holder_id=one.co_holder_id,
            name_masked=apply_mask(Mask.NAME, one.holder.name),
            code_masked=apply_mask(Mask.CODE_TAIL, one.holder.code),
            fields=sorted(one.data),
            added_at=one.added_at,
        )


@router.post("/v1/relations", status_code=201)
def state(request: Request, body: RelationBody, caller: Annotated[Principal, Depends(STATER)]) -> RelationOut:
    """监护、死亡（kinship）或法定代表人（registry）; the same fact again is answered as before."""
    return RelationOut.of(state_relation(deps_of(request), caller, body))


@router.post("/v1/relations/{relation_id}/endings", status_code=204, response_class=Response)
def end(
    request: Request,
    relation_id: Annotated[str, Path(max_length=64)],
    body: RelationEndIn,
    caller: Annotated[Principal, Depends(STATER)],
) -> Response:
    """It holds no longer."""
    end_relation(deps_of(request), caller, relation_id, document_no=body.document_no)
    return Response(status_code=204)


@router.post("/v1/licenses/{identifier}/co-holders", status_code=201)
def add(
    request: Request, identifier: Identifier, body: CoHolderBody, caller: Annotated[Principal, Depends(ISSUER)]
) -> CoHolderOut:
    """One more person holds this license; ``data`` is the own part, everything personal beside it stays masked."""
    return CoHolderOut.of(add_co_holder(deps_of(request), caller, identifier, body))


@router.get("/v1/licenses/{identifier}/co-holders")
def held_by(
    request: Request, identifier: Identifier, caller: Annotated[Principal, Depends(ISSUER)]
) -> list[CoHolderOut]:
    """Who holds this license beside its first holder."""
    return [CoHolderOut.of(one) for one in list_co_holders(deps_of(request), caller, identifier)]


@router.delete("/v1/licenses/{identifier}/co-holders/{co_holder_id}", status_code=204, response_class=Response)
def remove(
    request: Request,
    identifier: Identifier,
    co_holder_id: Annotated[str, Path(max_length=64)],
    caller: Annotated[Principal, Depends(ISSUER)],
) -> Response:
    """Let a person hold it no longer."""
    remove_co_holder(deps_of(request), caller, identifier, co_holder_id)
    return Response(status_code=204)
