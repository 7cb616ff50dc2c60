"""Imports of 存量: template, upload, progress, result, sample, approval. Nothing is issued before it is approved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import quote

import anyio
from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from certsvc.api.auth import Access, deps_of
from certsvc.api.doors import DOOR, FileDoor
from certsvc.api.import_models import (
    DecisionIn,
    DropIn,
    ImportOut,
    ImportPage,
    JudgementIn,
    ProgressOut,
    RowOut,
    RowPage,
    SampleIn,
)
from certsvc.api.json_body import JsonRoute
from certsvc.api.lists import JSON, XLSX
from certsvc.api.negotiation import choose
from certsvc.commands.access import roles
from certsvc.commands.imports.decide import approve, drop, refuse
from certsvc.commands.imports.read import MAX_LISTED, MAX_PAGE, list_imports, read_import, read_rows
from certsvc.commands.imports.result import result_csv, result_xlsx
from certsvc.commands.imports.sample import draw, judge, read_sample, sample_photo
from certsvc.commands.imports.template import template_xlsx
from certsvc.commands.imports.upload import MAX_UPLOAD, upload_import
from certsvc.commands.ports import Deps, Principal
from certsvc.errors import CertsvcError, Unavailable
from certsvc.license.imports import WORKING, RowState
from certsvc.license.stock import Trust

router = APIRouter(tags=["import 存量导入"], route_class=JsonRoute)

CLERK = Access(roles.BATCH_CLERK)
VERIFIER = Access(roles.BATCH_VERIFIER)
EITHER = Access(roles.BATCH_CLERK, roles.BATCH_VERIFIER)
READER = Access(roles.BATCH_CLERK, roles.BATCH_VERIFIER, roles.AUDITOR)

SSE = "text/event-stream"
CSV = "text/csv"
JPEG = "image/jpeg"
LOOK_S = 1.0
"""Pause between two looks of a stream: one count of one import's rows."""
LONGEST_STREAM = 600
"""Looks of one stream; then the reader connects again. Stops connections that nobody reads from being kept for ever."""
STREAMS = FileDoor(50, "同时查看进度的人较多，请改为定时查询")
"""Progress streams at one time; whoever comes later gets the present state and is told to come back."""
COME_BACK_MS = 5000

ImportId = Annotated[str, Path(max_length=64, pattern=r"^imp_[0-9A-Z]+$", description="批次编号")]
RowNo = Annotated[int, Path(ge=1, le=10_000_000, description="表中行号")]
Slug = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-z_-]+$", description="证照类型")]
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


def _content(*media: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "文件", "content": dict.fromkeys(media, _BINARY)}}


