"""One license as a timeline: who did what, when and why, newest first, each with its place in the evidence log."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.console.reach import READERS, reads_content
from certsvc.commands.console.timeline import Entry, timeline
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.issuance.read_license import NO_LICENSE_ZH
from certsvc.commands.log.bundle import is_withheld
from certsvc.commands.verifying.stands import stands
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.events.evidence import EvidenceRow
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing

MAX_LEAVES = 500
"""Evidence of one license that is told, the newest: bounds what a license that is scanned all day makes one answer
hold. What made and moved it is told besides, however old."""
MADE = ("license.", "registration.")
READ = "console.read"
COUNTED = {
    "scan.answered": "scans",
    "show.made": "shows",
    "show.offline": "shows",
    "fetch.given": "fetches",
    "fetch.answered": "fetches",
    "copy.given": "copies",
}
"""Kinds that are counted, and what the counts are called: what was refused, or taken back, is no use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """A license for the console.

    Attributes:
        counts: of the uses in the newest :data:`MAX_LEAVES` leaves, by the names in :data:`COUNTED`.
        whole: whether these are all leaves there are.
        place: number of the leaf with which it began, from 1; 0 when it is in no checkpoint yet. ``size`` is that of
            the newest checkpoint.
        versions: all of the license, oldest first; ``newest`` the ends of what followed this one.
    """

    version: LicenseVersion
    standing: Standing
    issuer_today: str
    entries: Sequence[Entry]
    counts: Mapping[str, int]
    whole: bool
    place: int
    size: int
    versions: Sequence[LicenseVersion]
    newest: Sequence[LicenseVersion]


def read_history(deps: Deps, caller: Principal, identifier: str) -> History:
    """The license and all that happened to it; that somebody looked is in evidence. NotFound where there is none."""
    roles.require(caller, *READERS)
    now = deps.clock.now()
    with deps.uow.read() as tx:
        version = tx.licenses.by_identifier(identifier)
        if version is None:
            raise NotFound(NO_LICENSE_ZH)
        newest = tx.log.about(identifier, beginnings=("",), limit=MAX_LEAVES)
        content = reads_content(caller)
        # Who helps holders must not know what they are not told yet.
        leaves = [row for row in newest if content or not is_withheld(row, now)]
        made = tx.log.about(identifier, beginnings=MADE, limit=MAX_LEAVES)
        checkpoint = tx.log.newest()
        size = checkpoint.size if checkpoint else 0
        found = History(
            version=version,
            standing=stands(deps, tx, version, now),
            issuer_today=issuer_today(deps, version),
            entries=timeline(deps, tx, version, _both(leaves, made), content=content),
            counts=_counts(leaves),
            whole=len(newest) < MAX_LEAVES,
            place=min((row.position for row in made if row.position <= size), default=0),
            size=size,
            versions=tx.licenses.versions_of(version.license_id),
            newest=tx.licenses.newest(version.version_id),
        )
    with deps.uow() as tx:
        record(tx, deps, kind=READ, subject=identifier, actor=caller.subject, content={}, at=now)
    return found


def _both(leaves: Sequence[EvidenceRow], made: Sequence[EvidenceRow]) -> Sequence[EvidenceRow]:
    return list({row.evidence_id: row for row in (*made, *leaves)}.values())


def _counts(leaves: Sequence[EvidenceRow]) -> dict[str, int]:
    found = Counter(COUNTED[row.kind] for row in leaves if row.kind in COUNTED)
    return {name: found[name] for name in COUNTED.values()}
