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


def test_every_word_and_every_length_around_what_is_computed_at_once() -> None:
    words = b"".join(word.to_bytes(2, "big") for word in range(1 << 16))
    assert encode(words) == base45(words)
    assert decode(base45(words)) == words
    for size in (509, 510, 511, 512, 513, 514, 1023, 1024, 1025):
        assert encode(words[-size:]) == base45(words[-size:])
        assert decode(encode(words[-size:])) == words[-size:]


def test_every_triple_over_the_range_of_its_bytes_is_refused_wherever_it_stands() -> None:
    for value in range(1 << 16, 45**3):
        triple = ALPHABET[value % 45] + ALPHABET[value // 45 % 45] + ALPHABET[value // 2025]
        assert decode(triple) is None
    for place in (0, 1, 255, 256, 300):
        assert decode("000" * place + "GGW" + "000" * (300 - place)) is None
