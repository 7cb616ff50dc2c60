"""Seals: the list, applications, every move of their life, histories, pictures and seal objects."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Path, Query, Request, Response, UploadFile
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.seal_bodies import (
    ApplicationIn,
    HistoryRow,
    MoveIn,
    RemakeIn,
    SealObjectOut,
    SealRow,
    Sent,
    VersionOut,
    cause_of,
)
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.seals.apply_seal import apply_seal, remake_seal
from certsvc.commands.seals.duties import SEERS
from certsvc.commands.seals.make_seal import accept_seal_certificate, make_seal
from certsvc.commands.seals.move_seal import move_seal
from certsvc.commands.seals.note_move import Said
from certsvc.commands.seals.read_seals import (
    judge_seal_object,
    list_seals,
    names_of,
    read_history,
    read_seal,
    seal_object,
    seal_picture,
)
from certsvc.errors import FieldProblem, InvalidInput, TooLarge

router = APIRouter(tags=["seal 印章"], route_class=JsonRoute)

APPLICANT = Access(roles.SEAL_APPLICANT)
OWNER = Access(roles.SEAL_KEEPER, roles.SEAL_APPLICANT)
MAKER = Access(roles.SEAL_MAKER)
MOVER = Access(roles.SEAL_KEEPER, roles.SEAL_APPLICANT, roles.SEAL_APPROVER, roles.SEAL_MAKER, roles.SECURITY)
READER = Access(*SEERS)
EXPORTER = Access(roles.SEAL_KEEPER, roles.SEAL_MAKER, roles.AUDITOR)

MAX_ROWS = 500
MAX_OBJECT_BYTES = 768 * 1024
"""A seal object holds one picture and some certificates; stops a large body before it is parsed."""

MAX_VERSION = 10_000
MAX_CERTIFICATE_CHARS = 256 * 1024

SealId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z_-]+$", description="印章编号")]
Version = Annotated[int, Query(ge=0, le=MAX_VERSION, description="版本，0 为现行版本")]

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


class MakeIn(Sent):
    """制作；outside 为真时只生成密钥和证书申请，由外部机构签发."""

    outside: bool = False


class CertificateIn(Sent):
    """外部机构签发的证书（PEM）：本证书在前，签发证书在后，不含根证书."""

    certificate: str = Field(min_length=1, max_length=MAX_CERTIFICATE_CHARS)


@router.get("/v1/seals")
def rows(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    after: Annotated[str, Query(max_length=64, description="上一页最后一枚的印章编号")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = MAX_ROWS,
) -> list[SealRow]:
    """Seals that the caller may see: the own authority's, the region's, or (auditors) all; with what may be done."""
    return [SealRow.of(view) for view in list_seals(deps_of(request), caller, after=after, limit=limit)]


@router.post("/v1/seals", status_code=201)
def apply(request: Request, body: ApplicationIn, caller: Annotated[Principal, Depends(APPLICANT)]) -> SealRow:
    """申请制发印章；审批、制作、启用分别由制发部门、制作管理单位、保管人办理."""
    deps = deps_of(request)
    version = apply_seal(deps, caller, body.seal.wanted(), Said(document_no=body.document_no))
    return SealRow.of(read_seal(deps, caller, version.seal_id))


@router.get("/v1/seals/{seal_id}")
def row(request: Request, seal_id: SealId, caller: Annotated[Principal, Depends(READER)]) -> SealRow:
    """One seal."""
    return SealRow.of(read_seal(deps_of(request), caller, seal_id))


@router.post("/v1/seals/{seal_id}/moves", status_code=201)
def move(request: Request, seal_id: SealId, body: MoveIn, caller: Annotated[Principal, Depends(MOVER)]) -> SealRow:
    """批准、不予制发、终止办理、启用、停用、恢复、注销；立即生效，谁可办理见 docs/states.md."""
    deps = deps_of(request)
    move_seal(deps, caller, seal_id, body.move, body.said())
    return SealRow.of(read_seal(deps, caller, seal_id))


@router.post("/v1/seals/{seal_id}/remakes", status_code=201)
def remake(request: Request, seal_id: SealId, body: RemakeIn, caller: Annotated[Principal, Depends(OWNER)]) -> SealRow:
    """申请换制或换证；密钥遗失的，印章即时停用、证书即时吊销."""
    deps = deps_of(request)
    if (body.seal is None) != (body.cause != "changed"):
        detail = "名称、印模或范围变更须附变更后的印章内容；证书到期和密钥遗失的不附"
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/seal", code="mismatch", detail=detail),))
    wanted = body.seal.wanted() if body.seal else None
    said = Said(reason=body.reason, document_no=body.document_no)
    remake_seal(deps, caller, seal_id, cause_of(body), wanted, said)
    return SealRow.of(read_seal(deps, caller, seal_id))


@router.post("/v1/seals/{seal_id}/making", status_code=201)
def make(request: Request, seal_id: SealId, body: MakeIn, caller: Annotated[Principal, Depends(MAKER)]) -> VersionOut:
    """制作：密钥在密钥库内生成；有签发机构时即取得证书，否则 request 为证书申请，待交回证书."""
    return VersionOut.of(make_seal(deps_of(request), caller, seal_id, outside=body.outside))


@router.post("/v1/seals/{seal_id}/certificate", status_code=201)
def certificate(
    request: Request, seal_id: SealId, body: CertificateIn, caller: Annotated[Principal, Depends(MAKER)]
) -> VersionOut:
    """交回外部机构签发的证书；与密钥、所有者、信任的根证书逐一核对."""
    answer = body.certificate.encode("utf-8")
    return VersionOut.of(accept_seal_certificate(deps_of(request), caller, seal_id, answer))


@router.get("/v1/seals/{seal_id}/history")
def history(request: Request, seal_id: SealId, caller: Annotated[Principal, Depends(READER)]) -> list[HistoryRow]:
    """Every move of every version, the oldest first."""
    deps = deps_of(request)
    moves = read_history(deps, caller, seal_id)
    names = names_of(deps, moves)
    return [HistoryRow.of(one, names.get(one.actor, "")) for one in moves]


@router.get(
    "/v1/seals/{seal_id}/picture",
    response_class=Response,
    responses={200: {"description": "印模图片，透明底", "content": {"image/png": _BINARY}}},
)
def picture(
    request: Request, seal_id: SealId, caller: Annotated[Principal, Depends(READER)], version: Version = 0
) -> Response:
    """The seal's picture (印模); it proves nothing by itself."""
    data = seal_picture(deps_of(request), caller, seal_id, version=version)
    return Response(data, media_type="image/png", headers={"Cache-Control": "private, no-store"})


