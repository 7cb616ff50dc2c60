"""The objects of one page that carry its data: contents, resources, pictures, attachment."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from certsvc.rendering import photo
from certsvc.rendering.face_form import INK
from certsvc.rendering.layout import DOWN, LEVEL, TURNED
from certsvc.rendering.metadata import ATTACHMENT, canonical_json
from certsvc.rendering.pdf import date_string, stream_pieces, text_string
from certsvc.rendering.qr_encoder import QUIET_ZONE, Matrix, encode
from certsvc.rendering.subset import OBJECTS_PER_FONT, Subset
from certsvc.rendering.table import RULE

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.rendering.flow import Sheetful
    from certsvc.rendering.fonts import FontFace
    from certsvc.rendering.layout import Rect
    from certsvc.rendering.pdf import FileWriter
    from certsvc.rendering.photo import JpegHeader
    from certsvc.rendering.template import Template


_BEGIN = f"BT\n{INK} rg"
_TURNS = {LEVEL: "1 0 0 1", DOWN: "1 0 0 1", TURNED: "0 -1 1 0"}
_FILESPEC = b"<</Type/Filespec/F%s/UF%s/AFRelationship/Data/Desc%s/EF" % (
    text_string(ATTACHMENT),
    text_string(ATTACHMENT),
    text_string("证照元数据（GB/T 36903）"),
)

MOST_CUT = 0.85
"""Least share of a photo that is left when its edges are cut to the shape of the box."""


class PageParts:
    """What a file shows, ready to be written.

    Attributes:
        subsets: one per face that the values use, in order of first use.
    """

    def __init__(self, template: Template, pages: list[Sheetful], printed_code: str, picture: bytes | None) -> None:
        """Cut the values into runs, number their characters, encode the code, read the photo's header."""
        self._template, self._pages = template, pages
        self._code: Matrix = encode(printed_code)
        self._photo = _Photo(picture) if picture is not None and template.photo else None
        texts: dict[FontFace, list[str]] = {}
        self._runs = [[line.family.runs(line.text) for line in page.lines] for page in pages]
        for page in self._runs:
            for runs in page:
                for face, text in runs:
                    if face in texts:
                        texts[face].append(text)
                    else:
                        texts[face] = [text]
        self.subsets = {face: Subset(face, "".join(parts)) for face, parts in texts.items()}
        self._names = {face: f"V{index}" for index, face in enumerate(texts)}
        # Faces that are set downwards too, each with one more dictionary over the same glyphs.
        down = {
            face
            for page, page_runs in zip(pages, self._runs, strict=True)
            if page.special
            for line, runs in zip(page.lines, page_runs, strict=True)
            if line.mode == DOWN
            for face, _ in runs
        }
        self._down = [face for face in texts if face in down]

    def resources(self) -> bytes:
        """Resources of all pages; fonts stand after the code and the photo."""
        after = self._template.numbers.code + 1
        picture = b""
        if self._photo:
            picture, after = b"/Photo %d 0 R" % after, after + 1
        fonts = "".join(
            [f"/{label} {after + OBJECTS_PER_FONT * index} 0 R" for index, label in enumerate(self._names.values())]
        )
        after += OBJECTS_PER_FONT * len(self._names)
        fonts += "".join([f"/{self._names[face]}v {after + index} 0 R" for index, face in enumerate(self._down)])
        following = b"/Next %d 0 R" % self._template.next_form if self._template.next_form else b""
        return b"<</Font<<%s>>/XObject<</Face %d 0 R%s/Code %d 0 R%s>>>>" % (
            fonts.encode("ascii"),
            self._template.face_form,
            following,
            self._template.numbers.code,
            picture,
        )

    def contents(self, index: int) -> tuple[bytes, ...]:
        """Page ``index``: its form, values, code and, on the first, the photo."""
        page = self._pages[index]
        parts = ["/Next Do" if index else "/Face Do"]
        if page.rules:
            parts.append(_rules(page.rules))
        parts.append(_BEGIN)
        spacing, subsets, names = 0.0, self.subsets, self._names
        for (_, size, x, y, _, wanted, mode), runs in zip(page.lines, self._runs[index], strict=True):
            if wanted != spacing:
                spacing = wanted
                parts.append(f"{spacing:.3f} Tc")
            down = "v" if mode == DOWN else ""
            parts.append(f"{_TURNS[mode]} {x:.2f} {y:.2f} Tm")
            for face, text in runs:
                parts.append(f"/{names[face]}{down} {size:g} Tf {subsets[face].show(text)} Tj")
        code = self._template.following.code if index else self._template.code
        parts += ["ET", _code_operators(code, self._code.size)]
        if self._photo and self._template.photo and not index:
            parts.append(_photo_operators(self._template.photo, self._photo.header))
        return stream_pieces(b"", "\n".join(parts).encode("ascii"))

    def write_pictures(self, out: FileWriter) -> None:
        """Write code, photo and fonts, in the order that the resources promise."""
        size = self._code.size
        # A one-bit stencil: a few hundred bytes, sharp at any size.
        head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ImageMask true/BitsPerComponent 1/Decode[1 0]"
        out.add(*stream_pieces(head % (size, size), self._code.rows))
        if self._photo:
            out.add(*self._photo.image())
        written = {face: subset.write(out, pack=False) for face, subset in self.subsets.items()}
        for face in self._down:
            self.subsets[face].write_vertical(out, written[face])


