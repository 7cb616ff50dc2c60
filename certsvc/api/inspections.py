"""检查记录: what came of scans, corrections, pictures, and the history of the own body."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Path, Query, Request, Response, UploadFile

from certsvc.api.auth import Access, deps_of
from certsvc.api.doors import DOOR
from certsvc.api.json_body import JsonRoute
from certsvc.api.lists import XLSX
from certsvc.api.seal_approvals import TermDay
from certsvc.api.visit_models import HistoryPage, OutcomeOut, PictureOut
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.visits.history import MAX_PAGE, Question, history, history_xlsx
from certsvc.commands.visits.outcomes import CorrectionBody, OutcomeBody, correct_outcome, record_outcome
from certsvc.commands.visits.pictures import add_picture, read_picture
from certsvc.license.visits import Outcome

router = APIRouter(tags=["inspection 检查记录"], route_class=JsonRoute)

OFFICER = Access(roles.OFFICER)
JPEG = "image/jpeg"
MAX_PICTURE_UPLOAD = 8 * 1024 * 1024
"""As the renderer's limit of one picture: what is longer is not read to its end."""

ScanId = Annotated[str, Path(max_length=64, pattern=r"^scn_[0-9A-Z]+$", description="核验编号")]
PictureId = Annotated[str, Path(max_length=64, pattern=r"^pic_[0-9A-Z]+$", description="照片编号")]
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.post("/v1/scans/{scan_id}/outcome", status_code=201)
def outcome(
    request: Request, scan_id: ScanId, body: OutcomeBody, caller: Annotated[Principal, Depends(OFFICER)]
) -> OutcomeOut:
    """记录处理结果：每次核验一条，重发不重复，内容不同为 409."""
    return OutcomeOut.of(record_outcome(deps_of(request), caller, scan_id, body))


@router.post("/v1/scans/{scan_id}/corrections", status_code=201)
def correction(
    request: Request, scan_id: ScanId, body: CorrectionBody, caller: Annotated[Principal, Depends(OFFICER)]
) -> OutcomeOut:
    """更正处理结果：原记录保留，写明理由；``seq`` 为第几次更正，重发不重复."""
    return OutcomeOut.of(correct_outcome(deps_of(request), caller, scan_id, body))


@router.post("/v1/scans/{scan_id}/pictures", status_code=201, dependencies=[DOOR])
def picture(
    request: Request,
    scan_id: ScanId,
    caller: Annotated[Principal, Depends(OFFICER)],
    file: Annotated[UploadFile, File(description="JPEG 或 PNG")],
) -> PictureOut:
    """上传检查照片：去除拍摄信息、缩小、加密保存；同一张照片重发不重复."""
    data = file.file.read(MAX_PICTURE_UPLOAD + 1)
    return PictureOut.of(add_picture(deps_of(request), caller, scan_id, data))


@router.get(
    "/v1/scans/{scan_id}/pictures/{picture_id}",
    response_class=Response,
    responses={200: {"description": "照片", "content": {JPEG: _BINARY}}},
)
def picture_file(
    request: Request, scan_id: ScanId, picture_id: PictureId, caller: Annotated[Principal, Depends(OFFICER)]
) -> Response:
    """The picture, for the body that took it and those above."""
    return Response(read_picture(deps_of(request), caller, scan_id, picture_id), media_type=JPEG)


def _question(
    authority: Annotated[str, Query(max_length=18, pattern=r"^[0-9A-Z]*$", description="下级机关，缺省为本机关")] = "",
    since: Annotated[TermDay | None, Query(description="起，含当日")] = None,
    until: Annotated[TermDay | None, Query(description="止，含当日")] = None,
    badge: Annotated[str, Query(max_length=32)] = "",
    identifier: Annotated[str, Query(max_length=128, description="证照标识")] = "",
    outcome: Annotated[Outcome | None, Query(description="现行的处理结果；须写明起止日期")] = None,
    visit: Annotated[str, Query(max_length=64, pattern=r"^(vis_[0-9A-Z]+)?$")] = "",
    before: Annotated[str, Query(max_length=64, pattern=r"^(scn_[0-9A-Z]+)?$", description="上一页的 next")] = "",
) -> Question:
    return Question(
        authority_code=authority,
        since=since,
        until=until,
        badge=badge,
        identifier=identifier,
        outcome=outcome,
        visit_id=visit,
        before=before,
    )


@router.get("/v1/inspections")
def records(
    request: Request,
    caller: Annotated[Principal, Depends(OFFICER)],
    asked: Annotated[Question, Depends(_question)],
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> HistoryPage:
    """Inspection records of the own body or of one below it, newest first; to any other body 404."""
    deps = deps_of(request)
    return HistoryPage.of(deps, history(deps, caller, asked, limit=limit), full=limit)


@router.get(
    "/v1/inspections/export",
    response_class=Response,
    responses={200: {"description": "文件", "content": {XLSX: _BINARY}}},
    dependencies=[DOOR],
)
def export(
    request: Request,
    caller: Annotated[Principal, Depends(OFFICER)],
    since: Annotated[TermDay, Query(description="起，含当日")],
    until: Annotated[TermDay, Query(description="止，含当日")],
) -> Response:
    """The records of the own body in a period as a spreadsheet."""
    data = history_xlsx(deps_of(request), caller, Question(since=since, until=until))
    name = f"检查记录-{since}-{until}.xlsx"
    named = f"attachment; filename=\"inspections.xlsx\"; filename*=UTF-8''{quote(name)}"
    return Response(data, media_type=XLSX, headers={"Content-Disposition": named})
