"""Stamping by hand (人工用印): upload, preview, seal exactly what was shown; batches; the register of stamped files."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, Response, UploadFile
from pydantic import ValidationError

from certsvc.api.auth import Access, deps_of
from certsvc.api.doors import DOOR
from certsvc.api.json_body import JsonRoute
from certsvc.api.outputs import PDF, PNG
from certsvc.api.stamping_models import BatchIn, BatchOut, PreviewIn, PreviewOut, SealIn, StampingOut, UploadOut
from certsvc.commands.access import roles
from certsvc.commands.issuance.body import shape_problems
from certsvc.commands.ports import Principal
from certsvc.commands.stamping.archive import MAX_FILES
from certsvc.commands.stamping.batch import accept_batch, batch_files, read_batch, run_again
from certsvc.commands.stamping.read import list_stampings, read_stamping, stamped_file
from certsvc.commands.stamping.stamp import preview, preview_picture, seal_preview
from certsvc.commands.stamping.uploads import page_picture, take_upload
from certsvc.errors import InvalidInput

router = APIRouter(tags=["stamping 人工用印"], route_class=JsonRoute)

STAMPER = Access(roles.SEAL_KEEPER, roles.APPROVAL, roles.SEAL_USE_APPROVER)
"""An approver of uses only in the term of an appointment as 首席代表; the commands ask."""
ZIP = "application/zip"
MAX_ORDER_CHARS = 10_000

Id = Annotated[str, Path(max_length=64)]
PageNumber = Annotated[int, Path(ge=1, le=100_000, description="第几页，自 1 起")]
Width = Annotated[int, Query(ge=200, le=2000, description="图宽，像素")]
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


def _binary(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "文件", "content": {media_type: _BINARY}}}


@router.post("/v1/stampings/uploads", status_code=201, dependencies=[DOOR])
def upload(
    request: Request,
    caller: Annotated[Principal, Depends(STAMPER)],
    file: Annotated[UploadFile, File(description="待盖章的 PDF")],
) -> UploadOut:
    """Take in a PDF: whatever can change its face is refused, with every reason and what to do."""
    deps = deps_of(request)
    data = file.file.read(deps.policy.max_upload_bytes + 1)
    return UploadOut.of(take_upload(deps, caller, data))


@router.get(
    "/v1/stampings/uploads/{upload_id}/pages/{page}",
    response_class=Response,
    responses=_binary(PNG),
    dependencies=[DOOR],
)
def upload_page(
    request: Request,
    upload_id: Id,
    page: PageNumber,
    caller: Annotated[Principal, Depends(STAMPER)],
    width: Width = 800,
) -> Response:
    """A page of an upload of one's own, as a picture."""
    return Response(page_picture(deps_of(request), caller, upload_id, page=page, width_px=width), media_type=PNG)


@router.post("/v1/stampings/previews", status_code=201, dependencies=[DOOR])
def show(request: Request, body: PreviewIn, caller: Annotated[Principal, Depends(STAMPER)]) -> PreviewOut:
    """Place the marks; nothing is signed. What comes back is what sealing accepts, for 15 minutes, once."""
    return PreviewOut.of(preview(deps_of(request), caller, body.upload_id, body.seal_id, body.wish()))


@router.get(
    "/v1/stampings/previews/{preview_id}/pages/{page}",
    response_class=Response,
    responses=_binary(PNG),
    dependencies=[DOOR],
)
def preview_page(
    request: Request,
    preview_id: Id,
    page: PageNumber,
    caller: Annotated[Principal, Depends(STAMPER)],
    width: Width = 800,
) -> Response:
    """A page with its marks, as it will look."""
    deps = deps_of(request)
    return Response(preview_picture(deps, caller, preview_id, page=page, width_px=width), media_type=PNG)


@router.post("/v1/stampings", status_code=201, dependencies=[DOOR])
def seal(request: Request, body: SealIn, caller: Annotated[Principal, Depends(STAMPER)]) -> StampingOut:
    """Seal what was shown. Any other digest, page or rectangle is 409; the same again is the same stamping."""
    places = [(one.page - 1, (one.rect[0], one.rect[1], one.rect[2], one.rect[3])) for one in body.marks]
    made = seal_preview(deps_of(request), caller, body.preview_id, sha256=body.sha256, places=places, case=body.case())
    return StampingOut.of(made)