@lru_cache(maxsize=256)
def _code_operators(box: Rect, size: int) -> str:
    """A code of ``size`` modules with its quiet zone in the middle of its box, on white; the same on many pages."""
    side = min(box.w, box.h)
    module = side / (size + 2 * QUIET_ZONE)
    x, y = box.x + (box.w - side) / 2, box.y + (box.h - side) / 2
    inset, inner = QUIET_ZONE * module, size * module
    return (
        f"q 1 g {x:.3f} {y:.3f} {side:.3f} {side:.3f} re f 0 g "
        f"{inner:.3f} 0 0 {inner:.3f} {x + inset:.3f} {y + inset:.3f} cm /Code Do Q"
    )


def _rules(rules: list[tuple[float, float, float, float]]) -> str:
    """The grid of tables; a line that two rows share is drawn once."""
    paths = dict.fromkeys(f"{x0:.2f} {y0:.2f} m {x1:.2f} {y1:.2f} l" for x0, y0, x1, y1 in rules)
    return f"q {RULE} w 0.35 G {' '.join(paths)} S Q"


class _Photo:
    """A normalised photo: its bytes go into the file as they are."""

    def __init__(self, data: bytes) -> None:
        self._data, self.header = data, photo.jpeg_header(data)

    def image(self) -> tuple[bytes, ...]:
        header = self.header
        space = b"/DeviceGray" if header.components == 1 else b"/DeviceRGB"
        head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace%s/BitsPerComponent 8/Filter/DCTDecode"
        return stream_pieces(head % (header.width, header.height, space), self._data)


@lru_cache(maxsize=256)
def _photo_operators(box: Rect, header: JpegHeader) -> str:
    """The picture fills its box and is cut at the edges, unless too much would be lost: then it is shown whole.

    Most photos have one size, that of an ID photo.
    """
    fits = box.w / header.width, box.h / header.height
    scale = max(fits) if min(fits) / max(fits) >= MOST_CUT else min(fits)
    w, h = header.width * scale, header.height * scale
    x, y = box.x + (box.w - w) / 2, box.y + (box.h - h) / 2
    frame = f"{box.x:.2f} {box.y:.2f} {box.w:.2f} {box.h:.2f} re W n"
    return f"q {frame} {w:.2f} 0 0 {h:.2f} {x:.2f} {y:.2f} cm /Photo Do Q"


def write_embedded(out: FileWriter, metadata: dict[str, str], at: datetime) -> int:
    """``metadata.json`` as an embedded file; returns its number."""
    data = canonical_json(metadata)
    head = b"/Type/EmbeddedFile/Subtype/application#2Fjson/Params<</Size %d/ModDate%s>>" % (len(data), date_string(at))
    return out.add(*stream_pieces(head, data))


def describe_embedded(embedded: int) -> bytes:
    """The embedded file as associated file of the document (ISO 32000-2 §14.13; ISO 19005-3 §6.8)."""
    return b"%s<</F %d 0 R/UF %d 0 R>>>>" % (_FILESPEC, embedded, embedded)
