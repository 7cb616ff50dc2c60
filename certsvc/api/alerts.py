"""状态变更通报: alerts to whoever used a license, and what was done about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.uses import DEFAULT_LIMIT, Cursor, Limit
from certsvc.commands.alerting.alerts import (
    ADDRESSEES,
    READERS,
    AlertAnswer,
    acknowledge_alert,
    list_alerts,
    read_alert,
)
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.showing.ledger import cursor_behind, read_cursor
from certsvc.license.use_alerts import CHANGE_ZH, DONE_ZH, AlertDone, AlertState, UseAlert

router = APIRouter(tags=["alert 状态变更通报"], route_class=JsonRoute)

READER = Access(*READERS)
ADDRESSEE = Access(*ADDRESSEES)
AlertId = Annotated[str, Path(max_length=64, description="通报编号")]


class AlertOut(Model):
    """One alert: which license, what happened to it, whom it is for, and what was done."""

    alert_id: str
    identifier: str = Field(description="证照标识")
    license_type: str
    type_name: str
    issuer_code: str
    change: str = Field(description="suspended 暂扣 · revoked 吊销 · superseded 换发 等")
    change_zh: str
    changed_at: datetime
    client_id: str = Field(description="通报给哪个系统；通报给执法单位的为空")
    authority_code: str
    authority_name: str
    created_at: datetime
    state: str = Field(description="open 待确认 · acknowledged 已确认")
    due_at: datetime = Field(description="应在何时以前确认")
    late: bool = Field(description="已超过应确认的期限")
    reminded_at: datetime | None
    done: str = Field(description="确认时所做的处理，尚未确认的为空")
    done_zh: str
    note: str
    acknowledged_at: datetime | None
    cases: list[str] = Field(description="凭这张证照办理的办件编号，新的在前；只有被通报的单位、系统看得到")
    more_cases: bool = Field(description="办件太多，只列了最近的；其他的见用证记录")

    @staticmethod
    def of(deps: Deps, one: UseAlert) -> AlertOut:
        """From an alert as it stands now."""
        catalog = deps.catalog
        known = catalog.has_authority(one.authority_code)
        return AlertOut(
            alert_id=one.alert_id,
            identifier=one.identifier,
            license_type=one.license_type,
            type_name=catalog.used_name(one.license_type),
            issuer_code=one.issuer_code,
            change=one.change,
            change_zh=CHANGE_ZH.get(one.change, one.change),
            changed_at=one.changed_at,
            client_id=one.client_id,
            authority_code=one.authority_code,
            authority_name=catalog.authority(one.authority_code).name if known else one.authority_code,
            created_at=one.created_at,
            state=one.state.value,
            due_at=one.due_at,
            late=one.late(deps.clock.now()),
            reminded_at=one.reminded_at,
            done=one.done,
            done_zh=DONE_ZH[AlertDone(one.done)] if one.done else "",
            note=one.note,
            acknowledged_at=one.acknowledged_at,
            cases=list(one.cases),
            more_cases=one.more_cases,
        )


class AlertPageOut(Model):
    """Newest first; ask again with ``next`` as ``cursor``, unless it is empty."""

    alerts: list[AlertOut]
    next: str

    @staticmethod
    def of(deps: Deps, found: Sequence[UseAlert], *, limit: int) -> AlertPageOut:
        """What was found of at most ``limit``; fewer is the last page."""
        return AlertPageOut(
            alerts=[AlertOut.of(deps, one) for one in found],
            next=cursor_behind(found, limit, lambda one: (one.created_at, one.alert_id)),
        )


@router.get("/v1/alerts")
def page(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    state: Annotated[AlertState, Query(description="open 待确认 · acknowledged 已确认")] = AlertState.OPEN,
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> AlertPageOut:
    """Alerts for the caller; for an issuer those about its licenses, for an operator all that are open."""
    deps = deps_of(request)
    found = list_alerts(deps, caller, state=state, limit=limit, behind=read_cursor(cursor))
    return AlertPageOut.of(deps, found, limit=limit)


@router.get("/v1/alerts/{alert_id}")
def one(request: Request, alert_id: AlertId, caller: Annotated[Principal, Depends(READER)]) -> AlertOut:
    """One alert."""
    deps = deps_of(request)
    return AlertOut.of(deps, read_alert(deps, caller, alert_id))


@router.post("/v1/alerts/{alert_id}/acknowledgement", status_code=201)
def acknowledge(
    request: Request, alert_id: AlertId, body: AlertAnswer, caller: Annotated[Principal, Depends(ADDRESSEE)]
) -> AlertOut:
    """Say what was done; only the addressee can, and once."""
    deps = deps_of(request)
    return AlertOut.of(deps, acknowledge_alert(deps, caller, alert_id, body))
