"""Say in time that a seal's certificate ends: an event and a line in the log at 90, 30 and 7 days, each once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.clock import local_day
from certsvc.events.seal_payloads import SealExpiring
from certsvc.seal.life import IN_USE

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.seal.model import Seal

log = structlog.get_logger("certsvc.seals")

DAYS = (90, 30, 7)
"""Days before the end; re-making a seal over an outside CA takes weeks."""

CONSUMER = "seal-expiry"


def warn_expiry(deps: Deps) -> int:
    """Announce the seals in use that end soon and were not announced for this stage; how many."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        soon = [seal for seal in tx.seals.all() if seal.state in IN_USE and _stage(seal, now)]
    return sum(_announce(deps, seal, _stage(seal, now), now) for seal in soon)


def _stage(seal: Seal, now: datetime) -> int:
    """The latest stage that has begun, or 0; nothing is said of a seal that has ended already."""
    left = seal.valid_until - now
    return min((days for days in DAYS if timedelta() < left <= timedelta(days=days)), default=0)


def _announce(deps: Deps, seal: Seal, stage: int, now: datetime) -> bool:
    with deps.uow() as tx:
        if not tx.outbox.first_time(CONSUMER, f"{seal.seal_id}:{seal.version}:{stage}", now=now):
            return False
        event = SealExpiring(
            seal_id=seal.seal_id,
            version=seal.version,
            owner_code=seal.owner_code,
            valid_until=local_day(seal.valid_until).isoformat(),
            stage_days=stage,
        )
        tx.outbox.add(
            event.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=seal.seal_id, at=now)
        )
    log.warning("certificate ends soon", action="seal.expiring", seal_id=seal.seal_id, days=stage)
    return True
