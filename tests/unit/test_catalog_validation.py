"""Payloads against their type: everything wrong is named at once, and what was approved is kept as it is."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.catalog.loader import load_catalog
from certsvc.catalog.validation import check_text, face_date, parse_date, validate_fields
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.identifiers.holder_code import HolderCode

CATALOG = load_catalog()
FOOD = CATALOG.type("food_operation")
ROAD = CATALOG.type("road_transport_worker")
MEDICAL = CATALOG.type("medical_institution")


def food(**changed: object) -> dict[str, object]:
    """A good payload with some fields changed."""
    return {**CATALOG.sample("food_operation")["data"], **changed}


def problems(slug: str, data: dict[str, object], *, holder: HolderCode | None = None) -> tuple[FieldProblem, ...]:
    """The problems of a payload that must be refused."""
    with pytest.raises(InvalidInput) as caught:
        validate_fields(CATALOG.type(slug), data, holder=holder)
    return caught.value.problems


def test_surrounding_blanks_are_trimmed_and_nothing_else_is_changed() -> None:
    checked = validate_fields(FOOD, food(premises="\u3000 示例路 1 号（Ａ座）\u3000"))
    assert checked["premises"] == "示例路 1 号（Ａ座）"


def test_every_fault_is_named_at_once() -> None:
    found = problems(
        "food_operation",
        {"premises": "x" * 101, "business_form": "夜市", "signer": 7, "cellar": "?", "residence": "a\x00b"},
    )
    assert {(problem.pointer, problem.code) for problem in found} == {
        ("/data/cellar", "unknown_field"),
        ("/data/legal_representative", "missing"),
        ("/data/residence", "text"),
        ("/data/premises", "too_long"),
        ("/data/business_form", "choice"),
        ("/data/business_items", "missing"),
        ("/data/supervisor", "missing"),
        ("/data/signer", "type"),
    }
    assert all(problem.detail for problem in found)


def test_an_empty_optional_field_is_left_out_and_an_empty_required_one_refused() -> None:
    data: dict[str, object] = dict(CATALOG.sample("medical_institution")["data"])
    assert "beds" not in validate_fields(MEDICAL, data | {"beds": " "})
    assert "beds" not in validate_fields(MEDICAL, {key: value for key, value in data.items() if key != "beds"})
    assert problems("medical_institution", data | {"principal": "\u3000"})[0].code == "missing"


@pytest.mark.parametrize(("value", "kept"), [(300, "300"), ("300", "300"), (0, "0")])
def test_a_whole_number_may_come_as_number_or_text(value: object, kept: str) -> None:
    data: dict[str, object] = dict(CATALOG.sample("medical_institution")["data"])
    assert validate_fields(MEDICAL, data | {"beds": value})["beds"] == kept


@pytest.mark.parametrize("value", [-1, "1,000", "３００", "3.5", 3.5, True, "03", 10**400, "1" * 7])
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    data: dict[str, object] = dict(CATALOG.sample("medical_institution")["data"])
    assert problems("medical_institution", data | {"beds": value})[0].pointer == "/data/beds"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("示例\u0007店", "U+0007"),
        ("示例\n店", "换行"),
        ("示例\u202e店", "U+202E"),
        ("示例\u200b店", "U+200B"),
        ("示例\u2028店", "U+2028"),
        ("示例\ue863店", "自造字区字符 U+E863"),
        ("示例\U000f0000店", "自造字区"),
        ("示例\ufffd店", "U+FFFD"),
        ("示例\ud800店", "代理码"),
        ("示例\ufdd0店", "未定义"),
        ("锟斤拷店", "乱码"),
    ],
)
def test_characters_that_cannot_be_printed_or_hide_are_refused_by_code_point(value: str, word: str) -> None:
    (problem,) = problems("food_operation", food(premises=value))
    assert problem.pointer == "/data/premises"
    assert word in problem.detail


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("张?例", "问号"),
        ("张？例", "问号"),
        ("张 例", "空格"),
        ("张\u3000例", "空格"),
        ("阿依•买买提", "U+00B7"),
        ("阿依・买买提", "U+00B7"),
    ],
)
def test_damaged_names_are_refused_with_a_reason(name: str, word: str) -> None:
    (problem,) = problems("food_operation", food(legal_representative=name))
    assert word in problem.detail
    assert word in check_text(name, max_length=100, is_name=True)
    assert check_text(name, max_length=100, is_name=False) == ""


@pytest.mark.parametrize(
    "name", ["张示例", "阿依古丽·买买提", "MARIA ANTONIA EXAMPLE", "𠮷示例", "\U0002ebf0示例", "㛃", "Ångström"]
)
def test_real_names_of_every_kind_are_taken(name: str) -> None:
    assert check_text(name, max_length=100, is_name=True) == ""


def test_a_question_mark_is_fine_where_no_name_stands() -> None:
    assert validate_fields(FOOD, food(business_items="要不要香菜？都可以"))["business_items"] == "要不要香菜？都可以"


@pytest.mark.parametrize(("text", "fault"), [("", "不能为空"), (" \u3000", "不能为空"), ("x" * 11, "超过 10 个字符")])
def test_empty_and_long_texts_are_told_apart(text: str, fault: str) -> None:
    assert fault in check_text(text, max_length=10, is_name=False)


@pytest.mark.parametrize(
    ("day", "shown"),
    [(date(2026, 1, 1), "2026年1月1日"), ("2026-12-31", "2026年12月31日"), (" 2024-02-29 ", "2024年2月29日")],
)
def test_dates_are_printed_without_leading_zeros(day: date | str, shown: str) -> None:
    assert face_date(day) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-1-1",
        "20260101",
        "2026-02-30",
        "2026/01/01",
        "２０２６-01-01",
        "2026-01-01T00:00",
        "1700-01-01",
        "2026-W01-1",
    ],
)
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_date(text)


@given(st.dates(min_value=date(1850, 1, 1)))
def test_every_day_is_read_as_it_is_written(day: date) -> None:
    assert parse_date(day.isoformat()) == day
    assert face_date(day.isoformat()) == f"{day.year}年{day.month}月{day.day}日"


def test_sex_and_birthday_must_be_those_of_the_id_number() -> None:
    data: dict[str, object] = dict(CATALOG.sample("road_transport_worker")["data"])
    holder = HolderCode.parse("111", "990101198506150020")
    found = problems("road_transport_worker", data, holder=holder)
    assert [(problem.pointer, problem.code) for problem in found] == [
        ("/data/sex", "contradiction"),
        ("/data/birth_date", "contradiction"),
    ]
    assert not any("19850615" in problem.detail for problem in found)
    assert validate_fields(ROAD, data, holder=HolderCode.parse("111", "990101198304170074"))
    assert validate_fields(ROAD, data, holder=HolderCode.parse("414", "E00000000"))


def test_a_refusal_never_repeats_what_was_sent() -> None:
    secret = "990101198506150020"
    found = problems("food_operation", food(business_form=secret, premises=f"{secret}\x00", signer=f"{secret}?"))
    assert len(found) == 3
    assert not any(secret in problem.detail or secret in problem.pointer for problem in found)


def test_a_flood_of_keys_is_one_problem() -> None:
    found = problems("food_operation", {f"k{number}": "x" for number in range(100_000)})
    assert [(problem.pointer, problem.code) for problem in found] == [("/data", "too_many")]


def test_a_strange_key_is_escaped_and_cut_short() -> None:
    found = problems("food_operation", food(**{"a/b~c": "x", "k" * 1000: "x", "\x00": "x"}))
    assert {problem.pointer for problem in found} == {"/data/a~1b~0c", "/data/" + "k" * 40, "/data/\ufffd"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from([kind.slug for kind in CATALOG.types]),
    st.data(),
)
def test_no_payload_raises_anything_else(slug: str, data: st.DataObject) -> None:
    kind = CATALOG.type(slug)
    keys = st.sampled_from([spec.key for spec in kind.fields]) | st.text(max_size=8)
    payload = data.draw(st.dictionaries(keys, json_values, max_size=8))
    try:
        checked = validate_fields(kind, {**CATALOG.sample(slug)["data"], **payload})
    except InvalidInput as error:
        refused = error.problems
    else:
        refused = ()
        assert all(kind.field(key) is not None and text == text.strip() for key, text in checked.items())
    assert all(problem.pointer.startswith("/data") and problem.detail for problem in refused)
