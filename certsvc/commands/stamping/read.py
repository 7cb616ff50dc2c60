"""Read the register of stamped documents: rows of the own authority, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.stampings import Stamping

MOST_ROWS = 200
READERS = (roles.SEAL_KEEPER, roles.APPROVAL, roles.SEAL_USE_APPROVER)


def list_stampings(deps: Deps, caller: Principal) -> Sequence[Stamping]:
    """The newest stampings with seals of the caller's authority; a 首席代表 sees the own ones."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        found = tx.stampings.of_authority(caller.authority_code, limit=MOST_ROWS)
    return [one for one in found if _sees(caller, one)]


def read_stamping(deps: Deps, caller: Principal, stamping_id: str) -> Stamping:
    """One of them; NotFound when it is another authority's or is not there."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        found = tx.stampings.by_id(stamping_id)
    if found is None or not _sees(caller, found):
        raise NotFound("没有这份盖章文件，或不属于本单位")
    return found


def stamped_file(deps: Deps, caller: Principal, stamping_id: str) -> tuple[Stamping, bytes]:
    """The stamping and its sealed file."""
    found = read_stamping(deps, caller, stamping_id)
    return found, deps.objects.get(found.object_name)


def _sees(caller: Principal, made: Stamping) -> bool:
    own = bool(caller.authority_code) and made.authority_code == caller.authority_code
    whole = bool(caller.roles & {roles.SEAL_KEEPER, roles.APPROVAL})
    return own and (whole or made.operator == caller.subject)
