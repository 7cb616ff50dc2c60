"""The page writer: one pass from a job to finished bytes with a hole for the signature.

The constant part of a page comes from its compiled template; here only what differs is written: values, photo, printed
code, metadata and the signature dictionary. The same job always makes the same bytes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.errors import ConfigurationError, MissingGlyph, RenderingError
from certsvc.rendering import codes, photo
from certsvc.rendering.annex import MARK as ANNEX
from certsvc.rendering.annex import annex_body, annex_face, annex_rests
from certsvc.rendering.copy_page import CopyMaker
from certsvc.rendering.copy_source import CopySource
from certsvc.rendering.flow import Sheetful, fill_pages, place_flow, place_table
from certsvc.rendering.fonts import FontBook
from certsvc.rendering.layout import MM, place
from certsvc.rendering.mark_drawings import png_drawing, stamp_drawing
from certsvc.rendering.mark_painter import MarkBoard
from certsvc.rendering.metadata import checked, info_dictionary, xmp_packet
from certsvc.rendering.next_form import page_number
from certsvc.rendering.next_update import prepare_next
from certsvc.rendering.page_parts import PageParts, write_embedded
from certsvc.rendering.pdf import FileWriter
from certsvc.rendering.portrait import silhouette
from certsvc.rendering.raster import preview_png
from certsvc.rendering.signature_dictionary import byte_range, signature_dictionary, widget
from certsvc.rendering.spreadsheet import book, workbook
from certsvc.rendering.stamp import stamp_size
from certsvc.rendering.stamp_form import stamp_png
from certsvc.rendering.template import Template, TemplateKey, compile_template
from certsvc.rendering.vertical import place_vertical
from certsvc.seal.prepared import PreparedPdf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from certsvc.catalog.model import FacePlan, LicenseType
    from certsvc.commands.page_ports import CopyJob, PageJob, TakenApart, TextSheet
    from certsvc.rendering.flow import Rest
    from certsvc.rendering.fonts import Family
    from certsvc.rendering.layout import Slot
    from certsvc.seal.marks import Drawing, NextField, NextSignature
    from certsvc.seal.model import StampSpec

MAX_TEMPLATES = 256
"""Compiled templates kept (about 50 kB each): types times stamps of one deployment; the oldest goes first."""
MAX_PICTURES = 256
"""Pictures of seals kept (about 30 kB each): a list of seals asks for all of them at once, and they seldom change."""

_ID_BYTES = 16


class PageRenderer:
    """Makes pages; fonts and colour profile are loaded at construction. Safe to share between threads."""

    def __init__(self, font_dirs: Sequence[Path]) -> None:
        """Load the fonts of ``fonts.toml``; ConfigurationError names one that is in none of the directories."""
        self._book = FontBook(font_dirs)
        self._templates: OrderedDict[TemplateKey, Template] = OrderedDict()
        self._recent: dict[tuple[int, int, bool, bool, bool, bool, tuple[str, ...]], tuple[TemplateKey, Template]] = {}
        self._stamps: dict[StampSpec, Drawing] = {}
        self._pictures: OrderedDict[tuple[StampSpec, int], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._copies = CopyMaker(self._book)

    def render(self, job: PageJob) -> PreparedPdf:
        """The page with a hole for the signature.

        Raises:
            MissingGlyph: a character that no font has, naming it and its field.
            RenderingError: a value that does not fit its box at the smallest size, or metadata that cannot be written.
            ConfigurationError: the type's face cannot be drawn at all.
        """
        if len(job.document_id) != _ID_BYTES:
            msg = f"document_id must have {_ID_BYTES} bytes"
            raise RuntimeError(msg)
        template, pages = self._laid_out(job)
        metadata = checked(job.metadata)
        parts = PageParts(template, pages, job.printed_code, job.photo)
        numbers, title, at = template.numbers, job.license_type.name, job.signature.signed_at
        begin, *rest = xmp_packet(title, metadata, at)
        opening = template.opening(begin)
        out = FileWriter(opening.data, opening.offsets, opening.table)
        out.go_on(*rest)
        out.expect(numbers.resources)
        out.add(parts.resources())
        out.add(*parts.contents(0))
        out.add(info_dictionary(title, metadata, at))
        write_embedded(out, metadata, at)
        out.expect(numbers.widget)
        out.add(widget(job.signature, template.stamp_rect, template.page, numbers.signature, template.stamp_form))
        signature = signature_dictionary(job.signature, job.stamp.ring_text)
        start = out.position + len(b"%d 0 obj\n" % out.expect(numbers.signature))
        # Behind the head of the object and the first piece of the dictionary.
        blank = len(out.parts) + 2
        out.add(*signature.body)
        for index in range(1, len(pages)):
            out.add(*parts.contents(index))
        out.expect(numbers.code)
        parts.write_pictures(out)
        identity = job.document_id.hex().encode("ascii")
        trailer = b"/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]" % (template.catalog, numbers.info, identity, identity)
        length = out.close(trailer)
        hole_start, hole_end = start + signature.hole_start, start + signature.hole_end
        # The length of the file is known only now; the room for the byte range has a fixed width.
        out.parts[blank] = byte_range(hole_start, hole_end, length)
        return PreparedPdf(
            data=b"".join(out.parts),
            hole_start=hole_start,
            hole_end=hole_end,
            page_count=len(pages),
            prefix=opening.prefix,
        )

    def copy_source(self, sha256: str, load: Callable[[], bytes]) -> CopySource:
        """A file of ours taken apart, kept for the next copy; see :mod:`.copy_source` for the limits."""
        return self._copies.source(sha256, load)

    def render_copy(self, job: CopyJob, source: TakenApart) -> PreparedPdf:
        """The annotated copy with a hole for the signature; see :mod:`.copy_page`."""
        if not isinstance(source, CopySource):
            msg = "a source of this renderer is needed"
            raise TypeError(msg)
        return self._copies.make(job, source)

    def normalise_photo(self, data: bytes) -> bytes:
        """A baseline sRGB JPEG without metadata, at most 50 kB and 358 x 441 px; see :mod:`.photo` for the limits."""
        return photo.normalise_photo(data)

    def family(self, name: str) -> Family:
        """The fonts called ``name``, for what is drawn beside pages; ConfigurationError when there is none."""
        return self._book.family(name)

    def normalise_picture(self, data: bytes) -> bytes:
        """A baseline sRGB JPEG without metadata, at most 600 kB and 1600 x 1600 px: a picture of an inspection."""
        return photo.normalise_picture(data)

    def sample_photo(self) -> bytes:
        """A drawn silhouette for pages of samples: never a face; see :mod:`.portrait`."""
        return photo.normalise_photo(silhouette())

    def qr_png(self, text: str, *, scale: int = 6) -> bytes:
        """A QR picture of ``text`` (level M, quiet zone of 4 modules) as PNG."""
        return codes.qr_png(text, scale=scale)

    def stamp_png(self, stamp: StampSpec, dpi: int = 300) -> bytes:
        """The picture of a seal (印模) on a transparent ground at its nominal size; see :mod:`.stamp_form`."""
        key = (stamp, dpi)
        with self._lock:
            found = self._pictures.get(key)
            if found is not None:
                self._pictures.move_to_end(key)
                return found
        made = stamp_png(stamp, self._book.family("song-bold"), dpi)
        with self._lock:
            self._pictures[key] = made
            if len(self._pictures) > MAX_PICTURES:
                self._pictures.popitem(last=False)
        return made

    def stamp_drawing(self, stamp: StampSpec) -> Drawing:
        """The stamp for a mark on a finished page, its lower left corner at the origin; drawn once per stamp."""
        with self._lock:
            found = self._stamps.get(stamp)
        if found is None:
            found = stamp_drawing(stamp, self._book.family("song-bold"))
            with self._lock:
                if len(self._stamps) >= MAX_TEMPLATES:
                    self._stamps.clear()
                self._stamps[stamp] = found
        return found

    def mark_board(self) -> MarkBoard:
        """What draws marks of hand stampings, over the same fonts."""
        return MarkBoard(self._book)

    def stamp_points(self, stamp: StampSpec) -> tuple[float, float]:
        """Width and height of the stamp on paper, in points."""
        w, h = stamp_size(stamp)
        return w * MM, h * MM

    def png_drawing(self, data: bytes) -> tuple[Drawing, float]:
        """A picture with alpha for a mark, and its width over its height; see :mod:`.mark_drawings` for the limits."""
        return png_drawing(data)

    def prepare_next(self, data: bytes, field: NextField, signature: NextSignature) -> PreparedPdf:
        """A finished file of ours with an update for one more signature; see :mod:`.next_update`."""
        return prepare_next(data, field, signature)

    def stamp_size(self, stamp: StampSpec) -> tuple[float, float]:
        """Outer width and height of a seal's picture in mm."""
        return stamp_size(stamp)

    def preview_png(self, data: bytes, width_px: int, *, page: int = 0) -> bytes:
        """A picture of a page, ``width_px`` wide; see :mod:`.raster` for the limits."""
        return preview_png(data, width_px, page=page)

    def table_xlsx(self, title: str, header: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> bytes:
        """A table of text as XLSX, no cell a formula; see :mod:`.spreadsheet`."""
        return workbook(title, header, rows)

    def book_xlsx(self, sheets: Sequence[TextSheet]) -> bytes:
        """Several tables of text in one file; see :mod:`.spreadsheet`."""
        return book(sheets)

    def check_glyphs(self, text: str) -> tuple[str, ...]:
        """The characters of ``text`` that no font draws, once each, in order; line breaks are not characters."""
        family = self._book.family("song")
        return tuple(char for char in dict.fromkeys(text) if char != "\n" and not family.knows(char))

    def check_text(self, text: str) -> tuple[str, ...]:
        """The characters of ``text`` that extraction gives back, in order: all but white space."""
        return tuple(char for char in text if not char.isspace())

    def prove(self, types: Iterable[LicenseType], stamp: StampSpec) -> None:
        """Compile the faces of ``types``, base pages included, so that a bad one is refused before it is put to use.

        Nothing that runs is touched: a service proves a new catalog first and swaps it in afterwards, and keeps the
        last good one when this raises.

        Raises:
            ConfigurationError: names the type, and for a base page its file, and says why.
        """
        for kind in types:
            try:
                key = TemplateKey(kind.face, stamp, sandbox=False, photo=kind.photo, certified=True)
                compile_template(self._book, key)
            except (MissingGlyph, RenderingError, ConfigurationError) as exc:
                msg = f"证照类型 {kind.slug} 的版面不能使用：{exc.detail}"
                raise ConfigurationError(msg) from exc

    def _laid_out(self, job: PageJob) -> tuple[Template, list[Sheetful]]:
        """Every value in its place, and the template for as many pages as that takes."""
        face = annex_face(job.license_type.face) if job.annex else job.license_type.face
        key, template = self._first_template(job, face)
        bold = self._book.family("song-bold")
        first, rests = _first_page(template, job, bold)
        if job.annex:
            rests = annex_rests(job.license_type.face, self._book, job.values)
        if not rests:
            return template, [first]
        body = template.following.body
        room = annex_body(face, template.sheet) if job.annex else None
        following = fill_pages(rests, bold, room, body)
        if job.annex:
            opening = following.pop(0)
            first.lines += opening.lines
            first.rules += opening.rules
        pages = [first, *following]
        if len(pages) == 1:
            return template, pages
        for number, page in enumerate(pages, 1):
            page.lines.insert(0, page_number(self._book, template.sheet, number, len(pages)))
            if number > 1:
                head = [(slot, job.values.get(source, "")) for source, slot in template.following.head]
                page.lines[1:1] = [line for slot, text in head if text for line in place(slot, text)]
        return self._template(replace(key, pages=len(pages))), pages

    def _first_template(self, job: PageJob, face: FacePlan) -> tuple[TemplateKey, Template]:
        """The template for one page; the same plan and stamp, as objects, need not be compared field by field."""
        photo, certified = job.photo is not None and not job.annex, job.signature.docmdp > 0
        copy = bool(job.copy_label or job.copy_number)
        quick = (id(face), id(job.stamp), job.sandbox, photo, certified, copy, job.later_fields)
        recent = self._recent.get(quick)
        # An id is given anew when its object is gone: only the objects themselves prove that they are the same.
        if recent is not None and recent[0].face is face and recent[0].stamp is job.stamp:
            return recent
        key = TemplateKey(face, job.stamp, job.sandbox, photo, certified, copy, later=job.later_fields)
        found = key, self._template(key)
        with self._lock:
            if len(self._recent) >= MAX_TEMPLATES:
                self._recent.clear()
            self._recent[quick] = found
        return found

    def _template(self, key: TemplateKey) -> Template:
        with self._lock:
            found = self._templates.get(key)
            if found is not None:
                self._templates.move_to_end(key)
                return found
        made = compile_template(self._book, key)
        with self._lock:
            self._templates[key] = made
            while len(self._templates) > MAX_TEMPLATES:
                self._templates.popitem(last=False)
        return made


def chinese_date(day: date) -> str:
    """``2026年1月1日``: no leading zeros (GB/T 9704-2012 §7.3.5.4)."""
    return f"{day.year}年{day.month}月{day.day}日"


def _first_page(template: Template, job: PageJob, bold: Family) -> tuple[Sheetful, list[Rest]]:
    """Every value in its place, and what is left over of those that may flow."""
    values, page, rests = job.values, Sheetful(), []
    for source, slot, special in template.slots:
        text = values.get(source)
        if text:
            if not special:
                page.lines += place(slot, text)
            elif (rest := _place_special(slot, text, bold, page)) is not None:
                rests.append(rest)
    if template.subtitle is not None:
        page.lines += place(template.subtitle, _copy_line(job))
    page.lines += place(template.issuer, job.issuer_name)
    page.lines += place(template.date, chinese_date(job.issued_on))
    return page, rests


def _copy_line(job: PageJob) -> str:
    """``（副本）（2-1）``; on an annex its mark follows."""
    words = [job.copy_label, job.copy_number]
    return "".join(f"（{word}）" for word in words if word) + (ANNEX if job.annex else "")


def _place_special(slot: Slot, text: str, bold: Family, page: Sheetful) -> Rest | None:
    """Set a table, vertical or flowing text; what is left over goes on on further pages."""
    if slot.vertical:
        page.special = True
        page.lines += place_vertical(slot, text)
        return None
    return place_table(slot, text, bold, page) if slot.columns else place_flow(slot, text, page)
