"""What is due for an authority's licenses, from the reminders that were announced and are still true.

``expired`` is the 待注销 list: past its last day, not renewed, no renewal pending. Listing ends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.verifying.stands import rules_for
from certsvc.errors import Forbidden
from certsvc.license.dues import dues_of

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.dues import Due, DueKind
    from certsvc.license.model import LicenseVersion

MAX_ROWS = 200
"""Reminders looked at for one page; bounds the answer and the reading behind it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DueItem:
    """A license and what is due for it."""

    version: LicenseVersion
    due: Due


@dataclass(frozen=True, kw_only=True, slots=True)
class DuePage:
    """One page; ``next`` is empty at the end. A page may be empty and still have a next one."""

    items: tuple[DueItem, ...]
    next: str


def list_dues(deps: Deps, caller: Principal, *, authority_code: str, kind: DueKind, after: str) -> DuePage:
    """One page of an authority's dues of one kind, in the order of version ids.

    Raises:
        Forbidden: another authority's, asked for by a system that acts for one only.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    code = authority_code or caller.authority_code
    if roles.APPROVAL_ANY not in caller.roles and code != caller.authority_code:
        raise Forbidden("只能查看本机关颁发的证照（authority_code）")
    now = deps.clock.now()
    with deps.uow.read() as tx:
        rows = list(tx.dues.announced(code, kind, behind=after, limit=MAX_ROWS + 1))
        more = len(rows) > MAX_ROWS
        if more:
            # The rows of one version stay together: those of the last one come with the next page.
            cut = rows[-1].version_id
            rows = [row for row in rows if row.version_id != cut]
        items: list[DueItem] = []
        for row in rows:
            version = tx.licenses.by_version_id(row.version_id)
            if version is None:
                continue
            rules = rules_for(deps, version)
            if row.due in dues_of(version, tx.facts.of(version.license_id), rules, now):
                items.append(DueItem(version=version, due=row.due))
    return DuePage(items=tuple(items), next=rows[-1].version_id if more and rows else "")
