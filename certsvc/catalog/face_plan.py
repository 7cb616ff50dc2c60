"""The ``[face]`` table of a type file: read, and proven to be a page that can be drawn.

All lengths are mm on A4, the origin is the top left corner. Nothing that is printed may touch anything else; only the
stamp lies over the date, and over the issuer's name if it must (章压成文日期). Every value at its greatest length must
fit its box at the smallest size, so that what the catalog accepts can be printed; what flows goes on on further pages.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from certsvc.catalog.model import Box, FaceItem, FacePlan, FieldKind, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from certsvc.catalog.model import FieldSpec
    from certsvc.catalog.toml_table import Table

PAGE_MM = {"portrait": (210.0, 297.0), "landscape": (297.0, 210.0)}
STYLES = ("classic", "plain")
FONTS = ("song", "hei", "kai")
ALIGNMENTS = ("left", "centre", "right")
"""The first of each is what an item has that names none, and the smallest size is :data:`SMALLEST_PT`."""
SOURCES = (
    "holder_name",
    "holder_code",
    "number",
    "identifier",
    "issuer_name",
    "issued_on",
    "valid_from",
    "valid_until",
    "validity",
    "first_issued_on",
)
MARGIN_MM = 20.0
"""The widest border ends 18.5 mm from the edge."""
TITLE_BAND_MM = 55.0
"""The drawing room sets title and subtitle above this line."""
FOOT_BAND_MM = 30.0
"""Notes and border at the foot of the page."""
CODE_MM = 30.0
PHOTO_MM = (33.0, 45.0)
"""二寸 photo of Chinese documents."""
STAMP_MM = 42.0
MAX_BASE_BYTES = 2 * 1024 * 1024
"""As ``rendering/base_page.py`` has it: a base is copied into every file of its type."""
MAX_COLUMNS = 12
"""More are too narrow for a word on A4; stops a plan that costs time and prints nothing."""
LEAST_COLUMN_MM = 5.0
SUM_TOLERANCE_MM = 0.1
"""How far the widths of columns may be off their box: thirds cannot be written exactly."""
GOES_ON_PT = 9.0
"""Size of （下转续页） at the foot of what flows."""
SMALLEST_PT = 7.0
LARGEST_PT = 36.0
MAX_NAME = 100
"""Characters of a holder's name that a page must have room for."""
_FIXED_LENGTHS = {
    "holder_name": MAX_NAME,
    "holder_code": 64,
    "number": 64,
    "identifier": 128,
    "issuer_name": 40,
    "issued_on": 11,
    "valid_from": 11,
    "valid_until": 11,
    "validity": 23,
    "first_issued_on": 11,
}
_HALF_WIDTH = ("holder_code", "number", "identifier")
_MM_PER_PT = 25.4 / 72
_LEADING = 1.32
_ACCENT = re.compile(r"#[0-9A-Fa-f]{6}")
_DATE_LENGTH = 11
_MAX_NOTES = 4
CAPTION_MM = 5.5
"""What the drawing room sets under the code (扫码核验), and white below it."""
NOTE_LINE_MM = 3.7
NOTES_FOOT_MM = 21.4
"""Lower edge of the last note above the foot of the page; notes grow upwards from it."""


def read_face(table: Table, fields: Mapping[str, FieldSpec], *, photo: bool) -> FacePlan:
    """Read and prove the plan.

    Args:
        table: the ``[face]`` table.
        fields: the type's fields by key.
        photo: whether licenses of the type carry a photo.

    Raises:
        ConfigurationError: a wrong or missing key, a source that the type does not have, boxes that overlap or leave
            the page, or a box too small for the longest value.
    """
    orientation = table.choice("orientation", tuple(PAGE_MM))
    if photo != ("photo" in table):
        table.refuse("photo", "类型有照片时必须给出照片位置，没有照片时不能给出")
    base_name, base = table.file_beside("base", ".pdf", MAX_BASE_BYTES) if "base" in table else ("", b"")
    plan = FacePlan(
        title=table.text("title"),
        subtitle=table.text_or_empty("subtitle"),
        orientation=orientation,
        style=table.choice("style", STYLES),
        accent=table.matching("accent", _ACCENT, "应写成 #RRGGBB"),
        items=tuple(_item(item, fields) for item in table.tables("items")),
        photo=_box(table, "photo") if photo else None,
        code=_box(table, "code"),
        stamp=_box(table, "stamp"),
        issuer=_box(table, "issuer"),
        date=_box(table, "date"),
        notes=table.texts("notes"),
        base=base,
        base_name=base_name,
    )
    table.done()
    if len(plan.notes) > _MAX_NOTES:
        table.refuse("notes", f"最多 {_MAX_NOTES} 条")
    _check_sizes(table, plan)
    _check_page(table, plan)
    _check_overlaps(table, plan)
    _check_foot(table, plan)
    _check_room(table, plan, fields)
    return plan


