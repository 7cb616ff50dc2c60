"""What the store offers a department that looks at what it asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

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

    def count_uses(self, authority_code: str, *, since: datetime, most: int) -> Sequence[UseCount]:
        """The uses of this body from a moment on, counted; of more than ``most`` the newest."""
        ...
