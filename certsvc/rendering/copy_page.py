"""Annotated copies (加注件): the pages of a license under a watermark, above a foot that says for whom and until when.

The page itself stays as it was, in its size; the sheet grows at its foot by a strip for the note, the number and the
code, so that nothing of the face is covered but by the thin watermark. The watermark is outlines over everything, the
note is text: machines read each page once, and the note once. The same job always makes the same bytes.
"""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING

from certsvc.errors import RenderingError
from certsvc.rendering.copy_source import CopySource, read_source
from certsvc.rendering.face_form import INK
from certsvc.rendering.fonts import EM
from certsvc.rendering.layout import MM, Rect, Slot, place
from certsvc.rendering.metadata import checked, info_dictionary, xmp_packet
from certsvc.rendering.outline import glyph_path
from certsvc.rendering.page_parts import describe_embedded, write_embedded
from certsvc.rendering.pdf import FileWriter, num, stream, stream_pieces, text_string
from certsvc.rendering.qr_encoder import QUIET_ZONE, encode
from certsvc.rendering.signature_dictionary import byte_range, signature_dictionary, widget
from certsvc.rendering.subset import Subset
from certsvc.rendering.watermark import diagonal_grid
from certsvc.seal.prepared import PreparedPdf

if TYPE_CHECKING:
    from collections.abc import Callable

    from certsvc.commands.page_ports import CopyJob
    from certsvc.rendering.fonts import Family, FontBook, FontFace
    from certsvc.rendering.layout import Line
    from certsvc.rendering.qr_encoder import Matrix

FOOT = 27 * MM
"""Height of the strip below the page."""
CODE = 21 * MM
_MARGIN = 8 * MM
_NOTE_SIZE, _NOTE_LEAST = 8.0, 4.0
_MARK_SIZE = 12.0
_MARK_PITCH = 17.0
_RAISED = 0.72
"""Rows of the mark lie between those of the sandbox."""
_MARK = "q 0.25 0.25 0.35 rg /G gs"
_OPACITY = "0.24"
"""Read at a glance on paper, and the face below it too."""

MAX_SOURCES = 128
"""Files kept taken apart, about 80 kB each; the oldest goes first."""
MAX_OUTLINES = 8192
"""Outlines of characters kept, about 1 kB each."""
_NOWHERE = Rect(0, 0, 0, 0)
_SCALED = 1000.0


