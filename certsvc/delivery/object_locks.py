"""Locks the files of licenses in the object store for as long as their type is kept (保管期限).

Not when a file is stored: one that is never registered must stay sweepable. So the events of the license do it, in
order, as often as it takes; each later decision about the license moves the end of the lock on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.care.retention import kept_until, last_decided
from certsvc.events.care_payloads import LicenseResealed
from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import LicensePreserved
from certsvc.license.model import LATER_FORMS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.events.envelope import Event

LICENSES = PREFIX + "license."
PRESERVED = frozenset({PREFIX + LicensePreserved.NAME, PREFIX + LicenseResealed.NAME})
"""No decision: a later form is kept as long as the earlier ones."""


class ObjectLocks:
    """Implements ``ports.Carrier``."""

    name = "object_locks"

    def carry(self, deps: Deps, events: Sequence[Event]) -> None:
        """Lock the files of every license that the events are about, earlier forms too; several side by side."""
        about = [event for event in events if event.type.startswith(LICENSES)]
        decided = {event.subject: event.time for event in about if event.type not in PRESERVED}
        with deps.uow.read() as tx:
            known = tx.licenses.by_identifiers([*dict.fromkeys(event.subject for event in about)])
            formal = {subject: version for subject, version in known.items() if not version.provisional}
            later = [one.version_id for one in formal.values() if one.artifact.kind in LATER_FORMS]
            forms = tx.care.forms_of(later) if later else {}
            moves = tx.licenses.moves_of_all(later) if later else {}
        until: dict[str, datetime] = {}
        for subject, version in formal.items():
            told = decided.get(subject) or last_decided(version, moves.get(version.version_id, ()))
            end = kept_until(deps, version, told)
            until |= {one.object_name: end for one in forms.get(version.version_id, (version.artifact,))}
        with deps.uow.read() as tx:
            gone = tx.erased.gone_among(until)
        # What went by decision has nothing to lock.
        deps.objects.retain_all({name: end for name, end in until.items() if name not in gone})

    def close(self) -> None:
        """Nothing: the connections are the store's."""
