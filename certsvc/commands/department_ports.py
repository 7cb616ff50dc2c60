"""What the store offers a department that looks at what it asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from certsvc.license.departments import UseCount, UseFilter
    from certsvc.license.uses import Fetch


class Departments(Protocol):
    """The uses, systems and open requests of one body."""

    def uses(
        self,
        authority_code: str,
        wanted: UseFilter,
        *,
        limit: int,
        look_at: int,
        behind: tuple[datetime, str] | None = None,
    ) -> tuple[Sequence[Fetch], tuple[datetime, str] | None]:
        """Uses of this body that fit, newest first, and the place behind which to go on; None at the end.

        At most ``look_at`` rows are looked at, so that there may be fewer than ``limit`` with more behind the place.
        """
        ...

    def count_uses(self, authority_code: str, *, since: datetime, before: datetime, most: int) -> Sequence[UseCount]:
        """The uses of this body from a moment on and before another, counted; of more than ``most`` the newest."""
        ...

    def kept_uses(self, authority_code: str, *, first: date, last: date) -> Sequence[UseCount]:
        """Sums over the days of this body that are counted once for all, both included."""
        ...

    def counted_until(self, authority_code: str) -> date | None:
        """The last day of this body that is counted once for all, with all before it."""
        ...

    def next_body(self, behind: str) -> str:
        """The first body behind a code that asked anything; empty at the end."""
        ...

    def next_use(self, authority_code: str, *, since: datetime) -> datetime | None:
        """When this body asked first from a moment on."""
        ...

    def keep_day(self, authority_code: str, day: date, counts: Sequence[UseCount]) -> bool:
        """Keep the counts of a day, which comes behind all that are kept; False when it or a later one is kept."""
        ...
