"""The registry of signature formats: how a signature and a document are joined. One format is one file and one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from certsvc.errors import SigningError
from certsvc.signing.pades import PadesBaseline, Sm2Cms, TemplatedCms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.seal.prepared import PreparedPdf
    from certsvc.signing.keyring import KeyRing


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

    @property
    def filter(self) -> str:
        """Value of ``/Filter``."""
        ...

    @property
    def algorithms(self) -> frozenset[str]:
        """Algorithms of the keys that it takes."""
        ...

    def reserved_bytes(self, ring: KeyRing, key_id: str) -> int:
        """How many bytes of DER the hole must hold."""
        ...

    def sign(self, prepared: PreparedPdf, ring: KeyRing, key_id: str, *, signed_at: datetime) -> bytes:
        """The page with its hole filled, checked; SigningError otherwise."""
        ...


TEMPLATED: tuple[TemplatedCms, ...] = (PadesBaseline(), Sm2Cms())
"""The formats whose CMS comes from a template, so that a page of ours can be compared with it byte for byte."""

FORMATS: tuple[SignatureFormat, ...] = TEMPLATED
"""The formats that need nothing but a key; ``app`` adds those that need seal objects or a timestamping authority."""


def format_named(name: str, formats: Sequence[SignatureFormat] = FORMATS) -> SignatureFormat:
    """The format called ``name``; SigningError when there is none."""
    for found in formats:
        if found.name == name:
            return found
    msg = f"签章格式 {name} 不支持：可用 {'、'.join(f.name for f in formats)}"
    raise SigningError(msg)
