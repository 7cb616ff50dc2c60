"""Data quality of the register, for the departments that have to set it right."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.catalog.quality import DEFECT_ZH, QualityRow, examine, waiting
from certsvc.commands.ports import Principal

router = APIRouter(tags=["quality 数据质量"], route_class=JsonRoute)

READER = Access(roles.APPROVAL, roles.APPROVAL_ANY, roles.AUDITOR, roles.CATALOG_PROPOSER, roles.CATALOG_PUBLISHER)


class QualityRowOut(Model):
    """One finding; it names a field by its label and never a value."""

    authority_code: str
    department: str
    type: str
    type_name: str
    identifier: str = Field(description="证照标识；未签章的为申请编号")
    defect: str = Field(description="missing_field · wrong_code · unsealed · duplicate")
    defect_zh: str
    detail: str

    @staticmethod
    def of(row: QualityRow) -> QualityRowOut:
        """From a finding."""
        return QualityRowOut(
            authority_code=row.authority_code,
            department=row.department,
            type=row.type_slug,
            type_name=row.type_name,
            identifier=row.identifier,
            defect=row.defect.value,
            defect_zh=DEFECT_ZH[row.defect],
            detail=row.detail,
        )


class QualityOut(Model):
    """One page; ``next`` is empty at the end."""

    rows: list[QualityRowOut]
    looked_at: int = Field(description="本页检查的证照件数")
    next: str


@router.get("/v1/quality")
def quality(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    authority_code: Annotated[str, Query(max_length=18, description="只看此部门，缺省为可见的全部")] = "",
    after: Annotated[str, Query(max_length=64, pattern=r"^[0-9A-Za-z_-]*$", description="上一页的 next")] = "",
) -> QualityOut:
    """Missing fields, wrong codes, unsealed work and duplicates among the licenses in force, page by page."""
    deps = deps_of(request)
    page = examine(deps, caller, authority_code=authority_code, after=after)
    first = () if after else waiting(deps, caller, authority_code=authority_code)
    return QualityOut(
        rows=[QualityRowOut.of(row) for row in (*first, *page.rows)], looked_at=page.looked_at, next=page.next
    )
