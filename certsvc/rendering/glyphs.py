"""Cuts TrueType subsets by splicing: the outlines of a page, taken from the file as they are, in the order of the page.

A subset is six tables that a CIDFontType2 needs (ISO 32000-2 §9.9.1). What a glyph adds to it - outline, metric, their
checksums - never changes and is kept from its first use on, so that a subset costs some microseconds. Instructions are
cut out. Every character gets a glyph of its own number, so no map from characters to glyphs is needed.
"""

from __future__ import annotations

import mmap
import struct
from itertools import accumulate, chain
from typing import TYPE_CHECKING, NamedTuple

from certsvc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_WORD = 0xFFFFFFFF
_MAGIC = 0xB1B0AFBA
"""Checksum of a whole file with its adjustment in place (OpenType, table ``head``)."""
_TAGS = (b"glyf", b"head", b"hhea", b"hmtx", b"loca", b"maxp")
_DIRECTORY = 12 + 16 * len(_TAGS)
_START = (0x00010000, len(_TAGS), 64, 2, 32)
_OPENING = struct.Struct(">IHHHH" + "4sIII" * len(_TAGS))
"""The table directory with its head."""
_HEADER_LENGTH = 10
_MORE, _WORDS, _SCALE, _XY_SCALE, _MATRIX, _INSTRUCTIONS = 0x20, 0x1, 0x8, 0x40, 0x80, 0x100


class Glyph(NamedTuple):
    """What one glyph adds to a subset.

    Attributes:
        outline: its ``glyf`` entry without instructions, padded to four bytes.
        outline_sum: checksum of the outline.
        metric: advance and left side bearing as in ``hmtx``, and their checksum.
        parts: of a composite glyph: where in the outline a glyph number stands, and that number in the font file.
    """

    outline: bytes
    length: int
    outline_sum: int
    metric: bytes
    metric_sum: int
    parts: tuple[tuple[int, int], ...]


class _Glyphs(dict[int, Glyph]):
    """The glyphs that were used so far; others are read when they are asked for, so that one look-up is one step."""

    def __init__(self, read: Callable[[int], Glyph]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, gid: int) -> Glyph:
        found = self[gid] = self._read(gid)
        return found


