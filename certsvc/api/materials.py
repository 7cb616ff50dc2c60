"""电子材料: PDFs of a case that are no licenses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, UploadFile
from pydantic import Field, ValidationError
from starlette.responses import Response

from certsvc.api.auth import Access, deps_of
from certsvc.api.doors import DOOR
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.archiving.materials import (
    MaterialBody,
    case_materials,
    material_file,
    read_material,
    register_material,
    withdraw_material,
)
from certsvc.commands.issuance.body import shape_problems
from certsvc.commands.ports import Principal
from certsvc.errors import InvalidInput
from certsvc.events.strict_json import read_json
from certsvc.license.archives import MATERIAL_ZH, Material

router = APIRouter(tags=["archive 归档"], route_class=JsonRoute)

WRITER = Access(roles.APPROVAL, roles.APPROVAL_ANY)
READER = Access(roles.APPROVAL, roles.APPROVAL_ANY, roles.ARCHIVIST, roles.AUDITOR)
MAX_BODY_TEXT = 4096
PDF_TYPE = "application/pdf"

MaterialId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_]+$", description="材料登记号")]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "电子材料", "content": {PDF_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
}


class MaterialOut(Model):
    """A material on record."""

    material_id: str
    authority_code: str
    case_no: str
    matter_code: str
    code: str
    name: str
    sha256: str
    size: int
    pages: int
    stamping_id: str = Field(description="盖章的用印记录；没有盖章的为空")
    state: str = Field(description="registered 已登记 · withdrawn 已收回 · destroyed 已销毁")
    state_zh: str
    registered_at: datetime
    names_holder: bool = Field(description="登记了当事人：其他单位可按用证策略取用，当事人看得到")

    @staticmethod
    def of(one: Material) -> MaterialOut:
        """From a record."""
        return MaterialOut(
            material_id=one.material_id,
            authority_code=one.authority_code,
            case_no=one.case_no,
            matter_code=one.matter_code,
            code=one.code,
            name=one.name,
            sha256=one.sha256,
            size=one.size,
            pages=one.pages,
            stamping_id=one.stamping_id,
            state=one.state.value,
            state_zh=MATERIAL_ZH[one.state],
            registered_at=one.registered_at,
            names_holder=one.holder is not None,
        )


@router.post("/v1/materials", status_code=201, dependencies=[DOOR])
def registered(
    request: Request,
    caller: Annotated[Principal, Depends(WRITER)],
    material: Annotated[
        str, Form(max_length=MAX_BODY_TEXT, description="JSON：authority_code、case_no、name、matter_code、code…")
    ],
    file: Annotated[UploadFile | None, File(description="PDF；已盖章的改填 stamping_id")] = None,
) -> MaterialOut:
    """登记办件的一份电子材料，按人工用印的规则检查；同一办件的同一文件再次登记，答复原有的一份."""
    deps = deps_of(request)
    try:
        body = MaterialBody.model_validate(read_json(material.encode("utf-8", errors="surrogatepass")))
    except ValidationError as error:
        raise InvalidInput("登记信息有误，请按提示逐项更正", problems=shape_problems(error)) from error
    data = file.file.read(deps.policy.max_upload_bytes + 1) if file is not None else b""
    return MaterialOut.of(register_material(deps, caller, body, data))


@router.get("/v1/materials")
def of_case(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    case_no: Annotated[str, Query(min_length=1, max_length=64, description="办件编号")],
    authority_code: Annotated[str, Query(max_length=18, description="办理机关，缺省为调用方所属机关")] = "",
) -> list[MaterialOut]:
    """一个办件的电子材料，先登记的在前."""
    found = case_materials(deps_of(request), caller, authority_code=authority_code, case_no=case_no)
    return [MaterialOut.of(one) for one in found]


@router.get("/v1/materials/{material_id}")
def one(request: Request, material_id: MaterialId, caller: Annotated[Principal, Depends(READER)]) -> MaterialOut:
    """一份电子材料的登记."""
    return MaterialOut.of(read_material(deps_of(request), caller, material_id))


@router.get("/v1/materials/{material_id}/file", response_class=Response, responses=_FILE)
def file(request: Request, material_id: MaterialId, caller: Annotated[Principal, Depends(READER)]) -> Response:
    """电子材料本身（PDF）；取用留痕."""
    found, data = material_file(deps_of(request), caller, material_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.material_id}.pdf"', "Cache-Control": "no-store"}
    return Response(data, media_type=PDF_TYPE, headers=headers)


@router.post("/v1/materials/{material_id}/withdrawals", status_code=201)
def withdrawn(request: Request, material_id: MaterialId, caller: Annotated[Principal, Depends(WRITER)]) -> MaterialOut:
    """收回登记有误的电子材料；已制成的归档信息包不变."""
    return MaterialOut.of(withdraw_material(deps_of(request), caller, material_id))
