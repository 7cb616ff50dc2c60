"""What the store offers for looking at the quality of the register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.license.model import LicenseVersion


class Quality(Protocol):
    """Questions over several licenses at once; nothing is written."""

    def twins_of(self, version: LicenseVersion, *, limit: int) -> Sequence[LicenseVersion]:
        """The other versions that have not ended of the same type and holder, oldest first."""
        ...
