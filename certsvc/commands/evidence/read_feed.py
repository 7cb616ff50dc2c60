"""Read the feed of events, in order of their positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.events.envelope import Event

MAX_PAGE = 500
"""Events a page may hold: bounds the memory of one request."""


def read_feed(deps: Deps, caller: Principal, *, after: int, limit: int) -> Sequence[Event]:
    """Events behind position ``after``; a reader that keeps the last position misses nothing and sees nothing twice."""
    roles.require(caller, roles.EVENTS, roles.AUDITOR)
    with deps.uow.read() as tx:
        return tx.outbox.after(after, limit=min(limit, MAX_PAGE))


def feed_end(deps: Deps, caller: Principal) -> int:
    """The last position that was given: where a reader begins who wants only what comes."""
    roles.require(caller, roles.EVENTS, roles.AUDITOR)
    with deps.uow.read() as tx:
        return tx.feed.end()
