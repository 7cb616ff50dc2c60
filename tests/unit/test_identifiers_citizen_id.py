"""公民身份号码: the published examples, the cards that share the form, every slip of a typist."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_2 as oracle

from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.citizen_id import CitizenId, CitizenIdKind, Sex, check_character

GOOD = {
    "11010519491231002X": (date(1949, 12, 31), Sex.FEMALE, CitizenIdKind.RESIDENT),
    "440524188001010014": (date(1880, 1, 1), Sex.MALE, CitizenIdKind.RESIDENT),
    "34052419800101001X": (date(1980, 1, 1), Sex.MALE, CitizenIdKind.RESIDENT),
    "990101199001010019": (date(1990, 1, 1), Sex.MALE, CitizenIdKind.SANDBOX),
    "990101198506150020": (date(1985, 6, 15), Sex.FEMALE, CitizenIdKind.SANDBOX),
}
BAD = {
    "empty": ("", "18 位"),
    "fifteen digits": ("110105491231002", "15 位旧号码"),
    "fifteen letters": ("ABCDEFGHIJKLMNO", "应为 18 位"),
    "letters": ("1101051949123100XX", "半角数字"),
    "full width": ("１10105194912310021", "半角数字"),
    "leading zero": ("010105194912310021", "首位不为 0"),
    "no such day": ("11010519490230002X", "出生日期"),
    "leap day of a common year": ("99010119010229001X", "出生日期"),
    "too early": ("99010117001231001X", "1850"),
    "wrong check": ("990101199001010018", "校验位"),
    "line feed": ("99010119900101001\n", "半角数字"),
}

days = st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31))


def number(region: str, born: date, order: int) -> str:
    """A valid number; the independent library makes the check character."""
    body = f"{region}{born:%Y%m%d}{order:03d}"
    return body + oracle.calc_check_digit(body)


numbers = st.builds(number, st.from_regex(r"[1-9][0-9]{5}", fullmatch=True), days, st.integers(0, 999))


@pytest.mark.parametrize(("text", "facts"), GOOD.items(), ids=GOOD.keys())
def test_known_numbers_tell_birth_sex_and_card(text: str, facts: tuple[date, Sex, CitizenIdKind]) -> None:
    read = CitizenId.parse(text)
    assert (read.birth_date, read.sex, read.kind) == facts
    assert str(read) == text
    assert read.region == text[:6]


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD.keys())
def test_a_wrong_number_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidIdentifier, match=reason) as caught:
        CitizenId.parse(text)
    assert not text or text not in caught.value.detail


@pytest.mark.parametrize(
    ("region", "kind"),
    [
        ("810000", CitizenIdKind.HONG_KONG_MACAO_TAIWAN),
        ("820000", CitizenIdKind.HONG_KONG_MACAO_TAIWAN),
        ("830000", CitizenIdKind.HONG_KONG_MACAO_TAIWAN),
        ("911124", CitizenIdKind.PERMANENT_RESIDENCE),
        ("990101", CitizenIdKind.SANDBOX),
    ],
)
def test_cards_that_share_the_form_are_accepted_and_told_apart(region: str, kind: CitizenIdKind) -> None:
    assert CitizenId.parse(number(region, date(1988, 8, 8), 1)).kind is kind


def test_a_small_x_is_read_as_the_capital() -> None:
    assert CitizenId.parse("11010519491231002x") == CitizenId.parse("11010519491231002X")


@pytest.mark.parametrize(("day", "age"), [(date(2008, 2, 28), 7), (date(2008, 2, 29), 8), (date(2007, 3, 1), 7)])
def test_age_counts_full_years(day: date, age: int) -> None:
    assert CitizenId.parse(number("990101", date(2000, 2, 29), 1)).age_on(day) == age


@given(numbers)
def test_numbers_made_by_an_independent_library_are_read(text: str) -> None:
    read = CitizenId.parse(text)
    assert str(read) == text
    assert f"{read.birth_date:%Y%m%d}" == text[6:14]
    assert check_character(text[:-1]) == text[-1]


@given(numbers)
def test_every_single_wrong_character_and_every_swap_is_found(text: str) -> None:
    wrong = {text[:i] + other + text[i + 1 :] for i in range(len(text)) for other in "0123456789X" if other != text[i]}
    wrong |= {text[:i] + text[i + 1] + text[i] + text[i + 2 :] for i in range(len(text) - 1)} - {text}
    for other_text in wrong:
        with pytest.raises(InvalidIdentifier):
            CitizenId.parse(other_text)


@given(st.text(max_size=30) | st.text(alphabet="0123456789Xx²٣", min_size=15, max_size=18))
def test_parse_raises_nothing_but_its_own_error(text: str) -> None:
    with contextlib.suppress(InvalidIdentifier):
        assert str(CitizenId.parse(text)) == text.upper()


@pytest.mark.parametrize("body", ["", "9901011990010100X", "²9010119900101001"])
def test_a_body_of_another_form_has_no_check_character(body: str) -> None:
    with pytest.raises(InvalidIdentifier):
        check_character(body)
