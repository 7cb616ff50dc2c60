"""Which ideographs of GB 18030-2022 the installed fonts draw: counted, listed, and written as a document.

``python -m certsvc.rendering.coverage FONTS OUT`` writes ``docs/fonts-coverage.md`` anew.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc.rendering.fonts import FontBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from certsvc.rendering.fonts import Family


@dataclass(frozen=True, slots=True)
class CharacterRange:
    """A part of the standard.

    Attributes:
        codes: code points, in order.
        level: implementation level of GB 18030-2022 that asks for it, or 0 for later additions.
    """

    name: str
    codes: tuple[int, ...]
    level: int


def _span(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


_UNIFIED = (0xFA0E, 0xFA0F, 0xFA11, 0xFA13, 0xFA14, 0xFA1F, 0xFA21, 0xFA23, 0xFA24, 0xFA27, 0xFA28, 0xFA29)
"""Ideographs that stand among the compatibility ideographs but are none."""
_SUPPLEMENT = (
    *(0x2E81, 0x2E84, 0x2E88, 0x2E8B, 0x2E8C, 0x2E97, 0x2EA7),
    *(0x2EAA, 0x2EAE, 0x2EB3, 0x2EB6, 0x2EB7, 0x2EBB, 0x2ECA),
)
RANGES = (
    CharacterRange("CJK 统一汉字", _span(0x4E00, 0x9FEF), 1),
    CharacterRange("CJK 统一汉字（兼容区中的 12 个）", _UNIFIED, 1),
    CharacterRange("CJK 扩充 A", _span(0x3400, 0x4DB5), 1),
    CharacterRange("康熙部首", _span(0x2F00, 0x2FD5), 3),
    CharacterRange("CJK 部首补充（14 个）", _SUPPLEMENT, 3),
    CharacterRange("CJK 扩充 B", _span(0x20000, 0x2A6D6), 3),
    CharacterRange("CJK 扩充 C", _span(0x2A700, 0x2B734), 3),
    CharacterRange("CJK 扩充 D", _span(0x2B740, 0x2B81D), 3),
    CharacterRange("CJK 扩充 E", _span(0x2B820, 0x2CEA1), 3),
    CharacterRange("CJK 扩充 F", _span(0x2CEB0, 0x2EBE0), 3),
    CharacterRange("CJK 扩充 G", _span(0x30000, 0x3134A), 0),
    CharacterRange("CJK 扩充 H", _span(0x31350, 0x323AF), 0),
    CharacterRange("CJK 扩充 I", _span(0x2EBF0, 0x2EE5D), 0),
)
IDEOGRAPHS, RADICALS = 87_887, 228
"""What the standard says that it has; the ranges above add up to exactly this."""


@dataclass(frozen=True, slots=True)
class Count:
    """How a range is covered: characters by face, in coverage order, and the code points that no face has."""

    range: CharacterRange
    by_face: dict[str, int]
    missing: tuple[int, ...]


def count_coverage(family: Family, ranges: Sequence[CharacterRange] = RANGES) -> list[Count]:
    """Ask every code point of every range, as a page would."""
    counts = []
    for one in ranges:
        by_face, missing = dict.fromkeys((face.entry.name for face in family.faces), 0), []
        for code in one.codes:
            char = chr(code)
            if family.knows(char):
                by_face[family.fallback.get(char, family.faces[0]).entry.name] += 1
            else:
                missing.append(code)
        counts.append(Count(one, {name: count for name, count in by_face.items() if count}, tuple(missing)))
    return counts


def spans(codes: Iterable[int]) -> list[str]:
    """``U+30041`` and ``U+30050-30053`` for neighbours."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return [f"U+{first:04X}" if first == last else f"U+{first:04X}-{last:04X}" for first, last in runs]


def coverage_document(book: FontBook) -> str:
    """The document, as Markdown."""
    counts = count_coverage(book.family("song"))
    asked = [one for one in counts if one.range.level]
    missing = [code for one in asked for code in one.missing]
    lines = [
        "# 字库覆盖",
        "",
        "由 `python -m certsvc.rendering.coverage .fonts docs/fonts-coverage.md` 生成：逐个码位询问版面所用的字体（宋",
        "体族，按 `fonts.toml` 的回退顺序），与 GB 18030-2022 的汉字与部首逐一对照。各区相加恰为该标准公布的数目：",
        f"{IDEOGRAPHS:,} 个汉字，{RADICALS} 个部首。黑体与标题所用的粗宋回退到相同的字体，覆盖相同。",
        "",
        f"**GB 18030-2022 实现级别 3 要求的 {IDEOGRAPHS + RADICALS:,} 个字符中，没有字形的有 {len(missing):,} 个。**",
        *(_wrapped(spans(missing)) if missing else ()),
        "",
        "| 区 | 码位 | 级别 | 字数 | 没有字形 | 由哪些字体绘制 |",
        "|---|---|---|---:|---:|---|",
    ]
    for one in counts:
        first, last = one.range.codes[0], one.range.codes[-1]
        faces = "，".join(f"{name} {count:,}" for name, count in one.by_face.items()) or "—"
        level = str(one.range.level) if one.range.level else "不在标准内"
        lines.append(
            f"| {one.range.name} | U+{first:04X}-{last:04X} | {level} | {len(one.range.codes):,} "
            f"| {len(one.missing):,} | {faces} |"
        )
    lines += [
        "",
        "扩充 G、H、I 不在 GB 18030-2022 的 87,887 个汉字之内。遇到没有字形的字，制证会被拒绝，并写明字、码位、所在的",
        "栏目，以及已知的替代写法：GBK 与 GB 18030-2000 自定义区（PUA）中的字给出其标准码位，兼容汉字给出其统一汉字",
        "（`certsvc/rendering/alternatives.py`）。绝不以方框或空白代替。",
        "",
        "藏、蒙、维、傣等需要连写或变形的文字不在此列：它们不是逐字排印的，本程序一律拒绝（`certsvc/rendering/fonts.py`）。",
        "",
    ]
    for one in counts:
        if one.missing and len(one.missing) < len(one.range.codes):
            lines += [f"## {one.range.name} 中没有字形的 {len(one.missing):,} 个码位", "", "```"]
            lines += _wrapped(spans(one.missing))
            lines += ["```", ""]
    return "\n".join(lines)


def _wrapped(words: Sequence[str], width: int = 110) -> list[str]:
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) >= width:
            lines.append(line.rstrip())
            line = ""
        line += f"{word} "
    return [*lines, line.rstrip()]


def main(arguments: Sequence[str]) -> int:
    """Write the document: font directory, output file."""
    fonts, out = arguments
    Path(out).write_text(coverage_document(FontBook([Path(fonts)])), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
