"""Locks the files of licenses in the object store for as long as their type is kept (保管期限).

Not when a file is stored: one that is never registered must stay sweepable. So the events of the license do it, in
order, as often as it takes; each later decision about the license moves the end of the lock on.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.events.envelope import PREFIX
from certsvc.license.model import LATER_FORMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.events.envelope import Event
    from certsvc.license.model import LicenseVersion

LICENSES = PREFIX + "license."
YEAR = timedelta(days=366)
"""Counted generously: a file kept a day too long harms nobody."""


class ObjectLocks:
    """Implements ``ports.Carrier``."""

    name = "object_locks"

    def carry(self, deps: Deps, events: Sequence[Event]) -> None:
        """Lock the files of every license that the events are about, earlier forms too."""
        latest = {event.subject: event for event in events if event.type.startswith(LICENSES)}
        for subject, event in latest.items():
            with deps.uow.read() as tx:
                version = tx.licenses.by_identifier(subject)
                later = version is not None and version.artifact.kind in LATER_FORMS
                forms = tx.care.forms_of([version.version_id]) if version is not None and later else {}
            if version is not None and not version.provisional:
                until = kept_until(deps, version, event.time)
                for one in forms.get(version.version_id, (version.artifact,)):
                    deps.objects.retain(one.object_name, until=until)

    def close(self) -> None:
        """Nothing: the connections are the store's."""


def kept_until(deps: Deps, version: LicenseVersion, decided: datetime) -> datetime:
    """End of the lock: the type's retention after the license's period or the last decision about it."""
    years = deps.catalog.type(version.type_slug).retention_years
    last: date = max(local_day(decided), version.valid_until or date.min)
    return datetime.combine(last, time.min, UTC) + years * YEAR
