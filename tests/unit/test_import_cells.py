"""What spreadsheets and old systems do to cells is named with the column, what is wrong, and what to do."""

from __future__ import annotations

import pytest

from certsvc.catalog.loader import load_catalog
from certsvc.catalog.numbers import read_number, render_number
from certsvc.catalog.old_characters import FIRST, LAST, PRIVATE, standard_for
from certsvc.catalog.stock_columns import Column, ColumnKind
from certsvc.commands.imports.cells import read_cell
from certsvc.identifiers.citizen_id import CitizenId, eighteen
from certsvc.license.imports import LEAST_SAMPLE, MOST_SAMPLE, draw_sample, least_sample

CATALOG = load_catalog()
TYPES = (("001", "统一社会信用代码"), ("111", "公民身份号码"))


def column(
    kind: ColumnKind, *, key: str = "x", required: bool = True, choices: tuple[tuple[str, str], ...] = ()
) -> Column:
    return Column(key=key, heading="列", kind=kind, required=required, note="", choices=choices)


DAY, CODE, NAME = column(ColumnKind.DAY), column(ColumnKind.CODE), column(ColumnKind.NAME)
CITIZEN = column(ColumnKind.CITIZEN_ID)
UNTIL = column(ColumnKind.DAY, key="valid_until", required=False)
CHOICE = column(ColumnKind.CODE, choices=TYPES)
OPTIONAL = column(ColumnKind.TEXT, required=False)


@pytest.mark.parametrize(
    ("where", "text", "read"),
    [
        (DAY, "2016-03-01", "2016-03-01"),
        (DAY, "2016/3/1", "2016-03-01"),
        (DAY, " 2016年3月1日 ", "2016-03-01"),
        (UNTIL, "长期", ""),
        (UNTIL, "长期有效", ""),
        (CHOICE, "111", "111"),
        (CHOICE, "公民身份号码", "111"),
        (OPTIONAL, "  ", ""),
        (NAME, "欧阳·示例", "欧阳·示例"),
        (CODE, "0012", "0012"),
    ],
)
def test_what_can_be_read_in_one_way_is_taken(where: Column, text: str, read: str) -> None:
    assert read_cell(where, text, numeric=False) == (read, None)


@pytest.mark.parametrize(
    ("where", "text", "numeric", "code", "said"),
    [
        (DAY, "", False, "missing", "必填"),
        (DAY, "20160301", False, "date_form", "可改为 2016-03-01"),
        (DAY, "2016.3.1", False, "date_form", "可改为 2016-03-01"),
        (DAY, "42430", True, "date_form", "可改为 2016-03-01"),
        (DAY, "01/03/2016", False, "date_form", "按原件改写"),
        (DAY, "2016-02-30", False, "no_such_day", "没有这一天"),
        (DAY, "2016年13月1日", False, "no_such_day", "没有这一天"),
        (DAY, "长期", False, "date_form", "按原件改写"),
        (UNTIL, "9999-12-31", False, "date_form", "请填“长期”"),
        (CODE, "1.23E+17", False, "excel_number", "科学计数"),
        (CODE, "1.234567890123457e+17", True, "excel_number", "科学计数"),
        (CODE, "990101199001011000", False, "excel_number", "第 16 位以后"),
        (CODE, "123456", True, "leading_zero", "数字格式"),
        (CHOICE, "1", True, "leading_zero", "应为 001"),
        (CHOICE, "999", False, "unknown_code", "001（统一社会信用代码）、111（公民身份号码）"),
        (CITIZEN, "990101900101123", False, "old_id", "如无误应为 99010119900101123"),
        (CITIZEN, "990101901301123", False, "old_id", "请核对后填写 18 位"),
        (NAME, "张\ue863示\ue5e5", False, "private_use", "第 2 字 U+E863，可能是“䶮”；第 4 字 U+E5E5"),
        (OPTIONAL, "\U000f0001", False, "private_use", "U+F0001"),
    ],
)
def test_what_is_damaged_is_named_with_what_to_do(
    where: Column, text: str, numeric: bool, code: str, said: str
) -> None:
    _, fault = read_cell(where, text, numeric=numeric)
    assert fault is not None
    assert (fault.column, fault.code) == ("列", code)
    assert said in fault.detail, fault.detail


def test_many_private_characters_are_counted() -> None:
    _, fault = read_cell(NAME, "\ue000" * 9, numeric=False)
    assert fault is not None
    assert "等 9 字" in fault.detail


def test_every_old_character_of_gbk_has_one_new_one_of_its_own() -> None:
    found = [standard_for(chr(code)) for code in range(FIRST, LAST + 1)]
    assert len(set(found)) == len(found) == 80
    assert not [one for one in found if len(one) != 1 or PRIVATE.search(one)]
    assert (standard_for("\ue863"), standard_for("\ue81e"), standard_for("\ue000")) == ("䶮", "龴", "")


@pytest.mark.parametrize(
    ("old", "new"), [("990101900101123", "99010119900101123"), ("990101900231123", ""), ("9901", "")]
)
def test_an_old_number_becomes_a_new_one_only_if_it_can_have_been_one(old: str, new: str) -> None:
    made = eighteen(old)
    assert made[:17] == new
    assert not made or CitizenId.parse(made).value == made


def test_a_number_of_every_pattern_is_read_as_it_was_made() -> None:
    rules = [kind.number for kind in CATALOG.types if not kind.number.given]
    assert len(rules) > 60
    for rule in rules:
        parts = {f"choice:{name}": "2" for name in _choices(rule.pattern)}
        number = render_number(rule, region="990101", year=2019, sequence=42, parts=parts)
        read = read_number(rule, number)
        assert read is not None, rule
        assert (read.sequence, read.parts, read.check_good) == (42, parts, True)
        assert read.region == ("990101" if "{region}" in rule.pattern else "")
        assert read.year == (2019 if "{year}" in rule.pattern else 1)
        assert read_number(rule, "旧证字第 1 号") is None


def _choices(pattern: str) -> list[str]:
    return [piece.split("}")[0] for piece in pattern.split("{choice:")[1:]]


def test_a_wrong_check_digit_is_seen_and_given_numbers_have_no_pattern() -> None:
    food, company = CATALOG.type("food_operation").number, CATALOG.type("business_license").number
    good = render_number(food, region="990101", year=2019, sequence=1, parts={"choice:business_form": "1"})
    bad = good[:-1] + str((int(good[-1]) + 1) % 10)
    read = read_number(food, bad)
    assert read is not None
    assert not read.check_good
    assert read_number(company, "91990000MA0000015Q") is None


def test_a_sample_is_one_in_a_hundred_within_its_limits_and_only_grows() -> None:
    assert [least_sample(n) for n in (1, LEAST_SAMPLE, 60, 5_000, 10_000_000)] == [1, 20, 20, 50, MOST_SAMPLE]
    rows = range(2, 500)
    small, large = draw_sample("ab", rows, 20), draw_sample("ab", rows, 40)
    assert len(small) == 20
    assert set(small) < set(large)
    assert small == sorted(small) != draw_sample("cd", rows, 20)
