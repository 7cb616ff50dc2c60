"""Which systems a holder may let use a license for a matter: by name and body, before anything is granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.sharing.policy import find_matter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.parties import Client

MAX_RECEIVERS = 50
"""Systems of one body in one answer; a body with more registered by mistake must not fill the holder's screen."""


def receivers(deps: Deps, caller: Principal, matter_code: str) -> Sequence[Client]:
    """Active systems of the body that handles the matter, by name.

    Empty alike where there is no such matter, where it works without consent, and where its body has no system.
    """
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        matter = find_matter(deps, tx, matter_code)
        if matter is None or "consent" not in matter.bases:
            return ()
        found = tx.access.clients_of(matter.authority_code, limit=MAX_RECEIVERS)
    usable = [client for client in found if client.active and roles.USING in client.roles]
    return sorted(usable, key=lambda client: (client.name, client.client_id))