def _box(table: Table, key: str) -> Box:
    x, y, w, h = table.numbers(key, 4)
    if min(x, y) < 0 or min(w, h) <= 0:
        table.refuse(key, "应为 [左, 上, 宽, 高]（毫米），宽高大于 0")
    return Box(x=x, y=y, w=w, h=h)


def _item(table: Table, fields: Mapping[str, FieldSpec]) -> FaceItem:
    source = table.text("source")
    kind, _, key = source.partition(":")
    if not (source in SOURCES or (kind == "field" and key in fields)):
        table.refuse("source", f"“{source}”不存在；可用 field:<字段> 或 {'、'.join(SOURCES)}")
    item = FaceItem(
        label=table.text_or_empty("label"),
        source=source,
        box=_box(table, "box"),
        label_x=table.number("label_x", 0, max(PAGE_MM["landscape"])),
        label_w=table.number("label_w", 0, max(PAGE_MM["landscape"])),
        size=table.number("size", SMALLEST_PT, LARGEST_PT),
        min_size=table.number("min_size", SMALLEST_PT, LARGEST_PT) if "min_size" in table else SMALLEST_PT,
        font=table.choice("font", FONTS) if "font" in table else FONTS[0],
        align=table.choice("align", ALIGNMENTS) if "align" in table else ALIGNMENTS[0],
        vertical="vertical" in table and table.flag("vertical"),
        columns=tuple(_column(column) for column in table.tables("columns")) if "columns" in table else (),
        flow="flow" in table and table.flag("flow"),
    )
    if item.min_size > item.size:
        table.refuse("min_size", "不能大于 size")
    if len(item.label) * item.size * _MM_PER_PT > item.label_w:
        table.refuse("label_w", f"标签 {len(item.label)} 个字以 {item.size:g} 磅放不下，请加宽或改小字号")
    _check_kind(table, item, fields.get(key) if kind == "field" else None)
    table.done()
    return item


def _column(table: Table) -> TableColumn:
    column = TableColumn(
        title=table.text_or_empty("title") if "title" in table else "",
        width=table.number("width", LEAST_COLUMN_MM, max(PAGE_MM["landscape"])),
        align=table.choice("align", ALIGNMENTS) if "align" in table else ALIGNMENTS[0],
    )
    table.done()
    return column


def _check_kind(table: Table, item: FaceItem, spec: FieldSpec | None) -> None:
    """What vertical, flowing and tabular values may be: the page engine can do no other."""
    if item.vertical and item.flow:
        table.refuse("flow", "竖排（vertical）的内容不能转到续页，请去掉其中一项")
    if item.vertical and item.columns:
        table.refuse("columns", "竖排（vertical）的内容不能是表格，请去掉其中一项")
    if item.flow and (spec is None or spec.kind is not FieldKind.TEXT):
        table.refuse("flow", "只有文本字段（field:<字段>，kind 为 text）的内容可以转到续页")
    if item.flow and item.box.h < _MM_PER_PT * _LEADING * (item.size + GOES_ON_PT):
        table.refuse("box", "高度应至少排下一行正文和“（下转续页）”")
    if not item.columns:
        return
    if not item.flow:
        table.refuse("columns", "表格的行数无法预知，应同时写 flow = true")
    if len(item.columns) > MAX_COLUMNS:
        table.refuse("columns", f"最多 {MAX_COLUMNS} 列")
    total = sum(column.width for column in item.columns)
    if abs(total - item.box.w) > SUM_TOLERANCE_MM:
        table.refuse("columns", f"各列宽度之和为 {total:g} 毫米，应等于位置的宽度 {item.box.w:g} 毫米")