class CopyMaker:
    """Makes annotated copies; sources and outlines are kept. Safe to share between threads."""

    def __init__(self, book: FontBook) -> None:
        """Draw with the fonts of ``book``."""
        self._song, self._hei = book.family("song"), book.family("hei")
        self._sources: OrderedDict[str, CopySource] = OrderedDict()
        self._outlines: dict[str, str] = {}
        self._lock = threading.Lock()

    def source(self, sha256: str, load: Callable[[], bytes]) -> CopySource:
        """The file with this digest taken apart; ``load`` gives its bytes when they are needed."""
        with self._lock:
            found = self._sources.get(sha256)
            if found is not None:
                self._sources.move_to_end(sha256)
                return found
        made = read_source(load())
        with self._lock:
            self._sources[sha256] = made
            while len(self._sources) > MAX_SOURCES:
                self._sources.popitem(last=False)
        return made

    def make(self, job: CopyJob, source: CopySource) -> PreparedPdf:
        """The copy with a hole for the signature.

        Raises:
            MissingGlyph: a character of the note that no font has.
            RenderingError: a note without room, or metadata that cannot be written.
        """
        metadata = checked({**source.elements, **job.elements})
        out = FileWriter(source.prefix.data, source.offsets, source.table)
        at = job.signature.signed_at
        sizes = list(dict.fromkeys((page.width, page.height) for page in source.pages))
        marks = self._write_marks(out, job.watermark, sizes)
        code = encode(job.printed_code)
        head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ImageMask true/BitsPerComponent 1/Decode[1 0]"
        image = out.add(*stream_pieces(head % (code.size, code.size), code.rows))
        notes = {size: place(_slot(self._song, size[0]), "\n".join(job.notes)) for size in sizes}
        subsets = _subsets([line for lines in notes.values() for line in lines])
        fonts = {face: subset.write(out, pack=False) for face, subset in subsets.items()}
        resources = out.add(_resources(source, marks, image, list(fonts.values())))
        contents = []
        for index, page in enumerate(source.pages):
            size = (page.width, page.height)
            said = _contents(index, page.above, sizes.index(size), size, code, notes[size], subsets)
            contents.append(out.add(*stream_pieces(b"", said)))
        first = out.next_number
        count = len(source.pages)
        tree, xmp, info, embedded, filespec, look, field, signed, catalog = range(first + count, first + count + 9)
        _write_pages(out, source, contents, tree, resources, field)
        out.expect(xmp)
        out.add(*xmp_packet(job.title, metadata, at))
        out.add(info_dictionary(job.title, metadata, at))
        out.expect(embedded)
        write_embedded(out, metadata, at)
        out.add(describe_embedded(embedded))
        out.expect(look)
        out.add(stream(b"/Type/XObject/Subtype/Form/BBox[0 0 0 0]/Resources<<>>", b""))
        out.add(widget(job.signature, _NOWHERE, first, signed, look))
        signature = signature_dictionary(job.signature, job.signer)
        start = out.position + len(b"%d 0 obj\n" % out.expect(signed))
        blank = len(out.parts) + 2  # behind the head of the object and the first piece of the dictionary
        out.add(*signature.body)
        out.expect(catalog)
        out.add(_catalog(tree, xmp, source.intent, filespec, field, signed))
        identity = job.document_id.hex().encode("ascii")
        length = out.close(b"/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]" % (catalog, info, identity, identity))
        hole_start, hole_end = start + signature.hole_start, start + signature.hole_end
        out.parts[blank] = byte_range(hole_start, hole_end, length)
        return PreparedPdf(
            data=b"".join(out.parts),
            hole_start=hole_start,
            hole_end=hole_end,
            page_count=count,
            prefix=source.prefix,
        )

    def _write_marks(self, out: FileWriter, lines: tuple[str, ...], sizes: list[tuple[float, float]]) -> list[int]:
        """The watermark as one form, and for each size of page the form that repeats it all over."""
        family, size = self._hei, _MARK_SIZE
        widths = [family.width(line, "加注内容") / EM * size for line in lines]
        length, height = max(widths), _MARK_PITCH * len(lines)
        drawn = []
        for number, (line, width) in enumerate(zip(lines, widths, strict=True)):
            x, y = (length - width) / 2, -_MARK_PITCH * number
            for char in line:
                if not char.isspace():
                    drawn.append(
                        f"q {size / _SCALED:g} 0 0 {size / _SCALED:g} {num(x)} {num(y)} cm\n{self._outline(char)}\nf Q"
                    )
                x += family.widths[char] / EM * size
        box = f"/Type/XObject/Subtype/Form/BBox[0 {num(-height)} {num(length)} {num(size)}]/Resources<<>>"
        data = zlib.compress("\n".join(drawn).encode("ascii"), 1)
        block = out.add(*stream_pieces(box.encode("ascii") + b"/Filter/FlateDecode", data))
        resources = b"/Resources<</XObject<</L %d 0 R>>/ExtGState<</G<</ca %s>>>>>>" % (block, _OPACITY.encode("ascii"))
        forms = []
        for width, tall in sizes:
            body = "\n".join([_MARK, *diagonal_grid((width, tall), length, size, raised=_RAISED), "Q"])
            whole = f"/Type/XObject/Subtype/Form/BBox[0 0 {num(width)} {num(tall)}]".encode("ascii")
            forms.append(out.add(*stream_pieces(whole + resources, body.encode("ascii"))))
        return forms

    def _outline(self, char: str) -> str:
        found = self._outlines.get(char)
        if found is None:
            found = glyph_path(self._hei, char, (_SCALED, 0, 0, _SCALED, 0, 0))
            with self._lock:
                if len(self._outlines) >= MAX_OUTLINES:
                    self._outlines.clear()
                self._outlines[char] = found
        return found


