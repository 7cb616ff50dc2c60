"""Who looks at what a department asked: people of that body, and each of them at that body alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.alerting.alerts import MAX_CLIENTS
from certsvc.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.parties import Client

READERS = (roles.POLICY_REQUESTER, roles.USE_CLERK, roles.USE_APPROVER, roles.AUDITOR)
"""The 用证管理员, who also asks for policies, keeps staff and answers alerts; the others read.

An auditor sees the own body here and nothing of others: what all bodies did is in the evidence.
"""


def own_body(caller: Principal) -> str:
    """USCC of the body whose uses the caller looks at; Forbidden for who has none."""
    roles.require(caller, *READERS)
    if not caller.authority_code:
        raise Forbidden("当前账号没有登记所属单位，请联系系统管理员")
    return caller.authority_code


def using_systems(tx: UnitOfWork, authority_code: str) -> Sequence[Client]:
    """The 用证系统 of a body, by id."""
    return [one for one in tx.access.clients_of(authority_code, limit=MAX_CLIENTS) if roles.USING in one.roles]