_PROGRESS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "按 Accept：application/json（缺省）为此刻的进度；text/event-stream 每秒一次，直到不再变化",
        "model": ProgressOut,
        "content": {SSE: {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/v1/imports/templates/{slug}", response_class=Response, responses=_content(XLSX), dependencies=[Depends(EITHER)]
)
def template(request: Request, slug: Slug) -> Response:
    """The template of a type: Chinese headings, an example, code lists, explanations."""
    deps = deps_of(request)
    data = template_xlsx(deps, slug)
    return _file(data, XLSX, f"{slug}.xlsx", f"{deps.catalog.type(slug).name}存量模板.xlsx")


@router.post("/v1/imports", status_code=202, dependencies=[DOOR])
def create(
    request: Request,
    response: Response,
    caller: Annotated[Principal, Depends(CLERK)],
    file: Annotated[UploadFile, File(description="CSV、XLSX，或装有其中一个和照片的 ZIP")],
    slug: Annotated[str, Form(alias="type", max_length=64, pattern=r"^[0-9a-z_-]+$", description="证照类型")],
    trust: Annotated[Trust, Form(description="可信等级：A、B 或 C")],
) -> ImportOut:
    """Upload a table of 存量. It is checked row by row, and nothing is issued. The same file is the same import."""
    data = file.file.read(MAX_UPLOAD + 1)
    done = upload_import(deps_of(request), caller, slug, trust, data)
    response.headers["Location"] = f"/v1/imports/{done.batch.import_id}"
    response.headers["Retry-After"] = "2"
    return ImportOut.of(done.batch)


@router.get("/v1/imports")
def listed(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    before: Annotated[str, Query(max_length=64, pattern=r"^(imp_[0-9A-Z]+)?$")] = "",
) -> ImportPage:
    """Imports of the own department, newest first."""
    return ImportPage.of(list(list_imports(deps_of(request), caller, before=before)), full=MAX_LISTED)


@router.get("/v1/imports/{import_id}")
def one(request: Request, import_id: ImportId, caller: Annotated[Principal, Depends(READER)]) -> ProgressOut:
    """An import and how far it is."""
    return ProgressOut.of(read_import(deps_of(request), caller, import_id))


@router.get("/v1/imports/{import_id}/progress", response_model=None, responses=_PROGRESS)
def progress(request: Request, import_id: ImportId, caller: Annotated[Principal, Depends(READER)]) -> Response:
    """How far it is, once or as a stream of server-sent events (``progress``, and ``end`` with the last one)."""
    deps = deps_of(request)
    media = choose(request.headers.get("accept", ""), (JSON, SSE))
    now = ProgressOut.of(read_import(deps, caller, import_id))
    if media == JSON:
        return Response(now.model_dump_json(), media_type=JSON, headers={"Vary": "Accept"})
    return StreamingResponse(_stream(deps, caller, now), media_type=SSE, headers={"Vary": "Accept"})


async def _stream(deps: Deps, caller: Principal, now: ProgressOut) -> AsyncIterator[str]:
    """The state now, then every change of it, until the service has nothing more to do about the import."""
    yield _event("progress", now)
    try:
        with STREAMS:
            for _ in range(LONGEST_STREAM):
                if now.batch.state not in WORKING:
                    yield _event("end", now)
                    return
                await anyio.sleep(LOOK_S)
                seen = now
                now = await run_in_threadpool(_look, deps, caller, now.batch.import_id)
                yield _event("progress", now) if now != seen else ": \n\n"
    except Unavailable:
        pass  # no place, or no database for now: the reader comes back by itself
    except CertsvcError:
        return
    yield f"retry: {COME_BACK_MS}\n\n"


def _look(deps: Deps, caller: Principal, import_id: str) -> ProgressOut:
    return ProgressOut.of(read_import(deps, caller, import_id))


def _event(name: str, data: ProgressOut) -> str:
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n"


@router.get("/v1/imports/{import_id}/rows")
def rows(
    request: Request,
    import_id: ImportId,
    caller: Annotated[Principal, Depends(READER)],
    after: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    state: RowState | None = None,
) -> RowPage:
    """Rows with their reasons; only those in ``state``, if it is given."""
    found = read_rows(deps_of(request), caller, import_id, after=after, limit=limit, state=state)
    return RowPage.of(list(found), full=limit)


@router.get(
    "/v1/imports/{import_id}/result", response_class=Response, responses=_content(XLSX, CSV), dependencies=[DOOR]
)
def result(
    request: Request,
    import_id: ImportId,
    caller: Annotated[Principal, Depends(EITHER)],
    form: Annotated[Literal["xlsx", "csv"], Query(alias="format")] = "xlsx",
) -> Response:
    """The table with 结果 and 原因 for every row, to mend and to send again."""
    if form == "csv":
        data, media = result_csv(deps_of(request), caller, import_id), CSV
    else:
        data, media = result_xlsx(deps_of(request), caller, import_id), XLSX
    return _file(data, media, f"{import_id}.{form}", f"导入结果-{import_id}.{form}")


@router.post("/v1/imports/{import_id}/samples", status_code=201)
def sample(
    request: Request, import_id: ImportId, body: SampleIn, caller: Annotated[Principal, Depends(VERIFIER)]
) -> list[RowOut]:
    """抽样: rows drawn by the service, from a seed that is recorded; asked again, the same rows or more."""
    return [RowOut.of(row) for row in draw(deps_of(request), caller, import_id, size=body.size)]


@router.get("/v1/imports/{import_id}/samples")
def samples(request: Request, import_id: ImportId, caller: Annotated[Principal, Depends(VERIFIER)]) -> list[RowOut]:
    """The rows that were drawn, with what was found so far."""
    return [RowOut.of(row) for row in read_sample(deps_of(request), caller, import_id)]


@router.get("/v1/imports/{import_id}/samples/{row}/photo", response_class=Response, responses=_content(JPEG))
def photo(
    request: Request, import_id: ImportId, row: RowNo, caller: Annotated[Principal, Depends(VERIFIER)]
) -> Response:
    """The photo of a row of the sample, to be compared with the original."""
    return Response(sample_photo(deps_of(request), caller, import_id, row), media_type=JPEG)


@router.post("/v1/imports/{import_id}/samples/{row}", status_code=201)
def judged(
    request: Request,
    import_id: ImportId,
    row: RowNo,
    body: JudgementIn,
    caller: Annotated[Principal, Depends(VERIFIER)],
) -> RowOut:
    """核对: a row of the sample agrees with the original, or not and why. The last word counts until the decision."""
    return RowOut.of(judge(deps_of(request), caller, import_id, row, body.outcome, body.reason))


@router.post("/v1/imports/{import_id}/approval", status_code=201)
def decide(
    request: Request, import_id: ImportId, body: DecisionIn, caller: Annotated[Principal, Depends(VERIFIER)]
) -> ImportOut:
    """批准或不予批准, by somebody of the department who is not the uploader."""
    command = approve if body.agrees else refuse
    return ImportOut.of(command(deps_of(request), caller, import_id, reason=body.reason))


@router.post("/v1/imports/{import_id}/drop", status_code=201)
def dropped(
    request: Request, import_id: ImportId, body: DropIn, caller: Annotated[Principal, Depends(CLERK)]
) -> ImportOut:
    """放弃: taken back before it is approved; what its rows say is erased."""
    return ImportOut.of(drop(deps_of(request), caller, import_id, reason=body.reason))


def _file(data: bytes, media: str, plain: str, name: str) -> Response:
    """The answer; names hold ids and types, no personal data."""
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    return Response(data, media_type=media, headers={"Content-Disposition": named})
