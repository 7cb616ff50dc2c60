"""Millimetres to points and back, page choices, slices of a 骑缝章: rules that hold for every page and every count."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.errors import InvalidInput
from certsvc.seal.placing import (
    MIN_SLICE_MM,
    MM,
    Found,
    PageView,
    at_point,
    at_word,
    below,
    choose_pages,
    seam,
    seam_groups,
    whole_page,
)

SIZE = (42 * MM, 42 * MM)
VIEWS = st.builds(
    lambda x, y, w, h, r: PageView(box=(x, y, x + w, y + h), rotate=r),
    st.floats(-500, 500),
    st.floats(-500, 500),
    st.floats(200, 2000),
    st.floats(200, 2000),
    st.sampled_from([0, 90, 180, 270]),
)
SHARE = st.floats(0, 1)


@given(VIEWS, SHARE, SHARE)
def test_what_is_seen_and_what_is_written_are_the_same_point(view: PageView, across: float, down: float) -> None:
    wide, high = view.size
    x, y = across * wide, down * high
    user = view.to_user(x, y)
    assert view.box[0] - 1e-6 <= user[0] <= view.box[2] + 1e-6
    assert view.box[1] - 1e-6 <= user[1] <= view.box[3] + 1e-6
    assert view.to_view(*user) == pytest.approx((x, y), abs=1e-6)


@given(VIEWS, SHARE, SHARE)
def test_a_stamp_is_whole_and_in_its_place_or_refused_with_a_place_that_fits(
    view: PageView, across: float, down: float
) -> None:
    wide, high = view.size
    centre = across * wide / MM, down * high / MM
    fits = SIZE[0] / 2 <= across * wide <= wide - SIZE[0] / 2 and SIZE[1] / 2 <= down * high <= high - SIZE[1] / 2
    if not fits:
        with pytest.raises(InvalidInput, match="第 5 页") as caught:
            at_point(view, 4, centre, SIZE)
        assert caught.value.problems[0].code == "outside_page"
        at_point(view, 4, (wide / 2 / MM, high / 2 / MM), SIZE)
        return
    mark = at_point(view, 4, centre, SIZE)
    left, top, right, bottom = view.seen(mark.rect)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((centre[0] * MM, centre[1] * MM), abs=0.02)
    assert (right - left, bottom - top) == pytest.approx(SIZE, abs=0.02)
    assert mark.rotate == view.rotate


@given(st.integers(2, 400), st.integers(2, 7))
def test_pages_are_shared_evenly_and_no_page_is_left_alone(count: int, most: int) -> None:
    groups = seam_groups(count, most)
    assert sum(groups) == count
    assert max(groups) <= most
    assert max(groups) - min(groups) <= 1
    if most > 2 or count % 2 == 0:
        assert min(groups) >= 2


@pytest.mark.parametrize("count", [2, 3, 5, 7, 8, 9, 13, 50, 101])
def test_the_slices_of_a_seam_are_the_whole_stamp_from_left_to_right(count: int) -> None:
    views = tuple(PageView(box=(0, 0, 595, 842), rotate=90 * (page % 4)) for page in range(count))
    marks = seam(views, tuple(range(count)), 0, SIZE, 0)
    assert [mark.page for mark in marks] == list(range(count))
    part = 0
    for mark in marks:
        assert mark.part == part
        left, top, right, bottom = views[mark.page].seen(mark.rect)
        assert right == pytest.approx(views[mark.page].size[0], abs=0.02)
        assert right - left == pytest.approx(SIZE[0] / mark.parts, abs=0.02)
        assert (right - left) / MM >= MIN_SLICE_MM
        assert bottom - top == pytest.approx(SIZE[1], abs=0.02)
        assert (top + bottom) / 2 == pytest.approx(views[mark.page].size[1] / 2, abs=0.02)
        part = (part + 1) % mark.parts
    assert part == 0


def test_a_pair_limit_never_leaves_a_page_over() -> None:
    views = tuple(PageView(box=(0, 0, 595, 842)) for _ in range(5))
    with pytest.raises(InvalidInput, match="单独一页"):
        seam(views, tuple(range(5)), 0, SIZE, 2)
    assert len(seam(views[:4], tuple(range(4)), 0, SIZE, 2)) == 4


@pytest.mark.parametrize(
    ("pages", "most", "code"),
    [((0,), 0, "seam_single_page"), ((0, 1, 2), 8, "seam_too_narrow"), ((0, 1, 2), 1, "seam_too_narrow")],
)
def test_a_seam_that_makes_no_sense_is_refused(pages: tuple[int, ...], most: int, code: str) -> None:
    views = tuple(PageView(box=(0, 0, 595, 842)) for _ in range(3))
    with pytest.raises(InvalidInput) as caught:
        seam(views, pages, 0, SIZE, most)
    assert caught.value.problems[0].code == code


def test_a_page_smaller_than_the_stamp_takes_none() -> None:
    small = PageView(box=(0, 0, 100, 100))
    for make in (
        lambda: at_point(small, 0, (17, 17), SIZE),
        lambda: at_word(small, Found(page=0, rect=(1, 1, 9, 9)), "on", (0, 0), SIZE),
        lambda: seam((small, small), (0, 1), 0, SIZE, 0),
    ):
        with pytest.raises(InvalidInput) as caught:
            make()
        assert caught.value.problems[0].code == "page_too_small"


@given(VIEWS, SHARE, SHARE, st.sampled_from(["on", "after"]), st.floats(-300, 300))
def test_a_stamp_at_a_word_never_leaves_the_page(
    view: PageView, across: float, down: float, anchor: str, offset: float
) -> None:
    box = view.box
    x, y = box[0] + across * (box[2] - box[0] - 10), box[1] + down * (box[3] - box[1] - 10)
    mark = at_word(view, Found(page=0, rect=(x, y, x + 10, y + 10)), anchor, (offset, offset), SIZE)
    assert mark.rect[0] >= box[0] - 0.02
    assert mark.rect[1] >= box[1] - 0.02
    assert mark.rect[2] <= box[2] + 0.02
    assert mark.rect[3] <= box[3] + 0.02


def test_a_stamp_after_a_word_begins_where_the_word_ends() -> None:
    view = PageView(box=(0, 0, 842, 595), rotate=90)
    word = Found(page=0, rect=(300, 100, 312, 160))
    _, _, right, _ = view.seen(word.rect)
    left, _, _, _ = view.seen(at_word(view, word, "after", (0, 0), SIZE).rect)
    assert left == pytest.approx(right, abs=0.02)


def test_a_date_lies_under_the_stamp_and_a_watermark_over_everything() -> None:
    view = PageView(box=(10, 10, 605, 852), rotate=180)
    stamp = at_point(view, 0, (100, 100), SIZE)
    date = below(view, stamp, (90, 20), 20, "2026年3月1日")
    left, top, right, bottom = view.seen(date.rect)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((100 * MM, 100 * MM + 20), abs=0.02)
    assert whole_page(view, 0, "watermark", "x").rect == view.box


@pytest.mark.parametrize(
    ("choice", "pages"),
    [
        ("all", (0, 1, 2, 3, 4)),
        ("odd", (0, 2, 4)),
        ("even", (1, 3)),
        ("first", (0,)),
        ("last", (4,)),
        ("2", (1,)),
        ("5,1-2，2", (0, 1, 4)),
        (" 1 - 2".replace(" ", ""), (0, 1)),
    ],
)
def test_pages_are_chosen(choice: str, pages: tuple[int, ...]) -> None:
    assert choose_pages(choice, 5) == pages


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ("0", "page_out_of_range"),
        ("6", "page_out_of_range"),
        ("3-2", "page_out_of_range"),
        ("1-", "pages"),
        ("", "pages"),
    ],
)
def test_pages_that_are_not_there_are_refused(choice: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_pages(choice, 5, pointer="/point/pages")
    assert (caught.value.problems[0].code, caught.value.problems[0].pointer) == (code, "/point/pages")


def test_a_single_page_has_no_even_ones() -> None:
    with pytest.raises(InvalidInput, match="没有双数页"):
        choose_pages("even", 1)


def test_the_refusal_names_a_place_that_is_then_accepted() -> None:
    view = PageView(box=(0, 0, 595.28, 841.89))
    with pytest.raises(InvalidInput, match=r"左边 21–189 毫米、距上边 21–276 毫米"):
        at_point(view, 0, (5, 5), SIZE)
    for centre in ((21, 21), (189, 276), (21, 276)):
        at_point(view, 0, centre, SIZE)
    assert math.isclose(MM, 2.834645, rel_tol=1e-6)
