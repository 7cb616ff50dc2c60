"""Cases (联办件、一件事): one number, several licenses, each with its status."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.issuances import RETRY_AFTER_S, RequestOut
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.issuance.read_case import MAX_PAGE, CaseItem, read_case
from certsvc.commands.ports import Principal
from certsvc.license.request import RequestState

router = APIRouter(tags=["issuance 制发"], route_class=JsonRoute)

READER = Access(roles.APPROVAL, roles.APPROVAL_ANY, roles.OPERATOR)

UNDER_WAY = frozenset({RequestState.ACCEPTED, RequestState.FAILED})


class CaseItemOut(Model):
    """One license that the case asks for."""

    request: RequestOut
    authority_code: str
    action: str
    license_state: str = Field(description="证照现在的状态；尚未签发为空")
    license_state_zh: str

    @staticmethod
    def of(item: CaseItem) -> CaseItemOut:
        """From the command's item."""
        payload, standing = item.status.request.payload, item.standing
        return CaseItemOut(
            request=RequestOut.of(item.status),
            authority_code=payload.authority_code,
            action=payload.action.value,
            license_state=standing.code if standing else "",
            license_state_zh=standing.zh if standing else "",
        )


class CaseOut(Model):
    """A case; ask again with ``after`` = ``next`` until there are no items."""

    case_no: str
    done: bool = Field(description="全部办结：已签发或不予签发")
    counts: dict[str, int] = Field(description="各状态的件数：accepted、issued、refused、failed（将重试）")
    items: list[CaseItemOut]
    next: str


@router.get("/v1/cases/{case_no}")
def case(
    request: Request,
    response: Response,
    case_no: Annotated[str, Path(min_length=1, max_length=64, description="办件编号")],
    caller: Annotated[Principal, Depends(READER)],
    after: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = MAX_PAGE,
) -> CaseOut:
    """Every license of the case that the caller asked for; the unified platform sees those of all systems."""
    found = read_case(deps_of(request), caller, case_no, behind=after, limit=limit)
    done = UNDER_WAY.isdisjoint(found.counts)
    if not done:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return CaseOut(
        case_no=found.case_no,
        done=done,
        counts={state.value: count for state, count in found.counts.items()},
        items=[CaseItemOut.of(item) for item in found.items],
        next=found.items[-1].status.request.request_id if found.items else after,
    )
