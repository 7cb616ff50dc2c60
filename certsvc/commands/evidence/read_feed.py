"""Read the feed of events, in order of their positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.events.addressing import may_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.events.envelope import Event

MAX_PAGE = 500
"""Events a page may hold: bounds the memory of one request."""


MAX_PAGES = 20
"""Pages looked at for one answer where others' alerts fill them; bounds the time of one request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPage:
    """Events for a reader, and the position up to which the feed was looked at."""

    events: Sequence[Event]
    place: int


def read_feed(deps: Deps, caller: Principal, *, after: int, limit: int) -> FeedPage:
    """Events behind position ``after`` that the caller may read; a reader that keeps ``place`` misses nothing.

    What is addressed to others is left out, so that a page may be empty and the place further on.
    """
    roles.require(caller, roles.EVENTS, roles.AUDITOR)
    most, place = min(limit, MAX_PAGE), after
    with deps.uow.read() as tx:
        for _ in range(MAX_PAGES):
            looked_at = tx.outbox.after(place, limit=most)
            found = readable(caller, looked_at)
            place = looked_at[-1].position if looked_at else place
            if found or len(looked_at) < most:
                return FeedPage(events=found, place=place)
    return FeedPage(events=(), place=place)


def readable(caller: Principal, events: Sequence[Event]) -> Sequence[Event]:
    """Those of ``events`` that this reader is given."""
    client, body = caller.subject, caller.authority_code
    return [event for event in events if may_read(event, client_id=client, authority_code=body)]


def read_all(deps: Deps, *, after: int, limit: int) -> Sequence[Event]:
    """Every event behind ``after``, for those who share them out with :func:`readable`; never an answer by itself."""
    with deps.uow.read() as tx:
        return tx.outbox.after(after, limit=min(limit, MAX_PAGE))


def feed_end(deps: Deps, caller: Principal) -> int:
    """The last position that was given: where a reader begins who wants only what comes."""
    roles.require(caller, roles.EVENTS, roles.AUDITOR)
    with deps.uow.read() as tx:
        return tx.feed.end()
