"""Continuation pages, tables, vertical text, copies and annexes."""

from __future__ import annotations

import io
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering_samples import LANDSCAPE, METADATA, PORTRAIT, VALUES, item, job, renderer

from certsvc.catalog.model import FacePlan, TableColumn
from certsvc.commands.page_ports import PageJob
from certsvc.errors import ConfigurationError, MissingGlyph, RenderingError
from certsvc.rendering.flow import MAX_PAGES
from certsvc.rendering.raster import page_image
from certsvc.rendering.table import parse_rows

SCOPE = "field:business_scope"
FLOW = replace(PORTRAIT, items=tuple(replace(one, flow=True) if one.source == SCOPE else one for one in PORTRAIT.items))
COLUMNS = (
    TableColumn(title="序号", width=12, align="centre"),
    TableColumn(title="设备名称", width=60),
    TableColumn(title="数量", width=20, align="right"),
)
TABLE = replace(
    LANDSCAPE,
    items=(
        *(one for one in LANDSCAPE.items if one.source != SCOPE),
        item("设备清单", "field:list", 84.0, 34.0, w=180.0, size=10.5, columns=COLUMNS, flow=True),
    ),
)
VERTICAL = replace(
    PORTRAIT, photo=None, items=(item("训词", "field:words", 80.0, 90.0, w=100.0, vertical=True, size=18.0),)
)


def numbered(count: int) -> str:
    """Sentences that differ, so that a lost or doubled one is seen."""
    return "".join(f"第{number}项热食类食品制售，含冷加工糕点；" for number in range(count))


def pages_of(page: PageJob, tmp_path: Path) -> list[str]:
    """The text of every page without white space; the file is checked by qpdf on the way."""
    prepared = renderer().render(page)
    path = tmp_path / "page.pdf"
    path.write_bytes(prepared.data)
    subprocess.run(["qpdf", "--check", str(path)], check=True, capture_output=True)
    done = subprocess.run(["pdftotext", "-raw", "-enc", "UTF-8", str(path), "-"], check=True, capture_output=True)
    pages = [re.sub(r"\s", "", text) for text in done.stdout.decode("utf-8").split("\f")[:-1]]
    assert len(pages) == prepared.page_count
    return pages


def test_a_long_scope_goes_on_with_nothing_lost_or_doubled(tmp_path: Path) -> None:
    text = numbered(200)
    pages = pages_of(job(FLOW, values={**VALUES, SCOPE: text}, sandbox=False), tmp_path)
    assert len(pages) == 4
    start = pages[0].index("第0项")
    first = pages[0][start : pages[0].index("（下转续页）")]
    following = [page[page.index(VALUES["identifier"]) + len(VALUES["identifier"]) :] for page in pages[1:]]
    assert following[0].startswith("经营项目（续）")
    assert first + following[0].removeprefix("经营项目（续）") + "".join(following[1:]) == text


def test_every_page_says_which_it_is_and_carries_identifier_and_code(tmp_path: Path) -> None:
    page = job(FLOW, values={**VALUES, SCOPE: numbered(200)}, sandbox=False)
    pages = pages_of(page, tmp_path)
    data = renderer().render(page).data
    for number, text in enumerate(pages, 1):
        assert f"第{number}页共{len(pages)}页" in text
        assert VALUES["identifier"] in text
        assert VALUES["number"] in text
        codes = zxingcpp.read_barcodes(page_image(data, 1240, page=number - 1))
        assert [code.text for code in codes] == [page.printed_code]
    assert "（续页）" in pages[1]
    assert "（续页）" not in pages[0]


def test_only_the_first_page_carries_the_stamp_and_the_signature_covers_all() -> None:
    prepared = renderer().render(job(FLOW, values={**VALUES, SCOPE: numbered(200)}))
    with pikepdf.open(io.BytesIO(prepared.data)) as pdf:
        assert [len(page.obj.get("/Annots", [])) for page in pdf.pages] == [1, 0, 0, 0]
        assert len(pdf.Root.AcroForm.Fields) == 1
        assert [page.obj.Contents.objgen for page in pdf.pages] == sorted(
            {page.obj.Contents.objgen for page in pdf.pages}
        )
    start, hole_start, hole_end, length = prepared.byte_range
    assert (start, hole_end + length) == (0, len(prepared.data))
    assert hole_end - hole_start == 2 * 4096 + 2


