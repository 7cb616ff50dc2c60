"""For staff: notices that could not be sent, and the record of another way of service (直接、留置、邮寄、公告送达)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.notices.tell import open_ways
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.license.notices import BY_HAND, WAY_ZH, Contact, Notice, NoticeState, Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion

READERS = (roles.APPROVAL, roles.APPROVAL_ANY, roles.SERVICE_CLERK, roles.OPERATOR, roles.AUDITOR)
SERVERS = (roles.APPROVAL, roles.APPROVAL_ANY, roles.SERVICE_CLERK)
SENDERS = (*SERVERS, roles.OPERATOR)
WIDE = frozenset({roles.APPROVAL_ANY, roles.OPERATOR, roles.AUDITOR})
"""Roles that are about every body; the others see what their own has to serve."""

MAX_PAGE = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A notice and the license version that it is about."""

    notice: Notice
    version: LicenseVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class ByHand:
    """What staff record: how, on which day, and a note (the number of the receipt, who signed it)."""

    way: Way
    served_on: date
    note: str


def list_notices(
    deps: Deps, caller: Principal, *, state: NoticeState = NoticeState.FAILED, behind: str = "", limit: int = MAX_PAGE
) -> Sequence[Told]:
    """Waiting or failed notices that the caller's body has to serve, oldest first, behind a notice."""
    roles.require(caller, *READERS)
    body = "" if caller.roles & WIDE else caller.authority_code
    if not (body or caller.roles & WIDE):
        return []
    with deps.uow.read() as tx:
        found = tx.notices.open(state, authority_code=body, behind=behind, limit=min(limit, MAX_PAGE))
        return [_told(tx, notice) for notice in found]


def read_notice(deps: Deps, caller: Principal, notice_id: str) -> Told:
    """One notice, whatever its state; NotFound for another body's."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return _visible(tx, caller, notice_id)


def serve_by_hand(deps: Deps, caller: Principal, notice_id: str, act: ByHand) -> Told:
    """Record that a notice was served in another way; the same record again changes nothing.

    Raises:
        NotFound: no such notice of the caller's body.
        InvalidInput: a way that is not by hand, a day before the notice or in the future.
        Conflict: it was read by the holder, or served in another way before.
    """
    roles.require(caller, *SERVERS)
    now = deps.clock.now()
    if act.way not in BY_HAND:
        raise _problem("/way", f"可用：{'、'.join(f'{way.value} {WAY_ZH[way]}' for way in sorted(BY_HAND))}")
    if act.served_on > local_day(now):
        raise _problem("/served_on", "送达日期晚于今天")
    with deps.uow() as tx:
        told = _visible(tx, caller, notice_id)
        notice = told.notice
        if act.served_on < local_day(notice.at):
            raise _problem("/served_on", "送达日期早于通知作出之日")
        service = replace(notice.service, served_on=act.served_on, note=act.note, by=caller.subject)
        if not tx.notices.serve(notice_id, act.way, service, now=now):
            if notice.state is NoticeState.SERVED and (notice.way, notice.service) == (act.way, service):
                return told
            raise Conflict("持证主体已经查阅，或已经记录了送达，不必再记；请刷新后核对")
        content = {"notice_id": notice_id, "way": act.way.value, "served_on": act.served_on.isoformat()}
        identifier = told.version.identifier
        record(tx, deps, kind="notice.served", subject=identifier, actor=caller.subject, content=content, at=now)
        return _visible(tx, caller, notice_id)


def resend_notice(deps: Deps, caller: Principal, notice_id: str) -> Told:
    """Let a failed notice be sent again: the holder has a contact by now, or the gateway is back.

    Raises:
        NotFound: no such notice of the caller's body.
        Conflict: it has not failed, or there is still no way to the holder.
    """
    roles.require(caller, *SENDERS)
    now = deps.clock.now()
    with deps.uow() as tx:
        told = _visible(tx, caller, notice_id)
        known = tx.contacts.of(told.notice.recipient or told.version.holder)
        ways = open_ways(deps, known.effective if known else Contact())
        if not ways:
            raise Conflict("没有可用的手机号、邮箱，或本服务没有接通短信、邮件；请以其他方式送达")
        if not tx.notices.resend(notice_id, ways[0], now=now):
            raise Conflict("只有未能发送的通知可以重新发送")
        content = {"notice_id": notice_id, "way": ways[0].value}
        identifier = told.version.identifier
        record(tx, deps, kind="notice.resent", subject=identifier, actor=caller.subject, content=content, at=now)
        return _visible(tx, caller, notice_id)


def _visible(tx: UnitOfWork, caller: Principal, notice_id: str) -> Told:
    notice = tx.notices.by_id(notice_id)
    own = notice is not None and caller.authority_code and caller.authority_code == notice.authority_code
    if notice is None or not (own or caller.roles & WIDE):
        raise NotFound("没有这条通知，或不属于本机关；请核对编号")
    return _told(tx, notice)


def _told(tx: UnitOfWork, notice: Notice) -> Told:
    version = tx.licenses.by_version_id(notice.version_id)
    if version is None:
        msg = "a notice is about a version that is not on the register"
        raise RuntimeError(msg)
    return Told(notice=notice, version=version)


def _problem(pointer: str, detail: str) -> InvalidInput:
    return InvalidInput("送达记录有误", problems=(FieldProblem(pointer=pointer, code="service", detail=detail),))
