"""A catalog that never changes: that of one request, of one piece of work, and of commands without a register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certsvc.catalog.loader import Catalog


@dataclass(frozen=True, slots=True)
class FixedCatalog:
    """Implements ``life_ports.CatalogSource``."""

    current: Catalog

    def follow(self) -> bool:
        """Never swapped."""
        return False
