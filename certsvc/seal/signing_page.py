"""What a document must provide for a signature, and what the field of a signature shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certsvc.seal.signing_round import Place


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureRoom:
    """Handler and form of a signature, and how many bytes of DER its hole must hold (measured, not guessed)."""

    filter: str
    sub_filter: str
    reserved_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedField:
    """A signature field that a document gets before the first signature.

    Attributes:
        locks: whether its signature allows no further change: that of the last one to sign, or of the seal.
    """

    name: str
    place: Place
    locks: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureLook:
    """Who, when, why, and the handwriting: what the visible field shows and the signature says."""

    name: str = field(repr=False)
    reason: str = field(repr=False)
    signed_at: datetime
    handwriting: bytes = field(repr=False)
