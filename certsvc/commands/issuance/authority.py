"""Which authority may decide or note something about a license (DOMAIN.md 1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.authority import REVIEWING
from certsvc.catalog.bodies import heir, supervisor
from certsvc.clock import local_day
from certsvc.errors import NotFound, StateOfSource
from certsvc.identifiers.region import Region
from certsvc.license.states import Who

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion

NOT_FOR_THIS_BODY = "没有这张证照，或此机关无权对其作出该决定；请核对证照标识和决定机关代码"
MAX_LEVELS = 10
"""Authorities above one another; China has five levels, and a circle in the data must end."""


def is_superior(deps: Deps, above: str, below: str) -> bool:
    """Whether ``above`` stands above ``below`` in the catalog, directly or through others."""
    for _ in range(MAX_LEVELS):
        if not deps.catalog.has_authority(below):
            return False
        below = deps.catalog.authority(below).superior
        if below == above:
            return True
        if not below:
            return False
    return False


def may_decide(deps: Deps, tx: UnitOfWork, version: LicenseVersion, who: Who, authority_code: str) -> bool:
    """Whether an authority is one of those that ``who`` names; one unknown to the catalog decides nothing here."""
    if not deps.catalog.has_authority(authority_code):
        return False
    issuing = issuer_today(deps, version)
    issuer = authority_code == issuing
    definer = authority_code == deps.catalog.type(version.type_slug).definer_code
    superior = definer or is_superior(deps, authority_code, issuing)
    match who:
        case Who.ISSUER:
            return issuer
        case Who.ISSUER_OR_SUPERIOR:
            return issuer or superior
        case Who.PENALISING_BODY:
            return (
                issuer
                or superior
                or _supervises(deps, version, authority_code)
                or _penalises(deps, version, authority_code)
            )
        case Who.SUSPENDING_BODY:
            imposed = heir(deps.catalog, _suspending_body(tx, version), local_day(deps.clock.now()))
            return authority_code == imposed or superior
        case Who.REVIEW:
            return superior or _reviews(deps, authority_code, issuing)
        case Who.SERVICE:
            return False


def require_decider(deps: Deps, tx: UnitOfWork, version: LicenseVersion, who: Who, authority_code: str) -> None:
    """Let an authority decide or note something about a license.

    Raises:
        StateOfSource: the authority has to do with the license, but it was made elsewhere.
        NotFound: any other authority; to it a license looks like none.
    """
    may = may_decide(deps, tx, version, who, authority_code)
    registration = version.registration
    if registration is not None and (may or authority_code == registration.authority_code):
        raise StateOfSource(
            f"此证照由{registration.source_name}制作，本系统只作登记：状态和事项由来源系统报告"
            f"（POST /v1/registrations/{version.identifier}/states），请向来源机关办理"
        )
    if not may:
        raise NotFound(NOT_FOR_THIS_BODY)


def issuer_today(deps: Deps, version: LicenseVersion) -> str:
    """USCC of the body that acts as the issuer now: after a reform, the issuer's successor."""
    return heir(deps.catalog, version.issuer_code, local_day(deps.clock.now()))


def supervisor_name(deps: Deps, version: LicenseVersion) -> str:
    """Name of the trade's department (行业主管部门) of a license, or empty when the catalog knows none."""
    kind, day = deps.catalog.type(version.type_slug), local_day(deps.clock.now())
    body = supervisor(deps.catalog, kind, version.issuer_code, day)
    return body.name if body is not None else ""


def _supervises(deps: Deps, version: LicenseVersion, authority_code: str) -> bool:
    """Whether this is the trade's department for what an 行政审批局 issued (审管分离: it inspects and penalises)."""
    kind, day = deps.catalog.type(version.type_slug), local_day(deps.clock.now())
    body = supervisor(deps.catalog, kind, version.issuer_code, day)
    return body is not None and body.code == authority_code


def _penalises(deps: Deps, version: LicenseVersion, authority_code: str) -> bool:
    """Whether the trade's penalising body is this one, and the license was issued in its region."""
    named = authority_code in deps.catalog.type(version.type_slug).penalisers
    return named and _in_region_of(deps, authority_code, issuer_today(deps, version))


def _reviews(deps: Deps, authority_code: str, issuer_code: str) -> bool:
    """Whether this is a people's government or court in whose region the issuer stands (行政复议法, 行政诉讼法)."""
    reviews = deps.catalog.authority(authority_code).kind in REVIEWING
    return reviews and _in_region_of(deps, authority_code, issuer_code)


def _in_region_of(deps: Deps, authority_code: str, issuer_code: str) -> bool:
    if not deps.catalog.has_authority(issuer_code):
        return False
    wide = Region.parse(deps.catalog.authority(authority_code).region)
    return wide.contains(Region.parse(deps.catalog.authority(issuer_code).region))


def _suspending_body(tx: UnitOfWork, version: LicenseVersion) -> str:
    """The body behind the last suspension; of a corrected version, that of the version it corrects."""
    current: LicenseVersion | None = version
    while current is not None:
        for move in reversed(tx.licenses.moves_of(current.version_id)):
            if move.name == "suspend" and move.decision is not None:
                return move.decision.authority_code
        current = tx.licenses.by_version_id(current.previous_version_id) if current.previous_version_id else None
    return ""
