"""Whether this process can work now: every dependency is asked, and each answers for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.clocks.watch import clock_state
from certsvc.errors import CertsvcError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from certsvc.commands.ports import Deps

OK = "ok"
UNUSED = "unused"
"""The shape, or this process, has no such dependency."""
STOPPED = "stopped"
PROBE_OBJECT = "licenses/00/probe.pdf"
"""A name that no file has: that there is none is the good answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Probes:
    """What the composition knows how to ask, beside the ports.

    Attributes:
        loops_alive: whether every thread of this process still runs.
        keys: signs something with a key of the service; raises an error of ours when it cannot.
        broker: asks the broker for an answer; False where this process has nothing to do with one.
    """

    loops_alive: Callable[[], bool]
    keys: Callable[[], None]
    broker: Callable[[], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """Each dependency: ``ok``, ``unused``, or the code of what is wrong."""

    database: str
    objects: str
    broker: str
    keys: str
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
            "loops": self.loops,
            "clock": self.clock,
        }

    @property
    def ready(self) -> bool:
        """Whether none is in trouble."""
        return all(found in {OK, UNUSED} for found in self.parts.values())


def readiness(deps: Deps, probes: Probes) -> Readiness:
    """Ask every dependency now; a dead one is named, and the others are asked all the same."""
    return Readiness(
        database=_asked(lambda: _database(deps)),
        objects=_asked(lambda: _objects(deps)),
        broker=_asked(probes.broker),
        keys=_asked(probes.keys),
        loops=OK if probes.loops_alive() else STOPPED,
        clock=clock_state(deps),
    )


def _asked(ask: Callable[[], bool | None]) -> str:
    """``None`` and True are good answers; False is that of a dependency that there is not."""
    try:
        used = ask()
    except CertsvcError as error:
        return error.code
    return UNUSED if used is False else OK


def _database(deps: Deps) -> None:
    with deps.uow.read() as tx:
        tx.clock.mark()


def _objects(deps: Deps) -> None:
    try:
        deps.objects.get(PROBE_OBJECT)
    except NotFound:
        return
