"""Alerts as their addressees, the issuing authority and operators see them; and their acknowledgement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.errors import Conflict, NotFound
from certsvc.events.copy_payloads import AlertAcknowledged
from certsvc.license.use_alerts import MAX_CASE_USES, AlertDone, AlertState, UseAlert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

NO_ALERT_ZH = "没有这条状态变更通报"
MAX_NOTE = 500
"""Characters of what an addressee writes; bounds what one account can write."""

ADDRESSEES = (roles.USING, roles.EVENTS, roles.SCAN, roles.OFFICER, roles.CLERK, roles.POLICY_REQUESTER)
"""Who uses licenses: they read and acknowledge what is addressed to them or to their body.

The 用证管理员 of a body answers for its systems too: somebody has to, where a system only fetches.
"""
ISSUERS = (roles.APPROVAL, roles.APPROVAL_ANY)
OVERSEERS = (roles.OPERATOR, roles.AUDITOR)
READERS = (*ADDRESSEES, *ISSUERS, *OVERSEERS)
MAX_CLIENTS = 100
"""Systems of one body of which one answer tells: no body has more; bounds the queries of a list."""


class AlertAnswer(BaseModel):
    """收到通报以后做了什么."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    done: AlertDone = Field(
        description="nothing_depends 无相关办件 · reviewed 已复核 · case_changed 已处理 · copy_destroyed 已停用加注件"
    )
    note: Line = Field(default="", max_length=MAX_NOTE, description="说明，可不填")


def list_alerts(
    deps: Deps, caller: Principal, *, state: AlertState, limit: int, behind: tuple[datetime, str] | None
) -> Sequence[UseAlert]:
    """Newest first: all open ones for operators, those of its licenses for an issuer, else those for the caller.

    Their cases are told to whom they are for alone.
    """
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        if not caller.roles.isdisjoint(OVERSEERS) and state is AlertState.OPEN:
            return tx.alerts.open(limit=limit, behind=behind)
        if not caller.roles.isdisjoint(ISSUERS):
            return tx.alerts.issued(caller.authority_code, state, limit=limit, behind=behind)
        if roles.POLICY_REQUESTER in caller.roles:
            return alerts_of_body(tx, caller.authority_code, state, limit=limit, behind=behind)
        found = tx.alerts.received(_client(caller), caller.authority_code, state, limit=limit, behind=behind)
        return tx.alerts.with_cases(found, most=MAX_CASE_USES)


def read_alert(deps: Deps, caller: Principal, alert_id: str) -> UseAlert:
    """One alert; NotFound unless it is for the caller, or the caller is the issuer or an operator."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        found = tx.alerts.by_id(alert_id)
        if found is None or not (_is_for(caller, found) or _oversees(caller, found)):
            raise NotFound(NO_ALERT_ZH)
        return tx.alerts.with_cases([found], most=MAX_CASE_USES)[0] if _is_for(caller, found) else found


def acknowledge_alert(deps: Deps, caller: Principal, alert_id: str, body: AlertAnswer) -> UseAlert:
    """Say what was done about it; once.

    Raises:
        NotFound: not one for the caller.
        Conflict: it was acknowledged already.
    """
    roles.require(caller, *ADDRESSEES)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = tx.alerts.by_id(alert_id)
        if found is None or not _is_for(caller, found):
            raise NotFound(NO_ALERT_ZH)
        if not tx.alerts.acknowledge(alert_id, done=body.done.value, note=body.note, by=caller.subject, now=now):
            raise Conflict("这条通报已经确认过，不能再改")
        payload = AlertAcknowledged(
            alert_id=alert_id,
            identifier=found.identifier,
            change=found.change,
            done=body.done.value,
            client_id=found.client_id,
            authority_code=found.authority_code,
        )
        event_id, source = deps.ids.new("evt"), deps.policy.event_source
        tx.outbox.add(payload.event(event_id=event_id, source=source, subject=alert_id, at=now))
        content = {"alert_id": alert_id, "done": body.done.value}
        record(
            tx,
            deps,
            kind="alert.acknowledged",
            subject=found.identifier,
            actor=caller.subject,
            content=content,
            at=now,
        )
        answered = tx.alerts.by_id(alert_id)
        if answered is None:
            msg = "an alert is never deleted"
            raise RuntimeError(msg)
        return tx.alerts.with_cases([answered], most=MAX_CASE_USES)[0]


def alerts_of_body(
    tx: UnitOfWork, authority_code: str, state: AlertState, *, limit: int, behind: tuple[datetime, str] | None
) -> Sequence[UseAlert]:
    """Those for the body and for each of its systems with their cases, newest first."""
    found = list(tx.alerts.received("", authority_code, state, limit=limit, behind=behind))
    for client in tx.access.clients_of(authority_code, limit=MAX_CLIENTS):
        found += tx.alerts.received(client.client_id, "", state, limit=limit, behind=behind)
    found.sort(key=lambda one: (one.created_at, one.alert_id), reverse=True)
    return tx.alerts.with_cases(found[:limit], most=MAX_CASE_USES)


def _client(caller: Principal) -> str:
    """Client id of a system; people have none."""
    return caller.subject if caller.kind == "system" else ""


def _is_for(caller: Principal, alert: UseAlert) -> bool:
    if caller.roles.isdisjoint(ADDRESSEES):
        return False
    if alert.client_id and roles.POLICY_REQUESTER not in caller.roles:
        return alert.client_id == _client(caller)
    return bool(caller.authority_code) and alert.authority_code == caller.authority_code


def _oversees(caller: Principal, alert: UseAlert) -> bool:
    if not caller.roles.isdisjoint(OVERSEERS):
        return True
    return not caller.roles.isdisjoint(ISSUERS) and alert.issuer_code == caller.authority_code