def _check_sizes(table: Table, plan: FacePlan) -> None:
    if (plan.code.w, plan.code.h) != (CODE_MM, CODE_MM):
        table.refuse("code", f"二维码应为 {CODE_MM:g} x {CODE_MM:g} 毫米")
    if plan.photo is not None and (plan.photo.w, plan.photo.h) != PHOTO_MM:
        table.refuse("photo", f"照片应为 {PHOTO_MM[0]:g} x {PHOTO_MM[1]:g} 毫米")
    if (plan.stamp.w, plan.stamp.h) != (STAMP_MM, STAMP_MM):
        table.refuse("stamp", f"印章位置应为 {STAMP_MM:g} x {STAMP_MM:g} 毫米")
    dx = plan.stamp.x + plan.stamp.w / 2 - (plan.date.x + plan.date.w / 2)
    dy = plan.stamp.y + plan.stamp.h / 2 - (plan.date.y + plan.date.h / 2)
    if abs(dx) > 1 or abs(dy) > 1:
        table.refuse("stamp", "印章中心应压在成文日期正中（章压成文日期）")


def _printed(plan: FacePlan) -> Iterator[tuple[str, Box]]:
    """Everything that takes room, with the key a refusal names."""
    for index, item in enumerate(plan.items):
        yield f"items[{index}]", item.box
        if item.label:
            height = min(item.box.h, item.size * _MM_PER_PT * _LEADING)
            yield f"items[{index}]", Box(x=item.label_x, y=item.box.y, w=item.label_w, h=height)
    if plan.photo is not None:
        yield "photo", plan.photo
    yield "code", plan.code
    yield "issuer", plan.issuer
    yield "date", plan.date
    yield "stamp", plan.stamp


def _check_page(table: Table, plan: FacePlan) -> None:
    width, height = PAGE_MM[plan.orientation]
    for key, box in _printed(plan):
        if box.x < MARGIN_MM or box.x + box.w > width - MARGIN_MM:
            table.refuse(key, f"超出版心：左右应各留 {MARGIN_MM:g} 毫米")
        if box.y < TITLE_BAND_MM or box.y + box.h > height - FOOT_BAND_MM:
            table.refuse(key, f"超出版心：上留 {TITLE_BAND_MM:g} 毫米给标题，下留 {FOOT_BAND_MM:g} 毫米给说明")


def _check_foot(table: Table, plan: FacePlan) -> None:
    """The caption of the code stands clear of the notes under it, each of which takes one line at least."""
    height = PAGE_MM[plan.orientation][1]
    notes_top = height - NOTES_FOOT_MM - NOTE_LINE_MM * len(plan.notes)
    if plan.notes and plan.code.y + plan.code.h + CAPTION_MM > notes_top:
        table.refuse("code", f"二维码下的“扫码核验”会压住 {len(plan.notes)} 条说明，请上移二维码或减少说明")


def _check_overlaps(table: Table, plan: FacePlan) -> None:
    for (first, a), (second, b) in itertools.combinations(_printed(plan), 2):
        if second == "stamp" and first in ("issuer", "date"):
            continue
        if a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h:
            table.refuse(first, f"与 {second} 重叠")


def _check_room(table: Table, plan: FacePlan, fields: Mapping[str, FieldSpec]) -> None:
    for index, item in enumerate(plan.items):
        if item.flow:
            continue
        kind, _, key = item.source.partition(":")
        longest = _longest(fields[key]) if kind == "field" else _FIXED_LENGTHS[item.source]
        if item.source in _HALF_WIDTH:
            longest = -(-longest // 2)
        room = _room(item)
        if longest > room:
            table.refuse(f"items[{index}]", f"以最小字号只能排 {room} 个字，而内容最长可达 {longest} 个字，请加大位置")


def _longest(spec: FieldSpec) -> int:
    if spec.kind is FieldKind.DATE:
        return _DATE_LENGTH
    if spec.kind is FieldKind.CHOICE:
        return max(map(len, spec.choices))
    if spec.kind in (FieldKind.TEXT, FieldKind.INTEGER):
        return spec.max_length
    return -(-spec.max_length // 2)


def _room(item: FaceItem) -> int:
    """Full-width characters that fit at the smallest size; one per line is lost to 避头尾."""
    size = item.min_size * _MM_PER_PT
    along, across = (item.box.h, item.box.w) if item.vertical else (item.box.w, item.box.h)
    per_line = int(along / size)
    lines = int((across - size) / (size * _LEADING)) + 1 if across >= size else 1
    return per_line if lines == 1 else (per_line - 1) * lines
