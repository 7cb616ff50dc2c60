"""电子监察: clocks of cases, yellow and red cards, figures of a period."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.lists import XLSX
from certsvc.api.supervision_models import CardOut, CardPageOut, CaseClockOut, FiguresOut, FinishedOut
from certsvc.api.uses import DEFAULT_LIMIT, Cursor, Limit
from certsvc.commands.ports import Principal
from certsvc.commands.showing.ledger import cursor_behind, read_cursor
from certsvc.commands.supervision.cards import CardAnswerBody, CardRulingBody, answer_card, list_cards, rule_card
from certsvc.commands.supervision.cases import CaseStepBody, read_case, report_case
from certsvc.commands.supervision.figures import figures_of
from certsvc.commands.supervision.finished import FinishedBody, report_finished
from certsvc.commands.supervision.reach import CLERKS, READERS, REPORTERS, SUPERVISORS
from certsvc.commands.supervision.sheet import sheet_for
from certsvc.license.supervision import CardState

router = APIRouter(tags=["supervision 电子监察"], route_class=JsonRoute)

REPORTER = Access(*REPORTERS)
READER = Access(*READERS)
CLERK = Access(*CLERKS)
SUPERVISOR = Access(*SUPERVISORS)
CASE_READER = Access(*READERS, *REPORTERS)
CardId = Annotated[str, Path(max_length=64, description="红黄牌编号")]
Body = Annotated[str, Query(alias="authority_code", max_length=18, description="只看此部门，缺省为可见的全部")]

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


@router.post("/v1/supervision/cases", status_code=201)
def step(request: Request, body: CaseStepBody, caller: Annotated[Principal, Depends(REPORTER)]) -> CaseClockOut:
    """报送一个办件环节：受理、中止、恢复、办结。同一环节重复报送没有影响."""
    deps = deps_of(request)
    return CaseClockOut.of(report_case(deps, caller, body), deps.clock.now())


@router.get("/v1/supervision/cases/{authority_code}/{case_no}")
def case(
    request: Request,
    authority_code: Annotated[str, Path(max_length=18, description="办理机关")],
    case_no: Annotated[str, Path(max_length=64, description="办件编号")],
    caller: Annotated[Principal, Depends(CASE_READER)],
) -> CaseClockOut:
    """The clock of one case."""
    deps = deps_of(request)
    return CaseClockOut.of(read_case(deps, caller, authority_code, case_no), deps.clock.now())


@router.post("/v1/supervision/finished-cases", status_code=201)
def finished(request: Request, body: FinishedBody, caller: Annotated[Principal, Depends(REPORTER)]) -> FinishedOut:
    """报送一个机关一天的办结件数（电子证照生产率的分母）；同一天再次报送，以最后一次为准."""
    return FinishedOut.of(report_finished(deps_of(request), caller, body))


@router.get("/v1/supervision/figures")
def figures(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    first: Annotated[date, Query(alias="from", description="起始日（北京），含当日")],
    last: Annotated[date, Query(alias="to", description="结束日，含当日")],
    authority_code: Body = "",
) -> FiguresOut:
    """Every figure of a period with its definition, numerator, denominator, lines, and the query behind it."""
    deps = deps_of(request)
    return FiguresOut.of(deps, figures_of(deps, caller, authority_code=authority_code, first=first, last=last))


@router.get("/v1/supervision/sheet", response_class=Response, responses={200: {"content": {XLSX: _BINARY}}})
def sheet(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    month: Annotated[str, Query(max_length=7, description="月份，如 2026-10")],
    authority_code: Body = "",
) -> Response:
    """月度通报 of the own body, or of any or all for who supervises, as XLSX."""
    name, data = sheet_for(deps_of(request), caller, month=month, authority_code=authority_code)
    named = f"attachment; filename=\"supervision-{month}.xlsx\"; filename*=UTF-8''{quote(name)}"
    return Response(data, media_type=XLSX, headers={"Content-Disposition": named})


@router.get("/v1/supervision/cards")
def cards(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    state: Annotated[
        CardState,
        Query(description="open 待说明 · answered 待审核 · returned 已退回 · accepted 已认可 · merged 并入红牌"),
    ] = CardState.OPEN,
    authority_code: Body = "",
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> CardPageOut:
    """Yellow and red cards of the own body, or of any for who supervises."""
    deps = deps_of(request)
    behind = read_cursor(cursor)
    found = list_cards(deps, caller, authority_code=authority_code, state=state, limit=limit, behind=behind)
    return CardPageOut(
        cards=[CardOut.of(deps, one) for one in found],
        next=cursor_behind(found, limit, lambda one: (one.raised_at, one.card_id)),
    )


@router.post("/v1/supervision/cards/{card_id}/answers", status_code=201)
def answer(
    request: Request, card_id: CardId, body: CardAnswerBody, caller: Annotated[Principal, Depends(CLERK)]
) -> CardOut:
    """整改说明 of the department."""
    deps = deps_of(request)
    return CardOut.of(deps, answer_card(deps, caller, card_id, body))


@router.post("/v1/supervision/cards/{card_id}/rulings", status_code=201)
def rule(
    request: Request, card_id: CardId, body: CardRulingBody, caller: Annotated[Principal, Depends(SUPERVISOR)]
) -> CardOut:
    """Accept the answer, or give it back."""
    deps = deps_of(request)
    return CardOut.of(deps, rule_card(deps, caller, card_id, body))
