"""Roles: what kind of caller may come through which door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import Forbidden

if TYPE_CHECKING:
    from certsvc.commands.ports import Principal

APPROVAL = "approval"
"""审批系统: asks for issuance and moves in the name of its authority"""
APPROVAL_ANY = "approval_any"
"""统一审批平台: the same for every authority of the catalog"""
USING = "using"
"""用证系统: fetches for matters of its authority"""
EVENTS = "events"
"""reads the event feed"""
HOLDER = "holder"
OFFICER = "officer"
"""执法人员"""
CLERK = "clerk"
"""窗口、场馆工作人员"""
OPERATOR = "operator"
"""系统管理员"""
SEAL_KEEPER = "seal_keeper"
"""保管人: stops and resumes the seals of the own authority"""
AUDITOR = "auditor"
"""审计管理员"""

CATALOG_PROPOSER = "catalog_proposer"
"""部门目录管理员: proposes types of the own authority"""
CATALOG_PUBLISHER = "catalog_publisher"
"""政务服务管理机构: publishes what departments propose"""

ALL: frozenset[str] = frozenset(
    {
        APPROVAL,
        APPROVAL_ANY,
        USING,
        EVENTS,
        HOLDER,
        OFFICER,
        CLERK,
        OPERATOR,
        SEAL_KEEPER,
        AUDITOR,
        CATALOG_PROPOSER,
        CATALOG_PUBLISHER,
    }
)

EXCLUSIVE: tuple[frozenset[str], ...] = (
    frozenset({OPERATOR, SEAL_KEEPER}),
    frozenset({OPERATOR, AUDITOR}),
    frozenset({SEAL_KEEPER, AUDITOR}),
    frozenset({CATALOG_PROPOSER, CATALOG_PUBLISHER}),
)
"""三员分立, and who proposes a type does not publish it: no principal holds two of these (DOMAIN.md 2, 4)."""


def require(caller: Principal, *roles: str) -> None:
    """Let the caller through if it has one of ``roles``; Forbidden otherwise."""
    if caller.roles.isdisjoint(roles):
        raise Forbidden("当前账号的角色不能使用此接口，请联系系统管理员开通")


def check_separation(roles: frozenset[str]) -> None:
    """Refuse a set of roles that one principal must not hold together."""
    for pair in EXCLUSIVE:
        if pair <= roles:
            raise Forbidden("系统管理员、印章保管人、审计管理员不得由同一主体兼任")
