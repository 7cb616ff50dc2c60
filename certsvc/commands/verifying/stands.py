"""How a version stands: the register's facts and the type's rules, brought together in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.license.standing import NO_RULES, CheckRule, Rules, Standing, standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion


def rules_of(kind: LicenseType) -> Rules:
    """What the type says about time; applications for renewal close ``reminder_days`` before the last day."""
    return Rules(
        renewal_closes_days=kind.validity.reminder_days,
        checks=tuple(
            CheckRule(name=check.name, months=check.months, overdue_zh=check.overdue) for check in kind.periodic_checks
        ),
    )


def rules_for(deps: Deps, version: LicenseVersion) -> Rules:
    """The rules of its type; none for a license made elsewhere, whose checks and renewals its source knows alone."""
    return NO_RULES if version.registration is not None else rules_of(deps.catalog.type(version.type_slug))


def stands(deps: Deps, tx: UnitOfWork, version: LicenseVersion, now: datetime) -> Standing:
    """The standing of one version."""
    return standing(version, tx.facts.of(version.license_id), rules_for(deps, version), now)


def stands_all(deps: Deps, tx: UnitOfWork, versions: Sequence[LicenseVersion], now: datetime) -> tuple[Standing, ...]:
    """The standings of several versions, with one look at the facts."""
    facts = tx.facts.of_many([version.license_id for version in versions])
    return tuple(standing(version, facts[version.license_id], rules_for(deps, version), now) for version in versions)
