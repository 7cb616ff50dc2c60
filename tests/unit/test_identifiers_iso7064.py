"""The two check systems against an independent library and against every slip they promise to find."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_10 as oracle_11_10
from stdnum.iso7064 import mod_37_36 as oracle_37_36

from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.iso7064 import ALPHANUMERIC, DIGITS, mod_11_10, mod_37_36


@given(st.text(alphabet=ALPHANUMERIC, min_size=1, max_size=80))
def test_mod_37_36_agrees_with_an_independent_library(body: str) -> None:
    assert mod_37_36(body) == oracle_37_36.calc_check_digit(body)


@given(st.text(alphabet=DIGITS, min_size=1, max_size=40))
def test_mod_11_10_agrees_with_an_independent_library(body: str) -> None:
    assert mod_11_10(body) == oracle_11_10.calc_check_digit(body)


@pytest.mark.parametrize(
    ("check", "oracle", "alphabet"),
    [
        pytest.param(mod_37_36, oracle_37_36.calc_check_digit, ALPHANUMERIC, id="MOD 37,36"),
        pytest.param(mod_11_10, oracle_11_10.calc_check_digit, DIGITS, id="MOD 11,10"),
    ],
)
def test_one_pair_of_characters_per_state_may_trade_places_unseen(
    check: Callable[[str], str], oracle: Callable[[str], str], alphabet: str
) -> None:
    # One character in front brings the recursion into every state, so three characters are the general case.
    def unseen(function: Callable[[str], str]) -> list[tuple[str, str, str]]:
        return [
            (first, left, right)
            for first in alphabet
            for left, right in itertools.combinations(alphabet, 2)
            if function(first + left + right) == function(first + right + left)
        ]

    missed = unseen(check)
    assert [first for first, _, _ in missed] == list(alphabet)
    assert missed == unseen(oracle)


@pytest.mark.parametrize("body", ["", "0a", "１", "0.1", "²", "\ud800"])
def test_a_body_outside_the_alphabet_is_refused(body: str) -> None:
    with pytest.raises(InvalidIdentifier):
        mod_37_36(body)
    with pytest.raises(InvalidIdentifier):
        mod_11_10(body)