def test_a_short_scope_stays_on_one_page_without_a_page_number(tmp_path: Path) -> None:
    (text,) = pages_of(job(FLOW), tmp_path)
    assert VALUES[SCOPE] in text
    assert "第1页" not in text
    assert renderer().render(job(FLOW)).data == renderer().render(job()).data  # nothing changes for what fits


def test_what_would_fill_a_book_is_refused_by_name() -> None:
    with pytest.raises(RenderingError, match=f"经营项目.*{MAX_PAGES} 页"):
        renderer().render(job(FLOW, values={**VALUES, SCOPE: "行\n" * 3000}))
    with pytest.raises(RenderingError, match="经营项目"):
        renderer().render(job(FLOW, values={**VALUES, SCOPE: "字" * 1_000_000}))


def test_a_missing_glyph_in_flowing_text_is_still_named() -> None:
    with pytest.raises(MissingGlyph, match=r"经营项目.*U\+E123"):
        renderer().render(job(FLOW, values={**VALUES, SCOPE: numbered(200) + "\ue123"}))


@settings(max_examples=20, deadline=None)
@given(st.text(st.sampled_from("中文证照的，。；（）《》abc 019\n"), min_size=900, max_size=2200))
def test_any_text_flows_without_loss(text: str) -> None:
    prepared = renderer().render(job(FLOW, values={**VALUES, SCOPE: text}, sandbox=False))
    found = []
    with pikepdf.open(io.BytesIO(prepared.data)) as pdf:
        maps = {name: cid_map(font) for name, font in pdf.pages[0].obj.Resources.Font.items()}
        for page in pdf.pages:
            for instruction in pikepdf.parse_content_stream(page):
                if str(instruction.operator) == "Tf":
                    current = maps[str(instruction.operands[0])]
                elif str(instruction.operator) == "Tj":
                    raw = bytes(instruction.operands[0])
                    found.append("".join(current[raw[i : i + 2]] for i in range(0, len(raw), 2)))
    plain = re.sub(r"\s", "", text)
    # Head lines of further pages stand between the parts; every part is found, in order.
    at = 0
    for piece in (re.sub(r"\s", "", one) for one in found):
        if piece and plain.startswith(piece, at):
            at += len(piece)
    assert at == len(plain)


def cid_map(font: pikepdf.Object) -> dict[bytes, str]:
    """Code to character from a ToUnicode CMap, read without the writer's help."""
    text = font.ToUnicode.read_bytes().decode("ascii")
    pairs = re.findall(r"<([0-9A-F]{4})><([0-9a-f]+)>", text)
    return {bytes.fromhex(cid): bytes.fromhex(value).decode("utf-16-be") for cid, value in pairs}


def test_a_table_is_drawn_with_its_head_on_every_page(tmp_path: Path) -> None:
    rows = "\n".join(f"{number}|设备{number}型|{number * 3}" for number in range(1, 60))
    pages = pages_of(job(TABLE, values={**VALUES, "field:list": rows}, sandbox=False), tmp_path)
    assert len(pages) > 2
    together = "".join(pages)
    for number in range(1, 60):
        assert together.count(f"{number}设备{number}型{number * 3}") >= 1
    assert together.count("序号设备名称数量") == len(pages)


def test_json_rows_and_lines_make_the_same_page() -> None:
    lines = "1|甲\\|乙|3\n2|丙|"
    rows = json.dumps([["1", "甲|乙", 3], ["2", "丙"]], ensure_ascii=False)
    first, second = (
        renderer().render(job(TABLE, values={**VALUES, "field:list": text})).data for text in (lines, rows)
    )
    assert first == second


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("1|2|3|4", "第 1 行有 4 格"),
        ("[[1, 2]", "JSON"),
        ('["a"]', "列表"),
        ('[[{"a": 1}]]', "列表"),
        ("[" * 100_000, "过长"),
        ("[" * 30_000, "JSON"),
        ("\n".join(["1|2|3"] * 601), "600 行"),
        ("1|" + "长" * 401, "400 字"),
    ],
)
def test_rows_that_cannot_be_read_are_refused_by_name(value: str, named: str) -> None:
    with pytest.raises(RenderingError, match=f"设备清单.*{named}"):
        renderer().render(job(TABLE, values={**VALUES, "field:list": value}))


def test_a_table_that_may_not_flow_must_fit() -> None:
    fixed = replace(TABLE, items=tuple(replace(one, flow=False) for one in TABLE.items))
    rows = "\n".join("1|设备|2" for _ in range(60))
    with pytest.raises(RenderingError, match="设备清单"):
        renderer().render(job(fixed, values={**VALUES, "field:list": rows}))


