"""统一社会信用代码: real and synthetic codes, an independent library, every slip of a typist."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as oracle

from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.uscc import ALPHABET, Uscc, check_character, organisation_check_character

GOOD = (
    "11990000MB0000019F",
    "11990000MB0000027A",
    "11990000MB00000355",
    "11990000MB00000430",
    "11990000MB0000051T",
    "11990000MB000006XJ",
    "11990000MB0000078J",
    "11990000MB0000086D",
    "91990000MA0000015Q",
    "12990000MB1000010N",
    "52990000MJ0000018K",
    "11100000MB0143028R",
    "11100000000013127D",
    "11100000MB03271699",
    "11100000000013338W",
    "11100000000013661B",
    "11100000717823004M",
    "11100000MB0341032Y",
)
BAD = {
    "empty": ("", "18 位"),
    "seventeen": ("11990000MB0000019", "18 位"),
    "nineteen": ("11990000MB0000019F0", "18 位"),
    "lower case": ("11990000mb0000019f", "大写字母"),
    "letter O": ("1199OOOOMB0000019F", "大写字母"),
    "letter in the region": ("1199000AMB0000019F", "第 3 至 8 位"),
    "full width": ("１1990000MB0000019F", "大写字母"),
    "wrong check": ("11990000MB0000019G", "校验位"),
}

bodies = st.from_regex(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{9}}", fullmatch=True)
digit_bodies = st.from_regex(rf"[0-9]{{8}}[{ALPHABET}]{{9}}", fullmatch=True)


@pytest.mark.parametrize("text", GOOD)
def test_known_codes_are_read_without_a_warning(text: str) -> None:
    read = Uscc.parse(text)
    assert str(read) == text
    assert read.warnings == ()
    assert read.department + read.region + read.organisation_code + text[-1] == text


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD.keys())
def test_a_wrong_code_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidIdentifier, match=reason) as caught:
        Uscc.parse(text)
    assert not text or text not in caught.value.detail


def test_a_wrong_organisation_code_is_a_warning_only() -> None:
    body = "11990000MB0000018"
    read = Uscc.parse(body + check_character(body))
    assert len(read.warnings) == 1
    assert "人工核对" in read.warnings[0]


def test_the_check_of_the_organisation_code_has_an_x_for_ten() -> None:
    assert organisation_check_character("MB000006") == "X"


@given(digit_bodies)
def test_the_check_character_agrees_with_an_independent_library(body: str) -> None:
    assert check_character(body) == oracle.calc_check_digit(body)


@given(digit_bodies, st.sampled_from(ALPHABET))
def test_both_libraries_accept_the_same_codes(body: str, check: str) -> None:
    try:
        accepted = Uscc.parse(body + check).value == body + check
    except InvalidIdentifier:
        accepted = False
    assert accepted == oracle.is_valid(body + check)


@given(bodies)
def test_every_single_wrong_character_and_every_swap_is_found(body: str) -> None:
    text = body + check_character(body)
    wrong = {text[:i] + other + text[i + 1 :] for i in range(len(text)) for other in ALPHABET if other != text[i]}
    wrong |= {text[:i] + text[i + 1] + text[i] + text[i + 2 :] for i in range(len(text) - 1)} - {text}
    for other_text in wrong:
        with pytest.raises(InvalidIdentifier):
            Uscc.parse(other_text)


@pytest.mark.parametrize("body", ["", "1199", "I1990000MB0000019", "²1990000MB0000019"])
def test_a_body_of_another_form_has_no_check_character(body: str) -> None:
    with pytest.raises(InvalidIdentifier):
        check_character(body)
    with pytest.raises(InvalidIdentifier):
        organisation_check_character(body)


@given(st.text(max_size=30) | st.text(alphabet=ALPHABET + "IOSVZ ", min_size=18, max_size=18))
def test_parse_raises_nothing_but_its_own_error(text: str) -> None:
    with contextlib.suppress(InvalidIdentifier):
        assert str(Uscc.parse(text)) == text
