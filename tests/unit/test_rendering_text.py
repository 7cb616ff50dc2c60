"""Text: what is printed is what is extracted, rare characters included; lines break where Chinese lines may."""

from __future__ import annotations

import re
import subprocess
import tempfile
import unicodedata
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from rendering_samples import FONT_DIR, PORTRAIT, VALUES, item, job, renderer

from certsvc.errors import RenderingError
from certsvc.rendering.fonts import FontBook
from certsvc.rendering.layout import NOT_AT_END, NOT_AT_START, Rect, Slot, place

BOOK = FontBook([FONT_DIR])
FACE = replace(PORTRAIT, items=(item("姓名", "holder_name", 66.0, 60.0, min_size=5.0),), photo=None)

COMMON = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
RARE = st.one_of(
    st.characters(min_codepoint=0x3400, max_codepoint=0x4DB5),
    st.characters(min_codepoint=0x20000, max_codepoint=0x2A6D6),
    st.characters(min_codepoint=0x2A700, max_codepoint=0x2EBE0),
)
LATIN = st.from_regex(r"[A-Z][a-z]{1,11}( [A-Z][a-z]{1,11}){0,6}", fullmatch=True)
HOLDERS = st.one_of(
    st.text(st.one_of(COMMON, RARE), min_size=1, max_size=12),
    st.lists(st.text(COMMON, min_size=1, max_size=6), min_size=2, max_size=4).map("·".join),
    LATIN,
    st.tuples(st.text(COMMON, min_size=1, max_size=8), LATIN).map("（".join).map(lambda text: text + "）"),
)


def extracted(holder: str) -> str:
    """The lines between title and notes that pdftotext sees, without white space."""
    page = job(FACE, values={"holder_name": holder}, sandbox=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.pdf")
        path.write_bytes(renderer().render(page).data)
        done = subprocess.run(["pdftotext", "-enc", "UTF-8", str(path), "-"], check=True, capture_output=True)
    text = "".join(done.stdout.decode("utf-8").split())
    start = text.index("姓名") + 2
    return text[start : text.index("示例省示例市市场监督管理局")]


@settings(max_examples=60, deadline=None)
@given(HOLDERS)
def test_every_holder_is_extracted_as_printed(holder: str) -> None:
    assume(not renderer().check_glyphs(holder))
    assert extracted(holder) == "".join(renderer().check_text(holder))


@pytest.mark.parametrize(
    "holder",
    [
        "𠀀",
        "𪛖",
        "𠮷野家示例店",
        "王𬎆",
        "㑇㛃",
        "阿依古丽·买买提·吐尔逊·阿卜杜热西提",
        "Wolfeschlegelsteinhausenbergerdorff-Hubert Blaine",
        "一⼀",  # the radical ⼀ shares its glyph with 一
        "〇１Ａ—“”‘’…《》",
        "Müller-Łukasiewicz, François",
        "镕喆堃翀昇頔犇骉",
    ],
)
def test_rare_and_foreign_names_are_extracted_as_printed(holder: str) -> None:
    assert renderer().check_glyphs(holder) == ()
    assert extracted(holder) == "".join(renderer().check_text(holder))


@pytest.mark.parametrize(
    ("char", "face"), [("中", "song"), ("𠮷", "babelstone"), ("𠀸", "hanazono-b"), ("Ł", "dejavu"), ("㛃", "song")]
)
def test_characters_fall_back_in_the_declared_order(char: str, face: str) -> None:
    family = BOOK.family("song")
    assert family.knows(char)
    assert [used.entry.face_id for used, _ in family.runs(char)] == [face]


def test_missing_characters_are_listed_once_in_order() -> None:
    assert renderer().check_glyphs("张\U0001f600三\ue000\U0001f600") == ("\U0001f600", "\ue000")
    assert renderer().check_glyphs("张三\n李四") == ()


TEXTS = st.text(st.sampled_from("中文证照的经营项目，。、；：（）《》“”abcXYZ019 "), min_size=1, max_size=160)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.floats(60, 300))
@example("中文证照经“ 中文证照", 60.0)
@example("中文证照经营 ”中文证照", 60.0)
def test_no_line_starts_or_ends_with_what_may_not_stand_there(text: str, width: float) -> None:
    # Clusters of punctuation longer than a line have nowhere to go.
    assume(
        not any(
            a in NOT_AT_START | NOT_AT_END and b in NOT_AT_START | NOT_AT_END
            for a, b in pairwise(text.replace(" ", ""))
        )
    )
    # A word wider than its line is torn anywhere: that is the next test's matter.
    assume("  " not in text and not re.search("[a-zA-Z0-9]{5}", text))
    slot = Slot("文本", BOOK.family("song"), Rect(0, 0, width, 900), 10, 10, "left", tall=True)
    lines = place(slot, text)
    assert "".join("".join(line.text.split()) for line in lines) == "".join(text.split())
    for line, following in pairwise(lines):
        assert following.text[0] not in NOT_AT_START
        assert line.text[-1] not in NOT_AT_END
    for line in lines:
        natural = BOOK.family("song").width(line.text, "文本") * line.size / 1000
        assert line.x + natural + line.spacing * (len(line.text) - 1) <= width + 0.01


