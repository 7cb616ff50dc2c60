"""The objects of one page that carry its data: contents, resources, pictures, attachment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.rendering import photo
from certsvc.rendering.metadata import ATTACHMENT, canonical_json
from certsvc.rendering.pdf import date_string, num, stream, text_string
from certsvc.rendering.qr_encoder import QUIET_ZONE, Matrix, encode
from certsvc.rendering.subset import OBJECTS_PER_FONT, Subset
from certsvc.rendering.template import INK

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.rendering.fonts import FontFace
    from certsvc.rendering.layout import Line, Rect
    from certsvc.rendering.pdf import FileWriter
    from certsvc.rendering.template import Template


MOST_CUT = 0.85
"""Least share of a photo that is left when its edges are cut to the shape of the box."""


class PageParts:
    """What one page shows, ready to be written.

    Attributes:
        subsets: one per face that the values use, in order of first use.
    """

    def __init__(self, template: Template, lines: list[Line], printed_code: str, picture: bytes | None) -> None:
        """Cut the values into runs, number their characters, encode the code, read the photo's header."""
        self._template = template
        self._code: Matrix = encode(printed_code)
        self._photo = _Photo(picture) if picture is not None and template.photo else None
        texts: dict[FontFace, list[str]] = {}
        self._lines = [(line, line.family.runs(line.text)) for line in lines]
        for _, runs in self._lines:
            for face, text in runs:
                texts.setdefault(face, []).append(text)
        self.subsets = {face: Subset(face, "".join(parts)) for face, parts in texts.items()}
        self._names = {face: f"V{index}" for index, face in enumerate(texts)}

    def resources(self) -> bytes:
        """Resources of the page; fonts stand after the code and the photo."""
        after = self._template.numbers.code + 1
        picture = b""
        if self._photo:
            picture, after = b"/Photo %d 0 R" % after, after + 1
        fonts = "".join(
            f"/{label} {after + OBJECTS_PER_FONT * index} 0 R" for index, label in enumerate(self._names.values())
        )
        return b"<</Font<<%s>>/XObject<</Face %d 0 R/Code %d 0 R%s>>>>" % (
            fonts.encode("ascii"),
            self._template.face_form,
            self._template.numbers.code,
            picture,
        )

    def contents(self) -> bytes:
        """Face, values, code and photo."""
        parts = ["/Face Do", "BT", f"{INK} rg"]
        spacing = 0.0
        for line, runs in self._lines:
            if line.spacing != spacing:
                spacing = line.spacing
                parts.append(f"{spacing:.3f} Tc")
            parts.append(f"1 0 0 1 {line.x:.2f} {line.y:.2f} Tm")
            for face, text in runs:
                parts.append(f"/{self._names[face]} {line.size:g} Tf {self.subsets[face].show(text)} Tj")
        parts += ["ET", self._code_operators(self._template.code)]
        if self._photo and self._template.photo:
            parts.append(self._photo.operators(self._template.photo))
        return stream(b"", "\n".join(parts).encode("ascii"))

    def write_pictures(self, out: FileWriter) -> None:
        """Write code, photo and fonts, in the order that the resources promise."""
        size = self._code.size
        # A one-bit stencil: a few hundred bytes, sharp at any size.
        head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ImageMask true/BitsPerComponent 1/Decode[1 0]"
        out.add(stream(head % (size, size), self._code.rows))
        if self._photo:
            out.add(self._photo.image())
        for subset in self.subsets.values():
            subset.write(out, pack=False)

    def _code_operators(self, box: Rect) -> str:
        """The code with its quiet zone in the middle of its box, on white."""
        side = min(box.w, box.h)
        module = side / (self._code.size + 2 * QUIET_ZONE)
        x, y = box.x + (box.w - side) / 2, box.y + (box.h - side) / 2
        inset, inner = QUIET_ZONE * module, self._code.size * module
        return (
            f"q 1 g {x:.3f} {y:.3f} {side:.3f} {side:.3f} re f 0 g "
            f"{inner:.3f} 0 0 {inner:.3f} {x + inset:.3f} {y + inset:.3f} cm /Code Do Q"
        )


@dataclass(slots=True)
class _Photo:
    """A normalised photo: its bytes go into the file as they are."""

    data: bytes

    def image(self) -> bytes:
        header = photo.jpeg_header(self.data)
        space = b"/DeviceGray" if header.components == 1 else b"/DeviceRGB"
        head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace%s/BitsPerComponent 8/Filter/DCTDecode"
        return stream(head % (header.width, header.height, space), self.data)

    def operators(self, box: Rect) -> str:
        """The picture fills its box and is cut at the edges, unless too much would be lost: then it is shown whole."""
        header = photo.jpeg_header(self.data)
        fits = box.w / header.width, box.h / header.height
        scale = max(fits) if min(fits) / max(fits) >= MOST_CUT else min(fits)
        w, h = header.width * scale, header.height * scale
        x, y = box.x + (box.w - w) / 2, box.y + (box.h - h) / 2
        frame = f"{num(box.x)} {num(box.y)} {num(box.w)} {num(box.h)} re W n"
        return f"q {frame} {num(w)} 0 0 {num(h)} {num(x)} {num(y)} cm /Photo Do Q"


def write_attachment(out: FileWriter, metadata: dict[str, str], at: datetime) -> None:
    """``metadata.json`` as associated file of the document (ISO 32000-2 §14.13; ISO 19005-3 §6.8)."""
    data, label = canonical_json(metadata), text_string(ATTACHMENT)
    head = b"/Type/EmbeddedFile/Subtype/application#2Fjson/Params<</Size %d/ModDate%s>>" % (len(data), date_string(at))
    embedded = out.add(stream(head, data))
    out.add(
        b"<</Type/Filespec/F%s/UF%s/AFRelationship/Data/Desc%s/EF<</F %d 0 R/UF %d 0 R>>>>"
        % (label, label, text_string("证照元数据（GB/T 36903）"), embedded, embedded)
    )
