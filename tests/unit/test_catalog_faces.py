# ruff: noqa: E501 - a table of spoilt items reads as a table
"""What a type file may say of its face beyond boxes: vertical text, tables, text that flows, a base page."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from rendering_samples import job, renderer, sample_job
from test_catalog_bad_files import BUSINESS, copy_of_the_seed, spoil
from test_rendering_base import A4, drawn

from certsvc.catalog.face_plan import MAX_BASE_BYTES
from certsvc.catalog.loader import load_catalog
from certsvc.catalog.model import TableColumn
from certsvc.catalog.publication import load_with, seed_files
from certsvc.errors import ConfigurationError
from certsvc.rendering import base_page

SCOPE = 'min_size = 7, font = "song", align = "left", flow = true }'
"""The end of the item that flows in the seed: 经营范围, a box of 118 mm."""
NAME = 'source = "holder_name", box = [62, 70.4, 88, 11], label_x = 24, label_w = 35, size = 12, '
TITLE = 'title = "营业执照"\nsubtitle'
TABLE = '{ title = "项目", width = 78 }, { title = "数量", width = 40, align = "right" }'
BASE = "base.pdf"


def with_scope(more: str) -> tuple[str, str]:
    """The spoiling that ends the item of the scope with ``more``."""
    return SCOPE, f'min_size = 7, font = "song", align = "left", {more} }}'


BAD = {
    "flow is no flag": (*with_scope('flow = "yes"'), "face.items[4].flow", "true 或 false"),
    "vertical is no flag": (*with_scope("vertical = 1"), "face.items[4].vertical", "true 或 false"),
    "flow of vertical text": (*with_scope("flow = true, vertical = true"), "face.items[4].flow", "竖排"),
    "table of vertical text": (*with_scope(f"vertical = true, columns = [{TABLE}]"), "face.items[4].columns", "竖排"),
    "table that does not flow": (*with_scope(f"columns = [{TABLE}]"), "face.items[4].columns", "flow = true"),
    "flow of a name": (NAME, NAME + "flow = true, ", "face.items[1].flow", "文本字段"),
    "flow of a date": ("label_w = 24, size = 12, min_size = 8", "label_w = 24, size = 12, flow = true, min_size = 8", "face.items[6].flow", "文本字段"),
    "flow in a slit": ("[62, 111, 118, 67]", "[62, 111, 118, 9]", "face.items[4].box", "下转续页"),
    "columns without widths": (*with_scope('flow = true, columns = [{ title = "项目" }]'), "face.items[4].columns[0].width", "缺少此键"),
    "columns of another width": (*with_scope("flow = true, columns = [{ width = 60 }, { width = 50 }]"), "face.items[4].columns", "110 毫米"),
    "column too narrow": (*with_scope("flow = true, columns = [{ width = 115 }, { width = 3 }]"), "face.items[4].columns[1].width", "5 至 297"),
    "too many columns": (*with_scope(f"flow = true, columns = [{', '.join(['{ width = 9 }'] * 13)}]"), "face.items[4].columns", "最多 12 列"),
    "no columns": (*with_scope("flow = true, columns = []"), "face.items[4].columns", "至少有一项"),
    "column with an unknown key": (*with_scope("flow = true, columns = [{ width = 118, colour = 1 }]"), "face.items[4].columns[0].colour", "未知的键"),
    "column with an unknown alignment": (*with_scope('flow = true, columns = [{ width = 118, align = "top" }]'), "face.items[4].columns[0].align", "不在可选值"),
    "vertical text that does not fit": (*with_scope("vertical = true, flow = false"), "face.items[4]", "最长可达"),
    "text that neither flows nor fits": (*with_scope("flow = false"), "face.items[4]", "最长可达 2000"),
    "base that is not there": (TITLE, f'base = "{BASE}"\n{TITLE}', "face.base", "所在目录"),
    "base above the directory": (TITLE, f'base = "../{BASE}"\n{TITLE}', "face.base", "不能含路径"),
    "base of another system": (TITLE, f"base = '..\\{BASE}'\n{TITLE}", "face.base", "不能含路径"),
    "base at an absolute place": (TITLE, f'base = "/etc/{BASE}"\n{TITLE}', "face.base", "不能含路径"),
    "base that hides": (TITLE, f'base = ".{BASE}"\n{TITLE}', "face.base", "不能含路径"),
    "base that is no PDF": (TITLE, f'base = "food_operation.toml"\n{TITLE}', "face.base", ".pdf"),
    "base without a name": (TITLE, f'base = ""\n{TITLE}', "face.base", "不能为空"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "reason"), BAD.values(), ids=BAD.keys())
def test_a_bad_face_is_refused_with_file_line_key_and_reason(
    tmp_path: Path, old: str, new: str, key: str, reason: str
) -> None:
    directory = copy_of_the_seed(tmp_path)
    spoil(directory, BUSINESS, old, new)
    with pytest.raises(ConfigurationError) as caught:
        load_catalog(directory)
    detail = caught.value.detail
    assert re.search(rf"business_license\.toml 第 \d+ 行 {re.escape(key)}：", detail), detail
    assert reason in detail


def test_a_base_that_is_too_large_is_refused(tmp_path: Path) -> None:
    directory = copy_of_the_seed(tmp_path)
    spoil(directory, BUSINESS, TITLE, f'base = "{BASE}"\n{TITLE}')
    (directory / "types" / BASE).write_bytes(b"%PDF-1.7\n" + bytes(MAX_BASE_BYTES))
    with pytest.raises(ConfigurationError, match=r"face\.base：.*超过 2048 KiB"):
        load_catalog(directory)


@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_a_base_that_is_no_plain_file_is_refused_and_never_opened(tmp_path: Path, kind: str) -> None:
    directory = copy_of_the_seed(tmp_path)
    spoil(directory, BUSINESS, TITLE, f'base = "{BASE}"\n{TITLE}')
    place = directory / "types" / BASE
    if kind == "link":
        (tmp_path / "secret").write_bytes(b"%PDF-1.7")
        place.symlink_to(tmp_path / "secret")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(ConfigurationError, match=r"face\.base：.*不是普通文件"):
        load_catalog(directory)


def test_a_base_comes_with_its_bytes_and_changes_the_digest(tmp_path: Path) -> None:
    directory = copy_of_the_seed(tmp_path)
    spoil(directory, BUSINESS, TITLE, f'base = "{BASE}"\n{TITLE}')
    (directory / "types" / BASE).write_bytes(b"%PDF-1.7 one")
    first = load_catalog(directory)
    face = first.type("business_license").face
    assert (face.base_name, face.base) == (BASE, b"%PDF-1.7 one")
    assert load_with(directory, seed_files(directory)).type("business_license").face == face
    (directory / "types" / BASE).write_bytes(b"%PDF-1.7 two")
    second = load_catalog(directory)
    assert second.digest != first.digest
    assert second.type("business_license").digest != first.type("business_license").digest


def test_the_catalog_and_the_page_engine_agree_on_how_large_a_base_may_be() -> None:
    assert base_page.MAX_BASE_BYTES == MAX_BASE_BYTES


def test_a_table_has_its_columns(tmp_path: Path) -> None:
    directory = copy_of_the_seed(tmp_path)
    spoil(directory, BUSINESS, *with_scope(f"flow = true, columns = [{TABLE}]"))
    item = load_catalog(directory).type("business_license").face.items[4]
    assert item.columns == (
        TableColumn(title="项目", width=78.0),
        TableColumn(title="数量", width=40.0, align="right"),
    )
    assert (item.flow, item.vertical) == (True, False)


def test_vertical_text_is_measured_along_its_columns(tmp_path: Path) -> None:
    directory = copy_of_the_seed(tmp_path)
    spoil(directory, BUSINESS, 'source = "field:business_scope", box', 'source = "field:company_type", box')
    spoil(directory, BUSINESS, *with_scope("vertical = true"))
    assert load_catalog(directory).type("business_license").face.items[4].vertical
    # 4 mm are one column of sixteen characters.
    spoil(directory, BUSINESS, "[62, 111, 118, 67]", "[62, 111, 4, 40]")
    with pytest.raises(ConfigurationError, match="最长可达 60"):
        load_catalog(directory)


def test_a_type_file_with_a_base_and_a_table_is_drawn(tmp_path: Path) -> None:
    directory = copy_of_the_seed(tmp_path)
    spoil(directory, BUSINESS, *with_scope(f"flow = true, columns = [{TABLE}]"))
    spoil(directory, BUSINESS, TITLE, f'base = "{BASE}"\n{TITLE}')
    (directory / "types" / BASE).write_bytes(drawn((A4[1], A4[0])))
    catalog = load_catalog(directory)
    kind = catalog.type("business_license")
    renderer().prove([kind], job().stamp)
    page = sample_job(catalog, kind.slug)
    rows = [["离心机", 2], *([f"显微镜{number}", number] for number in range(60))]
    values = {**page.values, "field:business_scope": json.dumps(rows, ensure_ascii=False)}
    path = tmp_path / "page.pdf"
    path.write_bytes(renderer().render(replace(page, values=values)).data)
    text = subprocess.run(["pdftotext", str(path), "-"], check=True, capture_output=True, text=True).stdout
    assert "BASE 1" in text
    assert text.count("数量") > 1, "the head is drawn again on the next page"
    assert "显微镜59" in text
