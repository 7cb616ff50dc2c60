"""The rounds of 电子监察: cards, counts, and the daily look through the register, by one process at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.catalog.quality import count_defects
from certsvc.commands.supervision.cards import raise_cards
from certsvc.commands.supervision.counts import LEASE_S, NAME, count_some
from certsvc.commands.supervision.parts import part, uncounted
from certsvc.license.figures import QualityCount

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from certsvc.commands.ports import Deps

MOST_BATCHES = 20
"""Batches of the feed in one round, so that a long catching-up leaves room for cards."""
MOST_PAGES = 5
"""Pages of licenses looked at in one round: a thousand licenses in fifteen seconds, and the workers hardly notice."""


def supervise(deps: Deps, *, owner: str, troubled: Callable[[str], object] = uncounted) -> None:
    """One round; nothing while another process holds the lease.

    A part that fails is logged, told to ``troubled`` by its code, and stops no other.
    """
    now = deps.clock.now()
    with deps.uow() as tx:
        if not tx.outbox.lease(NAME, owner=owner, now=now, lease_s=LEASE_S):
            return
    part("cards", partial(raise_cards, deps, troubled), 0, troubled)
    part("counts", partial(_some, MOST_BATCHES, partial(count_some, deps, owner=owner)), None, troubled)
    part("sweep", partial(_some, MOST_PAGES, partial(sweep_some, deps)), None, troubled)


def _some(most: int, once: Callable[[], object]) -> None:
    for _ in range(most):
        if not once():
            break


def sweep_some(deps: Deps) -> bool:
    """Look at the next page of licenses of today's look; whether there is more to do."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        sweep = tx.day_counts.sweep()
    if sweep is None or (sweep.done_at is not None and sweep.run_on < local_day(now)):
        return _begin(deps, now)
    if sweep.done_at is not None:
        return False
    found, looked, place = count_defects(deps, sweep.place)
    counts = [
        QualityCount(department=department, type_slug=slug, defect=defect, value=value)
        for (department, slug, defect), value in found.items()
    ]
    with deps.uow() as tx:
        kept = tx.day_counts.keep_sweep(sweep, place=place, looked=looked, found=counts, now=now)
    return kept and bool(place)


def _begin(deps: Deps, now: datetime) -> bool:
    with deps.uow() as tx:
        return tx.day_counts.begin_sweep(local_day(now))
