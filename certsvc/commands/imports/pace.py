"""How much backfill may be asked for now: what is left of the queue, of the seal's rules and of the day's budget.

The seal is that of live requests too. Backfill may use half of what a day or a minute allows, so that a live request is
never refused for what a backfill used up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day
from certsvc.commands.seals.use_seal import RATE_WINDOW
from certsvc.seal.use import SealUse, refusal_of

if TYPE_CHECKING:
    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork

WINDOW = 256
"""Requests of one import, or bulk renewal, that wait at one time: workers never run dry, and the queue stays short."""
SHARE = 0.5
"""What backfill may use of the seal's budget of a day and of its rate of a minute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """How many more requests may be made now, and when there is none, what is waited for."""

    count: int
    waits_for: str = ""


def room_for(deps: Deps, tx: UnitOfWork, authority_code: str, kind: LicenseType, *, queued: int) -> Room:
    """What may be asked for in the name of an authority while ``queued`` requests of the same work wait."""
    now = deps.clock.now()
    body = deps.catalog.authority(authority_code)
    seal = tx.seals.by_id(body.seal_id) if body.seal_id else None
    if seal is None:
        return Room(count=0, waits_for=f"{body.name}没有可用的电子印章，请制作并启用印章，启用后自动继续")
    matter = kind.matters[0] if len(kind.matters) == 1 else ""
    use = SealUse(type_slug=kind.slug, matter_code=matter, region=body.region, backfill=True)
    refusal = refusal_of(seal, use, now, key_id=seal.key_id, type_name=kind.name)
    if refusal is not None:
        return Room(count=0, waits_for=refusal.detail)
    day_start = end_of_day(local_day(now)) - timedelta(days=1)
    used = tx.seals.used_on(day_start).get(seal.seal_id, 0)
    left = int(seal.daily_budget * SHARE) - used - queued
    if left <= 0 and queued == 0:
        return Room(count=0, waits_for=f"印章今日已用 {used} 次，达到每日上限的一半，其余留给当日业务，明日自动继续")
    if seal.rules.per_minute:
        most = max(1, int(seal.rules.per_minute * SHARE))
        left = min(left, most - tx.seals.used_since(seal.seal_id, now - RATE_WINDOW, limit=most) - queued)
    return Room(count=max(0, min(WINDOW - queued, left)))
