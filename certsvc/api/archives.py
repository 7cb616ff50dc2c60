"""归档信息包: made of a license or a case, checked, downloaded, handed over."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Path, Query, Request, UploadFile
from pydantic import Field, model_validator
from starlette.responses import Response

from certsvc.api.auth import Access, deps_of
from certsvc.api.doors import DOOR
from certsvc.api.json_body import JsonRoute
from certsvc.api.log import ZIP_TYPE, board_of
from certsvc.api.models import Model
from certsvc.catalog.entry import Keeping
from certsvc.commands.access import roles
from certsvc.commands.archiving.checks import check_package, passed
from certsvc.commands.archiving.make import item_data, make_archive
from certsvc.commands.archiving.package import MAX_PACKAGE_BYTES
from certsvc.commands.archiving.records import ReceiptBody, archive_file, hand_over, list_archives, read_archive
from certsvc.commands.archiving.tools import tools_of
from certsvc.commands.ports import Principal
from certsvc.commands.showing.ledger import MAX_CURSOR, read_cursor, write_cursor
from certsvc.license.archives import ARCHIVE_ZH, Archive, CheckItem

router = APIRouter(tags=["archive 归档"], route_class=JsonRoute)

ARCHIVIST = Access(roles.ARCHIVIST)
READER = Access(roles.ARCHIVIST, roles.AUDITOR)
MAX_PAGE = 100
DEFAULT_PAGE = 20
CHECK_S = 60
"""Seconds of one check over HTTP; a package of thousands of slow files would hold one of the few doors for files."""

ArchiveId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_]+$", description="归档信息包编号")]
_PACKAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "归档信息包", "content": {ZIP_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
}


class ArchiveIn(Model):
    """Of what a package is made: a license with all its versions, or a case."""

    identifier: str = Field(default="", max_length=128, pattern=r"^[0-9A-Z.]*$", description="证照标识，任一版本的")
    case_no: str = Field(default="", max_length=64, description="办件编号")

    @model_validator(mode="after")
    def _one_of_two(self) -> ArchiveIn:
        if bool(self.identifier) == bool(self.case_no):
            msg = "请填写 identifier（证照）或 case_no（办件）之一"
            raise ValueError(msg)
        return self


class ArchiveOut(Model):
    """A package on record."""

    archive_id: str
    kind: str = Field(description="license 证照 · case 办件")
    kind_zh: str
    label: str = Field(description="证照标识（现行版本的），或办件编号")
    authority_code: str
    sha256: str
    sm3: str
    size: int = Field(description="字节")
    keeping: str = Field(description="保管期限：permanent 永久 · years_30 定期30年 · years_10 定期10年")
    keeping_zh: str
    licenses: list[str] = Field(description="其中各版本的证照标识")
    materials: list[str] = Field(description="其中电子材料的登记号")
    made_by: str
    made_at: datetime
    handed_to: str = Field(description="接收单位；未移交的为空")
    receipt_no: str
    received_on: date | None

    @staticmethod
    def of(one: Archive) -> ArchiveOut:
        """From a record."""
        return ArchiveOut(
            archive_id=one.archive_id,
            kind=one.kind.value,
            kind_zh=ARCHIVE_ZH[one.kind],
            label=one.label,
            authority_code=one.authority_code,
            sha256=one.sha256,
            sm3=one.sm3,
            size=one.size,
            keeping=one.keeping,
            keeping_zh=Keeping(one.keeping).zh,
            licenses=list(one.members),
            materials=list(one.materials),
            made_by=one.made_by,
            made_at=one.made_at,
            handed_to=one.handed_to,
            receipt_no=one.receipt_no,
            received_on=one.received_on,
        )


class ArchivePageOut(Model):
    """Newest first; ask again with ``next`` as ``cursor``, unless it is empty."""

    archives: list[ArchiveOut]
    next: str


class CheckItemOut(Model):
    """One item of 四性检测."""

    code: str
    property: str = Field(description="authentic 真实性 · complete 完整性 · usable 可用性 · safe 安全性")
    property_zh: str
    name: str
    result: str = Field(description="passed 通过 · failed 不通过 · not_applicable 不适用")
    result_zh: str
    reason: str
    next_step: str = Field(description="没有通过的，下一步做什么")


class CheckOut(Model):
    """四性检测 of a package."""

    passed: bool = Field(description="没有不通过的项目")
    items: list[CheckItemOut]

    @staticmethod
    def of(items: tuple[CheckItem, ...]) -> CheckOut:
        """From the items."""
        return CheckOut(passed=passed(items), items=[CheckItemOut(**item_data(one)) for one in items])


@router.post("/v1/archives", status_code=201, dependencies=[DOOR])
def made(request: Request, body: ArchiveIn, caller: Annotated[Principal, Depends(ARCHIVIST)]) -> ArchiveOut:
    """制作归档信息包，四性检测通过才制成；内容没有变化的，答复原有的一个."""
    made = make_archive(
        deps_of(request), caller, identifier=body.identifier, case_no=body.case_no, board=board_of(request)
    )
    return ArchiveOut.of(made)


@router.get("/v1/archives")
def listed(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    cursor: Annotated[str, Query(max_length=MAX_CURSOR, description="上一页答复中的 next")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE,
) -> ArchivePageOut:
    """本机关的归档信息包，新的在前；审计管理员看全部."""
    found = list_archives(deps_of(request), caller, limit=limit, behind=read_cursor(cursor))
    last = found[-1] if len(found) == limit else None
    return ArchivePageOut(
        archives=[ArchiveOut.of(one) for one in found],
        next=write_cursor((last.made_at, last.archive_id)) if last is not None else "",
    )


@router.post("/v1/archives/checks", dependencies=[DOOR])
def check(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],  # noqa: ARG001  (the door counts the caller)
    file: Annotated[UploadFile, File(description="归档信息包（ZIP）")],
) -> CheckOut:
    """收到的归档信息包的四性检测；不保存文件."""
    data = file.file.read(MAX_PACKAGE_BYTES + 1)
    return CheckOut.of(check_package(data, tools_of(deps_of(request)), within_s=CHECK_S))


@router.get("/v1/archives/{archive_id}")
def one(request: Request, archive_id: ArchiveId, caller: Annotated[Principal, Depends(READER)]) -> ArchiveOut:
    """一个归档信息包的登记."""
    return ArchiveOut.of(read_archive(deps_of(request), caller, archive_id))


@router.get("/v1/archives/{archive_id}/package", response_class=Response, responses=_PACKAGE)
def package(request: Request, archive_id: ArchiveId, caller: Annotated[Principal, Depends(READER)]) -> Response:
    """归档信息包本身（ZIP），每次取到的逐字节相同."""
    found, data = archive_file(deps_of(request), caller, archive_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.archive_id}.zip"', "Cache-Control": "no-store"}
    return Response(data, media_type=ZIP_TYPE, headers=headers)


@router.post("/v1/archives/{archive_id}/receipt", status_code=201)
def received(
    request: Request, archive_id: ArchiveId, body: ReceiptBody, caller: Annotated[Principal, Depends(ARCHIVIST)]
) -> ArchiveOut:
    """登记移交接收回执，一次；同样的再报不变."""
    return ArchiveOut.of(hand_over(deps_of(request), caller, archive_id, body))
