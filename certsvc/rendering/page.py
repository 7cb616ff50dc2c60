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
from certsvc.rendering.metadata import (
    ATTACHMENT,
    canonical_json,
    checked,
    info_dictionary,
    xmp_packet,
)
from certsvc.rendering.pdf import FileWriter, date_string, num, stream, text_string
from certsvc.rendering.signature_dictionary import byte_range, signature_dictionary, widget
from certsvc.rendering.subset import OBJECTS_PER_FONT, Subset
from certsvc.rendering.template import INK, Template, TemplateKey, compile_template
from certsvc.seal.prepared import PreparedPdf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from certsvc.commands.ports import PageJob
    from certsvc.rendering.fonts import FontFace

MAX_TEMPLATES = 256
"""Compiled templates kept (about 100 kB each): types times stamps of one deployment; the oldest goes first."""

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
        template = self._template(job)
        metadata = checked(job.metadata)
        lines = self._lines(template, job)
        out = FileWriter(template.prefix, template.offsets)
        numbers, title = template.numbers, job.license_type.name
        # Fonts and photo come after the fixed numbers, but the resources that name them are written first.
        subsets = _subsets(lines)
        photo_number = numbers.code + 1
        first_font = photo_number + (1 if template.photo else 0)
        names = {face: f"V{index}" for index, face in enumerate(subsets)}
        out.expect(numbers.resources)
        out.add(_resources(template, names, photo_number, first_font))
        out.add(stream(b"", _contents(template, job, lines, subsets, names)))
        out.add(xmp_packet(title, metadata, job.signature.signed_at))
        out.add(info_dictionary(title, metadata, job.signature.signed_at))
        _add_attachment(out, job, metadata)
        out.expect(numbers.widget)
        out.add(widget(job.signature, template.stamp_rect, template.page, numbers.signature, template.stamp_form))
        signature = signature_dictionary(job.signature, job.stamp.ring_text)
        signature_part, signature_at = len(out.parts), out.position + len(b"%d 0 obj\n" % numbers.signature)
        out.add(signature.body)
        out.add(_code_image(job.printed_code))
        if template.photo and job.photo is not None:
            out.expect(photo_number)
            out.add(_photo_image(job.photo))
        for subset in subsets.values():
            subset.write(out, pack=False)
        identity = job.document_id.hex().encode("ascii")
        length = out.close(
            b"/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]" % (template.catalog, numbers.info, identity, identity)
        )
        hole_start, hole_end = signature_at + signature.hole_start, signature_at + signature.hole_end
        # The numbers of the byte range are known only now; their room has a fixed width.
        at = len(b"%d 0 obj\n" % numbers.signature) + signature.range_at
        part, ranges = out.parts[signature_part], byte_range(hole_start, hole_end, length)
        out.parts[signature_part] = part[:at] + ranges + part[at + len(ranges) :]
        return PreparedPdf(data=b"".join(out.parts), hole_start=hole_start, hole_end=hole_end)

    def normalise_photo(self, data: bytes) -> bytes:
        """A baseline sRGB JPEG without metadata, at most 50 kB and 358 x 441 px; see :mod:`.photo` for the limits."""
        return photo.normalise_photo(data)

    def qr_png(self, text: str, *, scale: int = 6) -> bytes:
        """A QR picture of ``text`` (level M or better, quiet zone of 4 modules) as PNG."""
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

    def _lines(self, template: Template, job: PageJob) -> list[Line]:
        values, lines = job.values, []
        for source, slot in template.slots:
            text = values.get(source)
            if text:
                lines += place(slot, text)
        lines += place(template.issuer, job.issuer_name)
        lines += place(template.date, chinese_date(job.issued_on))
        return lines


def chinese_date(day: date) -> str:
    """``2026年1月1日``: no leading zeros (GB/T 9704-2012 §7.3.5.4)."""
    return f"{day.year}年{day.month}月{day.day}日"


