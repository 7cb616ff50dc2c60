"""Find sealed files that were never registered: a crash between object and register leaves them unreachable."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps

PREFIX = "licenses/"
SETTLE_S = 3600
"""Work in flight is left alone: a request touched within the hour may still register its file."""


def orphans(deps: Deps) -> Sequence[str]:
    """Object names under ``licenses/`` that no artifact registers."""
    with deps.uow.read() as tx:
        registered = tx.licenses.object_names()
    return [name for name in deps.objects.names(PREFIX) if name not in registered]


def remove_orphans(deps: Deps) -> Sequence[str]:
    """Delete the orphans, unless a request is being worked on right now; the names removed."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        waiting = tx.requests.counts()
        old = tx.intents.without_result(before=now - timedelta(seconds=SETTLE_S), limit=1)
    if not old and waiting.get("accepted", 0) + waiting.get("failed", 0) > 0:
        return []
    names = orphans(deps)
    for name in names:
        deps.objects.delete(name)
    if names:
        with deps.uow() as tx:
            record(
                tx, deps, kind="objects.swept", subject=PREFIX, actor="operator", content={"count": len(names)}, at=now
            )
    return names
