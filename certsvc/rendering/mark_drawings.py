"""What a mark on a finished page shows: the stamp as vectors or a picture with alpha, upright on turned pages."""

from __future__ import annotations

import io
import warnings
import zlib
from typing import TYPE_CHECKING

from PIL import Image

from certsvc.errors import InvalidInput, TooLarge
from certsvc.rendering.layout import MM
from certsvc.rendering.pdf import num
from certsvc.rendering.stamp import stamp_operators, stamp_size
from certsvc.seal.marks import Drawing

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family
    from certsvc.seal.model import StampSpec

MAX_PICTURE_BYTES = 1024 * 1024
"""A handwriting or a scanned stamp; more makes every signed file heavy."""
MAX_PICTURE_PIXELS = 4_000_000
"""A picture of 2000 x 2000; stops PNG bombs, which unpack a thousandfold."""

MULTIPLY = b"/M<</BM/Multiply>>"
"""The state under which a stamp keeps what lies below it legible."""

_TURNS = {0: "1 0 0 1", 90: "0 1 -1 0", 180: "-1 0 0 -1", 270: "0 -1 1 0"}
"""Matrices that turn a drawing anticlockwise, against the clockwise /Rotate of its page."""


def packed(head: str, operators: str, **more: object) -> Drawing:
    """A form XObject with these entries and operators, deflated."""
    data = zlib.compress(operators.encode("ascii"), 9)
    return Drawing(head=f"/Type/XObject/Subtype/Form{head}/Filter/FlateDecode".encode("ascii"), data=data, **more)  # type: ignore[arg-type]


def stamp_drawing(stamp: StampSpec, family: Family) -> Drawing:
    """The stamp in its nominal size, its lower left corner at the origin, blended with what it lies on.

    Raises:
        MissingGlyph, RenderingError: a stamp that cannot be drawn.
    """
    w, h = stamp_size(stamp)
    box = f"/BBox[{num(-w / 2)} {num(-h / 2)} {num(w / 2)} {num(h / 2)}]"
    group = "/Group<</S/Transparency/CS/DeviceRGB/I true>>"
    picture = packed(box + group, stamp_operators(stamp, family).decode("ascii"))
    body = f"q /M gs {MM:.5f} 0 0 {MM:.5f} {num(w * MM / 2)} {num(h * MM / 2)} cm /S Do Q"
    return packed(f"/BBox[0 0 {num(w * MM)} {num(h * MM)}]", body, parts=(("S", picture),), states=MULTIPLY)


def png_drawing(data: bytes) -> tuple[Drawing, float]:
    """A picture (PNG with alpha, such as a handwriting) in a box of 1 point height, and its width over its height.

    Raises:
        InvalidInput: no PNG.
        TooLarge: more bytes or pixels than the limits.
    """
    if len(data) > MAX_PICTURE_BYTES:
        msg = f"图片超过 {MAX_PICTURE_BYTES // 1024} KB，请压缩后重新上传"
        raise TooLarge(msg)
    picture = _opened(data)
    size = f"/Type/XObject/Subtype/Image/Width {picture.width}/Height {picture.height}/BitsPerComponent 8"
    mask = Drawing(
        head=f"{size}/ColorSpace/DeviceGray/Filter/FlateDecode".encode("ascii"),
        data=zlib.compress(picture.getchannel("A").tobytes(), 9),
    )
    image = Drawing(
        head=f"{size}/ColorSpace/DeviceRGB/Filter/FlateDecode".encode("ascii"),
        data=zlib.compress(picture.convert("RGB").tobytes(), 9),
        mask=mask,
    )
    ratio = picture.width / picture.height
    return packed(f"/BBox[0 0 {num(ratio)} 1]", f"q {ratio:.5f} 0 0 1 0 0 cm /P Do Q", parts=(("P", image),)), ratio


def _opened(data: bytes) -> Image.Image:
    """The picture, after its size was looked at and before it is unpacked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=("PNG",))
        if opened.width * opened.height <= MAX_PICTURE_PIXELS:
            return opened.convert("RGBA")
    except Exception as error:  # whatever a damaged picture makes the decoder raise
        msg = "不是可读取的 PNG 图片，请重新上传"
        raise InvalidInput(msg) from error
    msg = f"图片超过 {MAX_PICTURE_PIXELS // 10_000} 万像素，请缩小后重新上传"
    raise TooLarge(msg)


def turned(drawing: Drawing, size: tuple[float, float], rotate: int) -> Drawing:
    """``drawing`` of ``size`` points, upright for those who look at a page with this ``/Rotate``."""
    turn = rotate % 360
    if not turn:
        return drawing
    head = f"/BBox[0 0 {num(size[0])} {num(size[1])}]/Matrix[{_TURNS[turn]} 0 0]"
    return packed(head, "/D Do", parts=(("D", drawing),))
