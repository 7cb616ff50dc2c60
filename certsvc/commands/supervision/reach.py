"""Who sees and does what in 电子监察."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.errors import Forbidden

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.payload import Payload

SUPERVISORS = (roles.SUPERVISOR,)
CLERKS = (roles.SUPERVISION_CLERK,)
READERS = (roles.SUPERVISOR, roles.SUPERVISION_CLERK, roles.AUDITOR)
EVERYWHERE = frozenset({roles.SUPERVISOR, roles.AUDITOR})
"""电子监察员 and 审计管理员 see every body; others the own one."""
REPORTERS = (roles.APPROVAL, roles.APPROVAL_ANY)
"""Approval systems, which report cases for their body, or for any."""


def body_seen(caller: Principal, authority_code: str) -> str:
    """The body of which the caller is told: the one asked for, or empty for all; a department's clerk has the own.

    Raises:
        Forbidden: another body's, asked for by one that sees the own only.
    """
    roles.require(caller, *READERS)
    if caller.roles & EVERYWHERE:
        return authority_code
    if authority_code not in {"", caller.authority_code}:
        raise Forbidden("只能查看本部门的监察数据（authority_code）")
    return caller.authority_code


def may_see(caller: Principal, department: str) -> bool:
    """Whether the caller sees what is this body's."""
    return bool(caller.roles & EVERYWHERE) or caller.authority_code == department


def check_reporter(caller: Principal, authority_code: str) -> None:
    """Forbidden unless the caller may report for this body."""
    if roles.APPROVAL_ANY not in caller.roles and authority_code != caller.authority_code:
        raise Forbidden("该系统只能报送本机关的办件（authority_code）")


def tell(deps: Deps, tx: UnitOfWork, payload: Payload, subject: str, now: datetime) -> None:
    """Put an event in the outbox."""
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=subject, at=now))
