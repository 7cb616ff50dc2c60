"""What is over its 保管期限, for archivists of the body and for auditors, page by page of the register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.disposing.judge import over_page
from certsvc.commands.disposing.propose import READERS, bodies_of

if TYPE_CHECKING:
    from certsvc.commands.disposing.judge import Page
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.archives import ArchiveKind


def read_over(deps: Deps, caller: Principal, *, kind: ArchiveKind, after: str) -> Page:
    """What is over among the licenses, or cases, of one page behind ``after``; often nothing."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        bodies = bodies_of(deps, caller)
        return over_page(deps, tx, kind, after, None if bodies is None else frozenset(bodies))
