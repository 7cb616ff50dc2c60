"""What the register says of a version, now or as it was known at an earlier moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.commands.verifying.facts import amber_reasons, public_facts, reason_of
from certsvc.commands.verifying.stands import rules_for, stands
from certsvc.errors import InvalidInput
from certsvc.license.history import as_known, facts_known
from certsvc.license.standing import standing

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.seal.verdict import LicenseFacts, Reason

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing electronic was registered before; also keeps times where arithmetic on them holds."""

MAX_LINKS = 64
"""Versions behind a version that are followed; a life has a handful."""

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far the asker's clock may run ahead of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisterView:
    """A version on the register at the moment asked about.

    Attributes:
        how: its standing then.
        later: the reason of its standing now, where that is another one.
    """

    version: LicenseVersion
    how: Standing
    facts: LicenseFacts
    later: Reason | None = None


def checked_moment(at: datetime | None, now: datetime) -> datetime | None:
    """The moment asked about in UTC, or None for now; a clock that runs a little ahead means now.

    Raises:
        InvalidInput: a moment that is still to come, or before there were electronic licenses.
    """
    if at is None:
        return None
    if at > now + CLOCK_TOLERANCE:
        raise InvalidInput("核验时刻（at）不能晚于现在：请填写过去的时刻，或不填以核验现在的状态")
    if at < EARLIEST:
        raise InvalidInput(f"核验时刻（at）不能早于 {EARLIEST.year} 年")
    return None if at >= now else at.astimezone(UTC)


def view_of(
    deps: Deps, tx: UnitOfWork, version: LicenseVersion, now: datetime, at: datetime | None = None
) -> RegisterView | None:
    """How ``version`` stands now, or stood at ``at`` by what was recorded until then; None before its registration."""
    today = stands(deps, tx, version, now)
    if at is None:
        return RegisterView(version=version, how=today, facts=public_facts(deps, tx, version, now))
    then = as_known(version, tx.licenses.moves_of(version.version_id), at)
    if then is None:
        return None
    known = facts_known(tx.facts.of(version.license_id), at)
    how = standing(then, known, rules_for(deps, version), at)
    return RegisterView(
        version=then,
        how=how,
        facts=public_facts(deps, tx, then, at, how, newest=_newest_then(tx, then, at)),
        later=None if (today.code, today.flags) == (how.code, how.flags) else _reason_now(today),
    )


def _newest_then(tx: UnitOfWork, version: LicenseVersion, at: datetime) -> tuple[str, ...]:
    """The ends of the chain of links as it was at ``at``; empty when nothing had followed."""
    ends: list[LicenseVersion] = []
    waiting, seen = [version.version_id], {version.version_id}
    while waiting and len(seen) <= MAX_LINKS:
        here = waiting.pop(0)
        after = [link.successor_id for link in tx.links.after(here) if link.at <= at]
        if not after and here != version.version_id and (found := tx.licenses.by_version_id(here)) is not None:
            ends.append(found)
        waiting += [one for one in after if one not in seen]
        seen.update(after)
    ends.sort(key=lambda one: (one.created_at, one.version_id))
    return tuple(one.identifier for one in ends)


def _reason_now(today: Standing) -> Reason:
    """What the register says now: the state, or the most important of what has turned a good license amber."""
    return next(iter(amber_reasons(today)), reason_of(today)) if today.good else reason_of(today)
