"""Who looks through the console, and what of it each is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.verifying.facts import masked_holder, public_number

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.model import LicenseVersion

READERS = (roles.OPERATOR, roles.AUDITOR)
"""An operator finds and mends and is told of nobody's content; an auditor reads whole licenses, and moves nothing."""
AUDITORS = (roles.AUDITOR,)
OPERATORS = (roles.OPERATOR,)


def reads_content(caller: Principal) -> bool:
    """Whether the caller is told grounds of decisions and words that may name people."""
    return roles.AUDITOR in caller.roles


def shown_number(deps: Deps, version: LicenseVersion) -> str:
    """证照编号; empty where it is an ID number, for operators and auditors alike: the 证照标识 names the license."""
    return public_number(deps.catalog.type(version.type_slug), version)


def shown_holder(deps: Deps, version: LicenseVersion) -> str:
    """The holder's name, masked as for anyone: whoever knows the code has found the license already."""
    return masked_holder(deps.catalog.type(version.type_slug), version)
