"""Whether this process can work now: every dependency is asked, and each answers for itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certsvc.commands.clocks.watch import clock_state
from certsvc.commands.operations.probing import OK, UNUSED, Prober
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from certsvc.commands.ports import Deps

STOPPED = "stopped"
ALARMED = frozenset({"log"})
"""Told and alarmed, and no reason to stop: without it business goes on, and its proofs come later."""
PROBE_OBJECT = "licenses/00/probe.pdf"
"""A name that no file has: that there is none is the good answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Probes:
    """What the composition knows how to ask, beside the ports.

    Attributes:
        loops_alive: whether every thread of this process still runs.
        log: raises an error of ours where the evidence log cannot be signed.
        keys: signs something with a key of the service; raises an error of ours when it cannot.
        broker: asks the broker for an answer; False where this process has nothing to do with one.
        prober: asks, and remembers what it asked.
    """

    loops_alive: Callable[[], bool]
    keys: Callable[[], None]
    log: Callable[[], None]
    broker: Callable[[], bool]
    prober: Prober = field(default_factory=Prober)


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """Each dependency: ``ok``, ``unused``, or the code of what is wrong."""

    database: str
    objects: str
    broker: str
    keys: str
    log: str
    loops: str
    clock: str

    @property
    def parts(self) -> Mapping[str, str]:
        """By name."""
        return {
            "database": self.database,
            "objects": self.objects,
            "broker": self.broker,
            "keys": self.keys,
            "log": self.log,
            "loops": self.loops,
            "clock": self.clock,
        }

    @property
    def ready(self) -> bool:
        """Whether none that business needs is in trouble."""
        return all(found in {OK, UNUSED} for name, found in self.parts.items() if name not in ALARMED)


def readiness(deps: Deps, probes: Probes) -> Readiness:
    """Ask every dependency now, all at once; a dead one is named, a silent one is ``unavailable`` after a moment."""
    found = probes.prober.ask(
        {
            "database": lambda: _database(deps),
            "objects": lambda: _objects(deps),
            "broker": probes.broker,
            "keys": probes.keys,
            "log": probes.log,
        },
        deps.clock.monotonic,
    )
    return Readiness(**found, loops=OK if probes.loops_alive() else STOPPED, clock=clock_state(deps))


def _database(deps: Deps) -> None:
    with deps.uow.read() as tx:
        tx.clock.mark()


def _objects(deps: Deps) -> None:
    try:
        deps.objects.get(PROBE_OBJECT)
    except NotFound:
        return
