"""The signature dictionary with its hole, and the widget that shows the stamp (ISO 32000-2 §12.8.1, §12.7.5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from certsvc.rendering.pdf import constant_text, date_string, name, num, text_string

if TYPE_CHECKING:
    from certsvc.commands.page_ports import SignatureField
    from certsvc.rendering.layout import Rect

MAX_RESERVED_BYTES = 128 * 1024
"""A signature with chain and revocation data is far smaller; every reader has to parse the whole hole."""

_RANGE_WIDTH = 36
"""Room for three ten-digit numbers and the blanks between them."""
_BLANK_RANGE, _AFTER_RANGE = b" " * _RANGE_WIDTH, b"]/Contents"


@dataclass(frozen=True, slots=True)
class SignatureObject:
    """The dictionary in pieces and, relative to its start, where the hole is.

    Attributes:
        body: up to the byte range, its blanks, and what follows.
    """

    body: tuple[bytes, bytes, bytes, bytes]
    hole_start: int
    hole_end: int


def signature_dictionary(field: SignatureField, signer: str) -> SignatureObject:
    """The dictionary with blanks for the byte range and zeros for the signature."""
    if not 1 <= field.reserved_bytes <= MAX_RESERVED_BYTES:
        msg = f"reserved_bytes must be 1..{MAX_RESERVED_BYTES}, not {field.reserved_bytes}"
        raise RuntimeError(msg)
    before, hole = _opening(field.sub_filter, field.reserved_bytes)
    hole_start = len(before) + _RANGE_WIDTH + len(_AFTER_RANGE)
    after = b"/M%s/Name%s" % (date_string(field.signed_at), constant_text(signer))
    if field.reason:
        after += b"/Reason" + constant_text(field.reason)
    if field.location:
        after += b"/Location" + constant_text(field.location)
    if field.docmdp:
        after += (
            b"/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams"
            b"<</Type/TransformParams/P %d/V/1.2>>>>]" % field.docmdp
        )
    return SignatureObject(
        (before, _BLANK_RANGE, hole, after + b">>"), hole_start, hole_start + 2 * field.reserved_bytes + 2
    )


@lru_cache(maxsize=256)
def _opening(sub_filter: str, reserved_bytes: int) -> tuple[bytes, bytes]:
    """The dictionary before the numbers of its byte range, and behind them up to the end of its hole."""
    before = b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter%s/ByteRange[0 " % name(sub_filter)
    return before, _AFTER_RANGE + b"<" + b"0" * (2 * reserved_bytes) + b">"


def byte_range(hole_start: int, hole_end: int, length: int) -> bytes:
    """The three numbers after the first 0, padded with blanks to their fixed width."""
    return (b"%d %d %d" % (hole_start, hole_end, length - hole_end)).ljust(_RANGE_WIDTH)


def widget(field: SignatureField, rect: Rect, page: int, signature: int, appearance: int) -> bytes:
    """Field and widget in one: printed, locked, and drawn by the stamp."""
    return _widget(field.name, rect, page, signature, appearance)


@lru_cache(maxsize=1024)
def _widget(field_name: str, rect: Rect, page: int, signature: int, appearance: int) -> bytes:
    box = " ".join(num(v) for v in (rect.x, rect.y, rect.x + rect.w, rect.y + rect.h))
    # F: Print (bit 3) and Locked (bit 8).
    return b"<</Type/Annot/Subtype/Widget/FT/Sig/T%s/F 132/Rect[%s]/P %d 0 R/V %d 0 R/AP<</N %d 0 R>>>>" % (
        text_string(field_name),
        box.encode("ascii"),
        page,
        signature,
        appearance,
    )
