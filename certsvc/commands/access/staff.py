"""经办人: the registered people of a client system, and whether one of them asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Day, Line
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound, OperatorUnknown
from certsvc.events.matter_payloads import StaffChanged
from certsvc.license.staff import StaffMember

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.parties import Client

MAX_STAFF = 2_000
"""Accounts of one client: no department has more at its counters; bounds one list."""
MAX_AT_ONCE = 500
"""Accounts set by one call; longer lists are sent in parts."""
NO_CLIENT_ZH = "没有这个接入系统"


class StaffBody(BaseModel):
    """经办人：账号与请求中的 operator 一致."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: Line = Field(min_length=1, max_length=64, description="经办人账号")
    name: Line = Field(min_length=1, max_length=64, description="姓名")
    division: Line = Field(default="", max_length=100, description="处室、窗口")
    active: bool = Field(default=True, description="停用填 false")
    from_on: Day | None = Field(default=None, description="起始日期")
    until_on: Day | None = Field(default=None, description="截止日期（含当日）")


def check_operator(tx: UnitOfWork, caller: Principal, operator: str, now: datetime) -> None:
    """Let through whom the client's body registered, where the client is set to ask for that.

    Raises:
        OperatorUnknown: not registered, stopped, or outside the days of the work: alike.
    """
    if not caller.staff_required:
        return
    member = tx.staff.member(caller.subject, operator)
    if member is None or not member.at_work(local_day(now)):
        raise OperatorUnknown("经办人（operator）未登记、已停用或不在任职期内；请本单位先登记经办人")


def set_staff(deps: Deps, caller: Principal, client_id: str, wanted: Sequence[StaffBody]) -> Sequence[StaffMember]:
    """Register or change accounts of a client, all or none.

    Raises:
        NotFound: not a client of the caller's body.
        InvalidInput: an account twice, or days that end before they begin.
        Conflict: more accounts than :data:`MAX_STAFF`.
    """
    _check(wanted)
    now = deps.clock.now()
    with deps.uow() as tx:
        client = own_client(tx, caller, client_id)
        members = [
            StaffMember(client_id=client.client_id, set_by=caller.subject, set_at=now, **one.model_dump())
            for one in wanted
        ]
        tx.staff.set_all(members)
        total = tx.staff.count(client_id)
        if total > MAX_STAFF:
            raise Conflict(f"一个系统最多登记 {MAX_STAFF} 名经办人，请清理后再登记")
        active = sum(one.active for one in members)
        payload = StaffChanged(
            client_id=client_id, authority_code=client.authority_code, set=len(members), stopped=len(members) - active
        )
        event_id, source = deps.ids.new("evt"), deps.policy.event_source
        tx.outbox.add(payload.event(event_id=event_id, source=source, subject=client_id, at=now))
        content = {
            "set": [one.account for one in members if one.active],
            "stopped": [one.account for one in members if not one.active],
        }
        record(tx, deps, kind="access.staff_set", subject=client_id, actor=caller.subject, content=content, at=now)
    return members


def staff_of(deps: Deps, caller: Principal, client_id: str) -> Sequence[StaffMember]:
    """The accounts of a client of the caller's body; NotFound otherwise."""
    with deps.uow.read() as tx:
        return tx.staff.of_client(own_client(tx, caller, client_id).client_id)


def own_client(tx: UnitOfWork, caller: Principal, client_id: str) -> Client:
    """A using system whose staff the caller may see and set: its own, of its body, or any for an operator."""
    roles.require(caller, roles.USING, roles.POLICY_REQUESTER, roles.OPERATOR)
    client = tx.access.client(client_id)
    if client is None or roles.USING not in client.roles:
        raise NotFound(NO_CLIENT_ZH)
    own = bool(caller.authority_code) and client.authority_code == caller.authority_code
    if caller.kind == "system" and roles.OPERATOR not in caller.roles:
        own = client_id == caller.subject
    if not own and roles.OPERATOR not in caller.roles:
        raise NotFound(NO_CLIENT_ZH)
    return client


def _check(wanted: Sequence[StaffBody]) -> None:
    seen: set[str] = set()
    problems: list[FieldProblem] = []
    for index, one in enumerate(wanted):
        if one.account in seen:
            problems.append(FieldProblem(pointer=f"/staff/{index}/account", code="repeated", detail="账号重复"))
        seen.add(one.account)
        if one.from_on and one.until_on and one.until_on < one.from_on:
            detail = "截止日期早于起始日期"
            problems.append(FieldProblem(pointer=f"/staff/{index}/until_on", code="order", detail=detail))
    if problems:
        raise InvalidInput("经办人名单有误，一项也未登记", problems=tuple(problems))
