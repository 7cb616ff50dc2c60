"""Loads the fonts once and maps characters to faces in coverage order.

Faces are read by memory map; a fallback face costs nothing until a rare character asks for it.
"""

from __future__ import annotations

import struct
import unicodedata
from typing import TYPE_CHECKING, Any

import uharfbuzz as hb

from certsvc.errors import ConfigurationError, MissingGlyph
from certsvc.rendering.alternatives import alternative
from certsvc.rendering.font_list import FaceEntry, font_list
from certsvc.rendering.glyphs import GlyphFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EM = 1000
"""Widths are in 1/1000 em, the unit of PDF text space."""

_HEAD_LENGTH = 54
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_UNSEEN = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that look like nothing: Hangul fillers, the empty Braille pattern."""
_IDEOGRAPHIC_PLANES = (0x20000, 0x3FFFD)
"""Planes for ideographs alone: extensions H and I are younger than Python's tables, but fonts have many of them."""
_UNPRINTED = (
    (0x0590, 0x109F),  # Hebrew to Myanmar: right to left, or letters that change shape beside each other
    (0x1780, 0x18AF),  # Khmer, Mongolian: likewise
    (0xFE00, 0xFE0F),  # variation selectors
    (0x1F000, 0x1FAFF),  # pictographs
    (0xE0000, 0xE0FFF),  # tags and variation selectors
)
"""Ranges that this writer does not set, whatever a font has for them: a permit is never printed half right."""


class FontFace:
    """One font file: character map, widths, outlines, subsets.

    Attributes:
        entry: its line of ``fonts.toml``.
        widths: character -> advance in 1/1000 em, filled as characters are met.
        gids: character -> glyph number in the file.
        unicode: character -> UTF-16BE in hexadecimal, for the way back from glyphs to text.
        name: PostScript name.
        descriptor: the entries of a font descriptor that are the same for every subset.
    """

    def __init__(self, entry: FaceEntry, path: Path) -> None:
        """Map the file at ``path``; ConfigurationError when it is no TrueType font."""
        self.entry = entry
        self.widths: dict[str, int] = {}
        self.gids: dict[str, int] = {}
        self.unicode: dict[str, str] = {}
        self.name = entry.name.encode("ascii")
        try:
            self._face: Any = hb.Face(hb.Blob.from_file_path(str(path)))
        except (OSError, hb.HarfBuzzError) as exc:
            raise _unreadable(entry) from exc
        head: bytes = self._face.reference_table("head").data
        if "glyf" not in self._face.table_tags or len(head) < _HEAD_LENGTH:
            raise _unreadable(entry)
        self._glyph_file = GlyphFile(path)
        self._font: Any = hb.Font(self._face)
        self.upem: int = self._face.upem
        extents = self._font.get_font_extents("ltr")
        ascent, descent = self._scaled(extents.ascender), self._scaled(extents.descender)
        box = b" ".join([b"%d" % self._scaled(v) for v in struct.unpack(">4h", head[36:44])])
        self.descriptor = b"/Flags 4/FontBBox[%s]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV %d" % (
            box,
            ascent,
            descent,
            ascent,
            entry.stem,
        )

    def _scaled(self, units: int) -> int:
        return round(units * EM / self.upem)

    def learn(self, char: str) -> bool:
        """Whether the face draws ``char``; if so its glyph and width are in the maps from now on."""
        gid = self._font.get_nominal_glyph(ord(char))
        if not gid:
            return False
        self.widths[char] = self._scaled(self._font.get_glyph_h_advance(gid))
        self.unicode[char] = char.encode("utf-16-be").hex()
        self.gids[char] = gid
        return True

    def draw(self, gid: int, pen: object) -> None:
        """Send the outline of glyph ``gid`` to ``pen`` (moveTo, lineTo, qCurveTo, closePath), in font units."""
        self._font.draw_glyph_with_pen(gid, pen)

    def subset(self, gids: Sequence[int]) -> bytes:
        """A TrueType file with only these glyphs, numbered from 1 in this order."""
        return self._glyph_file.splice(gids)


def _unreadable(entry: FaceEntry) -> ConfigurationError:
    return ConfigurationError(f"字体文件 {entry.file} 无法读取，请重新运行字体安装")


