"""A license as the register had it at an earlier moment (核验“截至某时”): only what had been recorded by then counts.

A decision takes effect for readers when the register has it, so the question "what would a check have answered at
10:00" is answered by the moves, facts and links recorded until 10:00, whatever day a later decision names.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.license.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.license.facts import Fact
    from certsvc.license.model import LicenseVersion, MoveRecord


def as_known(version: LicenseVersion, moves: Sequence[MoveRecord], at: datetime) -> LicenseVersion | None:
    """The version as it stood on the register at ``at``; None before it was registered.

    Args:
        version: as it stands now.
        moves: all its moves, oldest first.
        at: aware.
    """
    if at < version.created_at:
        return None
    later = [move for move in moves if move.at > at]
    if not later:
        return version
    until = None
    for move in moves:
        if move.at > at:
            break
        if move.to_state is State.SUSPENDED and move.decision is not None:
            until = move.decision.until
    state = later[0].from_state
    return replace(
        version,
        state=state,
        suspended_until=until if state is State.SUSPENDED else None,
        replaced_by_version_id=version.replaced_by_version_id if state is State.SUPERSEDED else "",
        revision=version.revision - len(later),
    )


def facts_known(facts: Sequence[Fact], at: datetime) -> tuple[Fact, ...]:
    """The facts that had been noted by ``at``."""
    return tuple(fact for fact in facts if fact.at <= at)