class GlyphFile:
    """A TrueType file, mapped into memory."""

    def __init__(self, path: Path) -> None:
        """Map the file; ConfigurationError when it lacks a table or is damaged."""
        self._glyphs = _Glyphs(self._read)
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._tables = self._directory()
            head = bytearray(self._table(b"head"))
            self._long_offsets = struct.unpack_from(">h", head, 50)[0] == 1
            struct.pack_into(">I", head, 8, 0)
            struct.pack_into(">h", head, 50, 1)
            hhea, maxp = bytearray(self._table(b"hhea")), bytearray(self._table(b"maxp"))
            self._metrics: int = struct.unpack_from(">H", hhea, 34)[0]
            self._count: int = struct.unpack_from(">H", maxp, 4)[0]
            # No instructions are left: zones, storage, functions, stack and size of instructions are none.
            struct.pack_into(">7H", maxp, 14, 1, 0, 0, 0, 0, 0, 0)
            struct.pack_into(">H", hhea, 34, 0)
            struct.pack_into(">H", maxp, 4, 0)
            self._sizes = len(head), len(hhea), len(maxp)
            self._head_sum, self._hhea_sum, self._maxp_sum = _checksum(head), _checksum(hhea), _checksum(maxp)
            # What stands before and after the one number of each table that differs from subset to subset.
            padded = [bytes(table) + bytes(-len(table) % 4) for table in (head, hhea, maxp)]
            self._rooms = len(padded[0]), len(padded[1])
            self._head = padded[0][:8], padded[0][12:]
            self._hhea, self._maxp = (padded[1][:34], padded[1][36:]), (padded[2][:4], padded[2][6:])
            self._notdef = self.glyph(0)
        except (OSError, ValueError, KeyError, struct.error) as exc:
            msg = f"字体文件 {path.name} 无法读取，请重新运行字体安装"
            raise ConfigurationError(msg) from exc

    def _directory(self) -> dict[bytes, tuple[int, int]]:
        count = struct.unpack_from(">H", self._data, 4)[0]
        entries = (struct.unpack_from(">4sIII", self._data, 12 + 16 * i) for i in range(count))
        return {tag: (offset, length) for tag, _, offset, length in entries}

    def _table(self, tag: bytes) -> bytes:
        offset, length = self._tables[tag]
        return self._data[offset : offset + length]

    def glyph(self, gid: int) -> Glyph:
        """The glyph with this number, read from the file at its first use; ValueError when the font is damaged."""
        return self._glyphs[gid]

    def _read(self, gid: int) -> Glyph:
        if not 0 <= gid < self._count:
            msg = f"no glyph {gid}"
            raise ValueError(msg)
        loca, glyf = self._tables[b"loca"][0], self._tables[b"glyf"][0]
        if self._long_offsets:
            start, end = struct.unpack_from(">II", self._data, loca + 4 * gid)
        else:
            start, end = (2 * half for half in struct.unpack_from(">HH", self._data, loca + 2 * gid))
        outline, parts = _stripped(self._data[glyf + start : glyf + end])
        outline += bytes(-len(outline) % 4)
        hmtx, last = self._tables[b"hmtx"][0], self._metrics - 1
        if gid <= last:
            metric = self._data[hmtx + 4 * gid : hmtx + 4 * gid + 4]
        else:
            bearing = hmtx + 4 * self._metrics + 2 * (gid - self._metrics)
            metric = self._data[hmtx + 4 * last : hmtx + 4 * last + 2] + self._data[bearing : bearing + 2]
        return Glyph(outline, len(outline), _checksum(outline), metric, _checksum(metric), parts)

    def splice(self, gids: Sequence[int]) -> bytes:
        """A TrueType file with .notdef and ``gids``, numbered from 1 in this order; parts of composites come last."""
        glyphs = [self._notdef, *map(self._glyphs.__getitem__, gids)]
        outlines, lengths, sums, metrics, metric_sums, parts = zip(*glyphs, strict=True)
        if any(parts):
            glyphs = self._with_parts(glyphs)
            outlines, lengths, sums, metrics, metric_sums, parts = zip(*glyphs, strict=True)
        count = len(glyphs)
        offsets = (*accumulate(lengths, initial=0),)
        glyf_size, metrics_size, head_sum = offsets[-1], 4 * count, self._head_sum
        head_size, hhea_size, maxp_size = self._sizes
        glyf_sum, hmtx_sum, loca_sum = sum(sums) & _WORD, sum(metric_sums) & _WORD, sum(offsets) & _WORD
        # The count is the low half of one word, and the high half of another.
        hhea_sum, maxp_sum = self._hhea_sum + count & _WORD, self._maxp_sum + (count << 16) & _WORD
        at_head = _DIRECTORY + glyf_size
        at_hhea = at_head + self._rooms[0]
        at_hmtx = at_hhea + self._rooms[1]
        at_loca = at_hmtx + metrics_size
        at_maxp = at_loca + metrics_size + 4
        opening = _OPENING.pack(
            *_START,
            *(b"glyf", glyf_sum, _DIRECTORY, glyf_size),
            *(b"head", head_sum, at_head, head_size),
            *(b"hhea", hhea_sum, at_hhea, hhea_size),
            *(b"hmtx", hmtx_sum, at_hmtx, metrics_size),
            *(b"loca", loca_sum, at_loca, metrics_size + 4),
            *(b"maxp", maxp_sum, at_maxp, maxp_size),
        )
        # The sum over the file: that of the opening, word by word, and that of every table.
        total = 2 * (glyf_sum + head_sum + hhea_sum + hmtx_sum + loca_sum + maxp_sum)
        total += _DIRECTORY + at_head + at_hhea + at_hmtx + at_loca + at_maxp
        total += glyf_size + head_size + hhea_size + 2 * metrics_size + 4 + maxp_size
        number = count.to_bytes(2, "big")
        return b"".join(
            (
                opening,
                *outlines,
                self._head[0],
                (_MAGIC - _CONSTANT_SUM - total & _WORD).to_bytes(4, "big"),
                self._head[1],
                self._hhea[0],
                number,
                self._hhea[1],
                *metrics,
                struct.pack(f">{count + 1}I", *offsets),
                self._maxp[0],
                number,
                self._maxp[1],
            )
        )

    def _with_parts(self, glyphs: list[Glyph]) -> list[Glyph]:
        """Composite glyphs point to parts behind all others; parts may be composites themselves."""
        numbers: dict[int, int] = {}
        done: list[Glyph] = []
        waiting = list(glyphs)
        while len(done) < len(waiting):
            glyph = waiting[len(done)]
            if glyph.parts:
                outline = bytearray(glyph.outline)
                for at, gid in glyph.parts:
                    if gid not in numbers:
                        numbers[gid] = len(waiting)
                        waiting.append(self.glyph(gid))
                    struct.pack_into(">H", outline, at, numbers[gid])
                changed = bytes(outline)
                glyph = glyph._replace(outline=changed, outline_sum=_checksum(changed))
            done.append(glyph)
        return done


def _checksum(data: bytes | bytearray) -> int:
    """Sum of the big-endian words, the last one padded."""
    padded = bytes(data) + bytes(-len(data) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(words) & _WORD


_CONSTANT_SUM = _checksum(_OPENING.pack(*_START, *chain.from_iterable((tag, 0, 0, 0) for tag in _TAGS)))
"""Checksum of the opening without the checksums, places and sizes of tables."""


def _stripped(outline: bytes) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    """The entry without instructions, and where a composite names its parts (OpenType, table ``glyf``)."""
    if len(outline) < _HEADER_LENGTH:
        return b"", ()
    contours = struct.unpack_from(">h", outline)[0]
    if contours >= 0:
        at = _HEADER_LENGTH + 2 * contours
        length = struct.unpack_from(">H", outline, at)[0]
        return outline[:at] + b"\0\0" + outline[at + 2 + length :], ()
    changed, at, parts = bytearray(outline), _HEADER_LENGTH, []
    while True:
        flags, gid = struct.unpack_from(">HH", changed, at)
        struct.pack_into(">H", changed, at, flags & ~_INSTRUCTIONS)
        parts.append((at + 2, gid))
        at += 8 if flags & _WORDS else 6
        at += 2 if flags & _SCALE else 4 if flags & _XY_SCALE else 8 if flags & _MATRIX else 0
        if not flags & _MORE:
            return bytes(changed[:at]), tuple(parts)
