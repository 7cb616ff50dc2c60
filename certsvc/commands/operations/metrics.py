"""Everything that one process tells a monitoring system."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import certsvc
from certsvc.commands.operations.figures import database_figures
from certsvc.commands.operations.probing import DEADLINE_S, OK, UNUSED
from certsvc.commands.operations.readiness import readiness
from certsvc.errors import CertsvcError
from certsvc.meters import Family, Meters, exposition, gauge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.operations.readiness import Probes
    from certsvc.commands.ports import Deps

KEPT_S = 5.0
"""How long the figures of the database are told again: several scrapers, or a fast one, must not load it."""

REST = 20.0
"""How much longer than their reading took they are kept, at least: in a long backlog counting takes longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where figures come from that no port gives.

    Attributes:
        meters: what this process counts.
        probes: how to ask the dependencies.
        pools: name, connections in use, connections there may be.
        key_ends: per kind of key of the service when the newest certificate of it ends.
        consumers: names of what the relay hands events to.
    """

    meters: Meters
    probes: Probes
    pools: Callable[[], Sequence[tuple[str, int, int]]]
    key_ends: Callable[[], Mapping[str, datetime]]
    consumers: Sequence[str]


class Dashboard:
    """Answers scrapes; threads may share it."""

    def __init__(self, deps: Deps, sources: Sources) -> None:
        """Tell of ``deps`` and of what this process counts."""
        self._deps, self._sources = deps, sources
        self._lock = threading.Lock()
        self._kept: list[Family] = []
        self._until = 0.0

    def text(self) -> bytes:
        """All figures. What cannot be had is left out, and ``certsvc_dependency_up`` says why."""
        sources, deps = self._sources, self._deps
        now = deps.clock.now()
        found = readiness(deps, sources.probes)
        return exposition(
            [
                gauge("certsvc_build_info", "The release that runs", [({"version": certsvc.__version__}, 1)]),
                gauge(
                    "certsvc_dependency_up",
                    "Whether a dependency answers: 1 or 0; one that this process has not is left out",
                    [({"dependency": name}, state == OK) for name, state in found.parts.items() if state != UNUSED],
                ),
                gauge("certsvc_clock_in_doubt", "Whether the clock is not believed", [({}, found.clock != OK)]),
                *sources.meters.families(),
                *self._pools(),
                gauge(
                    "certsvc_key_expiry_days",
                    "Days until the newest certificate of a kind of key ends",
                    [
                        ({"kind": kind}, round((ends - now) / timedelta(days=1), 2))
                        for kind, ends in sorted(sources.key_ends().items())
                    ],
                ),
                *(self._database() if found.database == OK else ()),
            ]
        )

    def _pools(self) -> list[Family]:
        pools = self._sources.pools()
        return [
            gauge("certsvc_db_pool_in_use", "Connections in use", [({"pool": name}, used) for name, used, _ in pools]),
            gauge(
                "certsvc_db_pool_size", "Connections there may be", [({"pool": name}, size) for name, _, size in pools]
            ),
        ]

    def _database(self) -> list[Family]:
        clock = self._deps.clock
        if not self._lock.acquire(timeout=DEADLINE_S):
            return []  # another scrape waits for a slow database: two need not
        try:
            begun = clock.monotonic()
            if begun < self._until:
                return self._kept
            try:
                self._kept = database_figures(self._deps, self._sources.consumers)
            except CertsvcError:
                self._kept = []  # figures of before would look like those of now
            took = clock.monotonic() - begun
            self._until = clock.monotonic() + max(KEPT_S, REST * took)
            return self._kept
        finally:
            self._lock.release()