def test_latin_words_stay_whole_and_text_shrinks_first() -> None:
    slot = Slot("文本", BOOK.family("song"), Rect(0, 0, 100, 30), 14, 7, "left")
    lines = place(slot, "Wolfgang Amadeus Mozart")
    words = {"Wolfgang", "Amadeus", "Mozart"}
    assert {word for line in lines for word in line.text.split()} == words
    (single,) = place(slot, "AAAAAAAAAAAA")
    assert 7 <= single.size < 14


@pytest.mark.parametrize("word", ["Nguyễn", "OʼBrien", "Đorđević", "Ελένη", "Сергеевна", "Anne-Marie"])
def test_no_word_of_another_script_is_torn(word: str) -> None:
    text = f"示例{word}示例"
    for width in range(60, 130, 3):
        slot = Slot("文本", BOOK.family("song"), Rect(0, 0, width, 200), 12, 9, "left", tall=True)
        assert any(word in line.text for line in place(slot, text)), width


def test_a_word_wider_than_its_line_is_torn_only_at_the_smallest_size() -> None:
    slot = Slot("文本", BOOK.family("song"), Rect(0, 0, 60, 40), 14, 7, "left")
    lines = place(slot, "A" * 24)
    assert {line.size for line in lines} == {7}
    assert "".join(line.text for line in lines) == "A" * 24


@pytest.mark.parametrize(("align", "share"), [("left", 0.0), ("centre", 0.5), ("right", 1.0)])
def test_alignment(align: str, share: float) -> None:
    slot = Slot("文本", BOOK.family("song"), Rect(10, 0, 100, 20), 10, 10, align)
    (line,) = place(slot, "中文")
    assert line.x == pytest.approx(10 + 80 * share)


def test_values_are_as_large_as_they_may_be() -> None:
    slot = Slot("文本", BOOK.family("song"), Rect(0, 0, 100, 14), 14, 7, "left")
    assert place(slot, "中" * 7)[0].size == 14
    assert place(slot, "中" * 8)[0].size == 12.5
    with pytest.raises(RenderingError, match="文本"):
        place(slot, "中" * 40)


def test_a_line_break_in_the_data_is_kept() -> None:
    slot = Slot("文本", BOOK.family("song"), Rect(0, 0, 100, 60), 14, 7, "left")
    assert [line.text for line in place(slot, "甲\n乙")] == ["甲", "乙"]


@pytest.mark.parametrize(
    "char", ["\ufe0f", "\U000e0100", "\u2800", "\u3164", "\U0001f600", "\u0627", "\u05d0", "ᠮ", "ཀ"]
)
def test_what_cannot_be_seen_or_set_right_is_refused(char: str) -> None:
    assert not BOOK.family("song").knows(char)


def test_every_category_that_cannot_be_seen_is_refused() -> None:
    family = BOOK.family("song")
    for code in range(0x3000):
        if unicodedata.category(chr(code)) in {"Cc", "Cf"}:
            assert not family.knows(chr(code)), hex(code)


def test_all_sample_values_can_be_printed() -> None:
    assert renderer().check_glyphs("".join(VALUES.values())) == ()
