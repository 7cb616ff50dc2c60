"""Where a license comes from (DESIGN.md 5): issued here, or made elsewhere and registered here (归集)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LicenseOrigin(StrEnum):
    """Who made the file, and so who decides about its state."""

    ISSUED = "issued"
    """签发: made and sealed here"""
    REGISTERED = "registered"
    """登记: made elsewhere; the seal was verified, the file is untouched, the state is its source's"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """How a license of elsewhere came onto the register; an issued one has none.

    Attributes:
        source_id: the source in the catalog; ``source_name`` is its name on the day of registration.
        authority_code: USCC of the body here that registered it.
        body_sha256: digest of everything that was sent, to tell a repeat from another content.
    """

    source_id: str
    source_name: str
    authority_code: str
    body_sha256: str

    @property
    def sentence(self) -> str:
        """What every page says of it."""
        return f"来源：{self.source_name}登记，非本机关签发"
