"""用证 of 电子材料: registered systems fetch their data or file for a matter; whom they are about consents to it."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.grant_models import GrantOut
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import FieldOut, Model
from certsvc.commands.access import roles
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.sharing.fetch_material import MaterialFetchBody, fetch_material_once
from certsvc.commands.sharing.grant_material import MaterialGrantBody, grant_material, own_materials
from certsvc.commands.sharing.repeats import MAX_KEY_LENGTH
from certsvc.identifiers.material_kind import slug_of
from certsvc.license.archives import MATERIAL_ZH, Material

router = APIRouter(tags=["fetch 用证"], route_class=JsonRoute)

USER = Access(roles.USING)
HOLDER = Access(roles.HOLDER)


class MaterialFetchOut(Model):
    """What left, and the ledger row that says so."""

    fetch_id: str
    material_id: str
    state: str = Field(description="registered 已登记")
    state_zh: str
    fields: list[FieldOut]
    file: str = Field(description="登记的 PDF 的 Base64，已盖章的带印章；未申请则为空")
    file_sha256: str
    at: datetime


class OwnMaterialOut(Model):
    """A material as whom it is about sees it."""

    material_id: str
    kind: str = Field(description="材料种类编码；其他单位不能取用的为空")
    kind_name: str
    name: str
    authority_name: str = Field(description="登记机关")
    case_no: str
    holder_name: str
    registered_at: datetime

    @staticmethod
    def of(deps: Deps, one: Material) -> OwnMaterialOut:
        """From a record."""
        kind = deps.catalog.material_kind(slug_of(one.code))
        known = deps.catalog.has_authority(one.authority_code)
        return OwnMaterialOut(
            material_id=one.material_id,
            kind=kind.code if kind else "",
            kind_name=kind.name if kind else "",
            name=one.name,
            authority_name=deps.catalog.authority(one.authority_code).name if known else one.authority_code,
            case_no=one.case_no,
            holder_name=one.holder.name if one.holder else "",
            registered_at=one.registered_at,
        )


@router.post("/v1/material-fetches", status_code=201)
def fetch(
    request: Request,
    body: MaterialFetchBody,
    caller: Annotated[Principal, Depends(USER)],
    idempotency_key: Annotated[str, Header(max_length=MAX_KEY_LENGTH)] = "",
) -> MaterialFetchOut:
    """取用电子材料，写明用途和依据；没有依据的不提供，并记录在案.

    同一 Idempotency-Key、同一内容，十分钟内得到同一次取用，不另计次.
    """
    answer = fetch_material_once(deps_of(request), caller, body, idempotency_key)
    return MaterialFetchOut(
        fetch_id=answer.fetch.fetch_id,
        material_id=answer.material.material_id,
        state=answer.material.state.value,
        state_zh=MATERIAL_ZH[answer.material.state],
        fields=FieldOut.many(answer.fields),
        file=base64.b64encode(answer.file).decode() if answer.file is not None else "",
        file_sha256=answer.material.sha256 if answer.file is not None else "",
        at=answer.fetch.at,
    )


@router.post("/v1/material-grants", status_code=201)
def allow(
    request: Request,
    body: MaterialGrantBody,
    caller: Annotated[Principal, Depends(HOLDER)],
    idempotency_key: Annotated[str, Header(max_length=MAX_KEY_LENGTH)] = "",
) -> GrantOut:
    """当事人授权一个用证系统为一个事项取用一份电子材料，一次；收回同证照的授权（DELETE /v1/grants/{grant_id}）.

    同一 Idempotency-Key、同一内容，十分钟内得到同一份授权和用证码.
    """
    deps = deps_of(request)
    return GrantOut.of(deps, grant_material(deps, caller, body, idempotency_key=idempotency_key))


@router.get("/v1/wallet/materials")
def own(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[OwnMaterialOut]:
    """与本人、被监护人、所代表单位有关的电子材料，新的在前."""
    deps = deps_of(request)
    return [OwnMaterialOut.of(deps, one) for one in own_materials(deps, caller)]
