"""Until when the files of a license are kept (保管期限)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import local_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.license.model import LicenseVersion, MoveRecord

YEAR = timedelta(days=366)
"""Counted generously: a file kept a day too long harms nobody."""


def kept_until(deps: Deps, version: LicenseVersion, decided: datetime) -> datetime:
    """The type's retention after the license's period or the last decision about it."""
    years = deps.catalog.type(version.type_slug).retention_years
    last: date = max(local_day(decided), version.valid_until or date.min)
    return datetime.combine(last, time.min, UTC) + years * YEAR


def last_decided(version: LicenseVersion, moves: Sequence[MoveRecord]) -> datetime:
    """When the last decision about the license was written down; its making is the first."""
    return max([version.created_at, *(one.at for one in moves)])