@router.get(
    "/v1/seals/{seal_id}/object",
    response_class=Response,
    responses={200: {"description": "印章数据（.esl）", "content": {"application/octet-stream": _BINARY}}},
)
def export(
    request: Request, seal_id: SealId, caller: Annotated[Principal, Depends(EXPORTER)], version: Version = 0
) -> Response:
    """The seal object of an SM2 seal (GB/T 38540-2020 SESeal); it holds no private key."""
    data = seal_object(deps_of(request), caller, seal_id, version=version)
    headers = {"Cache-Control": "private, no-store", "Content-Disposition": f'attachment; filename="{seal_id}.esl"'}
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.post("/v1/seal-objects/verifications")
def verify(
    request: Request,
    file: Annotated[UploadFile, File(description="印章数据（.esl）")],
    caller: Annotated[Principal, Depends(READER)],
) -> SealObjectOut:
    """核验一份印章数据（.esl）：制章者签名、证书、有效期；v1、v4、v5 均可."""
    data = file.file.read(MAX_OBJECT_BYTES + 1)
    if len(data) > MAX_OBJECT_BYTES:
        raise TooLarge(f"印章数据超过 {MAX_OBJECT_BYTES // 1024} KiB")
    return SealObjectOut.of(judge_seal_object(deps_of(request), caller, data))
