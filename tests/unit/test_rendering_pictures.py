"""Pictures of pages: previews within limits, the contact sheet, spliced glyphs against their font."""

from __future__ import annotations

import io
import struct
import threading
from dataclasses import replace

import pytest
import zxingcpp
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from PIL import Image
from rendering_samples import FONT_DIR, LANDSCAPE, job, renderer

from certsvc.errors import InvalidInput, RenderingError, TooLarge
from certsvc.rendering.font_list import font_list
from certsvc.rendering.gallery import CAPTION_PX, GAP_PX, contact_sheet
from certsvc.rendering.glyphs import GlyphFile
from certsvc.rendering.qr_encoder import MAX_PATTERNS, _capacity, _modules, encode
from certsvc.rendering.raster import MAX_PREVIEW_BYTES

PAGE = job(sandbox=False)
CAPTION_FONT = FONT_DIR / "NotoSansSC_400Regular.ttf"


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_preview_shows_values_code_and_stamp() -> None:
    image = opened(renderer().preview_png(renderer().render(PAGE).data, 1000))
    assert image.size == (1000, 1414)
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [PAGE.printed_code]
    # The stamp is an annotation: its red must be there.
    stamp = image.convert("RGB").crop((640, 980, 850, 1190))
    colours = stamp.getcolors(1 << 20) or []
    assert sum(count for count, (r, g, b) in colours if r > 180 and g < 90 and b < 90) > 500  # type: ignore[misc]  # RGB


@pytest.mark.parametrize(
    ("data", "width", "page", "error"),
    [
        (b"", 300, 0, InvalidInput),
        (b"%PDF-1.7 broken", 300, 0, InvalidInput),
        (b"\x89PNG", 300, 0, InvalidInput),
        (b"%" * (MAX_PREVIEW_BYTES + 1), 300, 0, TooLarge),
        (None, 100_000, 0, TooLarge),
        (None, 0, 0, InvalidInput),
        (None, -5, 0, InvalidInput),
        (None, 300, 1, InvalidInput),
        (None, 300, -1, InvalidInput),
        (None, 300, 10**9, InvalidInput),
    ],
)
def test_a_preview_out_of_limits_is_refused(data: bytes | None, width: int, page: int, error: type[Exception]) -> None:
    file = renderer().render(PAGE).data if data is None else data
    with pytest.raises(error):
        renderer().preview_png(file, width, page=page)


def test_a_page_of_absurd_shape_cannot_fill_memory() -> None:
    data = renderer().render(PAGE).data.replace(b"/MediaBox[0 0 595.28 841.89]", b"/MediaBox[0 0 1.0000 14000.0]")
    with pytest.raises((TooLarge, InvalidInput)):
        renderer().preview_png(data, 4000)


def test_threads_that_preview_at_once_get_their_own_pages() -> None:
    files = [renderer().render(replace(PAGE, issuer_name=f"示例省第{i}局")).data for i in range(6)]
    alone = [renderer().preview_png(file, 200) for file in files]
    results: dict[int, bytes] = {}

    def work(index: int) -> None:
        results[index] = renderer().preview_png(files[index], 200)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results[index] for index in range(len(files))] == alone


def test_a_contact_sheet_shows_every_page_with_its_caption() -> None:
    pages = [
        ("横版", renderer().render(job(LANDSCAPE)).data),
        *((f"第{i}页", renderer().render(PAGE).data) for i in range(3)),
        ("名称很长的证照" * 9, renderer().render(PAGE).data),
    ]
    data = contact_sheet(pages, CAPTION_FONT, columns=2, width_px=100)
    image = opened(data)
    upright, lying = 141 + CAPTION_PX + 2 * GAP_PX, 71 + CAPTION_PX + 2 * GAP_PX
    assert image.size == (2 * (100 + GAP_PX) + GAP_PX, 2 * upright + lying + GAP_PX)
    last = image.convert("L").crop((GAP_PX, 2 * upright + GAP_PX, GAP_PX + 100, 2 * upright + GAP_PX + 71))
    assert last.histogram()[255] < last.width * last.height  # a page stands there
    assert contact_sheet(pages[:1], CAPTION_FONT)
    with pytest.raises(RenderingError, match="总览图"):
        contact_sheet([], CAPTION_FONT)
    with pytest.raises(RenderingError, match="总览图"):
        contact_sheet(pages, CAPTION_FONT, max_bytes=100)


@pytest.mark.parametrize("face", font_list().faces, ids=lambda face: face.face_id)
def test_spliced_glyphs_are_those_of_their_font(face: object) -> None:
    path = FONT_DIR / face.file  # type: ignore[attr-defined]  # entries of the font list
    with TTFont(path, lazy=True) as font:
        cmap, order = font.getBestCmap(), font.getGlyphOrder()
        codes = sorted(cmap)[:: max(1, len(cmap) // 150)] + [code for code in b"AzW%" if code in cmap]
        composites = [name for name in order[:3000] if font["glyf"][name].isComposite()][:20]
        gids = [font.getGlyphID(cmap[code]) for code in codes] + [font.getGlyphID(name) for name in composites]
        data = GlyphFile(path).splice(gids)
        cut = TTFont(io.BytesIO(data), checkChecksums=2)
        assert sorted(set(cut.keys()) - {"GlyphOrder"}) == ["glyf", "head", "hhea", "hmtx", "loca", "maxp"]
        whole, small = font.getGlyphSet(), cut.getGlyphSet()
        for number, gid in enumerate([0, *gids]):
            before, after = DecomposingRecordingPen(whole), DecomposingRecordingPen(small)
            whole[order[gid]].draw(before)
            small[cut.getGlyphName(number)].draw(after)
            assert before.value == after.value
            assert font["hmtx"][order[gid]] == cut["hmtx"][cut.getGlyphName(number)]
    assert checksum(data) == 0xB1B0AFBA


def checksum(data: bytes) -> int:
    """Sum of the file's words (OpenType, calculating checksums)."""
    padded = data + bytes(-len(data) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(words) & 0xFFFFFFFF


@pytest.mark.parametrize(
    "text", ["a", "示例", "\x00\xff", "https://zz.gov.cn.example/q/" + "A" * 22, "x" * MAX_PATTERNS]
)
def test_the_sum_of_patterns_is_the_code_built_up_from_its_words(text: str) -> None:
    matrix = encode(text)
    data = text.encode("utf-8")
    assert len(data) <= _capacity(matrix.version, matrix.level)
    value = _modules(data, matrix.version, matrix.level)
    assert int.from_bytes(matrix.rows, "big") == value
