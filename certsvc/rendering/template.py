"""The constant part of a page, compiled once per license type, stamp and profile: everything but the data.

The bytes of a template open every file of its kind, so they are made, packed and numbered once.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from PIL import ImageCms

from certsvc.errors import ConfigurationError
from certsvc.rendering.fonts import EM
from certsvc.rendering.layout import BASELINE_DROP, LEADING, MM, TALL_PADDING, Rect, Slot, place, rect_of
from certsvc.rendering.ornament import Sheet, mixed, parse_colour, write_border
from certsvc.rendering.pdf import FileWriter, num, stream, text_string
from certsvc.rendering.stamp import stamp_operators
from certsvc.rendering.static_text import StaticText
from certsvc.rendering.watermark import SANDBOX_TEXT, check_sandbox_stamp, write_watermark

if TYPE_CHECKING:
    from certsvc.catalog.model import FaceItem, FacePlan
    from certsvc.rendering.fonts import FontBook
    from certsvc.seal.model import StampSpec

A4 = (210 * MM, 297 * MM)
INK = "0.1 0.1 0.1"
"""Text is near black: softer than pure black beside a coloured border, and one ink for all values."""
CODE_CAPTION = "扫码核验"
TITLE_SIZE, TITLE_GAP, TITLE_TOP_MM = 36.0, 0.32, 42.0
SIGNATURE_BLOCK_SIZE = 13.0
NOTE_SIZE = 7.8
MARGIN_MM = 25.0
TALL_LINES = 4.5
"""A box with room for more lines than this is filled from its top, and has no rule under it."""


@dataclass(frozen=True, slots=True)
class TemplateKey:
    """What a template depends on."""

    face: FacePlan
    stamp: StampSpec
    sandbox: bool
    photo: bool
    certified: bool


@dataclass(frozen=True, slots=True)
class Numbers:
    """Object numbers that the constant part promises and every page keeps."""

    resources: int
    contents: int
    metadata: int
    info: int
    embedded: int
    filespec: int
    widget: int
    signature: int
    code: int


@dataclass(frozen=True, slots=True)
class Template:
    """The constant bytes, and where the data goes."""

    prefix: bytes
    offsets: tuple[int, ...]
    numbers: Numbers
    catalog: int
    page: int
    face_form: int
    stamp_form: int
    stamp_rect: Rect
    slots: tuple[tuple[str, Slot], ...]
    issuer: Slot
    date: Slot
    code: Rect
    photo: Rect | None


def compile_template(book: FontBook, key: TemplateKey) -> Template:
    """Make the constant part.

    Raises:
        ConfigurationError: the face names an unknown font, style, colour or orientation.
        MissingGlyph, RenderingError: constant text that cannot be set, or a stamp that cannot be drawn.
    """
    if key.sandbox:
        check_sandbox_stamp(key.stamp)
    face, sheet, out = key.face, _sheet(key.face), FileWriter()
    accent = parse_colour(face.accent)
    intent = _write_intent(out)
    forms = b"/Border %d 0 R" % write_border(out, sheet, face.style, accent)
    draw = ["/Border Do"]
    if key.sandbox:
        forms += b"/Sample %d 0 R" % write_watermark(out, book.family("hei"), sheet)
        draw.insert(0, "/Sample Do")
    text, rules = StaticText(), [f"{mixed(accent, 0.45)} RG 0.5 w"]
    slots = tuple(_item(item, book, sheet, text, rules) for item in face.items)
    code, photo = rect_of(face.code, sheet.height), rect_of(face.photo, sheet.height) if face.photo else None
    _heading(face, book, sheet, text, accent)
    _small_print(face, book, sheet, text, code, sandbox=key.sandbox)
    if photo and key.photo:
        rules.append(f"{num(photo.x)} {num(photo.y)} {num(photo.w)} {num(photo.h)} re S")
    fonts, operators = text.write(out)
    box = f"/Type/XObject/Subtype/Form/BBox[0 0 {num(sheet.width)} {num(sheet.height)}]".encode("ascii")
    body = "\n".join([*draw, *rules, operators]).encode("ascii")
    face_form = out.add(stream(box + b"/Resources<<" + fonts + b"/XObject<<" + forms + b">>>>", body, pack=True))
    stamp_rect = _stamp_rect(face, key.stamp, sheet)
    stamp_form = _write_stamp(out, book, key.stamp, stamp_rect)
    numbers, page, catalog = _write_tree(out, sheet, intent, certified=key.certified)
    issuer, date = (
        Slot(where, book.family("song"), rect_of(place_box, sheet.height), SIGNATURE_BLOCK_SIZE, 7.0, "centre")
        for where, place_box in (("发证机关", face.issuer), ("发证日期", face.date))
    )
    return Template(
        prefix=b"".join(out.parts),
        offsets=tuple(out.offsets),
        numbers=numbers,
        catalog=catalog,
        page=page,
        face_form=face_form,
        stamp_form=stamp_form,
        stamp_rect=stamp_rect,
        slots=slots,
        issuer=issuer,
        date=date,
        code=code,
        photo=photo if key.photo else None,
    )


def _sheet(face: FacePlan) -> Sheet:
    if face.orientation not in {"portrait", "landscape"}:
        msg = f"版面方向“{face.orientation}”无效，可用：portrait、landscape"
        raise ConfigurationError(msg)
    return Sheet(*A4) if face.orientation == "portrait" else Sheet(A4[1], A4[0])


@cache
def srgb_profile() -> bytes:
    """An sRGB ICC profile; its creation date is blanked so that the same job makes the same bytes."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[24:36] = (2026).to_bytes(2, "big") + (1).to_bytes(2, "big") * 2 + bytes(6)
    data[84:100] = bytes(16)  # the profile id is a digest over the header: absent is allowed (ICC.1 §7.2.18)
    return bytes(io.BytesIO(data).getvalue())


