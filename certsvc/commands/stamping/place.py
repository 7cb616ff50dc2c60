"""From a wish to marks in their places, with refusals that say what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import FieldProblem, InvalidInput, TooLarge
from certsvc.seal.placing import MAX_MARKS, at_point, at_word, below, choose_pages, seam, whole_page

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.seal.model import Seal
    from certsvc.seal.placing import PageView, PlacedMark
    from certsvc.seal.stampings import StampWish, WordSearch

PAGES_NAMED = 10
"""Pages listed in a refusal."""


def place(deps: Deps, data: bytes, views: tuple[PageView, ...], seal: Seal, wish: StampWish) -> tuple[PlacedMark, ...]:
    """Every mark that ``wish`` puts on the pages of ``data``, the stamps first.

    Raises:
        InvalidInput: page out of range, stamp outside the page, keyword not found or found another number of times, a
            seam over one page, or nothing wished; each with a code and what to do.
        TooLarge: more marks than one signature may have.
    """
    size = deps.renderer.stamp_points(seal.stamp)
    marks: list[PlacedMark] = []
    if wish.point_mm is not None:
        chosen = choose_pages(wish.pages, len(views), pointer="/point/pages")
        marks += [at_point(views[page], page, wish.point_mm, size) for page in chosen]
    if wish.keyword:
        search = deps.uploads.find(data, wish.keyword)
        _check_count(search, wish)
        marks += [at_word(views[hit.page], hit, wish.anchor, wish.offset_mm, size) for hit in search.found]
    stamps = len(marks)
    if wish.seam:
        marks += seam(
            views,
            choose_pages(wish.seam_pages, len(views), pointer="/seam/pages"),
            wish.seam_y_mm,
            size,
            wish.seam_most,
        )
    if not marks:
        raise _wrong("", "nothing_placed", "请选择盖章方式：指定位置、关键字或骑缝章，至少一种")
    if wish.date_text:
        if not stamps:
            raise _wrong("/date", "date_without_stamp", "成文日期印在整枚印章之下：只盖骑缝章时不能加日期")
        room, drop = deps.painter.date_size(wish.date_text), deps.painter.drop(seal.stamp)
        marks += [below(views[mark.page], mark, room, drop, wish.date_text) for mark in marks[:stamps]]
    for page in sorted({mark.page for mark in marks}):
        if wish.watermark:
            marks.append(whole_page(views[page], page, "watermark", wish.watermark))
        if deps.policy.sandbox:
            marks.append(whole_page(views[page], page, "sample", ""))
    if len(marks) > MAX_MARKS:
        raise TooLarge(f"一次盖章最多 {MAX_MARKS} 处印迹，请减少页数或分批办理")
    return tuple(marks)


def _check_count(search: WordSearch, wish: StampWish) -> None:
    count = len(search.found)
    if not count:
        near = "、".join(f"“{word}”（第 {page + 1} 页）" for word, page in search.near)
        hint = f"相近的文字有{near}，请核对后重填" if near else "文件中也没有相近的文字，请核对，或改为指定位置"
        raise _wrong("/keyword/text", "keyword_not_found", f"文件的可见文字中没有“{wish.keyword}”：{hint}")
    if count != wish.expected:
        pages = sorted({hit.page + 1 for hit in search.found})
        named = "、".join(str(page) for page in pages[:PAGES_NAMED]) + ("等" if len(pages) > PAGES_NAMED else "")
        detail = (
            f"“{wish.keyword}”共出现 {count} 处（第 {named} 页），与填写的 {wish.expected} 处不一致："
            "请更正处数，或换用更长的关键字"
        )
        raise _wrong("/keyword/count", "keyword_count", detail)


def _wrong(pointer: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code=code, detail=detail),))
