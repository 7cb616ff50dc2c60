"""License numbers: made, counted in series, checked when given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_10 as oracle

from certsvc.catalog.loader import load_catalog
from certsvc.catalog.model import NumberRule
from certsvc.catalog.numbers import (
    check_given_number,
    number_parts,
    number_series,
    pattern_fault,
    render_number,
)
from certsvc.errors import InvalidIdentifier, InvalidInput
from certsvc.identifiers.food_number import FoodNumber

CATALOG = load_catalog()
FOOD = CATALOG.type("food_operation").number
TEACHER = CATALOG.type("teacher_qualification").number
GUIDE = CATALOG.type("tour_guide").number
CATERING = {"choice:business_form": "2"}

regions = st.from_regex(r"[1-9][0-9](?:0[1-9]|[1-9][0-9])[0-9]{2}", fullmatch=True)


@given(regions, st.integers(1, 999_999), st.sampled_from("123"))
def test_a_food_number_is_valid_for_an_independent_library(region: str, sequence: int, form: str) -> None:
    parts = {"choice:business_form": form}
    number = render_number(FOOD, region=region, year=2026, sequence=sequence, parts=parts)
    assert oracle.is_valid(number.removeprefix("JY"))
    read = FoodNumber.parse(number)
    assert (read.category, read.region, int(read.sequence)) == (form, region, sequence)


def test_a_real_public_number_is_made_again_from_its_parts() -> None:
    assert render_number(FOOD, region="440300", year=2026, sequence=134, parts=CATERING) == "JY24403000001343"


def test_the_first_digit_of_a_food_number_follows_the_business_form() -> None:
    kind = CATALOG.type("food_operation")
    data = dict(CATALOG.sample("food_operation")["data"])
    digits = []
    for form in ("食品销售经营者", "餐饮服务经营者", "集中用餐单位食堂"):
        parts = number_parts(kind, data | {"business_form": form})
        digits.append(render_number(FOOD, region="990101", year=2026, sequence=1, parts=parts)[2])
    assert digits == ["1", "2", "3"]


def test_other_patterns_are_filled_in_place() -> None:
    assert render_number(TEACHER, region="990100", year=2026, sequence=7) == "20269901000000007"
    assert render_number(GUIDE, region="990100", year=2026, sequence=7) == "D-990100-000007"


def test_numbers_of_a_pattern_without_year_count_on_across_years() -> None:
    this, following = (number_series(FOOD, region="990101", year=year, parts=CATERING) for year in (2026, 2027))
    assert this == following
    assert number_series(TEACHER, region="990101", year=2026) != number_series(TEACHER, region="990101", year=2027)


def test_series_differ_where_the_fixed_part_differs() -> None:
    series = {
        number_series(FOOD, region=region, year=2026, parts={"choice:business_form": form})
        for region in ("990101", "990102")
        for form in "12"
    }
    assert len(series) == 4


@given(st.lists(st.integers(1, 999_999), min_size=2, max_size=20, unique=True))
def test_numbers_of_one_series_never_repeat(sequences: list[int]) -> None:
    made = {render_number(FOOD, region="990101", year=2026, sequence=n, parts=CATERING) for n in sequences}
    assert len(made) == len(sequences)


def test_a_series_that_is_used_up_is_refused_rather_than_widened() -> None:
    assert render_number(GUIDE, region="990100", year=2026, sequence=999_999) == "D-990100-999999"
    with pytest.raises(InvalidInput, match="流水已用完"):
        render_number(GUIDE, region="990100", year=2026, sequence=1_000_000)


def test_a_wrong_region_is_refused() -> None:
    with pytest.raises(InvalidIdentifier, match="行政区划代码"):
        render_number(GUIDE, region="99", year=2026, sequence=1)


@pytest.mark.parametrize(
    ("rule", "year", "sequence"),
    [
        (CATALOG.type("business_license").number, 2026, 1),
        (GUIDE, 2026, 0),
        (TEACHER, 20260, 1),
        (FOOD, 2026, 1),
    ],
    ids=["given number", "sequence zero", "year of five digits", "parts left out"],
)
def test_misuse_is_our_own_mistake(rule: NumberRule, year: int, sequence: int) -> None:
    with pytest.raises(RuntimeError):
        render_number(rule, region="990101", year=year, sequence=sequence)


@pytest.mark.parametrize(
    ("pattern", "check", "fault"),
    [
        ("A{seq:4}", "", ""),
        ("JY{choice:form}{region}{seq:6}{check}", "mod_11_10", ""),
        ("A", "", "{seq:N}"),
        ("{seq:4}{seq:4}", "", "{seq:N}"),
        ("{seq:0}", "", "占位符"),
        ("{seq:13}", "", "占位符"),
        ("{seq:4", "", "占位符"),
        ("{serial}", "", "占位符"),
        ("{holder_code}{seq:4}", "", "占位符"),
        ("{choice:other}{seq:4}", "", "choice:other"),
        ("{seq:4}{check}", "", "同时"),
        ("{seq:4}", "mod_11_10", "同时"),
        ("{check}{seq:4}", "mod_11_10", "末尾"),
        ("{seq:4}{check}{check}", "mod_11_10", "末尾"),
    ],
)
def test_a_pattern_that_cannot_work_is_told_why(pattern: str, check: str, fault: str) -> None:
    told = pattern_fault(NumberRule(pattern=pattern, check=check, given=False), {"form": 3})
    assert fault in told
    assert bool(fault) == bool(told)


def test_a_number_that_is_the_holders_code_must_be_that_code() -> None:
    kind = CATALOG.type("business_license")
    code = "91990000MA0000015Q"
    assert check_given_number(kind, "", holder_code=code) == code
    assert check_given_number(kind, f" {code} ", holder_code=code) == code
    with pytest.raises(InvalidInput, match="持证主体代码") as caught:
        check_given_number(kind, "12990000MB1000010N", holder_code=code)
    assert caught.value.problems[0].pointer == "/number"


@pytest.mark.parametrize("number", ["MB100001099010111A1001", "示卫医字〔2026〕第1号", "A-1/2.3"])
def test_a_free_number_is_taken_as_given(number: str) -> None:
    assert check_given_number(CATALOG.type("medical_institution"), number, holder_code="x") == number


@pytest.mark.parametrize("number", ["", "  ", "A B", "A\n1", "A\u202e1", "?", "1" * 129])
def test_a_number_of_another_form_is_refused(number: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_given_number(CATALOG.type("medical_institution"), number, holder_code="x")
    assert caught.value.problems[0].pointer == "/number"
