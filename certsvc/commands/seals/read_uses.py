"""What a seal was used for last, what nobody answered, and how much of its budget and rate is used up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.seals.duties import SEERS
from certsvc.commands.seals.read_seals import read_seal
from certsvc.commands.seals.settle_use import STILL_AT_WORK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.model import SealReservation

MAX_USES = 50
"""Of the newest uses in one answer; all of them stand in the evidence."""

MAX_UNANSWERED = 1_000
"""Open reservations of one seal in one answer; more is a service that stands still."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealUses:
    """How a seal is used now.

    Attributes:
        used_today: uses of the Shanghai day so far.
        used_last_minute: uses of the last 60 seconds, counted up to one above the seal's rate.
        newest: the newest uses, newest first.
        unanswered: reserved before ``STILL_AT_WORK`` and never answered, oldest first: these can be settled. The
            key may have signed, so they stay counted.
    """

    used_today: int
    daily_budget: int
    used_last_minute: int
    per_minute: int
    newest: Sequence[SealReservation]
    unanswered: Sequence[SealReservation]
    at: datetime


def read_uses(deps: Deps, caller: Principal, seal_id: str) -> SealUses:
    """How a seal is used; NotFound when there is none that the caller may see."""
    roles.require(caller, *SEERS)
    view = read_seal(deps, caller, seal_id)
    rate = view.current.rules.per_minute if view.current else 0
    now = deps.clock.now()
    with deps.uow.read() as tx:
        minute = tx.seals.used_since(seal_id, now - timedelta(minutes=1), limit=rate + 1) if rate else 0
        newest = tx.seals.newest_uses(seal_id, limit=MAX_USES)
        late = tx.seals.unanswered_of(seal_id, before=now - STILL_AT_WORK, limit=MAX_UNANSWERED)
    return SealUses(
        used_today=view.used_today,
        daily_budget=view.shown.daily_budget,
        used_last_minute=minute,
        per_minute=rate,
        newest=newest,
        unanswered=late,
        at=now,
    )