def _write_intent(out: FileWriter) -> int:
    profile = out.add(stream(b"/N 3", srgb_profile(), pack=True))
    return out.add(
        b"<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB IEC61966-2.1)"
        b"/DestOutputProfile %d 0 R>>" % profile
    )


def _item(item: FaceItem, book: FontBook, sheet: Sheet, text: StaticText, rules: list[str]) -> tuple[str, Slot]:
    """Print the label and the rule, and say where the value goes."""
    rect = rect_of(item.box, sheet.height)
    tall = rect.h > TALL_LINES * item.size * LEADING
    slot = Slot(
        item.label or item.source, book.family(item.font), rect, item.size, item.min_size, item.align, tall=tall
    )
    if item.label:
        y = rect.top - item.size * (0.5 + TALL_PADDING) if tall else rect.middle
        y -= item.size * BASELINE_DROP
        text.spread(
            book.family("song-bold"),
            item.size,
            item.label_x * MM,
            y,
            item.label,
            width=item.label_w * MM,
            colour=INK,
            where=item.label,
        )
    if item.label and not tall:
        rules.append(f"{num(rect.x)} {num(rect.y)} m {num(rect.x + rect.w)} {num(rect.y)} l S")
    return item.source, slot


def _heading(
    face: FacePlan, book: FontBook, sheet: Sheet, text: StaticText, accent: tuple[float, float, float]
) -> None:
    family = book.family("song-bold")
    natural = family.width(face.title, "证照名称") / EM
    room = sheet.width - 2 * (MARGIN_MM + 6) * MM
    gaps = max(0, len(face.title) - 1) * TITLE_GAP
    size = min(TITLE_SIZE, room / (natural + gaps))
    width = size * (natural + gaps)
    y = sheet.height - TITLE_TOP_MM * MM
    text.spread(
        family, size, (sheet.width - width) / 2, y, face.title, width=width, colour=mixed(accent, 1.0), where="证照名称"
    )
    if face.subtitle:
        slot = Slot(
            "副标题", book.family("song"), Rect(sheet.width * 0.15, y - 30, sheet.width * 0.7, 16), 12.0, 7.0, "centre"
        )
        for line in place(slot, face.subtitle):
            text.add(line.family, line.size, line.x, line.y, line.text, colour=INK)


