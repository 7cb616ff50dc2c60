"""加注件 that a client had of a license, from the ledger: its own, and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.identifiers.policy_key import COPY
from certsvc.license.uses import GIVEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.facades.accounts import Call
    from certsvc.commands.ports import Deps
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Fetch

MAX_LOOKED_AT = 200
"""Rows of the client's own in the ledger of one license that are looked at, newest first."""


def own_copies(deps: Deps, call: Call, version: LicenseVersion | None) -> Sequence[Fetch]:
    """Fetches by which this client got the file of a license, newest first; those too that are withheld."""
    if version is None:
        return ()
    with deps.uow.read() as tx:
        rows = tx.sharing.fetches_by(call.caller.subject, [version.version_id], limit=MAX_LOOKED_AT)
    return [row for row in rows if row.outcome == GIVEN and COPY in row.fields]
