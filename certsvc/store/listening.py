"""Hears at once that another process left work or events in PostgreSQL: ``LISTEN`` on a connection of its own.

What tells are triggers (migration 0046), in the transaction that commits the rows. Nobody relies on it: a message may
be lost with the connection, so who listens also looks by itself, seldom while this one hears and often while not.
A connection pooler that lends connections by the transaction would swallow ``LISTEN``: the connection asks the server
to tell it something, and only one that hears that counts as hearing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.engine import make_url

from certsvc.events.told import Told
from certsvc.store.postgres_connection import LIVENESS

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

_CHANNELS = {f"certsvc_{what}": what for what in Told}
_PROBE = "certsvc_probe"

TURN_S = 1.0
"""Longest wait before this looks whether it is to stop."""
AGAIN_S = 2.0
"""Pause before a lost connection is made anew: as long as those who look wait in between when all is well."""
PROBE_S = 5.0
"""An own message takes less than a millisecond: a connection that does not have it by then does not hear."""


class Listener:
    """One connection, made anew whenever it is lost."""

    def __init__(self, url: str) -> None:
        """Listen at the database ``url`` (``postgresql://…``)."""
        parsed = make_url(url).set(drivername="postgresql")
        self._conninfo = parsed.render_as_string(hide_password=False)

    def listen(self, told: Callable[[Told], None], hearing: threading.Event, stop: threading.Event) -> None:
        """Until ``stop``: tell what each message says; ``hearing`` is set while it hears at all.

        After every beginning everything is told once, for what came while nobody listened. Which error ended a
        connection is of no use to who listens; the database's own state is told by readiness.
        """
        while not stop.is_set():
            try:
                self._hear(told, hearing, stop)
            except psycopg.Error:
                pass
            finally:
                hearing.clear()
            stop.wait(AGAIN_S)

    def _hear(self, told: Callable[[Told], None], hearing: threading.Event, stop: threading.Event) -> None:
        arguments: dict[str, Any] = {**LIVENESS, "application_name": "certsvc-listen"}
        with psycopg.connect(self._conninfo, autocommit=True, **arguments) as connection:
            for channel in (*_CHANNELS, _PROBE):
                connection.execute(f"LISTEN {channel}")
            connection.execute(f"NOTIFY {_PROBE}")
            if not any(one.channel == _PROBE for one in connection.notifies(timeout=PROBE_S, stop_after=1)):
                return
            hearing.set()
            for what in Told:
                told(what)
            while not stop.is_set():
                for one in connection.notifies(timeout=TURN_S):
                    if one.channel in _CHANNELS:
                        told(_CHANNELS[one.channel])
                    if stop.is_set():
                        break
