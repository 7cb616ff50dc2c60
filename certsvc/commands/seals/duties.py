"""Who may see a seal, and who may make which move of it: role, authority or region, and the person on the row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.errors import Forbidden, NotFound
from certsvc.seal.life import SEAL_MOVE, Who, moves_from
from certsvc.seal.rules import region_contains

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.life import SealMove
    from certsvc.seal.version import SealVersion

UNSEEN = "没有这枚印章，或不在您的办理范围内，请核对印章编号"

ROLES_OF: dict[Who, tuple[str, ...]] = {
    Who.APPLICANT: (roles.SEAL_APPLICANT,),
    Who.APPROVER: (roles.SEAL_APPROVER,),
    Who.MAKER: (roles.SEAL_MAKER,),
    Who.KEEPER: (roles.SEAL_KEEPER,),
    Who.KEEPER_OR_SECURITY: (roles.SEAL_KEEPER, roles.SECURITY),
    Who.OWNER: (roles.SEAL_APPLICANT, roles.SEAL_KEEPER),
    Who.SERVICE: (),
}

OWNERS: frozenset[str] = frozenset({roles.SEAL_APPLICANT, roles.SEAL_KEEPER, roles.SEAL_USE_APPROVER})
"""Roles that see the seals of the own authority."""

REGIONAL: frozenset[str] = frozenset({roles.SEAL_APPROVER, roles.SEAL_MAKER, roles.SECURITY})
"""Roles that see the seals of every owner in the region of their own authority."""

SEERS: tuple[str, ...] = (*sorted(OWNERS), *sorted(REGIONAL), roles.AUDITOR)


def sees(deps: Deps, caller: Principal, owner_code: str) -> bool:
    """Whether the caller may know of a seal of this owner."""
    if roles.AUDITOR in caller.roles:
        return True
    if caller.roles & OWNERS and caller.authority_code == owner_code:
        return True
    return bool(caller.roles & REGIONAL) and _in_region(deps, caller.authority_code, owner_code)


def check_seen(deps: Deps, caller: Principal, owner_code: str) -> None:
    """NotFound unless the caller may know of a seal of this owner."""
    if not sees(deps, caller, owner_code):
        raise NotFound(UNSEEN)


def check_duty(deps: Deps, caller: Principal, move: SealMove, version: SealVersion) -> None:
    """Let the caller make ``move`` of ``version``.

    Raises:
        NotFound: the caller may not know of the seal.
        Forbidden: the caller's role, or the caller as a person, may not make this move; the detail says who may.
    """
    check_seen(deps, caller, version.owner_code)
    roles.require(caller, *ROLES_OF[move.who])
    problem = _personal(caller, move, version)
    if problem:
        raise Forbidden(problem)


def moves_for(deps: Deps, caller: Principal, version: SealVersion) -> tuple[SealMove, ...]:
    """The moves that this caller may make of a version as it stands: what a page may offer."""
    if not sees(deps, caller, version.owner_code):
        return ()
    return tuple(
        move
        for move in moves_from(version.state)
        if not caller.roles.isdisjoint(ROLES_OF[move.who]) and not _personal(caller, move, version)
    )


def may_open(deps: Deps, caller: Principal, name: str, version: SealVersion) -> bool:
    """Whether the caller may begin a re-making (``remake``, ``renew``) of a version in use."""
    move = SEAL_MOVE[name]
    allowed = not caller.roles.isdisjoint(ROLES_OF[move.who]) and sees(deps, caller, version.owner_code)
    return allowed and not _personal(caller, move, version)


def _personal(caller: Principal, move: SealMove, version: SealVersion) -> str:
    """Why this person may not, although the role may; empty when they may."""
    who = caller.subject
    if move.name in {"approve", "refuse"} and who == version.applied_by:
        return "申请人不得审批自己的申请，请由制发部门的其他人办理"
    if move.name == "make" and who in {version.applied_by, version.approved_by}:
        return "申请人和批准人不得制作印章，请由制作管理单位的其他人办理"
    if move.name == "activate" and who in {version.approved_by, version.made_by}:
        return "批准人和制作人不得启用印章，请由保管人办理"
    as_keeper = roles.SEAL_KEEPER in caller.roles and (
        move.who in {Who.KEEPER, Who.KEEPER_OR_SECURITY}
        or (move.who is Who.OWNER and roles.SEAL_APPLICANT not in caller.roles)
    )
    if as_keeper and not version.rules.kept_by(who):
        return "您不是这枚印章登记的保管人，请由登记的保管人办理"
    return ""


def _in_region(deps: Deps, wide_code: str, owner_code: str) -> bool:
    catalog = deps.catalog
    if not catalog.has_authority(wide_code) or not catalog.has_authority(owner_code):
        return False
    return region_contains(catalog.authority(wide_code).region, catalog.authority(owner_code).region)
