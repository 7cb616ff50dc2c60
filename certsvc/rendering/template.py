"""The constant part of a page, compiled once per license type, stamp and profile: everything but the data.

The bytes of a template open every file of its kind, so they are made, packed and numbered once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certsvc.rendering.base_page import write_base
from certsvc.rendering.face_form import (
    accent_rules,
    draw_caption,
    draw_item,
    draw_notes,
    draw_sandbox_line,
    draw_subtitle,
    draw_title,
    sheet_of,
    subtitle_slot,
)
from certsvc.rendering.layout import MM, Rect, Slot, rect_of
from certsvc.rendering.next_form import NextPage, next_page, write_next_form
from certsvc.rendering.ornament import Sheet, mixed, parse_colour, write_border
from certsvc.rendering.page_parts import describe_embedded
from certsvc.rendering.page_tree import Numbers, write_intent, write_tree
from certsvc.rendering.pdf import FileWriter, num, stream, table_lines
from certsvc.rendering.stamp import date_drop
from certsvc.rendering.stamp_form import stamp_rect, write_stamp
from certsvc.rendering.static_text import StaticText
from certsvc.rendering.watermark import check_sandbox_stamp, write_watermark
from certsvc.seal.prepared import Prefix

if TYPE_CHECKING:
    from certsvc.catalog.model import FacePlan
    from certsvc.rendering.fonts import FontBook
    from certsvc.seal.model import StampSpec

SIGNATURE_BLOCK_SIZE = 13.0

MAX_OPENINGS = 4
"""Openings kept per template (about 60 kB each): metadata of one type differ little in length. Stops a caller whose
values have ever other lengths from filling the memory; pages beyond are digested from the template on."""


@dataclass(frozen=True, slots=True)
class TemplateKey:
    """What a template depends on.

    Attributes:
        copy: whether the job brings the line under the title (副本).
        pages: how many pages the file has.
        later: names of the empty signature fields for further seals.
    """

    face: FacePlan
    stamp: StampSpec
    sandbox: bool
    photo: bool
    certified: bool
    copy: bool = False
    pages: int = 1
    later: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """What a page begins with: the template, and behind it the metadata up to the first value.

    Attributes:
        data: the bytes.
        offsets, table: as those of a template, with the metadata.
        prefix: what is digested once, the same bytes or those of the template.
    """

    data: bytes
    offsets: tuple[int, ...]
    table: bytes
    prefix: Prefix


@dataclass(frozen=True, slots=True)
class Template:
    """The constant bytes, and where the data goes.

    Attributes:
        table: the lines of the cross-reference table for the constant objects.
        slots: source and place of every value, in order, and whether it is vertical, a table, or may flow.
        subtitle: where a copy's label goes, if it has one.
        next_form: form of the continuation pages, 0 without any.
    """

    prefix: Prefix
    offsets: tuple[int, ...]
    table: bytes
    numbers: Numbers
    catalog: int
    page: int
    face_form: int
    next_form: int
    stamp_form: int
    stamp_rect: Rect
    slots: tuple[tuple[str, Slot, bool], ...]
    subtitle: Slot | None
    issuer: Slot
    date: Slot
    code: Rect
    photo: Rect | None
    sheet: Sheet
    following: NextPage
    _openings: dict[bytes, Opening] = field(default_factory=dict, init=False, repr=False, compare=False)

    def opening(self, metadata: bytes) -> Opening:
        """The opening of a page whose metadata begin with these bytes."""
        found = self._openings.get(metadata)
        if found is None:
            at = len(self.prefix.data)
            data = b"%s%d 0 obj\n%s" % (self.prefix.data, self.numbers.metadata, metadata)
            kept = len(self._openings) < MAX_OPENINGS
            prefix = Prefix(data) if kept else self.prefix
            found = Opening(data, (*self.offsets, at), self.table + table_lines((at,)), prefix)
            if kept:
                self._openings[metadata] = found
        return found


def compile_template(book: FontBook, key: TemplateKey) -> Template:
    """Make the constant part.

    Raises:
        ConfigurationError: the face names an unknown font, style, colour or orientation, or its base page is unfit.
        MissingGlyph, RenderingError: constant text that cannot be set, or a stamp that cannot be drawn.
    """
    if key.sandbox:
        check_sandbox_stamp(key.stamp)
    face, sheet, out = key.face, sheet_of(key.face), FileWriter()
    accent = parse_colour(face.accent)
    intent = write_intent(out)
    forms = {"Sample": write_watermark(out, book.family("hei"), sheet)} if key.sandbox else {}
    border = {"Border": write_border(out, sheet, face.style, accent)} if not face.base or key.pages > 1 else {}
    under = {"Base": write_base(out, face.base, face.base_name, sheet)} if face.base else border
    text, rules = StaticText(), [accent_rules(accent)]
    slots = tuple(draw_item(item, book, sheet, text, rules) for item in face.items)
    code, photo = rect_of(face.code, sheet.height), rect_of(face.photo, sheet.height) if face.photo else None
    _draw_constants(key, book, sheet, text, code)
    if photo and key.photo:
        rules.append(f"{num(photo.x)} {num(photo.y)} {num(photo.w)} {num(photo.h)} re S")
    # A base page is opaque in most cases: the watermark lies over it, and under everything else.
    face_form = _write_face(out, sheet, text, rules, {**under, **forms} if face.base else {**forms, **under})
    next_form = 0
    if key.pages > 1:
        next_form = write_next_form(
            out, face, book, sheet, forms={**forms, **border}, accent=accent, sandbox=key.sandbox
        )
    where = stamp_rect(rect_of(face.stamp, sheet.height), key.stamp)
    stamp_form = write_stamp(out, book.family("song-bold"), key.stamp, where)
    numbers, page, catalog = write_tree(out, sheet, intent, pages=key.pages, certified=key.certified, later=key.later)
    out.expect(numbers.filespec)
    out.add(describe_embedded(numbers.embedded))
    issuer, date = (
        Slot(name, book.family("song"), rect, SIGNATURE_BLOCK_SIZE, 7.0, "centre")
        for name, rect in (
            ("发证机关", rect_of(face.issuer, sheet.height)),
            ("发证日期", _date_rect(rect_of(face.date, sheet.height), where, key.stamp)),
        )
    )
    return Template(
        prefix=Prefix(b"".join(out.parts)),
        offsets=tuple(out.offsets),
        table=table_lines(out.offsets),
        numbers=numbers,
        catalog=catalog,
        page=page,
        face_form=face_form,
        next_form=next_form,
        stamp_form=stamp_form,
        stamp_rect=where,
        slots=tuple((source, slot, slot.vertical or slot.flow or bool(slot.columns)) for source, slot in slots),
        subtitle=subtitle_slot(book, sheet) if key.copy else None,
        issuer=issuer,
        date=date,
        code=code,
        photo=photo if key.photo else None,
        sheet=sheet,
        following=next_page(book, sheet),
    )


def _draw_constants(key: TemplateKey, book: FontBook, sheet: Sheet, text: StaticText, code: Rect) -> None:
    """Title, notes, captions; a base page brings its own title."""
    face = key.face
    if not face.base:
        draw_title(face, book, sheet, text, mixed(parse_colour(face.accent), 1.0))
    if face.subtitle and not face.base and not key.copy:
        draw_subtitle(face, book, sheet, text)
    if face.notes:
        draw_notes(face, book, sheet, text)
    draw_caption(book, text, code)
    if key.sandbox:
        draw_sandbox_line(book, sheet, text)


def _write_face(out: FileWriter, sheet: Sheet, text: StaticText, rules: list[str], forms: dict[str, int]) -> int:
    """The form of the face: what lies under the text, rules, text."""
    fonts, operators = text.write(out)
    box = f"/Type/XObject/Subtype/Form/BBox[0 0 {num(sheet.width)} {num(sheet.height)}]".encode("ascii")
    objects = b"".join(b"/%s %d 0 R" % (name.encode(), number) for name, number in forms.items())
    body = "\n".join([*(f"/{name} Do" for name in forms), *rules, operators]).encode("ascii")
    return out.add(stream(box + b"/Resources<<" + fonts + b"/XObject<<" + objects + b">>>>", body, pack=True))


def _date_rect(date: Rect, stamp: Rect, spec: StampSpec) -> Rect:
    """Where the date goes: within the stamp, but not under its star (居中偏下)."""
    drop = date_drop(spec) * MM
    if abs(date.middle - stamp.middle) >= drop or not stamp.x < date.x + date.w / 2 < stamp.x + stamp.w:
        return date
    return Rect(date.x, stamp.middle - drop - date.h / 2, date.w, date.h)
