"""审管双推送: regulators' subscriptions, what pushes stand for, and the inspection results that come back."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import FieldOut, Model
from certsvc.commands.access import roles
from certsvc.commands.oversight.pull import MAX_PAGE, Regulated, backfill, list_pushes, read_push
from certsvc.commands.oversight.results import ResultBody, own_results, report_result
from certsvc.commands.oversight.subscribe import (
    DecisionOnOversight,
    OversightBody,
    ask_oversight,
    decide_oversight,
    end_oversight,
    list_oversights,
)
from certsvc.commands.ports import Principal
from certsvc.license.oversight import OUTCOME_ZH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certsvc.license.oversight import InspectionResult, Oversight, Push

router = APIRouter(tags=["oversight 审管双推送"], route_class=JsonRoute)

HOLDER = Access(roles.HOLDER)
REGULATOR = Access(roles.REGULATOR)
READER = Access(roles.REGULATOR, roles.CATALOG_PROPOSER, roles.OPERATOR, roles.AUDITOR)
DECIDER = Access(roles.CATALOG_PROPOSER, roles.OPERATOR)
ENDER = Access(roles.REGULATOR, roles.CATALOG_PROPOSER, roles.OPERATOR)

MAX_POSITION = 2**53 - 1
OversightId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z_]+$", description="监管订阅编号")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Behind = Annotated[str, Query(max_length=64, pattern=r"^[0-9A-Za-z_]*$", description="上一页的 next")]


class OversightOut(Model):
    """A regulator's subscription."""

    oversight_id: str
    client_id: str
    authority_code: str
    region: str
    kinds: list[str]
    fields: dict[str, list[str]] = Field(description="证照类型 → 随推送给出的信息项")
    state: str = Field(description="asked 待批准 · active 生效 · refused 不同意 · ended 已结束")
    reason: str
    after: int = Field(description="此位置之后的事件会推送；以前的用 licenses 补取")
    created_at: datetime
    changed_at: datetime

    @staticmethod
    def of(one: Oversight) -> OversightOut:
        """From the command's."""
        return OversightOut(
            oversight_id=one.oversight_id,
            client_id=one.client_id,
            authority_code=one.authority_code,
            region=one.region,
            kinds=[kind.value for kind in one.kinds],
            fields={slug: list(keys) for slug, keys in one.fields.items()},
            state=one.state.value,
            reason=one.reason,
            after=one.after,
            created_at=one.created_at,
            changed_at=one.changed_at,
        )


class OversightsPage(Model):
    """A page of subscriptions; ``next`` goes into ``behind``, and is empty at the end."""

    oversights: list[OversightOut]
    next: str


class PushOut(Model):
    """One push: ids only; ``GET /v1/regulated/{event_id}`` gives the fields."""

    event_id: str
    position: int
    kind: str
    at: datetime

    @staticmethod
    def of(push: Push) -> PushOut:
        """From the command's."""
        return PushOut(event_id=push.push_id, position=push.position, kind=push.kind.value, at=push.at)


class PushesPage(Model):
    """A page of pushes; ``next`` goes into ``after``."""

    pushes: list[PushOut]
    next: int


class RegulatedOut(Model):
    """A license as its regulator may see it: the fields of the subscription and nothing else of it."""

    identifier: str
    type: str
    state: str
    state_zh: str
    good: bool
    fields: list[FieldOut]

    @staticmethod
    def of(one: Regulated) -> RegulatedOut:
        """From the command's."""
        return RegulatedOut(
            identifier=one.version.identifier,
            type=one.version.type_slug,
            state=one.standing.code,
            state_zh=one.standing.zh,
            good=one.standing.good,
            fields=FieldOut.many(one.fields),
        )


class RegulatedPushOut(Model):
    """What one push stands for."""

    event_id: str
    oversight_id: str
    kind: str
    at: datetime
    license: RegulatedOut


class RegulatedPage(Model):
    """Licenses in charge; ``next`` goes into ``behind`` and is empty at the end; a page may hold none and go on."""

    licenses: list[RegulatedOut]
    next: str


class InspectionResultOut(Model):
    """A result in the history of a license."""

    result_id: str
    identifier: str = Field(description="证照标识；同一证照的其他版本也列出")
    authority_code: str
    authority_name: str
    task: str
    outcome: str
    outcome_zh: str
    checked_on: date
    document_no: str
    next_step: str
    restricted: bool
    disclosed_on: date | None
    suggestion: str
    basis: str
    at: datetime

    @staticmethod
    def many(
        found: Iterable[InspectionResult], identifiers: dict[str, str], names: dict[str, str], *, to_holder: bool
    ) -> list[InspectionResultOut]:
        """From the command's; a 处罚建议 is between the regulator and the issuer."""
        return [
            InspectionResultOut(
                result_id=one.result_id,
                identifier=identifiers.get(one.version_id, ""),
                authority_code=one.authority_code,
                authority_name=names.get(one.authority_code, ""),
                task=one.task,
                outcome=one.outcome.value,
                outcome_zh=OUTCOME_ZH[one.outcome],
                checked_on=one.checked_on,
                document_no=one.document_no,
                next_step=one.next_step,
                restricted=one.restricted,
                disclosed_on=one.disclosed_on,
                suggestion="" if to_holder else one.suggestion.value,
                basis="" if to_holder else one.basis,
                at=one.at,
            )
            for one in found
        ]


