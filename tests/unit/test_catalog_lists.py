"""The governance report and the public lists, made from the seed and from spoilt copies of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from certsvc.catalog.lists import PublicList, catalog_entry, public_lists
from certsvc.catalog.loader import SEED_DIRECTORY, load_catalog
from certsvc.catalog.report import FINDING_ZH, Finding, department_counts, governance_report

CATALOG = load_catalog()
LISTS = public_lists(CATALOG)


def found(directory: Path) -> set[tuple[str, Finding]]:
    """What the report says of a catalog beyond the seed's own findings."""
    before = {(row.slug, row.finding) for row in governance_report(CATALOG)}
    return {(row.slug, row.finding) for row in governance_report(load_catalog(directory))} - before


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    copy = tmp_path / "catalog"
    shutil.copytree(SEED_DIRECTORY, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return copy


def change(directory: Path, name: str, pattern: str, new: str) -> None:
    path = directory / name
    text, count = re.subn(pattern, new, path.read_text("utf-8"), count=1, flags=re.DOTALL)
    assert count, pattern
    path.write_text(text, "utf-8")


def test_the_lists_are_the_four_that_are_published() -> None:
    assert [made.title for made in LISTS] == ["证照目录", "电子证照制作清单", "四电应用清单", "免证办事项清单"]


@pytest.mark.parametrize("made", LISTS, ids=lambda made: made.title)
def test_every_row_is_as_long_as_its_header_and_holds_plain_text(made: PublicList) -> None:
    assert made.rows
    assert [row[0] for row in made.rows] == [str(n) for n in range(1, len(made.rows) + 1)]
    for row in made.rows:
        assert len(row) == len(made.header)
        assert all(cell == cell.strip() for cell in row)
        # A cell that begins so would run as a formula in a spreadsheet.
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


def test_each_list_has_one_row_for_each_of_its_things() -> None:
    types, making, uses, no_paper = LISTS
    assert len(types.rows) == len(CATALOG.types)
    assert len(making.rows) == sum(len(kind.issuers) for kind in CATALOG.types)
    assert len(uses.rows) == sum(len(kind.scenes) for kind in CATALOG.types)
    assert len(no_paper.rows) == sum(len(matter.allows) for matter in CATALOG.matters)


def test_documents_stand_in_the_catalog_and_in_no_list_of_uses() -> None:
    documents = {kind.name for kind in CATALOG.types if kind.document}
    assert documents <= {row[2] for row in LISTS[0].rows}
    assert not documents & {row[1] for row in LISTS[2].rows}


def test_an_entry_speaks_the_words_of_the_standard() -> None:
    entry = catalog_entry(CATALOG, CATALOG.type("medical_institution"))
    assert entry["CertificateTypeCode"] == "11990000MB00000355001"
    assert entry["ValidityRange"] == "5年^15年"
    assert entry["CertificateIssuingAuthorityLevel"] == "2^3^4"
    assert entry["CertificateHolderCategory"] == "法人或其他组织"
    assert entry["RelatedItemCode"].split("^") == list(CATALOG.type("medical_institution").matters)


def test_the_seed_lacks_no_scene_matter_seal_or_law() -> None:
    never = {Finding.OFFICER_SCENE, Finding.MATTER, Finding.SEAL, Finding.ENTRY, Finding.MASK, Finding.OVERLAP}
    assert not [row for row in governance_report(CATALOG) if row.finding in never]


def test_the_report_counts_by_department() -> None:
    rows = governance_report(CATALOG)
    counts = department_counts(rows)
    assert sum(counts.values()) == len(rows)
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    assert set(counts) <= {authority.name for authority in CATALOG.authorities}
    assert set(FINDING_ZH) == set(Finding)


def test_a_type_without_an_officers_scene_is_reported(directory: Path) -> None:
    change(directory, "types/tour_guide.toml", r'  \{ code = "tour_inspection".*?\},\n', "")
    assert found(directory) == {("tour_guide", Finding.OFFICER_SCENE)}


def test_an_issuer_without_a_seal_is_reported(directory: Path) -> None:
    change(directory, "authorities.toml", r'seal_id = "seal_11990100MB0001046M"\nseal_name = "[^"]*"', 'seal_id = ""')
    reported = found(directory)
    assert ("tour_guide", Finding.SEAL) in reported
    assert {finding for _, finding in reported} == {Finding.SEAL}


def test_a_type_without_law_or_stock_is_reported(directory: Path) -> None:
    change(directory, "types/tour_guide.toml", r"laws = \[.*?\]", "laws = []")
    change(directory, "types/tour_guide.toml", r"\[stock\].*?\n\n", "")
    rows = governance_report(load_catalog(directory))
    assert len([row for row in rows if row.slug == "tour_guide" and row.finding is Finding.ENTRY]) == 2


def test_a_sample_that_leaves_a_field_out_is_reported(directory: Path) -> None:
    change(directory, "types/medical_institution.toml", r'beds = "300"\n', "")
    assert found(directory) == {("medical_institution", Finding.SAMPLE)}


def test_one_element_with_two_meanings_is_reported(directory: Path) -> None:
    change(directory, "types/food_operation.toml", r'name = "签发人"', 'name = "填发人"')
    reported = found(directory)
    assert {finding for _, finding in reported} == {Finding.ELEMENT}


def test_a_name_inside_another_is_reported(directory: Path) -> None:
    change(directory, "types/tour_guide.toml", r'\nname = "导游证"', '\nname = "教师资格证书（导游）"')
    assert found(directory) == {("teacher_qualification", Finding.OVERLAP)}


def test_a_type_that_no_matter_asks_for_is_reported(directory: Path) -> None:
    text = (directory / "matters.toml").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("disability_card = ")]
    (directory / "matters.toml").write_text(
        "\n".join(lines).replace(
            'name = "困难残疾人生活补贴"\nbases = ["consent", "duty"]', 'name = "困难残疾人生活补贴"\nbases = []'
        )
        + "\n",
        "utf-8",
    )
    assert found(directory) == {("disability_card", Finding.UNUSED)}
