"""The quick way writes what the reference implementation of RFC 8785 writes, and refuses what that refuses."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from certsvc.events.canonical import canonical

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e22, 1e22) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
def test_the_bytes_are_those_of_the_reference(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_every_character_is_written_alike() -> None:
    for code in (*range(0xD800), *range(0xE000, 0x10FFFF, 257)):
        value = {"text": chr(code), "b": [chr(code)]}
        assert canonical(value) == rfc8785.dumps(value), hex(code)


def test_names_beyond_ascii_are_ordered_as_the_standard_has_it() -> None:
    value = {"\ue000": 1, "\U0001f600": 2, "é": 3}
    assert orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, -(2**53), {"a": ["\ud800"]}, {"\udfff": 1}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
        rfc8785.dumps(value)
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
        canonical(value)


def test_evidence_takes_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    class Word(StrEnum):
        ONE = "one"

    monkeypatch.setattr(rfc8785, "dumps", lambda _: b"slow")
    assert canonical({"b": ["甲", True, None, 7], "a": ()}) == '{"a":[],"b":["甲",true,null,7]}'.encode()
    assert canonical({"a": Word.ONE}) == b"slow"
