"""经办人: the people of a body who ask through a client system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffMember:
    """One account of a client system's own people.

    Attributes:
        account: as the client writes it in ``operator`` of a fetch.
        division: 处室, 窗口.
        from_on, until_on: first and last day of the work, or None.
    """

    client_id: str
    account: str
    name: str
    division: str
    active: bool
    from_on: date | None
    until_on: date | None
    set_by: str
    set_at: datetime

    def at_work(self, day: date) -> bool:
        """Whether the account may ask on ``day``."""
        begun = self.from_on is None or self.from_on <= day
        return self.active and begun and (self.until_on is None or day <= self.until_on)
