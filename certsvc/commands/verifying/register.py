"""What the register says of a version, now or as it was known at an earlier moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.verifying.facts import public_facts, reason_of
from certsvc.commands.verifying.stands import rules_for, stands
from certsvc.errors import InvalidInput
from certsvc.license.history import as_known, facts_known
from certsvc.license.standing import standing

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.seal.verdict import LicenseFacts, Reason

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


def check_moment(at: datetime | None, now: datetime) -> None:
    """InvalidInput for a moment to come: nothing is known of it."""
    if at is not None and at > now + CLOCK_TOLERANCE:
        raise InvalidInput("核验时刻（at）不能晚于现在：请填写过去的时刻，或不填以核验现在的状态")


def view_of(
    deps: Deps, tx: UnitOfWork, version: LicenseVersion, now: datetime, at: datetime | None = None
) -> RegisterView | None:
    """How ``version`` stands now, or stood at ``at`` by what was recorded until then; None before its registration."""
    today = stands(deps, tx, version, now)
    if at is None or at >= now:
        return RegisterView(version=version, how=today, facts=public_facts(deps, tx, version, now))
    then = as_known(version, tx.licenses.moves_of(version.version_id), at)
    if then is None:
        return None
    known = facts_known(tx.facts.of(version.license_id), at)
    how = standing(then, known, rules_for(deps, version), at)
    return RegisterView(
        version=then,
        how=how,
        facts=public_facts(deps, tx, then, at, how),
        later=None if today.code == how.code else reason_of(today),
    )
