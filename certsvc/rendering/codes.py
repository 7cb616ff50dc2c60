"""QR pictures for screens. The code on a page is drawn from :mod:`.qr_encoder` directly."""

from __future__ import annotations

import io

import segno

from certsvc.errors import RenderingError
from certsvc.rendering.qr_encoder import MASK, QUIET_ZONE

MAX_CODE_BYTES = 1200
"""A denser code cannot be read from a phone's screen; stops a caller from printing novels."""

MAX_SCALE = 40
"""Pixels per module; larger pictures only eat memory."""


def qr_png(text: str, *, scale: int = 6) -> bytes:
    """A black and white PNG of ``text``, ``scale`` pixels per module, with its quiet zone.

    Codes for screens may be long (offline codes) or alphanumeric (base45), so segno chooses the densest mode here.

    Raises:
        RenderingError: empty, or more than ``MAX_CODE_BYTES``.
    """
    if not text or len(text.encode("utf-8")) > MAX_CODE_BYTES:
        msg = f"“二维码”内容为空或超过 {MAX_CODE_BYTES} 字节，请缩短"
        raise RenderingError(msg)
    code = segno.make_qr(text, error="m", boost_error=False, mask=MASK)
    out = io.BytesIO()
    code.save(out, kind="png", scale=max(1, min(scale, MAX_SCALE)), border=QUIET_ZONE)
    return out.getvalue()
