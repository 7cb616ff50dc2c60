"""A department's numbers: uses by matter and type, refusals by reason, quotas of today, its systems, what is open."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day
from certsvc.commands.alerting.alerts import alerts_of_body
from certsvc.commands.department.who import own_body, using_systems
from certsvc.license.departments import GIVEN, UseKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.policy_board import Allowed
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.consents import UseRequest
    from certsvc.license.departments import UseCount
    from certsvc.license.parties import Client
    from certsvc.license.policies import Policy
    from certsvc.license.use_alerts import AlertState, UseAlert

MAX_COUNTED = 100_000
"""Uses of days that are not kept yet which one overview counts, the newest; in the ordinary way those of today.

A body with more is given the numbers of these alone, and since when they are: never called those of the window."""
MAX_DAYS = 366
MAX_LINES = 100
"""Matters and types in one overview, those of most uses: a refused call may name any matter."""
MAX_REQUESTS = 200
"""Open use requests in one answer, those that lapse first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Uses of one kind of thing: given by what left, and refused."""

    given: Mapping[UseKind, int]
    refused: int

    @property
    def all(self) -> int:
        """All of them."""
        return sum(self.given.values()) + self.refused


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaUse:
    """A policy in force and how much of its day is used; ``used`` is None where there is no quota to count."""

    matter_code: str
    type_slug: str
    allowed: Allowed
    used: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """The numbers of one body.

    Attributes:
        first: first day of the window; counted are all uses since then if ``whole``, else the newest, which are those
            from ``counted_from`` on (days that are over were not counted yet).
        by_matter, by_type: by code and by slug; the slug is empty where no type is on record.
        refusals: reason code -> how many.
    """

    body: str
    first: date
    whole: bool
    counted_from: datetime | None
    total: Tally
    by_matter: Mapping[str, Tally]
    by_type: Mapping[str, Tally]
    refusals: Mapping[str, int]
    quotas: Sequence[QuotaUse]


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemOfBody:
    """A 用证系统 and how many 经办人 it has registered; who they are is for the 用证管理员."""

    client: Client
    staff: int


def overview(deps: Deps, caller: Principal, *, days: int, most: int = MAX_COUNTED) -> Overview:
    """The numbers of the caller's body for today and the ``days`` - 1 days before; ``most`` as :data:`MAX_COUNTED`."""
    body, now = own_body(caller), deps.clock.now()
    today = local_day(now)
    first = today - timedelta(days=days - 1)
    with deps.uow.read() as tx:
        counts, whole = _count(tx, body, first=first, last=today, most=most)
        picture = deps.policies.look(tx, deps.catalog, now)
        quotas = [
            QuotaUse(
                matter_code=matter,
                type_slug=slug,
                allowed=allowed,
                used=tx.policies.used(allowed.policy_id, day=today) if allowed.quota is not None else None,
            )
            for (matter, slug), allowed in sorted(picture.allowed.items())
            if matter in picture.matters and picture.matters[matter].authority_code == body
        ]
    refusals: defaultdict[str, int] = defaultdict(int)
    for one in counts:
        if one.outcome != GIVEN:
            refusals[one.outcome] += one.uses
    return Overview(
        body=body,
        first=first,
        whole=whole,
        counted_from=None if whole else min(one.first for one in counts),
        total=_tally(counts),
        by_matter=_by("matter_code", counts),
        by_type=_by("type_slug", counts),
        refusals=dict(sorted(refusals.items(), key=lambda pair: (-pair[1], pair[0]))),
        quotas=quotas,
    )


def policies_of_body(
    deps: Deps, caller: Principal, *, limit: int, behind: tuple[datetime, str] | None
) -> Sequence[Policy]:
    """What the caller's body asked for and what came of it, newest first."""
    body = own_body(caller)
    with deps.uow.read() as tx:
        return tx.policies.page(authority_code=body, limit=limit, behind=behind)


def systems_of_body(deps: Deps, caller: Principal) -> Sequence[SystemOfBody]:
    """The systems that ask in the name of the caller's body, by id."""
    body = own_body(caller)
    with deps.uow.read() as tx:
        return [SystemOfBody(client=one, staff=tx.staff.count(one.client_id)) for one in using_systems(tx, body)]


def alerts_for_body(
    deps: Deps, caller: Principal, *, state: AlertState, limit: int, behind: tuple[datetime, str] | None
) -> Sequence[UseAlert]:
    """状态变更通报 to the body and to each of its systems, newest first."""
    body = own_body(caller)
    with deps.uow.read() as tx:
        return alerts_of_body(tx, body, state, limit=limit, behind=behind)


def open_requests(deps: Deps, caller: Principal) -> Sequence[UseRequest]:
    """Use requests of the body's systems that wait for a holder, those that lapse first."""
    body, now = own_body(caller), deps.clock.now()
    with deps.uow.read() as tx:
        found = [
            request
            for client in using_systems(tx, body)
            for request in tx.bases.open_of(client.client_id, now=now, limit=MAX_REQUESTS)
        ]
    found.sort(key=lambda one: (one.lapses_at, one.request_id))
    return found[:MAX_REQUESTS]


def _count(tx: UnitOfWork, body: str, *, first: date, last: date, most: int) -> tuple[Sequence[UseCount], bool]:
    """The uses of these days, those of kept days from what is kept; and whether that is all of them."""
    until = tx.departments.counted_until(body)
    fresh = first if until is None else max(first, until + timedelta(days=1))
    since, before = end_of_day(fresh - timedelta(days=1)), end_of_day(last)
    counts = tx.departments.count_uses(body, since=since, before=before, most=most)
    if sum(one.uses for one in counts) >= most:
        return counts, False
    kept = tx.departments.kept_uses(body, first=first, last=fresh - timedelta(days=1)) if fresh > first else ()
    return [*kept, *counts], True


def _tally(counts: Sequence[UseCount]) -> Tally:
    given = {kind: sum(one.uses for one in counts if one.kind is kind and one.outcome == GIVEN) for kind in UseKind}
    return Tally(given=given, refused=sum(one.uses for one in counts if one.outcome != GIVEN))


def _by(name: str, counts: Sequence[UseCount]) -> Mapping[str, Tally]:
    """By one attribute, the most used first."""
    parts: defaultdict[str, list[UseCount]] = defaultdict(list)
    for one in counts:
        parts[getattr(one, name)].append(one)
    found = {key: _tally(part) for key, part in parts.items()}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1].all, pair[0]))[:MAX_LINES])