class ResultReceiptOut(Model):
    """That a result is on record."""

    result_id: str
    identifier: str
    at: datetime


@router.post("/v1/oversights", status_code=201)
def ask(request: Request, body: OversightBody, caller: Annotated[Principal, Depends(REGULATOR)]) -> OversightOut:
    """Ask for a subscription; the issuer of the types, or the operator, approves it."""
    return OversightOut.of(ask_oversight(deps_of(request), caller, body))


@router.get("/v1/oversights")
def several(
    request: Request, caller: Annotated[Principal, Depends(READER)], behind: Behind = "", limit: Limit = MAX_PAGE
) -> OversightsPage:
    """The client's own; for who decides, those to decide about. Go on behind ``next`` until it is empty."""
    found = list_oversights(deps_of(request), caller, behind=behind, limit=limit)
    return OversightsPage(oversights=[OversightOut.of(one) for one in found.rows], next=found.next)


@router.post("/v1/oversights/{oversight_id}/decision")
def decide(
    request: Request,
    oversight_id: OversightId,
    body: DecisionOnOversight,
    caller: Annotated[Principal, Depends(DECIDER)],
) -> OversightOut:
    """Approve or refuse."""
    return OversightOut.of(decide_oversight(deps_of(request), caller, oversight_id, body))


@router.delete("/v1/oversights/{oversight_id}", status_code=204, response_class=Response)
def end(request: Request, oversight_id: OversightId, caller: Annotated[Principal, Depends(ENDER)]) -> Response:
    """End a subscription; what was pushed cannot be read by it any more."""
    end_oversight(deps_of(request), caller, oversight_id)
    return Response(status_code=204)


@router.get("/v1/oversights/{oversight_id}/pushes")
def pushes(
    request: Request,
    oversight_id: OversightId,
    caller: Annotated[Principal, Depends(REGULATOR)],
    after: Annotated[int, Query(ge=0, le=MAX_POSITION)] = 0,
    limit: Limit = MAX_PAGE,
) -> PushesPage:
    """Pushes behind a position, in order."""
    found = list_pushes(deps_of(request), caller, oversight_id, after=after, limit=limit)
    return PushesPage(pushes=[PushOut.of(one) for one in found], next=found[-1].position if found else after)


@router.get("/v1/oversights/{oversight_id}/licenses")
def licenses(
    request: Request,
    oversight_id: OversightId,
    caller: Annotated[Principal, Depends(REGULATOR)],
    behind: Behind = "",
    limit: Limit = MAX_PAGE,
) -> RegulatedPage:
    """What is in charge now: for a subscription that came late."""
    found = backfill(deps_of(request), caller, oversight_id, behind=behind, limit=limit)
    return RegulatedPage(licenses=[RegulatedOut.of(one) for one in found.rows], next=found.next)


@router.get("/v1/regulated/{event_id}")
def regulated(
    request: Request,
    event_id: Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z_]+$")],
    caller: Annotated[Principal, Depends(REGULATOR)],
) -> RegulatedPushOut:
    """The fields that an ``oversight.pushed`` event stands for; its subscriber alone reads them."""
    push, found = read_push(deps_of(request), caller, event_id)
    return RegulatedPushOut(
        event_id=push.push_id,
        oversight_id=push.oversight_id,
        kind=push.kind.value,
        at=push.at,
        license=RegulatedOut.of(found),
    )


@router.post("/v1/inspection-results", status_code=201)
def report(request: Request, body: ResultBody, caller: Annotated[Principal, Depends(REGULATOR)]) -> ResultReceiptOut:
    """The result of an inspection; the same number with the same content is the same result."""
    done = report_result(deps_of(request), caller, body)
    return ResultReceiptOut(result_id=done.result.result_id, identifier=done.version.identifier, at=done.result.at)


@router.get("/v1/wallet/{identifier}/inspections")
def own(
    request: Request,
    identifier: Annotated[str, Path(max_length=128, pattern=r"^[0-9A-Z.]+$", description="证照标识")],
    caller: Annotated[Principal, Depends(HOLDER)],
) -> list[InspectionResultOut]:
    """What inspections found about one's own license, without what is lawfully kept back."""
    found = own_results(deps_of(request), caller, identifier)
    return InspectionResultOut.many(found.results, found.identifiers, found.names, to_holder=True)
