"""The page writer: one pass from a job to finished bytes with a hole for the signature.

The constant part of a page comes from its compiled template; here only what differs is written: values, photo, printed
code, metadata and the signature dictionary. The same job always makes the same bytes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from certsvc.rendering import codes, photo
from certsvc.rendering.fonts import FontBook
from certsvc.rendering.layout import Line, place
from certsvc.rendering.metadata import checked, info_dictionary, xmp_packet
from certsvc.rendering.page_parts import PageParts, write_attachment
from certsvc.rendering.pdf import FileWriter
from certsvc.rendering.signature_dictionary import byte_range, signature_dictionary, widget
from certsvc.rendering.template import Template, TemplateKey, compile_template
from certsvc.seal.prepared import PreparedPdf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from certsvc.commands.ports import PageJob

MAX_TEMPLATES = 256
"""Compiled templates kept (about 50 kB each): types times stamps of one deployment; the oldest goes first."""

_ID_BYTES = 16


class PageRenderer:
    """Makes pages; fonts and colour profile are loaded at construction. Safe to share between threads."""

    def __init__(self, font_dirs: Sequence[Path]) -> None:
        """Load the fonts of ``fonts.toml``; ConfigurationError names one that is in none of the directories."""
        self._book = FontBook(font_dirs)
        self._templates: OrderedDict[TemplateKey, Template] = OrderedDict()
        self._lock = threading.Lock()

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
        template, metadata = self._template(job), checked(job.metadata)
        parts = PageParts(template, _lines(template, job), job.printed_code, job.photo)
        numbers, title, at = template.numbers, job.license_type.name, job.signature.signed_at
        out = FileWriter(template.prefix, template.offsets)
        out.expect(numbers.resources)
        out.add(parts.resources())
        out.add(parts.contents())
        out.add(xmp_packet(title, metadata, at))
        out.add(info_dictionary(title, metadata, at))
        write_attachment(out, metadata, at)
        out.expect(numbers.widget)
        out.add(widget(job.signature, template.stamp_rect, template.page, numbers.signature, template.stamp_form))
        signature = signature_dictionary(job.signature, job.stamp.ring_text)
        head = len(b"%d 0 obj\n" % out.expect(numbers.signature))
        part, start = len(out.parts), out.position + head
        out.add(signature.body)
        out.expect(numbers.code)
        parts.write_pictures(out)
        identity = job.document_id.hex().encode("ascii")
        trailer = b"/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]" % (template.catalog, numbers.info, identity, identity)
        length = out.close(trailer)
        hole_start, hole_end = start + signature.hole_start, start + signature.hole_end
        # The length of the file is known only now; the room for the byte range has a fixed width.
        written, ranges = out.parts[part], byte_range(hole_start, hole_end, length)
        cut = head + signature.range_at
        out.parts[part] = written[:cut] + ranges + written[cut + len(ranges) :]
        return PreparedPdf(data=b"".join(out.parts), hole_start=hole_start, hole_end=hole_end)

    def normalise_photo(self, data: bytes) -> bytes:
        """A baseline sRGB JPEG without metadata, at most 50 kB and 358 x 441 px; see :mod:`.photo` for the limits."""
        return photo.normalise_photo(data)

    def qr_png(self, text: str, *, scale: int = 6) -> bytes:
        """A QR picture of ``text`` (level M, quiet zone of 4 modules) as PNG."""
        return codes.qr_png(text, scale=scale)

    def check_glyphs(self, text: str) -> tuple[str, ...]:
        """The characters of ``text`` that no font draws, once each, in order; line breaks are not characters."""
        family = self._book.family("song")
        return tuple(char for char in dict.fromkeys(text) if char != "\n" and not family.knows(char))

    def check_text(self, text: str) -> tuple[str, ...]:
        """The characters of ``text`` that extraction gives back, in order: all but white space."""
        return tuple(char for char in text if not char.isspace())

    def _template(self, job: PageJob) -> Template:
        key = TemplateKey(
            job.license_type.face, job.stamp, job.sandbox, job.photo is not None, job.signature.docmdp > 0
        )
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


def _lines(template: Template, job: PageJob) -> list[Line]:
    """Every value in its place."""
    values, lines = job.values, []
    for source, slot in template.slots:
        text = values.get(source)
        if text:
            lines += place(slot, text)
    lines += place(template.issuer, job.issuer_name)
    lines += place(template.date, chinese_date(job.issued_on))
    return lines
