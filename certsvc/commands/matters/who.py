"""Whose policies and matters a caller works with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.archiving.contents import codes_of
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.policies import Policy

NO_POLICY_ZH = "没有这条用证策略"
USERS = (roles.USING, roles.POLICY_REQUESTER)
OVERSEERS = (roles.OPERATOR, roles.AUDITOR, roles.CATALOG_PUBLISHER)
"""See the policies of everybody."""
READERS = (*USERS, roles.POLICY_APPROVER, *OVERSEERS)


def requesting_body(caller: Principal) -> str:
    """USCC of the body for which the caller asks; Forbidden for who asks for none."""
    roles.require(caller, *USERS)
    return caller.authority_code


def own_types(deps: Deps, caller: Principal) -> Sequence[str]:
    """Slugs of the types that the caller's body defines or issues, and of the kinds of 电子材料 that it registered."""
    own = [kind.slug for kind in deps.catalog.types if caller.authority_code in {kind.definer_code, *kind.issuers}]
    kinds = deps.catalog.materials.kinds.values()
    bodies = codes_of(deps, caller.authority_code) if kinds else ()
    return [*own, *(kind.slug for kind in kinds if kind.authority_code in bodies)]


def mine(deps: Deps, caller: Principal, type_slug: str) -> bool:
    """Whether the type (or kind of 电子材料) is the caller's body's; one that is gone is nobody's."""
    return bool(caller.authority_code) and type_slug in own_types(deps, caller)


def may_see(deps: Deps, caller: Principal, policy: Policy) -> bool:
    """Whether it is one that the caller looks at."""
    return not caller.roles.isdisjoint(OVERSEERS) or may_close(deps, caller, policy)


def may_close(deps: Deps, caller: Principal, policy: Policy) -> bool:
    """Whether the caller's body uses it or decides over it, or the caller is an operator."""
    if roles.OPERATOR in caller.roles:
        return True
    if not caller.roles.isdisjoint(USERS) and policy.authority_code == caller.authority_code:
        return True
    return roles.POLICY_APPROVER in caller.roles and mine(deps, caller, policy.type_slug)


def seen_policy(deps: Deps, tx: UnitOfWork, caller: Principal, policy_id: str) -> Policy:
    """The policy; NotFound when there is none, or it does not concern the caller: alike."""
    found = tx.policies.by_id(policy_id)
    if found is None or not may_see(deps, caller, found):
        raise NotFound(NO_POLICY_ZH)
    return found
