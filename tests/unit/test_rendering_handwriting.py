"""The limits of the handwriting picture: each from both sides, before and behind the decoder."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, ImageDraw, ImageFilter

from certsvc.errors import InvalidInput, TooLarge
from certsvc.rendering.handwriting import (
    INK,
    MAX_HANDWRITING_BYTES,
    MAX_HANDWRITING_PIXELS,
    MIN_SIDE,
    SIZE,
    normalise_handwriting,
)


def paper(width: int, height: int, *, ground: int = 255) -> Image.Image:
    return Image.new("L", (width, height), ground)


def written(width: int = 300, height: int = 120, *, ground: int = 255, pen: int = 0) -> Image.Image:
    picture = paper(width, height, ground=ground)
    points = [(width * x // 10, height * y // 10) for x, y in ((1, 8), (3, 2), (4, 8), (6, 2), (9, 5))]
    ImageDraw.Draw(picture).line(points, fill=pen, width=max(2, height // 20))
    return picture


def encoded(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def read(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def header_of(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def padded(data: bytes, size: int) -> bytes:
    return data + bytes(size - len(data))


def test_bytes_are_counted_to_the_last_one_before_anything_is_decoded() -> None:
    good = encoded(written())
    assert normalise_handwriting(padded(good, MAX_HANDWRITING_BYTES))
    for data in (padded(good, MAX_HANDWRITING_BYTES + 1), bytes(MAX_HANDWRITING_BYTES + 1)):
        with pytest.raises(TooLarge, match="512 KB"):
            normalise_handwriting(data)


def test_pixels_are_counted_from_the_header_alone() -> None:
    side = 2000
    assert normalise_handwriting(encoded(written(side, MAX_HANDWRITING_PIXELS // side)))
    for width, height in ((side, MAX_HANDWRITING_PIXELS // side + 1), (60_000, 60_000), (2**31 - 1, 1)):
        with pytest.raises(TooLarge, match="万像素"):
            normalise_handwriting(header_of(width, height))


def test_the_shorter_side_has_a_least_length() -> None:
    assert normalise_handwriting(encoded(written(120, MIN_SIDE)))
    for width, height in ((120, MIN_SIDE - 1), (MIN_SIDE - 1, 120), (1, 1)):
        with pytest.raises(InvalidInput, match="边长不足"):
            normalise_handwriting(encoded(written(width, height)))


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO"])
def test_only_two_decoders_are_ever_asked(form: str) -> None:
    with pytest.raises(InvalidInput, match="PNG 或 JPEG"):
        normalise_handwriting(encoded(written().convert("RGB"), form))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_damaged_picture_is_bad_input_and_no_fault(form: str) -> None:
    data = encoded(written(), form)
    for damaged in (b"", b"hello", data[: len(data) // 3], data[:8], data[:2] + bytes(len(data) - 2)):
        with pytest.raises(InvalidInput):
            normalise_handwriting(damaged)


def test_an_empty_sheet_a_pale_line_and_a_photo_of_something_else_are_no_handwriting() -> None:
    for blank in (paper(300, 120), paper(300, 120, ground=90), written(pen=230)):
        with pytest.raises(InvalidInput, match=r"空白|太浅"):
            normalise_handwriting(encoded(blank))
    clear = Image.new("RGBA", (300, 120), (0, 0, 0, 0))
    with pytest.raises(InvalidInput, match="空白"):
        normalise_handwriting(encoded(clear))


def share(part: float) -> bytes:
    """A sheet of which ``part`` is ink, the darkest half seen as paper by nobody."""
    picture = paper(200, 100)
    ImageDraw.Draw(picture).rectangle((0, 0, round(200 * part) - 1, 99), fill=0)
    return encoded(picture)


def test_ink_has_a_least_and_a_greatest_share() -> None:
    assert normalise_handwriting(share(0.05))
    assert normalise_handwriting(share(0.45))
    with pytest.raises(InvalidInput):
        normalise_handwriting(share(0.9))


def test_what_comes_out_is_small_ink_of_one_colour_on_a_transparent_ground() -> None:
    huge = normalise_handwriting(encoded(written(3000, 1200)))
    picture = read(huge)
    assert picture.mode == "RGBA"
    assert picture.width <= SIZE[0]
    assert picture.height <= SIZE[1]
    assert len(huge) < 64 * 1024
    colours = [colour for _, colour in picture.getcolors(SIZE[0] * SIZE[1]) or () if isinstance(colour, tuple)]
    assert {colour[:3] for colour in colours} == {INK}
    assert min(colour[3] for colour in colours) == 0


def test_grey_paper_and_a_soft_shadow_are_paper() -> None:
    photo = written(ground=170, pen=40).filter(ImageFilter.GaussianBlur(1))
    alpha = read(normalise_handwriting(encoded(photo, "JPEG", quality=85))).getchannel("A")
    dark = sum(alpha.histogram()[128:]) / (alpha.width * alpha.height)
    assert 0.01 < dark < 0.5


def test_a_photo_on_its_side_is_turned_and_nothing_of_it_but_ink_is_kept() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "taken at home"
    data = encoded(written(300, 120), "JPEG", exif=exif)
    made = normalise_handwriting(data)
    assert read(made).height > read(made).width
    assert b"taken at home" in data
    assert b"taken at home" not in made


def test_the_same_picture_makes_the_same_bytes() -> None:
    data = encoded(written())
    assert normalise_handwriting(data) == normalise_handwriting(data)
