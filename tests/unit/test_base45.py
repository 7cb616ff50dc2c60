"""Base45: the examples of RFC 9285, one spelling per bytes, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offline_phone import base45

from certsvc.signing.base45 import ALPHABET, decode, encode


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
        (b"\xff\xff", "FGW"),
        (b"\xff", "U5"),
    ],
)
def test_the_examples_of_rfc_9285(data: bytes, text: str) -> None:
    assert encode(data) == text
    assert decode(text) == data


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AAAA",
        "GGW",
        ":::",
        "::",
        "V5",
        "bb8",
        "BB8\n",
        " BB8\t",
        "BB_",
        "ÄÖÜ",
        "ＡＢ８",
        "\0\0\0",
        "AB\xff",
    ],
)
def test_what_is_not_base45_is_not_read(text: str) -> None:
    assert decode(text) is None


@given(st.binary(max_size=400))
def test_bytes_come_back_and_a_second_writer_agrees(data: bytes) -> None:
    text = encode(data)
    assert text == base45(data)
    assert decode(text) == data
    assert not text.endswith(" "), "or a scanner that trims would change it"


@given(st.text(alphabet=ALPHABET, max_size=60))
def test_a_text_that_is_read_is_the_one_that_would_be_written(text: str) -> None:
    data = decode(text)
    assert data is None or encode(data) == text
