"""Embedded fonts: Type 0, CIDFontType2, Identity-H (ISO 32000-2 §9.7), one subset for the characters of one page part.

CIDs are given in order of first use, one per *character*, and mapped to glyphs by a CIDToGIDMap stream. Two characters
that share a glyph (一 and the radical ⼀) keep different CIDs, so that extracted text is what was written.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from certsvc.rendering.fonts import EM
from certsvc.rendering.pdf import stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certsvc.rendering.fonts import FontFace
    from certsvc.rendering.pdf import FileWriter

_BF_BLOCK = 100
"""At most 100 entries per bfchar block (Adobe Technical Note 5014)."""

_TO_UNICODE_HEAD = (
    b"/CIDInit/ProcSet findresource begin 12 dict begin begincmap"
    b"/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def"
    b"/CMapName/Adobe-Identity-UCS def/CMapType 2 def\n"
    b"1 begincodespacerange\n<0000><FFFF>\nendcodespacerange\n"
)
_TO_UNICODE_TAIL = b"endcmap CMapName currentdict/CMap defineresource pop end end"

OBJECTS_PER_FONT = 6


class Subset:
    """The characters of one face that one part of a page uses.

    Attributes:
        codes: translation table from character ordinal to four hexadecimal digits, for ``str.translate``.
    """

    def __init__(self, face: FontFace, chars: Iterable[str]) -> None:
        """Number the characters in order of first use; CID 0 is .notdef."""
        self.face = face
        self._chars = tuple(dict.fromkeys(chars))
        self.codes = {ord(char): f"{cid:04X}" for cid, char in enumerate(self._chars, 1)}

    def show(self, text: str) -> str:
        """``text`` as a hexadecimal string of CIDs."""
        return f"<{text.translate(self.codes)}>"

    def write(self, out: FileWriter, *, pack: bool) -> int:
        """Write the six objects of the font; returns the number of the Type 0 dictionary."""
        face, chars = self.face, self._chars
        gids = [face.gids[char] for char in chars]
        data, mapping = face.subset(gids)
        to_gid = b"\0\0" + b"".join([mapping[gid].to_bytes(2, "big") for gid in gids])
        left, bottom, right, top = face.bbox
        base = self._tag(to_gid) + b"+" + face.entry.name.encode("ascii")
        first = out.next_number
        out.add(
            b"<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>"
            % (base, first + 1, first + 5)
        )
        out.add(
            b"<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)"
            b"/Supplement 0>>/FontDescriptor %d 0 R/CIDToGIDMap %d 0 R/DW 1000%s>>"
            % (base, first + 2, first + 4, self._widths())
        )
        out.add(
            b"<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d"
            b"/CapHeight %d/StemV %d/FontFile2 %d 0 R>>"
            % (base, left, bottom, right, top, face.ascent, face.descent, face.ascent, face.entry.stem, first + 3)
        )
        out.add(stream(b"/Length1 %d" % len(data), data, pack=pack))
        out.add(stream(b"", to_gid, pack=pack))
        out.add(stream(b"", self._to_unicode(), pack=pack))
        return first

    def _tag(self, to_gid: bytes) -> bytes:
        """Six capitals that differ between subsets (§9.9.2)."""
        value = zlib.crc32("".join(self._chars).encode("utf-8"), zlib.crc32(to_gid))
        return bytes(65 + value // 26**i % 26 for i in range(6))

    def _widths(self) -> bytes:
        widths = self.face.widths
        odd = [(cid, widths[char]) for cid, char in enumerate(self._chars, 1) if widths[char] != EM]
        if not odd:
            return b""
        return b"/W[" + b"".join([b"%d[%d]" % pair for pair in odd]) + b"]"

    def _to_unicode(self) -> bytes:
        lines = [f"<{cid:04X}><{char.encode('utf-16-be').hex()}>\n" for cid, char in enumerate(self._chars, 1)]
        blocks = [lines[i : i + _BF_BLOCK] for i in range(0, len(lines), _BF_BLOCK)]
        body = "".join(f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in blocks)
        return _TO_UNICODE_HEAD + body.encode("ascii") + _TO_UNICODE_TAIL
