"""Handwriting: a picture drawn on a screen or taken from paper becomes ink on a transparent ground.

The limits stand before the decoder sees a pixel; the same input always makes the same bytes.
"""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from certsvc.errors import InvalidInput, TooLarge

MAX_HANDWRITING_BYTES = 512 * 1024
"""A drawing on a screen has 20 kB, a photo of a signature some hundred; more is an attempt to fill memory."""
MAX_HANDWRITING_PIXELS = 8_000_000
"""Decompression bombs: a small file that unpacks to gigabytes is refused from its header alone."""
MIN_SIDE = 24
SIZE = (600, 240)
"""Largest picture that is kept: 40 mm wide at 380 dpi."""
MIN_INK, MAX_INK = 0.002, 0.6
"""Share of the picture that is ink: less is an empty sheet, more is a photo of something else."""
INK = (16, 24, 42)
"""Every handwriting is printed in one dark blue-black: a colour would say what it does not."""

_FORMATS = ("PNG", "JPEG")
_MARGIN = 4
_LIGHTEST, _DARKEST = 0.82, 0.45
"""Brightness relative to the paper: above the first it is paper, below the second it is ink, between it fades."""


def normalise_handwriting(data: bytes) -> bytes:
    """A PNG of at most 600 x 240 pixels: ink with a transparent ground, cut to what was written.

    Raises:
        InvalidInput: not a PNG or JPEG picture, damaged, too small, empty, or no handwriting.
        TooLarge: more bytes or pixels than the limits.
    """
    if len(data) > MAX_HANDWRITING_BYTES:
        msg = f"手写签名图样超过 {MAX_HANDWRITING_BYTES // 1024} KB，请压缩后重新上传"
        raise TooLarge(msg)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            _check_pixels(picture)
            brightness = _brightness(picture)
    except (InvalidInput, TooLarge):
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except Exception as error:  # decoders raise whatever a damaged file makes them raise
        msg = "手写签名图样不是有效的 PNG 或 JPEG 图像，请重新上传或重新书写"
        raise InvalidInput(msg) from error
    return _png(_cut(_ink(brightness)))


def _check_pixels(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_HANDWRITING_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> TooLarge:
    return TooLarge(f"手写签名图样超过 {MAX_HANDWRITING_PIXELS // 10_000} 万像素，请缩小后重新上传")


def _brightness(picture: Image.Image) -> Image.Image:
    """Upright, on white, without colour, not larger than needed."""
    upright = ImageOps.exif_transpose(picture)
    rgba = upright.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba).convert("L")
    if min(flat.size) < MIN_SIDE:
        msg = f"手写签名图样边长不足 {MIN_SIDE} 像素，请重新书写"
        raise InvalidInput(msg)
    flat.thumbnail((SIZE[0] * 3, SIZE[1] * 3), Image.Resampling.LANCZOS)
    return flat


def _ink(brightness: Image.Image) -> Image.Image:
    """How much ink is where: paper is what most of the picture is."""
    histogram = brightness.histogram()
    half, seen, paper = sum(histogram) / 2, 0, 255
    for level in range(255, -1, -1):
        seen += histogram[level]
        if seen >= half:
            paper = max(level, 1)
            break
    light, dark = paper * _LIGHTEST, paper * _DARKEST
    table = [round(255 * min(1.0, max(0.0, (light - level) / (light - dark)))) for level in range(256)]
    ink = brightness.point(table)
    share = sum(ink.histogram()[128:]) / (ink.width * ink.height)
    if share < MIN_INK:
        msg = "手写签名图样是空白的，或笔迹太浅，请重新书写"
        raise InvalidInput(msg)
    if share > MAX_INK:
        msg = "图样不像手写签名，请用深色笔在白纸上书写后拍摄，或直接在屏幕上书写"
        raise InvalidInput(msg)
    return ink


def _cut(ink: Image.Image) -> Image.Image:
    box = ink.point([0] * 64 + [255] * 192).getbbox()
    if box is None:
        msg = "手写签名图样是空白的，请重新书写"
        raise InvalidInput(msg)
    left, top, right, bottom = box
    cut = ink.crop((left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN))
    cut.thumbnail(SIZE, Image.Resampling.LANCZOS)
    return cut


def _png(ink: Image.Image) -> bytes:
    picture = Image.new("RGBA", ink.size, (*INK, 255))
    picture.putalpha(ink)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
