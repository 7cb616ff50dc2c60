"""Have events taken out again from the database, which is the truth: what a broker lost comes back (R5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps


def resend_by(deps: Deps, carrier: str, *, after: int, actor: str) -> int:
    """Move the place of ``carrier`` back to ``after``; how many positions of the feed the relay will take out again.

    Readers know events again by their ids.

    Raises:
        NotFound: this service has no such carrier.
    """
    if carrier not in {one.name for one in deps.carriers}:
        known = "、".join(one.name for one in deps.carriers) or "没有"
        raise NotFound(f"没有名为 {carrier} 的投递通道；已配置的通道：{known}")
    now = deps.clock.now()
    with deps.uow() as tx:
        place = tx.outbox.cursor(carrier)
        if after < place:
            tx.outbox.advance(carrier, position=after)
            content = {"carrier": carrier, "after": after, "before": place}
            record(tx, deps, kind="events.resent", subject=carrier, actor=actor, content=content, at=now)
    return max(0, place - after)