def _write_pages(
    out: FileWriter, source: CopySource, contents: list[int], tree: int, resources: int, field: int
) -> None:
    """The pages, the first with the signature's field, and their tree."""
    first = out.next_number
    for number, page in zip(contents, source.pages, strict=True):
        box = f"0 0 {num(page.width)} {num(page.height + FOOT)}".encode("ascii")
        annotations = b"/Annots[%d 0 R]" % field if number == contents[0] else b""
        out.add(
            b"<</Type/Page/Parent %d 0 R/MediaBox[%s]/TrimBox[%s]/Resources %d 0 R/Contents %d 0 R%s"
            b"/Group<</S/Transparency/CS/DeviceRGB>>>>" % (tree, box, box, resources, number, annotations)
        )
    out.expect(tree)
    kids = b" ".join([b"%d 0 R" % (first + index) for index in range(len(contents))])
    out.add(b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(contents)))


def _slot(family: Family, width: float) -> Slot:
    """Where the note goes: beside the code, at the foot."""
    x = 2 * _MARGIN + CODE
    if width - x - _MARGIN < CODE:
        msg = "证照页面过窄，加注栏放不下，请联系颁发机构"
        raise RenderingError(msg)
    rect = Rect(x, 2.0, width - x - _MARGIN, FOOT - 6.0)
    return Slot("加注内容", family, rect, _NOTE_SIZE, _NOTE_LEAST, "left")


def _subsets(lines: list[Line]) -> dict[FontFace, Subset]:
    texts: dict[FontFace, list[str]] = {}
    for line in lines:
        for face, text in line.family.runs(line.text):
            texts.setdefault(face, []).append(text)
    return {face: Subset(face, "".join(parts)) for face, parts in texts.items()}


def _resources(source: CopySource, marks: list[int], image: int, fonts: list[int]) -> bytes:
    names = b"".join(b"/Mark%d %d 0 R" % pair for pair in enumerate(marks))
    faces = b"".join(b"/N%d %d 0 R" % pair for pair in enumerate(fonts))
    return b"<</Font<<%s>>/XObject<<%s%s/Code %d 0 R>>>>" % (faces, source.names, names, image)


def _contents(
    index: int,
    above: str,
    mark: int,
    size: tuple[float, float],
    code: Matrix,
    lines: list[Line],
    subsets: dict[FontFace, Subset],
) -> bytes:
    """The page in its place above the strip, the watermark over it, and the note."""
    labels = {face: f"N{number}" for number, face in enumerate(subsets)}
    parts = [f"q 1 0 0 1 0 {num(FOOT)} cm /Page{index} Do", above, f"/Mark{mark} Do Q"]
    parts.append(f"q 0.5 G 0.6 w {num(_MARGIN)} {num(FOOT)} m {num(size[0] - _MARGIN)} {num(FOOT)} l S Q")
    module = CODE / (code.size + 2 * QUIET_ZONE)
    inner, inset = code.size * module, QUIET_ZONE * module
    y = (FOOT - CODE) / 2 + inset
    parts.append(f"q 0 g {inner:.3f} 0 0 {inner:.3f} {_MARGIN + inset:.3f} {y:.3f} cm /Code Do Q")
    parts.append(f"BT\n{INK} rg")
    for line in lines:
        parts.append(f"{line.spacing:.3f} Tc 1 0 0 1 {line.x:.2f} {line.y:.2f} Tm")
        for face, text in line.family.runs(line.text):
            parts.append(f"/{labels[face]} {line.size:g} Tf {subsets[face].show(text)} Tj")
    parts.append("ET")
    return "\n".join(parts).encode("ascii")


def _catalog(tree: int, xmp: int, intent: int, filespec: int, field: int, signed: int) -> bytes:
    """As that of a license page; certified, so that no change is allowed."""
    return (
        b"<</Type/Catalog/Pages %d 0 R/Lang(zh-CN)/MarkInfo<</Marked false>>/ViewerPreferences<</DisplayDocTitle true>>"
        b"/Metadata %d 0 R/OutputIntents[%d 0 R]/AF[%d 0 R]/Names<</EmbeddedFiles<</Names[%s %d 0 R]>>>>"
        b"/AcroForm<</SigFlags 3/Fields[%d 0 R]>>"
        b"/Extensions<</ESIC<</Type/DeveloperExtensions/BaseVersion/1.7/ExtensionLevel 1>>>>"
        b"/Perms<</DocMDP %d 0 R>>>>"
        % (tree, xmp, intent, filespec, text_string("metadata.json"), filespec, field, signed)
    )