def test_cells_are_split_at_bars_that_are_not_escaped() -> None:
    assert parse_rows("a | b\n\nc\\|d|e", 3, "表") == [["a", "b", ""], ["c|d", "e", ""]]


def test_a_wide_cell_wraps_inside_its_column(tmp_path: Path) -> None:
    value = "1|" + "名称很长的设备" * 12 + "|3"
    (text,) = pages_of(job(TABLE, values={**VALUES, "field:list": value}, sandbox=False), tmp_path)
    assert "名称很长的设备" * 12 in text


def test_vertical_text_runs_down_in_columns_from_the_right(tmp_path: Path) -> None:
    words = "学高为师，身正为范。持证人（示例）于2026年参加培训，成绩合格ABC，特发此证——“五年”有效，逾期作废。"
    page = job(VERTICAL, values={"field:words": words}, sandbox=False)
    assert words.replace(" ", "") in pages_of(page, tmp_path)[0]
    with pikepdf.open(io.BytesIO(renderer().render(page).data)) as pdf:
        fonts = pdf.pages[0].obj.Resources.Font
        down = [font for font in fonts.values() if font.Encoding == "/Identity-V"]
        assert len(down) == 1
        level = next(font for font in fonts.values() if font.Encoding == "/Identity-H")
        assert down[0].DescendantFonts[0].objgen == level.DescendantFonts[0].objgen
    # Nothing is drawn right of the first column or left of the last: the block is centred in its box.
    image = page_image(renderer().render(page).data, 2100).convert("L").point(lambda v: 255 if v < 90 else 0)
    left, _, right, _ = image.crop((640, 800, 1640, 1700)).getbbox() or (0, 0, 0, 0)
    assert abs((left + right) / 2 - 500) < 25


def test_a_vertical_text_too_long_is_refused_and_a_rare_character_is_set(tmp_path: Path) -> None:
    assert "𠮷野" in pages_of(job(VERTICAL, values={"field:words": "𠮷野"}, sandbox=False), tmp_path)[0]
    with pytest.raises(RenderingError, match="训词"):
        renderer().render(job(VERTICAL, values={"field:words": "字" * 3000}))


def test_a_face_that_asks_for_a_vertical_table_is_refused() -> None:
    wrong = replace(VERTICAL, items=tuple(replace(one, flow=True) for one in VERTICAL.items))
    with pytest.raises(ConfigurationError, match="训词"):
        renderer().render(job(wrong))


def test_a_copy_names_itself_and_its_number_in_place_of_the_subtitle(tmp_path: Path) -> None:
    (text,) = pages_of(job(LANDSCAPE, copy_label="副本", copy_number="2-1", sandbox=False), tmp_path)
    assert "（副本）（2-1）" in text
    original = replace(LANDSCAPE, subtitle="（正本）")
    (text,) = pages_of(job(original, copy_label="副本", sandbox=False), tmp_path)
    assert "（副本）" in text
    assert "（正本）" not in text


def test_an_annex_holds_what_flows_in_full_under_the_same_identifier(tmp_path: Path) -> None:
    page = job(FLOW, annex=True, values={**VALUES, SCOPE: numbered(90)}, sandbox=False)
    pages = pages_of(page, tmp_path)
    assert len(pages) == 2
    assert "（附页）" in pages[0]
    for text in pages:
        assert VALUES["identifier"] in text
    together = pages[0][pages[0].index("第0项") :] + pages[1]
    assert all(f"第{number}项热食类" in together for number in range(90))
    assert VALUES["field:legal_person"] not in "".join(pages)
    data = renderer().render(page).data
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert str(pdf.docinfo["/certificateIdentifier"]) == METADATA["certificateIdentifier"]


def test_a_type_in_which_nothing_flows_has_no_annex() -> None:
    with pytest.raises(RenderingError, match="附页"):
        renderer().render(job(PORTRAIT, annex=True))


@pytest.mark.parametrize("face", [FLOW, TABLE])
def test_many_pages_are_the_same_bytes_each_time(face: FacePlan) -> None:
    rows = "\n".join(f"{number}|设备|2" for number in range(40))
    page = job(face, values={**VALUES, SCOPE: numbered(150), "field:list": rows})
    assert renderer().render(page).page_count > 1
    assert renderer().render(page).data == renderer().render(page).data
