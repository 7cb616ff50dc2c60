"""Photos: one small clean JPEG out, limits before the decoder, nothing of the old file left."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from rendering_samples import silhouette

from certsvc.errors import CertsvcError, InvalidInput, RenderingError, TooLarge
from certsvc.rendering.photo import (
    MAX_JPEG_BYTES,
    MAX_PHOTO_BYTES,
    PHOTO_SIZE,
    jpeg_header,
    normalise_photo,
)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def gradient(width: int, height: int) -> Image.Image:
    return Image.merge("RGB", [Image.linear_gradient("L").resize((width, height))] * 3)


def test_a_png_becomes_a_small_baseline_jpeg() -> None:
    data = normalise_photo(silhouette(1200, 1480))
    header = jpeg_header(data)
    assert (header.width, header.height, header.components) == (358, 441, 3)
    assert len(data) <= MAX_JPEG_BYTES
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert not image.info.get("progressive")


def test_the_same_photo_makes_the_same_bytes() -> None:
    assert normalise_photo(silhouette()) == normalise_photo(silhouette())


def test_metadata_stays_behind() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET-DESCRIPTION"
    jpeg = saved(gradient(300, 400), "JPEG", exif=exif, comment=b"SECRET-COMMENT")
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "SECRET-AUTHOR")
    png = saved(gradient(300, 400), "PNG", pnginfo=text)
    assert b"SECRET" in jpeg
    assert b"SECRET" in png
    assert b"SECRET" not in normalise_photo(jpeg)
    assert b"SECRET" not in normalise_photo(png)
    assert b"Exif" not in normalise_photo(jpeg)


def test_a_turned_phone_picture_is_set_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    header = jpeg_header(normalise_photo(saved(gradient(441, 358), "JPEG", exif=exif)))
    assert header.height > header.width


def test_transparency_becomes_white() -> None:
    data = normalise_photo(saved(Image.new("RGBA", (200, 240), (0, 0, 0, 0)), "PNG"))
    with Image.open(io.BytesIO(data)) as image:
        assert image.getpixel((100, 100)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "CMYK", "I;16"])
def test_every_pixel_format_becomes_rgb(mode: str) -> None:
    image = Image.new(mode, (100, 120)) if mode == "I;16" else gradient(100, 120).convert(mode)
    assert jpeg_header(normalise_photo(saved(image, "JPEG" if mode == "CMYK" else "PNG"))).components == 3


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims to be enormous."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(50_000, 50_000), (6000, 5000), (2_000_000_000, 1)])
def test_a_decompression_bomb_is_refused_from_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(TooLarge, match="像素"):
        normalise_photo(bomb(*size))


def test_too_many_bytes_are_refused_before_decoding() -> None:
    with pytest.raises(TooLarge, match="MB"):
        normalise_photo(b"\xff\xd8" + bytes(MAX_PHOTO_BYTES))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty", b""),
        ("text", b"<html></html>"),
        ("gif", saved(gradient(90, 90), "GIF")),
        ("webp", saved(gradient(90, 90), "WEBP")),
        ("cut jpeg", saved(gradient(300, 400), "JPEG")[:900]),
        ("cut png", silhouette()[:300]),
        ("tiny", saved(gradient(8, 8), "PNG")),
    ],
)
def test_what_is_no_photo_is_refused_in_chinese(name: str, data: bytes) -> None:
    with pytest.raises(InvalidInput, match="照片"):
        normalise_photo(data)


@settings(max_examples=80, deadline=None)
@given(at=st.integers(0, 3000), byte=st.integers(0, 255))
def test_a_damaged_photo_is_refused_or_cleaned_but_never_breaks_the_room(at: int, byte: int) -> None:
    whole = bytearray(saved(gradient(120, 150), "PNG") if at % 2 else saved(gradient(120, 150), "JPEG"))
    whole[at % len(whole)] = byte
    try:
        data = normalise_photo(bytes(whole))
    except CertsvcError:
        return
    header = jpeg_header(data)
    assert header.width <= PHOTO_SIZE[0]
    assert header.height <= PHOTO_SIZE[1]


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xc0", b"\x89PNG", b"\xff\xd8\xff\xe0\x00\x02" * 3])
def test_an_unnormalised_photo_does_not_reach_a_page(data: bytes) -> None:
    with pytest.raises(RenderingError, match="照片"):
        jpeg_header(data)
