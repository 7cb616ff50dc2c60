"""QR codes (ISO/IEC 18004): as a 1-bit image on the page, as PNG for screens."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import segno

from certsvc.errors import RenderingError

QUIET_ZONE = 4
"""Modules of white around the code (ISO/IEC 18004 §6.3.8)."""

MAX_CODE_BYTES = 900
"""A code with more cannot be read from a phone's screen or an A4 page; stops a caller from printing novels."""

MAX_SCALE = 40
"""Pixels per module; larger pictures only eat memory."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A QR matrix without its quiet zone; ``rows`` are packed bits, most significant first, 1 is dark."""

    size: int
    rows: bytes


def _make(text: str) -> segno.QRCode:
    if not text or len(text.encode("utf-8")) > MAX_CODE_BYTES:
        msg = f"“二维码”内容为空或超过 {MAX_CODE_BYTES} 字节，请缩短"
        raise RenderingError(msg)
    # The mask is fixed: choosing it by penalty costs six milliseconds and readers do not need it.
    return segno.make_qr(text, error="m", boost_error=True, mask=_MASK)


_MASK = 2


@lru_cache(maxsize=1024)
def matrix(text: str) -> Matrix:
    """The matrix of ``text`` at level M, or better where the same size allows it; RenderingError when too long."""
    code = _make(text)
    rows = []
    for row in code.matrix:
        bits = "".join("1" if module & 1 else "0" for module in row)
        rows.append(int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big"))
    return Matrix(len(code.matrix), b"".join(rows))


def qr_png(text: str, *, scale: int = 6) -> bytes:
    """A black and white PNG of ``text``, ``scale`` pixels per module, with its quiet zone."""
    out = io.BytesIO()
    _make(text).save(out, kind="png", scale=max(1, min(scale, MAX_SCALE)), border=QUIET_ZONE)
    return out.getvalue()
