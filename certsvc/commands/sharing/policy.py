"""What a matter may see: policy data of the catalog (免证办事项), asked in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import NoLawfulBasis

if TYPE_CHECKING:
    from certsvc.catalog.model import Matter
    from certsvc.commands.ports import Deps
    from certsvc.license.model import LicenseVersion

COPY = "*copy"
"""Stands for the file in a list of fields."""


def open_matter(deps: Deps, matter_code: str, authority_code: str) -> Matter:
    """The matter, if it is one of this authority.

    Raises:
        NoLawfulBasis: unknown matter or another authority's: alike.
    """
    matter = deps.catalog.find_matter(matter_code)
    if matter is None or matter.authority_code != authority_code:
        raise NoLawfulBasis("该事项未开通免证办，或不属于本单位；请核对事项实施编码（matter_code）")
    return matter


def allowed_keys(deps: Deps, matter_code: str, authority_code: str, type_slug: str) -> tuple[str, ...]:
    """Field keys (and ``*copy``) that the matter may see of the type.

    Raises:
        NoLawfulBasis: the matter may not see this type at all.
    """
    matter = open_matter(deps, matter_code, authority_code)
    allowed = matter.allows.get(type_slug)
    if not allowed:
        raise NoLawfulBasis("该事项不需要此类证照，不能调用；如确需使用，请向证照颁发机构申请开通")
    return allowed


def simulation_allows(deps: Deps, matter_code: str, version: LicenseVersion, project_code: str) -> bool:
    """Whether a matter may see this paper: a provisional opinion only for 模拟 matters of its project (DOMAIN.md 1.6).

    A formal license is not kept back here.
    """
    if not version.provisional:
        return True
    return matter_code in deps.policy.simulation_matters and project_code == version.project_code
