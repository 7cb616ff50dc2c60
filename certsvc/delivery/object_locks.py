"""Locks the files of licenses in the object store for as long as their type is kept (保管期限).

Not when a file is stored: one that is never registered must stay sweepable. So the events of the license do it, in
order, as often as it takes; each later decision about the license moves the end of the lock on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.care.retention import kept_until, last_decided
from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import LicensePreserved
from certsvc.license.model import LATER_FORMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.events.envelope import Event

LICENSES = PREFIX + "license."
PRESERVED = PREFIX + LicensePreserved.NAME
"""No decision: a later form is kept as long as the earlier ones."""


class ObjectLocks:
    """Implements ``ports.Carrier``."""

    name = "object_locks"

    def carry(self, deps: Deps, events: Sequence[Event]) -> None:
        """Lock the files of every license that the events are about, earlier forms too."""
        about = [event for event in events if event.type.startswith(LICENSES)]
        decided = {event.subject: event.time for event in about if event.type != PRESERVED}
        for subject in dict.fromkeys(event.subject for event in about):
            with deps.uow.read() as tx:
                version = tx.licenses.by_identifier(subject)
                later = version is not None and version.artifact.kind in LATER_FORMS
                forms = tx.care.forms_of([version.version_id]) if version is not None and later else {}
                moves = tx.licenses.moves_of(version.version_id) if version is not None and later else ()
            if version is not None and not version.provisional:
                until = kept_until(deps, version, decided.get(subject) or last_decided(version, moves))
                files = forms.get(version.version_id, (version.artifact,))
                with deps.uow.read() as tx:
                    kept = [one for one in files if tx.erased.file(one.object_name) is None]
                for one in kept:  # what went by decision has nothing to lock
                    deps.objects.retain(one.object_name, until=until)

    def close(self) -> None:
        """Nothing: the connections are the store's."""
