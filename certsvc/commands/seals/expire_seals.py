"""Move the seals whose period has ended to ``expired``: by the daily loop, and by ``certsvc seals expire``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.seals.end_versions import destroy_key, drop_under_way
from certsvc.commands.seals.note_move import SERVICE, Moved, Said, note_move
from certsvc.seal.life import IN_USE, SEAL_MOVE

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps

BATCH = 50
"""Seals per look; each is moved in a transaction of its own, so that its row is held shortly."""


def expire_seals(deps: Deps) -> int:
    """Move every seal in use whose period has ended; how many there were.

    A use after the end is refused anyway (the reservation looks at the period); this puts the fact on record. Their
    keys are kept: a clock that runs ahead must not destroy them. That of a version under way is not: it is given up.
    """
    now = deps.clock.now()
    moved = 0
    while True:
        with deps.uow.read() as tx:
            ended = tx.seals.expired(now, limit=BATCH)
        if not ended:
            return moved
        moved += sum(_expire(deps, seal.seal_id, now) for seal in ended)


def _expire(deps: Deps, seal_id: str, now: datetime) -> bool:
    move = SEAL_MOVE["expire"]
    with deps.uow() as tx:
        seal = tx.seals.hold(seal_id)
        if seal is None or seal.state not in IN_USE or seal.valid_until > now:
            return False
        tx.seal_fences.close(seal_id)
        tx.seals.set_state(seal_id, source=seal.state, target=move.target)
        moved = Moved(seal_id=seal_id, version=seal.version, owner_code=seal.owner_code, source=seal.state)
        note_move(deps, tx, move, moved, Said(code="period"), actor=SERVICE, at=now)
        gone = drop_under_way(deps, tx, seal_id, code="expired", actor=SERVICE, at=now)
    for key_id in gone:
        destroy_key(deps, key_id)
    return True