def _small_print(face: FacePlan, book: FontBook, sheet: Sheet, text: StaticText, code: Rect, *, sandbox: bool) -> None:
    hei = book.family("hei")
    caption = Rect(code.x - 20, code.y - 11, code.w + 40, 10)
    lines = place(Slot("二维码说明", hei, caption, 8.0, 6.0, "centre"), CODE_CAPTION)
    if face.notes:
        left, width = MARGIN_MM * MM, sheet.width - 2 * MARGIN_MM * MM
        notes = Slot("附注", hei, Rect(left, 0, width, sheet.height), NOTE_SIZE, NOTE_SIZE, "left", tall=True)
        placed = place(notes, "\n".join(face.notes))
        lift = 22.5 * MM - placed[-1].y
        for line in placed:
            text.add(hei, line.size, line.x, line.y + lift, line.text, colour="0.35 0.35 0.35")
    for line in lines:
        text.add(hei, line.size, line.x, line.y, line.text, colour="0.25 0.25 0.25")
    if sandbox:
        top = Slot("样本标记", hei, Rect(0, sheet.height - 7 * MM, sheet.width, 4 * MM), 8.0, 8.0, "centre")
        for line in place(top, SANDBOX_TEXT):
            text.add(hei, line.size, line.x, line.y, line.text, colour="0.55 0.55 0.55")


def _stamp_rect(face: FacePlan, stamp: StampSpec, sheet: Sheet) -> Rect:
    """The stamp in its nominal size around the centre of its box: never scaled to fit."""
    box, size = rect_of(face.stamp, sheet.height), stamp.diameter_mm * MM
    return Rect(box.x + (box.w - size) / 2, box.middle - size / 2, size, size)


def _write_stamp(out: FileWriter, book: FontBook, stamp: StampSpec, rect: Rect) -> int:
    """The appearance stream: the stamp is one transparency group, blended so that the date below stays legible."""
    half = num(stamp.diameter_mm / 2)
    box = f"/Type/XObject/Subtype/Form/BBox[-{half} -{half} {half} {half}]/Resources<<>>"
    group = b"/Group<</S/Transparency/CS/DeviceRGB/I true>>"
    picture = out.add(stream(box.encode("ascii") + group, stamp_operators(stamp, book.family("song-bold")), pack=True))
    outer = f"/Type/XObject/Subtype/Form/BBox[0 0 {num(rect.w)} {num(rect.h)}]".encode("ascii")
    resources = b"/Resources<</ExtGState<</M<</BM/Multiply>>>>/XObject<</S %d 0 R>>>>" % picture
    body = f"q /M gs {MM:.5f} 0 0 {MM:.5f} {num(rect.w / 2)} {num(rect.h / 2)} cm /S Do Q"
    return out.add(stream(outer + resources, body.encode("ascii")))


def _write_tree(out: FileWriter, sheet: Sheet, intent: int, *, certified: bool) -> tuple[Numbers, int, int]:
    """Page, page tree and catalog: the last constant objects, because they point to everything that follows."""
    page, catalog = out.next_number, out.next_number + 2
    n = Numbers(*range(catalog + 1, catalog + 10))
    out.add(
        b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %s %s]/Resources %d 0 R/Contents %d 0 R/Annots[%d 0 R]"
        b"/Group<</S/Transparency/CS/DeviceRGB>>>>"
        % (page + 1, num(sheet.width).encode(), num(sheet.height).encode(), n.resources, n.contents, n.widget)
    )
    out.add(b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % page)
    perms = b"/Perms<</DocMDP %d 0 R>>" % n.signature if certified else b""
    out.add(
        b"<</Type/Catalog/Pages %d 0 R/Lang(zh-CN)/MarkInfo<</Marked false>>/ViewerPreferences<</DisplayDocTitle true>>"
        b"/Metadata %d 0 R/OutputIntents[%d 0 R]/AF[%d 0 R]/Names<</EmbeddedFiles<</Names[%s %d 0 R]>>>>"
        b"/AcroForm<</SigFlags 3/Fields[%d 0 R]>>"
        b"/Extensions<</ESIC<</Type/DeveloperExtensions/BaseVersion/1.7/ExtensionLevel 1>>>>%s>>"
        % (page + 1, n.metadata, intent, n.filespec, text_string("metadata.json"), n.filespec, n.widget, perms)
    )
    return n, page, catalog