@router.get("/v1/stampings")
def rows(request: Request, caller: Annotated[Principal, Depends(STAMPER)]) -> list[StampingOut]:
    """The newest stampings with the seals of the own authority."""
    return [StampingOut.of(one) for one in list_stampings(deps_of(request), caller)]


@router.get("/v1/stampings/{stamping_id}")
def row(request: Request, stamping_id: Id, caller: Annotated[Principal, Depends(STAMPER)]) -> StampingOut:
    """One stamping of the own authority."""
    return StampingOut.of(read_stamping(deps_of(request), caller, stamping_id))


@router.get("/v1/stampings/{stamping_id}/file", response_class=Response, responses=_binary(PDF))
def sealed(request: Request, stamping_id: Id, caller: Annotated[Principal, Depends(STAMPER)]) -> Response:
    """The sealed PDF."""
    made, data = stamped_file(deps_of(request), caller, stamping_id)
    return _file(data, PDF, f"{made.stamping_id}.pdf")


@router.post("/v1/stampings/batches", status_code=202, dependencies=[DOOR])
def batch(
    request: Request,
    response: Response,
    caller: Annotated[Principal, Depends(STAMPER)],
    files: Annotated[list[UploadFile], File(max_length=MAX_FILES, description="PDF 若干份，或装有 PDF 的 ZIP")],
    order: Annotated[str, Form(max_length=MAX_ORDER_CHARS, description="JSON：印章、方式与事由（BatchIn）")],
) -> BatchOut:
    """Stamp several files in one way; how far it is stands at ``Location``."""
    try:
        asked = BatchIn.model_validate_json(order)
    except ValidationError as error:
        raise InvalidInput("盖章方式有误，请按提示更正", problems=shape_problems(error, prefix="/order")) from error
    given = [(one.filename or "", one.file.read()) for one in files]
    made = accept_batch(deps_of(request), caller, asked.seal_id, given, wish=asked.wish(), case=asked.case())
    request.app.state.wake()
    response.headers["Location"] = f"/v1/stampings/batches/{made.batch_id}"
    response.headers["Retry-After"] = "2"
    return BatchOut.of(*_read(request, caller, made.batch_id))


@router.get("/v1/stampings/batches/{batch_id}")
def progress(request: Request, batch_id: Id, caller: Annotated[Principal, Depends(STAMPER)]) -> BatchOut:
    """How far a batch is, and the answer for each of its files."""
    return BatchOut.of(*_read(request, caller, batch_id))


@router.post("/v1/stampings/batches/{batch_id}/retries", status_code=202)
def retry(
    request: Request, response: Response, batch_id: Id, caller: Annotated[Principal, Depends(STAMPER)]
) -> BatchOut:
    """重新办理：文件未盖章而 may_retry 为真的各份再办一次，已盖章的不动；没有这样的文件为 409."""
    run_again(deps_of(request), caller, batch_id)
    request.app.state.wake()
    response.headers["Location"] = f"/v1/stampings/batches/{batch_id}"
    response.headers["Retry-After"] = "2"
    return BatchOut.of(*_read(request, caller, batch_id))


@router.get("/v1/stampings/batches/{batch_id}/files", response_class=Response, responses=_binary(ZIP))
def results(request: Request, batch_id: Id, caller: Annotated[Principal, Depends(STAMPER)]) -> Response:
    """The sealed files of a finished batch."""
    return _file(batch_files(deps_of(request), caller, batch_id), ZIP, f"{batch_id}.zip")


def _read(request: Request, caller: Principal, batch_id: str) -> tuple[Any, list[Any]]:
    found, items = read_batch(deps_of(request), caller, batch_id)
    return found, list(items)


def _file(data: bytes, media_type: str, name: str) -> Response:
    """The answer; the name is an id of ours, which holds no personal data."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)
