"""Read the feed of events, in order of their positions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.events.addressing import may_read, oversights_of, systems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

MAX_PAGE = 500
"""Events a page may hold: bounds the memory of one request."""


MAX_PAGES = 20
"""Pages looked at for one answer where what is for others fills them; bounds the time of one request."""


def _no_body(_: str) -> bool:
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPage:
    """Events for a reader, and the position up to which the feed was looked at."""

    events: Sequence[Event]
    place: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """Events of everybody, and what says whose those are that are for one reader only."""

    events: Sequence[Event] = ()
    overseers: Mapping[str, str] = field(default_factory=dict)
    """client of each subscription of a regulator that they are about"""
    bodies: Mapping[str, str] = field(default_factory=dict)
    """body of each system whose uses they are"""
    on_consent: Callable[[str], bool] = _no_body
    """whether a body acts on consent alone, and is given what is addressed to it and no more"""

    def readable(self, caller: Principal, *, behind: int = 0) -> Sequence[Event]:
        """Those behind a position that this reader is given."""
        sees_uses, addressed_only = roles.sees_uses(caller.roles), self.on_consent(caller.authority_code)
        return [
            event
            for event in self.events
            if event.position > behind
            and may_read(
                event,
                client_id=caller.subject,
                authority_code=caller.authority_code,
                overseers=self.overseers,
                bodies=self.bodies,
                sees_uses=sees_uses,
                addressed_only=addressed_only,
            )
        ]


def read_feed(deps: Deps, caller: Principal, *, after: int, limit: int) -> FeedPage:
    """Events behind position ``after`` that the caller may read; a reader that keeps ``place`` misses nothing.

    What is addressed to others is left out, so that a page may be empty and the place further on.
    """
    roles.require(caller, roles.EVENTS, roles.AUDITOR)
    most, place = min(limit, MAX_PAGE), after
    with deps.uow.read() as tx:
        for _ in range(MAX_PAGES):
            looked_at = tx.outbox.after(place, limit=most)
            found = _shared(deps, tx, looked_at).readable(caller)
            place = looked_at[-1].position if looked_at else place
            if found or len(looked_at) < most:
                return FeedPage(events=found, place=place)
    return FeedPage(events=(), place=place)


def read_all(deps: Deps, *, after: int, limit: int) -> Shared:
    """Every event behind ``after``, for those who share them out; never an answer by itself."""
    with deps.uow.read() as tx:
        return _shared(deps, tx, tx.outbox.after(after, limit=min(limit, MAX_PAGE)))


def feed_end(deps: Deps, caller: Principal) -> int:
    """The last position that was given: where a reader begins who wants only what comes."""
    roles.require(caller, roles.EVENTS, roles.AUDITOR)
    with deps.uow.read() as tx:
        return tx.feed.end()


def _shared(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> Shared:
    systems = tx.access.clients(systems_of(events))
    return Shared(
        events=events,
        overseers=tx.oversights.clients_of(oversights_of(events)),
        bodies={client_id: one.authority_code for client_id, one in systems.items()},
        on_consent=deps.catalog.consent_only,
    )