def _may_be_printed(char: str) -> bool:
    """Whether ``char`` can be seen and needs no shaping: what cannot be seen must not be on a permit."""
    code = ord(char)
    if _IDEOGRAPHIC_PLANES[0] <= code <= _IDEOGRAPHIC_PLANES[1]:
        return True
    return (
        unicodedata.category(char) not in _UNSEEN_CATEGORIES
        and char not in _UNSEEN
        and not any(first <= code <= last for first, last in _UNPRINTED)
    )


class Family:
    """Faces in coverage order, seen as one font.

    Attributes:
        faces: in coverage order.
        widths: character -> advance in 1/1000 em.
        fallback: characters that are not in the first face, and the face that draws them.
    """

    def __init__(self, faces: Sequence[FontFace]) -> None:
        """Take the faces in order."""
        self.faces = tuple(faces)
        self.widths: dict[str, int] = {}
        self.fallback: dict[str, FontFace] = {}

    def knows(self, char: str) -> bool:
        """Whether some face draws ``char``."""
        if char in self.widths:
            return True
        if not _may_be_printed(char):
            return False
        for index, face in enumerate(self.faces):
            if face.learn(char):
                if index:
                    self.fallback[char] = face
                self.widths[char] = face.widths[char]
                return True
        return False

    def width(self, text: str, where: str) -> int:
        """Advance of ``text`` in 1/1000 em; MissingGlyph names the character and ``where`` it stood."""
        widths = self.widths
        try:
            return sum(map(widths.__getitem__, text))
        except KeyError:
            missing = [char for char in dict.fromkeys(text) if not self.knows(char)]
            if missing:
                raise missing_glyph(missing, where) from None
            return sum(map(widths.__getitem__, text))

    def runs(self, text: str) -> list[tuple[FontFace, str]]:
        """``text`` cut into runs of one face each; every character must have been measured before."""
        first = self.faces[0]
        if not self.fallback or self.fallback.keys().isdisjoint(text):
            return [(first, text)]
        runs: list[tuple[FontFace, str]] = []
        for char in text:
            face = self.fallback.get(char, first)
            if runs and runs[-1][0] is face:
                runs[-1] = (face, runs[-1][1] + char)
            else:
                runs.append((face, char))
        return runs


def missing_glyph(chars: Sequence[str], where: str) -> MissingGlyph:
    """The error for characters that no font draws: each with its code point, and what to write instead if known."""
    names = "、".join(map(_described, chars))
    detail = f"“{where}”中的字符{names}没有可用的字形，请改用规范汉字，或联系运维补充字库"
    return MissingGlyph(detail)


def _described(char: str) -> str:
    """``龴（U+E81E，应写作“龴”U+9FB4）``; what cannot be seen is named by its number only."""
    other = alternative(char)
    instead = f"，应写作“{other}”U+{ord(other):04X}" if other else ""
    return f"{char if char.isprintable() else ''}（U+{ord(char):04X}{instead}）"


class FontBook:
    """All families, loaded once from the font directories."""

    def __init__(self, font_dirs: Sequence[Path]) -> None:
        """Find every declared face; ConfigurationError names the first that is in none of ``font_dirs``."""
        faces = {entry.face_id: FontFace(entry, _find(entry, font_dirs)) for entry in font_list().faces}
        self._families = {name: Family([faces[i] for i in ids]) for name, ids in font_list().families.items()}

    def family(self, name: str) -> Family:
        """The family called ``name``; ConfigurationError when ``fonts.toml`` has none."""
        family = self._families.get(name)
        if family is None:
            msg = f"版面使用了未声明的字体“{name}”，可用：{'、'.join(self._families)}"
            raise ConfigurationError(msg)
        return family


def _find(entry: FaceEntry, font_dirs: Sequence[Path]) -> Path:
    for folder in font_dirs:
        path = folder / entry.file
        if path.is_file():
            return path
    places = "、".join(str(folder) for folder in font_dirs) or "（未配置目录）"
    msg = f"找不到字体文件 {entry.file}（已查找：{places}），请先运行 python -m certsvc.rendering.font_setup 目标目录"
    raise ConfigurationError(msg)
