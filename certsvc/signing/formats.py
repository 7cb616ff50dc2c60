"""The registry of signature formats: how a signature and a document are joined. One format is one file and one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from certsvc.errors import SigningError
from certsvc.signing.pades import PadesBaseline

if TYPE_CHECKING:
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.signing.keyring import SoftwareKeyRing


class SignatureFormat(Protocol):
    """One way to put a signature into a prepared page."""

    @property
    def name(self) -> str:
        """Name in a license type's signature plan."""
        ...

    @property
    def sub_filter(self) -> str:
        """Value of ``/SubFilter``."""
        ...

    def reserved_bytes(self, ring: SoftwareKeyRing, key_id: str) -> int:
        """How many bytes of DER the hole must hold."""
        ...

    def sign(self, prepared: PreparedPdf, ring: SoftwareKeyRing, key_id: str) -> bytes:
        """The page with its hole filled, checked; SigningError otherwise."""
        ...


FORMATS: tuple[SignatureFormat, ...] = (PadesBaseline(),)


def format_named(name: str) -> SignatureFormat:
    """The format called ``name``; SigningError when there is none."""
    for found in FORMATS:
        if found.name == name:
            return found
    msg = f"签章格式 {name} 不支持：可用 {'、'.join(f.name for f in FORMATS)}"
    raise SigningError(msg)
