"""What falls due by the day: swept by every process, each batch by whoever takes it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.counter.warn import warn_counters
from certsvc.commands.issuance.remind import remind_some
from certsvc.commands.seals.end_versions import destroy_ended_keys
from certsvc.commands.seals.expire_seals import expire_seals
from certsvc.commands.seals.warn_expiry import warn_expiry
from certsvc.commands.trust.end import expire_proposals

if TYPE_CHECKING:
    import threading
    from datetime import date

    from certsvc.commands.ports import Deps


class DailySweep:
    """One process's sweep.

    Seals whose period has ended are moved first, keys that ended versions left are destroyed, and proposals that
    nobody decided about end: reads of small tables and a listing of key files. Then reminders, batch after batch.
    """

    def __init__(self, deps: Deps, stop: threading.Event) -> None:
        """Sweep until ``stop``."""
        self._deps = deps
        self._stop = stop
        self._warned_on: date | None = None

    def once(self) -> None:
        """Whatever is due now; certificates that end soon are looked at once a day, and each warning goes out once."""
        expire_seals(self._deps)
        destroy_ended_keys(self._deps)
        expire_proposals(self._deps)
        today = local_day(self._deps.clock.now())
        if self._warned_on != today:
            warn_expiry(self._deps)
            self._warned_on = today
        warn_counters(self._deps)
        while not self._stop.is_set() and not remind_some(self._deps).finished:
            pass
