"""QR codes: our encoder against segno and zxing, the printed code from a raster, pictures for screens."""

from __future__ import annotations

import io
import string
import subprocess
from pathlib import Path

import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rendering_samples import LANDSCAPE, PORTRAIT, job, renderer

from certsvc.catalog.model import FacePlan
from certsvc.errors import RenderingError
from certsvc.rendering.qr_encoder import MASK, MAX_VERSION, Matrix, encode


def modules(matrix: Matrix) -> list[list[int]]:
    """Rows of 0 and 1."""
    width = -(-matrix.size // 8)
    rows = [matrix.rows[i * width : (i + 1) * width] for i in range(matrix.size)]
    return [[row[c // 8] >> (7 - c % 8) & 1 for c in range(matrix.size)] for row in rows]


def picture(matrix: Matrix, scale: int = 4) -> Image.Image:
    """The code with a quiet zone, as a picture."""
    size = matrix.size + 8
    image = Image.new("L", (size, size), 255)
    for y, row in enumerate(modules(matrix)):
        for x, dark in enumerate(row):
            if dark:
                image.putpixel((x + 4, y + 4), 0)
    return image.resize((size * scale, size * scale), Image.Resampling.NEAREST)


# Lengths that fill a version exactly (ISO/IEC 18004 table 7): there no pad word leaves room for two readings.
FULL = [
    (1, 11, "Q"),
    (1, 14, "M"),
    (2, 20, "Q"),
    (3, 32, "Q"),
    (4, 46, "Q"),
    (4, 62, "M"),
    (7, 122, "M"),
    (10, 213, "M"),
]
FULL += [(14, 362, "M"), (20, 666, "M")]


@pytest.mark.parametrize(("version", "length", "level"), FULL)
def test_a_full_code_has_the_same_modules_as_segno_makes(version: int, length: int, level: str) -> None:
    text = "".join(string.ascii_lowercase[i * 7 % 26] for i in range(length))
    ours = encode(text)
    theirs = segno.make_qr(text, error=level, version=version, mask=MASK, mode="byte", boost_error=False)
    assert (ours.version, ours.level) == (version, level)
    assert modules(ours) == [[module & 1 for module in row] for row in theirs.matrix]


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from(string.ascii_letters + string.digits + "-_/.:"), min_size=1, max_size=500))
def test_every_code_is_read_back_by_an_independent_reader(text: str) -> None:
    (read,) = zxingcpp.read_barcodes(picture(encode(text)))
    assert read.text == text


def test_chinese_text_is_read_back() -> None:
    (read,) = zxingcpp.read_barcodes(picture(encode("示例省电子证照𠮷")))
    assert read.text == "示例省电子证照𠮷"


def test_a_text_beyond_the_largest_version_is_refused() -> None:
    with pytest.raises(RenderingError, match="二维码"):
        encode("x" * 667)
    assert encode("x" * 666).version == MAX_VERSION


@pytest.mark.parametrize("face", [PORTRAIT, LANDSCAPE], ids=["portrait", "landscape"])
def test_the_printed_code_is_read_from_a_raster_of_150_dpi(face: FacePlan, tmp_path: Path) -> None:
    text = "https://zz.gov.cn.example/q/Zm9vYmFyYmF6cXV4MDEyMw"
    path = tmp_path / "page.pdf"
    path.write_bytes(renderer().render(job(face, printed_code=text)).data)
    subprocess.run(["pdftoppm", "-r", "150", "-gray", "-singlefile", str(path), str(tmp_path / "page")], check=True)
    with Image.open(tmp_path / "page.pgm") as page:
        found = zxingcpp.read_barcodes(page)
    assert [code.text for code in found] == [text]


@pytest.mark.parametrize("text", ["HTTPS://ZZ.GOV.CN.EXAMPLE", "https://zz.gov.cn.example/q/abc", "B45:" + "A0" * 300])
def test_screen_pictures_are_png_and_readable(text: str) -> None:
    data = renderer().qr_png(text, scale=3)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        (read,) = zxingcpp.read_barcodes(image.convert("L"))
    assert read.text == text


def test_screen_pictures_have_limits() -> None:
    with pytest.raises(RenderingError, match="二维码"):
        renderer().qr_png("x" * 5000)
    with Image.open(io.BytesIO(renderer().qr_png("x", scale=10_000))) as image:
        assert image.width <= 40 * 29
