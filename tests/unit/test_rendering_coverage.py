"""Fonts against GB 18030-2022: counts, the document, and what is said about a character without a glyph."""

from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from rendering_samples import FONT_DIR, VALUES, job, renderer

from certsvc.catalog.old_characters import private_use
from certsvc.errors import MissingGlyph
from certsvc.rendering.alternatives import alternative
from certsvc.rendering.coverage import IDEOGRAPHS, RADICALS, RANGES, count_coverage, coverage_document, spans
from certsvc.rendering.font_list import font_list
from certsvc.rendering.fonts import FontBook

BOOK = FontBook([FONT_DIR])
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "fonts-coverage.md"


def test_the_ranges_add_up_to_what_the_standard_says() -> None:
    asked = [one for one in RANGES if one.level]
    radicals = sum(len(one.codes) for one in asked if "部首" in one.name)
    assert radicals == RADICALS
    assert sum(len(one.codes) for one in asked) == IDEOGRAPHS + RADICALS
    every = [code for one in RANGES for code in one.codes]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("family", ["song", "song-bold", "hei", "kai"])
def test_every_ideograph_of_level_3_has_a_glyph(family: str) -> None:
    counts = count_coverage(BOOK.family(family), [one for one in RANGES if one.level])
    assert [code for one in counts for code in one.missing] == []


def test_the_count_agrees_with_the_character_maps_of_the_files() -> None:
    known: set[int] = set()
    for face_id in font_list().families["song"]:
        face = next(one for one in font_list().faces if one.face_id == face_id)
        with TTFont(FONT_DIR / face.file, lazy=True) as font:
            known |= set(font.getBestCmap())
    for one in count_coverage(BOOK.family("song")):
        assert set(one.missing) == set(one.range.codes) - known, one.range.name


def test_the_document_is_what_the_fonts_say_now() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == coverage_document(BOOK), (
        "run python -m certsvc.rendering.coverage .fonts docs/fonts-coverage.md"
    )


def test_neighbours_are_written_as_one_span() -> None:
    assert spans([1, 2, 3, 5, 0x30041]) == ["U+0001-0003", "U+0005", "U+30041"]


@pytest.mark.parametrize(
    ("char", "instead"),
    [("\ue81e", "U+9FB4"), ("\ue816", "U+20087"), ("\ue831", "U+215D7"), ("\ue81a", "U+3473"), ("\ue864", "U+9FBB")],
)
def test_a_character_of_an_old_system_is_named_with_where_it_belongs(char: str, instead: str) -> None:
    with pytest.raises(
        MissingGlyph, match=rf"经营者名称.*U\+{ord(char):04X}，应写作.*{instead.replace('+', chr(92) + '+')}"
    ):
        renderer().render(job(values={**VALUES, "holder_name": f"张{char}"}))


def test_every_ideograph_that_is_offered_instead_can_be_printed() -> None:
    table = private_use()
    assert len(table) == 92
    for old, new in table.items():
        assert not BOOK.family("song").knows(old)
        # Vertical forms are offered as they are, though a page sets them by itself.
        assert BOOK.family("song").knows(new) or 0xFE10 <= ord(new) <= 0xFE19, hex(ord(new))


def test_nothing_is_offered_that_is_not_certain() -> None:
    assert alternative("\U00031350") == ""
    assert alternative("\ue000") == ""
    assert alternative("中") == ""
    assert alternative("\U0001f600") == ""
