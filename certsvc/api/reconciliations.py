"""Comparing a party's list with the register (对账): what is missing here, extra, or different."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.doors import DOOR
from certsvc.api.json_body import JsonRoute
from certsvc.api.limits import MAX_JSON_BYTES
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.issuance.body import Code
from certsvc.commands.ports import Principal
from certsvc.commands.reconciling.party_list import MAX_ITEMS, Listed, ListReport, answer_list, read_list
from certsvc.commands.shapes import Day
from certsvc.license.books import Period

router = APIRouter(tags=["reconciliation 对账"], route_class=JsonRoute)

PARTY = Access(roles.APPROVAL, roles.APPROVAL_ANY)


OWN = "机关统一社会信用代码，缺省为调用方所属机关"
CODE = r"^[0-9A-Za-z_.\-]*$"


class EntryIn(BaseModel):
    """清单的一条."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    business_no: Code = Field(description="业务流水号", examples=["SP-2026-000001"])
    sha256: str = Field(
        min_length=64, max_length=64, pattern="^[0-9A-Fa-f]{64}$", description="证照文件的 SHA-256（十六进制）"
    )


class ListIn(BaseModel):
    """对方的清单和期间."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    authority_code: str = Field(
        default="",
        max_length=64,
        pattern=CODE,
        description=OWN,
    )
    issued_from: Day = Field(description="颁发日期自", examples=["2026-01-01"])
    issued_until: Day = Field(
        description="颁发日期至（含当日）；期间内颁发而清单没有的列为多出", examples=["2026-01-31"]
    )
    items: tuple[EntryIn, ...] = Field(max_length=MAX_ITEMS)


class MissingOut(Model):
    """Listed, and no license is here."""

    business_no: str
    request_state: str = Field(description="制证申请的状态 accepted、failed、refused；没有收到申请的为空")


class ExtraOut(Model):
    """Issued here, and not listed."""

    business_no: str
    identifier: str
    sha256: str


class DifferentOut(Model):
    """On both sides, with other digests."""

    business_no: str
    listed: list[str]
    issued: list[str]


class ReconciliationOut(Model):
    """The three lists and their counts."""

    agrees: bool
    listed: int = Field(description="清单中的业务流水号个数")
    same: int
    missing: list[MissingOut] = Field(description="清单有、本系统没有证照的")
    missing_count: int
    extra: list[ExtraOut] = Field(description="期间内颁发、清单没有的；过多时只列出一部分")
    extra_count: int
    different: list[DifferentOut] = Field(description="双方都有而摘要不同的")
    different_count: int

    @staticmethod
    def of(report: ListReport) -> ReconciliationOut:
        """From the command's answer."""
        different = [
            DifferentOut(business_no=one.business_no, listed=list(one.listed), issued=list(one.issued))
            for one in report.different
        ]
        return ReconciliationOut(
            agrees=report.agrees,
            listed=report.listed,
            same=report.same,
            missing=[MissingOut(business_no=a.business_no, request_state=a.request_state) for a in report.missing],
            missing_count=len(report.missing),
            extra=[
                ExtraOut(business_no=one.business_no, identifier=one.identifier, sha256=one.sha256)
                for one in report.extra
            ],
            extra_count=report.extra_count,
            different=different,
            different_count=len(report.different),
        )


@router.post("/v1/reconciliations", dependencies=[DOOR])
def compare(request: Request, body: ListIn, caller: Annotated[Principal, Depends(PARTY)]) -> ReconciliationOut:
    """Compare a list; nothing is stored but that it was compared."""
    items = [Listed(business_no=one.business_no, sha256=one.sha256.lower()) for one in body.items]
    period = Period(first=body.issued_from, last=body.issued_until)
    code = body.authority_code
    return ReconciliationOut.of(answer_list(deps_of(request), caller, authority_code=code, period=period, items=items))


@router.post("/v1/reconciliations/file", dependencies=[DOOR])
def compare_file(
    request: Request,
    caller: Annotated[Principal, Depends(PARTY)],
    file: Annotated[UploadFile, File(description="CSV，列名“业务流水号”“摘要”（或 business_no、sha256）")],
    issued_from: Annotated[Day, Form(description="颁发日期自")],
    issued_until: Annotated[Day, Form(description="颁发日期至（含当日）")],
    authority_code: Annotated[
        str,
        Form(max_length=64, pattern=CODE, description=OWN),
    ] = "",
) -> ReconciliationOut:
    """The same for a CSV file."""
    items = read_list(file.file.read(MAX_JSON_BYTES))
    period = Period(first=issued_from, last=issued_until)
    report = answer_list(deps_of(request), caller, authority_code=authority_code, period=period, items=items)
    return ReconciliationOut.of(report)
