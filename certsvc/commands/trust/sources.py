"""How fresh trust is: ends of anchors and CAs, publishers of revocations that answered, timestamps of the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.commands.access import roles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.trust_ports import SourceStanding
    from certsvc.events.checkpoint import Stamp
    from certsvc.seal.authorities import AuthorityFacts
    from certsvc.seal.trust_list import Anchor

SOON = timedelta(days=90)
"""An end so near is told: the first warning about a seal's certificate comes as early."""


class Freshness(StrEnum):
    """What to make of something that ends or grows old."""

    GOOD = "good"
    SOON = "soon"
    """ends within :data:`SOON`"""
    ENDED = "ended"
    NOT_YET = "not_yet"
    """its time has not begun"""
    STALE = "stale"
    """older than it should be, or the last question had no answer"""
    UNKNOWN = "unknown"
    """nothing is known yet"""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchorStanding:
    """An anchor, the end of its certificate, and the moment at which it serves no more by the list or by itself."""

    anchor: Anchor
    certificate_ends: datetime
    ends_at: datetime
    freshness: Freshness


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustSources:
    """What verdicts stand on, and how fresh it is.

    Attributes:
        version: of the list in force in this process.
        confirmed: number of the newest confirmed change; another one means that this process is behind.
        stamp: the newest timestamp of the evidence log.
    """

    at: datetime
    version: int
    confirmed: int
    anchors: Sequence[AnchorStanding]
    authorities: Sequence[tuple[AuthorityFacts, Freshness]]
    publishers: Sequence[tuple[SourceStanding, Freshness]]
    stamp: Stamp | None
    stamp_freshness: Freshness


def trust_sources(deps: Deps, caller: Principal) -> TrustSources:
    """For those who change the list, operators and auditors."""
    roles.require(caller, roles.TRUST_PROPOSER, roles.TRUST_CONFIRMER, roles.OPERATOR, roles.AUDITOR)
    now = deps.clock.now()
    listed = deps.trust.current
    with deps.uow.read() as tx:
        confirmed, newest, stamp = tx.trust.version(), tx.log.newest(), tx.log.newest_stamp()
    # The leaf that tells of the timestamp itself is no news.
    behind = newest is not None and newest.size > (stamp.size + 1 if stamp is not None else 0)
    return TrustSources(
        at=now,
        version=listed.version,
        confirmed=confirmed,
        anchors=[_anchor(deps, one, now) for one in listed.anchors],
        authorities=[(one, _until(one.valid_until, now)) for one in deps.authorities.known()],
        publishers=[(one, _answered(one)) for one in deps.revocations.standing()],
        stamp=stamp,
        stamp_freshness=_stamped(stamp, now, 2 * timedelta(minutes=deps.policy.log_stamp_minutes), behind=behind),
    )


def _anchor(deps: Deps, anchor: Anchor, now: datetime) -> AnchorStanding:
    certificate_ends = deps.trust_lists.certificate_ends(anchor.certificate)
    ends_at = certificate_ends if anchor.valid_until is None else min(certificate_ends, anchor.valid_until)
    early = anchor.valid_from is not None and now < anchor.valid_from
    return AnchorStanding(
        anchor=anchor,
        certificate_ends=certificate_ends,
        ends_at=ends_at,
        freshness=Freshness.NOT_YET if early else _until(ends_at, now),
    )


def _until(end: datetime, now: datetime) -> Freshness:
    if end <= now:
        return Freshness.ENDED
    return Freshness.SOON if end - now <= SOON else Freshness.GOOD


def _answered(one: SourceStanding) -> Freshness:
    if one.failed_at is None:
        return Freshness.GOOD
    return Freshness.GOOD if one.answered_at is not None and one.answered_at > one.failed_at else Freshness.STALE


def _stamped(stamp: Stamp | None, now: datetime, most: timedelta, *, behind: bool) -> Freshness:
    if stamp is None:
        return Freshness.UNKNOWN
    return Freshness.STALE if behind and now - stamp.at > most else Freshness.GOOD
