"""Both ways of writing canonical JSON give the same bytes, or the same refusal."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from certsvc.events.canonical import canonical

TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
NUMBERS = st.integers() | st.integers(-(2**54), 2**54) | st.floats()
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=20,
)


def outcome(write: object, value: object) -> bytes | str:
    try:
        return bytes(write(value))  # type: ignore[operator]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        return type(error).__name__


@given(VALUES)
def test_the_bytes_are_those_of_rfc_8785_whatever_the_value(value: object) -> None:
    assert outcome(canonical, value) == outcome(rfc8785.dumps, value)


@pytest.mark.parametrize(
    "value",
    [
        {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7},
        {"b": 1e21, "a": [1.0, -0.0, 4.5e-7, 333333333.33333329]},
        {"text": "".join(map(chr, range(0x100))) + "\u2028\u2029\ufeff\uffff\U0010ffff"},
        {"most": 2**53 - 1, "least": -(2**53) + 1, "true": True, "none": None, "empty": [{}, [], ""]},
    ],
)
def test_order_escapes_and_numbers_that_tell_writers_apart(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [2**53, {"a": float("nan")}, "\ud800", {"a": object()}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    assert outcome(canonical, value) == outcome(rfc8785.dumps, value)
    assert isinstance(outcome(canonical, value), str)
