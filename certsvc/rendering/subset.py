"""Embedded fonts: Type 0, CIDFontType2, Identity-H (ISO 32000-2 §9.7), one subset for the characters of one page part.

CIDs are given in order of first use, one per *character*, and are glyph numbers of the subset too. Two characters that
share a glyph (一 and the radical ⼀) get it twice under different CIDs, so that extracted text is what was written.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from certsvc.rendering.fonts import EM
from certsvc.rendering.pdf import stream, stream_pieces

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

_CIDS = tuple(f"{cid:04X}" for cid in range(1, 4097))
"""Codes of the first characters of a page, ready; no page has more, but nothing depends on it."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PAIRS = tuple((two + one).encode("ascii") for one in _LETTERS for two in _LETTERS)
"""Two letters of a tag, by their number below 676, the lower first."""

OBJECTS_PER_FONT = 5


class Subset:
    """The characters of one face that one part of a page uses."""

    def __init__(self, face: FontFace, chars: Iterable[str]) -> None:
        """Number the characters in order of first use; CID 0 is .notdef."""
        self.face = face
        self._chars = tuple(dict.fromkeys(chars))
        count = len(self._chars)
        self._cids = _CIDS[:count] if count <= len(_CIDS) else tuple(f"{cid:04X}" for cid in range(1, count + 1))
        self._code = dict(zip(self._chars, self._cids, strict=True)).__getitem__
        self._base = b""

    def show(self, text: str) -> str:
        """``text`` as a hexadecimal string of CIDs."""
        return f"<{''.join(map(self._code, text))}>"

    def write(self, out: FileWriter, *, pack: bool) -> int:
        """Write the five objects of the font; returns the number of the Type 0 dictionary."""
        face, chars = self.face, self._chars
        data = face.subset([*map(face.gids.__getitem__, chars)])
        base = self._base = self._tag() + b"+" + face.name
        first = out.next_number
        out.add(
            b"<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>"
            % (base, first + 1, first + 4)
        )
        out.add(
            b"<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)"
            b"/Supplement 0>>/FontDescriptor %d 0 R/CIDToGIDMap/Identity/DW 1000%s>>"
            % (base, first + 2, self._widths())
        )
        out.add(b"<</Type/FontDescriptor/FontName/%s%s/FontFile2 %d 0 R>>" % (base, face.descriptor, first + 3))
        if pack:
            out.add(stream(b"/Length1 %d" % len(data), data, pack=True))
            out.add(stream(b"", self._to_unicode(), pack=True))
        else:
            out.add(*stream_pieces(b"/Length1 %d" % len(data), data))
            out.add(*stream_pieces(b"", self._to_unicode()))
        return first

    def write_vertical(self, out: FileWriter, level: int) -> int:
        """Write one more Type 0 dictionary over the font at ``level``, for text that runs downwards (§9.7.4.3)."""
        return out.add(
            b"<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-V/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>"
            % (self._base, level + 1, level + 4)
        )

    def _tag(self) -> bytes:
        """Six capitals that differ between subsets (§9.9.2)."""
        value = zlib.crc32("".join(self._chars).encode("utf-8"))
        return _PAIRS[value % 676] + _PAIRS[value // 676 % 676] + _PAIRS[value // 456976 % 676]

    def _widths(self) -> bytes:
        widths = [*map(self.face.widths.__getitem__, self._chars)]
        if widths.count(EM) == len(widths):
            return b""
        odd = [f"{cid}[{width}]" for cid, width in enumerate(widths, 1) if width != EM]
        return f"/W[{''.join(odd)}]".encode("ascii")

    def _to_unicode(self) -> bytes:
        count = len(self._chars)
        body = _bf_blocks(count) % (*map(self.face.unicode.__getitem__, self._chars),)
        return b"%s%s%s" % (_TO_UNICODE_HEAD, body.encode("ascii"), _TO_UNICODE_TAIL)


@lru_cache(maxsize=512)
def _bf_blocks(count: int) -> str:
    """The entries of the first ``count`` CIDs, with ``%s`` for what each stands for."""
    lines = [f"<{cid:04X}><%s>\n" for cid in range(1, count + 1)]
    blocks = [lines[i : i + _BF_BLOCK] for i in range(0, count, _BF_BLOCK)]
    return "".join(f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in blocks)
