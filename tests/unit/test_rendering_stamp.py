"""The picture of a seal: measures, and ring text that never overlaps."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rendering_samples import FONT_DIR, job, renderer

from certsvc.errors import ConfigurationError, MissingGlyph, RenderingError
from certsvc.rendering.page import PageRenderer
from certsvc.rendering.stamp import MAX_RING_CHARS, RingGlyph, border_mm, date_drop, ring_layout
from certsvc.rendering.stamp_oval import oval_layout
from certsvc.rendering.stamp_parts import BORDER_MM, Cell
from certsvc.rendering.stamp_sizes import SIZES, sized_stamp
from certsvc.rendering.stamp_square import columns, square_layout
from certsvc.seal.model import StampSpec

Point = tuple[float, float]


def corners(cell: RingGlyph) -> list[Point]:
    """The four corners of a cell, turned by its angle (clockwise from the top)."""
    turn = math.radians(-cell.angle)
    cos, sin = math.cos(turn), math.sin(turn)
    flat = [(side * cell.width / 2, radius) for side in (-1, 1) for radius in (cell.inner, cell.inner + cell.height)]
    return [(x * cos - y * sin, x * sin + y * cos) for x, y in flat]


def apart(first: list[Point], second: list[Point]) -> bool:
    """Separating axis test for two rectangles, written without the code under test."""
    for shape in (first, second):
        a, b, c = shape[0], shape[1], shape[2]
        for axis in ((b[0] - a[0], b[1] - a[1]), (c[0] - a[0], c[1] - a[1])):
            one = [x * axis[0] + y * axis[1] for x, y in first]
            two = [x * axis[0] + y * axis[1] for x, y in second]
            if max(one) < min(two) or max(two) < min(one):
                return True
    return False


@given(count=st.integers(4, MAX_RING_CHARS), diameter=st.sampled_from([38.0, 40.0, 42.0, 45.0, 50.0]))
def test_ring_characters_never_overlap_and_stay_inside_the_border(count: int, diameter: float) -> None:
    cells = ring_layout("示" * count, diameter)
    shapes = [corners(cell) for cell in cells]
    for i, one in enumerate(shapes):
        assert all(apart(one, other) for other in shapes[i + 1 :])
    clear = diameter / 2 - border_mm(diameter)
    assert max(math.hypot(*point) for shape in shapes for point in shape) < clear
    assert min(math.hypot(*point) for shape in shapes for point in shape) > 7.0 * diameter / 42  # clear of the star


def test_the_overlap_test_itself_sees_an_overlap() -> None:
    cell = ring_layout("示例省", 42.0)[0]
    assert not apart(corners(cell), corners(replace(cell, angle=cell.angle + 1)))


@given(count=st.integers(2, MAX_RING_CHARS))
def test_ring_text_is_symmetric_and_runs_left_to_right(count: int) -> None:
    angles = [cell.angle for cell in ring_layout("示" * count)]
    assert angles == sorted(angles)
    assert angles[0] == pytest.approx(-angles[-1])
    assert angles[-1] <= 150.0


@pytest.mark.parametrize("ring_text", ["", "示" * (MAX_RING_CHARS + 1)])
def test_a_ring_text_without_room_is_refused(ring_text: str) -> None:
    with pytest.raises(RenderingError, match="印章环文"):
        renderer().render(job(sandbox=False, stamp=StampSpec(ring_text=ring_text)))


def test_a_ring_character_that_no_font_has_is_named() -> None:
    with pytest.raises(MissingGlyph, match=r"印章环文.*U\+E000"):
        renderer().render(job(stamp=StampSpec(ring_text="示例\ue000局")))


def test_a_sandbox_stamp_must_say_that_it_is_an_example() -> None:
    with pytest.raises(RenderingError, match="示例"):
        renderer().render(job(stamp=StampSpec(ring_text="某某省市场监管局")))


def oval_corners(cell: Cell) -> list[Point]:
    cos, sin = math.cos(cell.turn), math.sin(cell.turn)
    flat = [(side * cell.width / 2, up) for side in (-1, 1) for up in (0.0, cell.height)]
    return [(cell.foot[0] + x * cos - y * sin, cell.foot[1] + x * sin + y * cos) for x, y in flat]


def picture(stamp: StampSpec, dpi: int) -> Image.Image:
    image = Image.open(io.BytesIO(renderer().stamp_png(stamp, dpi)))
    assert image.mode == "RGBA"
    return image


def dark_runs(line: list[int]) -> list[tuple[int, int]]:
    """Start and length of every run of pixels that are more than half covered."""
    runs: list[tuple[int, int]] = []
    for index, alpha in enumerate(line):
        if alpha > 127:
            if runs and sum(runs[-1]) == index:
                runs[-1] = (runs[-1][0], runs[-1][1] + 1)
            else:
                runs.append((index, 1))
    return runs


@pytest.mark.parametrize(("dpi", "pixels"), [(300, 496), (600, 992)])
def test_a_stamp_of_42_mm_has_the_pixels_and_the_border_that_its_size_demands(dpi: int, pixels: int) -> None:
    image = picture(StampSpec(ring_text="示例省教育厅"), dpi)
    assert image.size == (pixels, pixels)
    alpha = image.getchannel("A")
    left, top, right, bottom = alpha.point(lambda a: 255 if a > 127 else 0).getbbox() or (0, 0, 0, 0)
    to_mm = 25.4 / dpi
    assert (right - left) * to_mm == pytest.approx(42, abs=2 * to_mm)
    assert (bottom - top) * to_mm == pytest.approx(42, abs=2 * to_mm)
    # A line through the ring where no text stands: straight down from the centre.
    column = [alpha.getpixel((pixels // 2, y)) for y in range(pixels)]
    strokes = dark_runs(column)  # type: ignore[arg-type]  # one channel gives integers
    assert strokes[-1][1] * to_mm == pytest.approx(BORDER_MM, abs=1.5 * to_mm)
    star = [run for run in strokes if run[0] < pixels / 2 < sum(run)]
    assert len(star) == 1
    top_of_star = (pixels / 2 - star[0][0]) * to_mm
    assert top_of_star == pytest.approx(7, abs=2 * to_mm)


@pytest.mark.parametrize("rank", sorted(SIZES))
def test_every_rank_is_drawn_in_its_nominal_size_and_in_one_red(rank: str) -> None:
    size = SIZES[rank]
    image = picture(sized_stamp(rank, "示例单位"), 300)
    assert image.size == (round(size.width / 25.4 * 300), round(size.height / 25.4 * 300))
    opaque = {pixel[:3] for _, pixel in image.getcolors(1 << 20) or [] if pixel[3] == 255}  # type: ignore[index]
    assert opaque == {(230, 0, 18)}
    assert image.getchannel("A").getextrema() == (0, 255)


@pytest.mark.parametrize("diameter", [30.0, 38.0, 42.0, 45.0, 50.0, 60.0])
def test_the_border_is_between_1_0_and_1_2_mm_at_every_size(diameter: float) -> None:
    assert 1.0 <= border_mm(diameter) <= 1.2


def test_where_the_state_emblem_would_stand_nothing_is_drawn() -> None:
    image = picture(sized_stamp("省部级", "示例省人民政府"), 100)
    w, h = image.size
    assert image.getchannel("A").crop((w // 3, h // 3, w * 2 // 3, h * 2 // 3)).getextrema() == (0, 0)


@given(count=st.integers(1, MAX_RING_CHARS), size=st.sampled_from([(40.0, 30.0), (45.0, 30.0)]))
def test_oval_ring_characters_never_overlap_and_stay_inside_the_border(count: int, size: tuple[float, float]) -> None:
    shapes = [oval_corners(cell) for cell in oval_layout("示" * count, *size)]
    for i, one in enumerate(shapes):
        assert all(apart(one, other) for other in shapes[i + 1 :])
    a, b = size[0] / 2 - BORDER_MM, size[1] / 2 - BORDER_MM
    assert max((x / a) ** 2 + (y / b) ** 2 for shape in shapes for x, y in shape) < 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("张三之印", ["张三", "之印"]),
        ("张示例", ["张", "示例"]),
        ("欧阳示例之印", ["欧阳", "示例", "之印"]),
        ("示例餐饮公司财务章", ["示例餐", "饮公司", "财务章"]),
    ],
)
def test_square_stamps_are_read_in_columns_from_the_right(text: str, expected: list[str]) -> None:
    assert columns(text) == expected
    cells = square_layout(text, 20, 20)
    assert "".join(cell.char for cell in cells) == text
    assert cells[0].foot[0] > cells[-1].foot[0]
    for cell in cells:
        assert max(abs(x) for x, _ in oval_corners(cell)) < 10 - BORDER_MM
        assert max(abs(y) for _, y in oval_corners(cell)) < 10 - BORDER_MM


@pytest.mark.parametrize(
    ("stamp", "named"),
    [
        (StampSpec(ring_text="示例局", shape="triangle"), "印章形状"),
        (StampSpec(ring_text="示例局", diameter_mm=80.0), "印章直径"),
        (StampSpec(ring_text="示例局", shape="oval", width_mm=30.0, height_mm=40.0), "印章尺寸"),
        (StampSpec(ring_text="示例局", shape="square", width_mm=100.0), "印章尺寸"),
        (StampSpec(ring_text="示例局", shape="square", number="1"), "印章编号"),
        (StampSpec(ring_text="示" * 26, shape="square"), "印章环文"),
        (StampSpec(ring_text="示例局", date_line="2" * 17), "印章日期"),
    ],
)
def test_a_stamp_that_no_seal_maker_would_make_is_refused(stamp: StampSpec, named: str) -> None:
    with pytest.raises(RenderingError, match=named):
        renderer().stamp_png(stamp)


def test_an_unknown_rank_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ConfigurationError, match="省部级"):
        sized_stamp("县委", "示例")


@pytest.mark.parametrize("dpi", [0, 71, 1201])
def test_a_stamp_picture_has_a_sensible_resolution(dpi: int) -> None:
    with pytest.raises(RenderingError, match="分辨率"):
        renderer().stamp_png(StampSpec(ring_text="示例局"), dpi)


def test_the_date_stands_in_the_stamp_but_below_its_star() -> None:
    with pikepdf.open(io.BytesIO(renderer().render(job()).data)) as pdf:
        _, bottom, _, top = (float(v) for v in pdf.Root.AcroForm.Fields[0].Rect)
        text = pdf.pages[0].Contents.read_bytes().decode("ascii")
    # The date is the last value that is set.
    baseline = float(text.rsplit(" Tm", 1)[0].split()[-1])
    star_foot = (bottom + top) / 2 - 7 * math.cos(math.radians(36)) * 72 / 25.4
    assert bottom < baseline < baseline + 0.76 * 13 < star_foot + 0.5 * 72 / 25.4
    assert date_drop(job().stamp) == pytest.approx(7.2)
    assert date_drop(StampSpec(ring_text="示例", shape="square")) == 0


def test_the_picture_of_a_seal_is_drawn_once_and_each_resolution_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, int]] = []

    def draw(stamp: StampSpec, _: object, dpi: int) -> bytes:
        drawn.append((stamp.ring_text, dpi))
        return f"{stamp.ring_text} {dpi}".encode()

    fresh = PageRenderer([FONT_DIR])
    monkeypatch.setattr("certsvc.rendering.page.stamp_png", draw)
    monkeypatch.setattr("certsvc.rendering.page.MAX_PICTURES", 2)
    one, two = StampSpec(ring_text="示例一局"), StampSpec(ring_text="示例二局")
    assert [fresh.stamp_png(one), fresh.stamp_png(one, 72), fresh.stamp_png(one)] == [
        "示例一局 300".encode(),
        "示例一局 72".encode(),
        "示例一局 300".encode(),
    ]
    fresh.stamp_png(two)  # takes the place of what was asked for longest ago
    fresh.stamp_png(one)
    fresh.stamp_png(one, 72)
    assert drawn == [("示例一局", 300), ("示例一局", 72), ("示例二局", 300), ("示例一局", 72)]