def _subsets(lines: list[Line]) -> dict[FontFace, Subset]:
    """One subset per face, in order of first use."""
    texts: dict[FontFace, list[str]] = {}
    for line in lines:
        for face, text in line.family.runs(line.text):
            texts.setdefault(face, []).append(text)
    return {face: Subset(face, "".join(parts)) for face, parts in texts.items()}


def _resources(template: Template, names: dict[FontFace, str], photo_number: int, first_font: int) -> bytes:
    fonts = b"".join(
        b"/%s %d 0 R" % (label.encode("ascii"), first_font + OBJECTS_PER_FONT * index)
        for index, label in enumerate(names.values())
    )
    picture = b"/Photo %d 0 R" % photo_number if template.photo else b""
    return b"<</Font<<%s>>/XObject<</Face %d 0 R/Code %d 0 R%s>>>>" % (
        fonts,
        template.face_form,
        template.numbers.code,
        picture,
    )


def _contents(
    template: Template, job: PageJob, lines: list[Line], subsets: dict[FontFace, Subset], names: dict[FontFace, str]
) -> bytes:
    """Face, values, photo and code."""
    parts = ["/Face Do", "BT", f"{INK} rg"]
    for line in lines:
        parts.append(f"1 0 0 1 {line.x:.2f} {line.y:.2f} Tm")
        parts += [
            f"/{names[face]} {line.size:g} Tf {subsets[face].show(text)} Tj"
            for face, text in line.family.runs(line.text)
        ]
    parts.append("ET")
    parts.append(_code_operators(template, codes.matrix(job.printed_code).size))
    if template.photo and job.photo is not None:
        header = photo.jpeg_header(job.photo)
        box = template.photo
        scale = min(box.w / header.width, box.h / header.height)
        w, h = header.width * scale, header.height * scale
        parts.append(
            f"q {num(w)} 0 0 {num(h)} {num(box.x + (box.w - w) / 2)} {num(box.y + (box.h - h) / 2)} cm /Photo Do Q"
        )
    return "\n".join(parts).encode("ascii")


def _code_operators(template: Template, size: int) -> str:
    """The code with its quiet zone in the middle of its box, on white."""
    box = template.code
    side = min(box.w, box.h)
    module = side / (size + 2 * codes.QUIET_ZONE)
    x, y = box.x + (box.w - side) / 2, box.y + (box.h - side) / 2
    inset, inner = codes.QUIET_ZONE * module, size * module
    return (
        f"q 1 g {x:.3f} {y:.3f} {side:.3f} {side:.3f} re f 0 g "
        f"{inner:.3f} 0 0 {inner:.3f} {x + inset:.3f} {y + inset:.3f} cm /Code Do Q"
    )


def _code_image(text: str) -> bytes:
    """The modules as a one-bit stencil: a few hundred bytes, sharp at any size."""
    found = codes.matrix(text)
    head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ImageMask true/BitsPerComponent 1/Decode[1 0]"
    return stream(head % (found.size, found.size), found.rows)


def _photo_image(data: bytes) -> bytes:
    header = photo.jpeg_header(data)
    space = b"/DeviceGray" if header.components == 1 else b"/DeviceRGB"
    head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace%s/BitsPerComponent 8/Filter/DCTDecode"
    return stream(head % (header.width, header.height, space), data)


def _add_attachment(out: FileWriter, job: PageJob, metadata: dict[str, str]) -> None:
    """``metadata.json`` as associated file of the document (ISO 32000-2 §14.13; ISO 19005-3 §6.8)."""
    data = canonical_json(metadata)
    when = date_string(job.signature.signed_at)
    embedded = out.add(
        stream(b"/Type/EmbeddedFile/Subtype/application#2Fjson/Params<</Size %d/ModDate%s>>" % (len(data), when), data)
    )
    label = text_string(ATTACHMENT)
    out.add(
        b"<</Type/Filespec/F%s/UF%s/AFRelationship/Data/Desc%s/EF<</F %d 0 R/UF %d 0 R>>>>"
        % (label, label, text_string("证照元数据（GB/T 36903）"), embedded, embedded)
    )
