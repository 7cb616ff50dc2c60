"""The picture of a seal: measures, and ring text that never overlaps."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendering_samples import job, renderer

from certsvc.errors import MissingGlyph, RenderingError
from certsvc.rendering.stamp import BORDER_MM, MAX_RING_CHARS, RingGlyph, ring_layout
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
    clear = diameter / 2 - BORDER_MM * diameter / 42
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
