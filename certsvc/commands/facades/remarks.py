"""加注件 that a client had of a license, from the ledger and the register of copies: its own, and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.identifiers.policy_key import COPY
from certsvc.license.uses import GIVEN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.facades.accounts import Call
    from certsvc.commands.ports import Deps
    from certsvc.license.copies import AnnotatedCopy
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Fetch

MAX_LOOKED_AT = 200
"""Rows of the client's own in the ledger of one license that are looked at, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """What a copy says of itself (GB/T 36903-2018; STANDARDS.md 2.1).

    Attributes:
        creator: 加注件制作者: whose sharing seal is on it.
        until: when it ends or was withdrawn; None for a row from before copies were kept on the register.
    """

    made_at: datetime
    creator: str
    cause: str
    until: datetime | None


def own_copies(deps: Deps, call: Call, version: LicenseVersion | None) -> Sequence[Remark]:
    """Copies by which this client got the file of a license, newest first; those too that are withheld."""
    if version is None:
        return ()
    with deps.uow.read() as tx:
        rows = tx.sharing.fetches_by(call.caller.subject, [version.version_id], limit=MAX_LOOKED_AT)
        given = [row for row in rows if row.outcome == GIVEN and COPY in row.fields]
        copies = tx.copies.of_fetches([row.fetch_id for row in given]) if given else {}
        seal = tx.seals.by_id(deps.policy.sharing_seal) if deps.policy.sharing_seal else None
    creator = seal.owner_name if seal is not None else ""
    return [_remark(row, copies.get(row.fetch_id), creator) for row in given]


def _remark(row: Fetch, copy: AnnotatedCopy | None, creator: str) -> Remark:
    if copy is None:
        return Remark(made_at=row.at, creator=creator, cause=row.purpose, until=None)
    until = min(copy.until, copy.withdrawn_at) if copy.withdrawn_at is not None else copy.until
    return Remark(made_at=copy.signed_at, creator=creator, cause=copy.purpose, until=until)
