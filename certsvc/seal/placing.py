"""Where the marks of a hand stamping stand: pages chosen, millimetres into points, slices of a 骑缝章 (pure).

A caller speaks of the page as people see it: turned by its /Rotate, cut to its crop box, in millimetres from the top
left. The file speaks of its default user space: points, unturned, from the lower left. Everything between the two is
here and nowhere else.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from certsvc.errors import FieldProblem, InvalidInput
from certsvc.seal.marks import Box

MM = 72 / 25.4
"""Points per millimetre."""
MAX_MARKS = 1000
"""Marks of one signature; stops a wish that would take minutes to draw and check."""
MIN_SLICE_MM = 6.0
"""A slice of a 骑缝章 that is narrower cannot be told from a smudge."""
MIN_SEAM_PAGES = 2
MAX_CHOICE_CHARS = 200

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_POINT = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,2})?)\s*[,，]\s*([0-9]{1,4}(?:\.[0-9]{1,2})?)")
_QUARTER = 90


@dataclass(frozen=True, kw_only=True, slots=True)
class PageView:
    """One page: the part of its user space that is seen, and how it is turned.

    Attributes:
        box: crop box within the media box.
        rotate: clockwise turn of the view: 0, 90, 180 or 270.
    """

    box: Box
    rotate: int = 0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points as seen."""
        w, h = self.box[2] - self.box[0], self.box[3] - self.box[1]
        return (w, h) if self.rotate % 180 == 0 else (h, w)

    def to_user(self, x: float, y: float) -> tuple[float, float]:
        """A point seen at ``x`` from the left and ``y`` from the top (points), in user space."""
        left, lower, right, upper = self.box
        if self.rotate == 0:
            return left + x, upper - y
        if self.rotate == _QUARTER:
            return left + y, lower + x
        if self.rotate == 2 * _QUARTER:
            return right - x, lower + y
        return right - y, upper - x

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """A point of user space as it is seen: from the left and from the top, in points."""
        left, lower, right, upper = self.box
        if self.rotate == 0:
            return x - left, upper - y
        if self.rotate == _QUARTER:
            return y - lower, x - left
        if self.rotate == 2 * _QUARTER:
            return right - x, y - lower
        return upper - y, right - x

    def rect(self, left: float, top: float, right: float, bottom: float) -> Box:
        """A rectangle as seen, in user space, rounded to what a file holds."""
        a, b = self.to_user(left, top), self.to_user(right, bottom)
        xs, ys = sorted((a[0], b[0])), sorted((a[1], b[1]))
        return (round(xs[0], 2), round(ys[0], 2), round(xs[1], 2), round(ys[1], 2))

    def seen(self, box: Box) -> Box:
        """A rectangle of user space as seen: left, top, right, bottom."""
        a, b = self.to_view(box[0], box[1]), self.to_view(box[2], box[3])
        xs, ys = sorted((a[0], b[0])), sorted((a[1], b[1]))
        return (xs[0], ys[0], xs[1], ys[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedMark:
    """One mark in its place.

    Attributes:
        kind: ``stamp``, ``slice``, ``date``, ``watermark`` or ``sample``.
        page: index from 0.
        rect: in user space.
        rotate: turn of the page, against which the mark is drawn upright.
        part, parts: which slice of how many (骑缝章), from 0.
        text: of a date or a watermark.
    """

    kind: str
    page: int
    rect: Box
    rotate: int = 0
    part: int = 0
    parts: int = 1
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Where a keyword stands: page from 0 and its rectangle in user space."""

    page: int
    rect: Box


def choose_pages(choice: str, count: int, *, pointer: str = "") -> tuple[int, ...]:
    """Indexes of the pages that ``choice`` names: ``all``, ``odd``, ``even``, ``first``, ``last``, ``1,3-5``.

    Raises:
        InvalidInput: not such a text, or a page that the file does not have; says how many it has.
    """
    named = {
        "all": range(count),
        "odd": range(0, count, 2),
        "even": range(1, count, 2),
        "first": range(1),
        "last": range(count - 1, count),
    }
    if choice in named:
        found = tuple(named[choice])
        if not found:
            raise _wrong(pointer, "page_out_of_range", f"文件只有 {count} 页，没有双数页：请改选页码")
        return found
    if len(choice) > MAX_CHOICE_CHARS:
        raise _wrong(pointer, "pages", f"页码写法最多 {MAX_CHOICE_CHARS} 个字符，请改用 all 或连续页码")
    pages: set[int] = set()
    for part in choice.replace("，", ",").split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise _wrong(pointer, "pages", "页码应写作 all、odd、even、first、last，或 1,3-5 的形式")
        low, high = int(match[1]), int(match[2] or match[1])
        if not 1 <= low <= high <= count:
            raise _wrong(pointer, "page_out_of_range", f"文件只有 {count} 页，没有第 {part.strip()} 页：请改选页码")
        pages.update(range(low - 1, high))
    return tuple(sorted(pages))


def _wrong(pointer: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code=code, detail=detail),))


def point_of(text: str) -> tuple[float, float]:
    """``150,230`` as millimetres from the left and from the top; InvalidInput for something else."""
    match = _POINT.fullmatch(text.strip())
    if match is None:
        raise _wrong("/point", "point", "位置应写作“距左,距上”（毫米），如 150,230")
    return float(match[1]), float(match[2])


def at_point(view: PageView, page: int, centre_mm: tuple[float, float], size: tuple[float, float]) -> PlacedMark:
    """A stamp of ``size`` points around a point in millimetres from the top left.

    Raises:
        InvalidInput: it would leave the page; says between which values it fits.
    """
    x, y = (mm * MM for mm in centre_mm)
    (w, h), (wide, high) = size, view.size
    if not (w / 2 <= x <= wide - w / 2 and h / 2 <= y <= high - h / 2):
        if w > wide or h > high:
            raise _wrong("/point/x_mm", "page_too_small", f"第 {page + 1} 页小于印章图样，不能在此页盖章")
        # Rounded inwards, so that what the message allows is allowed.
        low_x, high_x = math.ceil(w / 2 / MM), math.floor((wide - w / 2) / MM)
        low_y, high_y = math.ceil(h / 2 / MM), math.floor((high - h / 2) / MM)
        detail = (
            f"印章超出第 {page + 1} 页：中心应距左边 {low_x}–{high_x} 毫米、距上边 {low_y}–{high_y} 毫米，请调整位置"
        )
        raise _wrong("/point/x_mm", "outside_page", detail)
    return PlacedMark(kind="stamp", page=page, rect=_around(view, x, y, size), rotate=view.rotate)


def at_word(
    view: PageView, found: Found, anchor: str, offset_mm: tuple[float, float], size: tuple[float, float]
) -> PlacedMark:
    """A stamp ``on`` a keyword or ``after`` it, moved into the page where it would leave it.

    Raises:
        InvalidInput: the page is smaller than the stamp.
    """
    left, top, right, bottom = view.seen(found.rect)
    (w, h), (wide, high) = size, view.size
    if w > wide or h > high:
        raise _wrong("/keyword/text", "page_too_small", f"第 {found.page + 1} 页小于印章图样，不能在此页盖章")
    x = (right + w / 2 if anchor == "after" else (left + right) / 2) + offset_mm[0] * MM
    y = (top + bottom) / 2 + offset_mm[1] * MM
    x, y = min(max(x, w / 2), wide - w / 2), min(max(y, h / 2), high - h / 2)
    return PlacedMark(kind="stamp", page=found.page, rect=_around(view, x, y, size), rotate=view.rotate)


def _around(view: PageView, x: float, y: float, size: tuple[float, float]) -> Box:
    return view.rect(x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2)


def seam_groups(count: int, most: int) -> tuple[int, ...]:
    """How ``count`` pages are shared among stamps of at most ``most`` slices: as evenly as can be."""
    groups = math.ceil(count / most)
    small, more = divmod(count, groups)
    return tuple(small + 1 if index < more else small for index in range(groups))


def seam(
    views: tuple[PageView, ...], pages: tuple[int, ...], middle_mm: float, size: tuple[float, float], most: int
) -> tuple[PlacedMark, ...]:
    """骑缝章: the stamp sliced over the right edges of ``pages`` in their order, leftmost slice first.

    Laid like shingles, each page a slice further to the right, the edges show the whole stamp. ``most`` is the greatest
    number of pages for one stamp; 0 takes as many as leave every slice :data:`MIN_SLICE_MM` wide.

    Raises:
        InvalidInput: fewer than two pages, slices too narrow, or the stamp higher than a page.
    """
    if len(pages) < MIN_SEAM_PAGES:
        raise _wrong("/seam/pages", "seam_single_page", "骑缝章须跨两页以上：只有一页时请改为在页面内盖章")
    fits = int(size[0] / MM / MIN_SLICE_MM)
    if most > fits or most == 1:
        detail = f"每枚骑缝章应跨 2 至 {fits} 页（每页印迹不窄于 {MIN_SLICE_MM:g} 毫米），请调整“每枚跨页数”"
        raise _wrong("/seam/pages_per_stamp", "seam_too_narrow", detail)
    groups = seam_groups(len(pages), most or fits)
    if min(groups) < MIN_SEAM_PAGES:
        detail = f"{len(pages)} 页按每枚 {most} 页分，会剩下单独一页：请把“每枚跨页数”改为 3 以上"
        raise _wrong("/seam/pages_per_stamp", "seam_page_alone", detail)
    marks: list[PlacedMark] = []
    place = iter(pages)
    for parts in groups:
        width = size[0] / parts
        for part in range(parts):
            page = next(place)
            view = views[page]
            wide, high = view.size
            if size[1] > high or width > wide:
                raise _wrong("/seam", "page_too_small", f"第 {page + 1} 页小于印章图样，不能盖骑缝章")
            y = min(max(middle_mm * MM if middle_mm else high / 2, size[1] / 2), high - size[1] / 2)
            rect = view.rect(wide - width, y - size[1] / 2, wide, y + size[1] / 2)
            marks.append(PlacedMark(kind="slice", page=page, rect=rect, rotate=view.rotate, part=part, parts=parts))
    return tuple(marks)


def below(view: PageView, stamp: PlacedMark, size: tuple[float, float], drop: float, text: str) -> PlacedMark:
    """成文日期 under the stamp (章压成文日期): centred, ``drop`` points below the stamp's centre, kept on the page."""
    left, top, right, bottom = view.seen(stamp.rect)
    wide, high = view.size
    x = min(max((left + right) / 2, size[0] / 2), max(wide - size[0] / 2, size[0] / 2))
    y = min((top + bottom) / 2 + drop, high - size[1] / 2)
    return PlacedMark(kind="date", page=stamp.page, rect=_around(view, x, y, size), rotate=view.rotate, text=text)


def whole_page(view: PageView, page: int, kind: str, text: str) -> PlacedMark:
    """A mark across everything that is seen of a page."""
    wide, high = view.size
    return PlacedMark(kind=kind, page=page, rect=view.rect(0, 0, wide, high), rotate=view.rotate, text=text)
