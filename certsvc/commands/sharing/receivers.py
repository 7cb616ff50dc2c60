"""Which systems a holder may let use a license for a matter: by name and body, before anything is granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.sharing.policy import find_matter
from certsvc.identifiers.use_basis import CONSENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.parties import Client

MAX_RECEIVERS = 50
"""Usable systems of one body in one answer; a body with more of them by mistake must not fill the holder's screen."""


def receivers(deps: Deps, caller: Principal, matter_code: str) -> Sequence[Client]:
    """Active systems of the body that handles the matter, by name.

    Empty alike where there is no such matter, where it works without consent, and where its body has no system.
    """
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        matter = find_matter(deps, tx, matter_code)
        if matter is None or CONSENT not in matter.bases:
            return ()
        found = tx.access.active_clients_of(matter.authority_code, roles.USING, limit=MAX_RECEIVERS)
    return sorted(found, key=lambda client: (client.name, client.client_id))
