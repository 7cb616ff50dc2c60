"""Arrays as draft-ietf-oauth-status-list prints them (§4.1, appendix C), what a bit means, and how large a list is."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from status_reader import ReadList, marks_of, packed

from certsvc.identifiers.shuffle import Shuffle
from certsvc.license.states import ENDED, State
from certsvc.license.status_list import (
    ENTRIES,
    MAX_AGE_S,
    REBUILD_S,
    TTL_S,
    WIDTHS,
    Status,
    StatusArray,
    aggregation_uri,
    compress,
    list_of,
    list_uri,
    narrowed,
    numbers_of,
    place_in,
    shuffle_of,
    status_of,
)
from certsvc.store.tables import NOT_GOOD

ONE_BIT = (1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1)
TWO_BITS = (1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3)

PLACES = (0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345)
TWO_BIT_VALUES = (1, 2, 1, 3, 1, 1, 2, 1, 1, 2, 3)
LARGE_ONE_BIT = (
    "78daeddc010dc0200c0041a88249400ad2903e0f4b"
    "ba00bd93f002beb7a2a2010000a91e09000000000000000000000000000000807296"
    "04000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000005c6f4800000000000000fc2c240000000000000000000000be1b12"
    "000000000000000000ecaa4b000000000000000000000000000000009b0b09000000"
    "00000000000038de9400000000000000002a30cc010000000080642f0bd8011b"
)
"""Appendix C.1: 2^20 entries of one bit."""
LARGE_TWO_BIT = (
    "78daeddb310d00211000412ea1a04004fe5520ed"
    "357c28c81d3312b6df68bc65480000000000406e2101000000000000000000000000"
    "0000000000000000000000000000000000000040795b020000000000000000000000"
    "00000000000000000000000000000000000000000000000000000000000000000000"
    "00000000000000000000000000000000000000000000000000000000000000000000"
    "0080f4ba0400000000000000000000000000406d764a000000000000000000000000"
    "000000000000000000e0922101000000000000000000000000000000000000fc1312"
    "00000000000000000000000000000000000000000000000000000000000000c0912e"
    "01000000000000000000000000000000000000c07d4b020000000000000000000000"
    "00000000a8614a0000000000000000000000406a1fcd60010c"
)
"""Appendix C.2: 2^20 entries of two bits."""


@pytest.mark.parametrize(
    ("values", "bits", "array", "compressed"),
    [
        pytest.param(ONE_BIT, 1, "b9a3", "78dadbb918000217015d", id="1-bit"),
        pytest.param(TWO_BITS, 2, "c944f9", "78da3be9f2130003df0207", id="2-bit"),
    ],
)
def test_the_small_arrays_of_the_draft(values: tuple[int, ...], bits: int, array: str, compressed: str) -> None:
    made = packed(enumerate(values), bits, len(values))
    assert made.hex() == array
    assert compress(made).hex() == compressed


@pytest.mark.parametrize(
    ("values", "bits", "compressed"),
    [
        pytest.param([1] * len(PLACES), 1, LARGE_ONE_BIT, id="1-bit"),
        pytest.param(TWO_BIT_VALUES, 2, LARGE_TWO_BIT, id="2-bit"),
    ],
)
def test_the_large_arrays_of_the_draft(values: list[int], bits: int, compressed: str) -> None:
    """Compressors may differ in bytes; what comes out again may not."""
    array = packed(zip(PLACES, values, strict=True), bits)
    assert zlib.decompress(bytes.fromhex(compressed)) == array
    assert zlib.decompress(compress(array)) == array


@given(st.sampled_from(WIDTHS).flatmap(lambda bits: st.tuples(
    st.just(bits), st.dictionaries(st.integers(0, 255), st.integers(0, (1 << bits) - 1))
)))  # fmt: skip
def test_an_independent_reader_finds_every_value_again(case: tuple[int, dict[int, int]]) -> None:
    bits, values = case
    found = ReadList({}, {}, "", bits, zlib.decompress(compress(packed(values.items(), bits, 256))))
    assert [found.status(index) for index in range(256)] == [values.get(index, 0) for index in range(256)]
    with pytest.raises(IndexError):
        found.status(256)


STEPS = st.lists(st.dictionaries(st.integers(0, 255), st.integers(0, 2)), min_size=1, max_size=6)


@given(STEPS, st.sampled_from(WIDTHS))
def test_an_array_that_followed_every_change_is_the_one_that_is_built_at_once(
    steps: list[dict[int, int]], bits: int
) -> None:
    array = StatusArray(bits, 256)
    shuffle = Shuffle(bytes(32), 8)
    for values in steps:
        array.follow(marks_of(values.items()), shuffle.place)
        fresh = StatusArray(bits, 256)
        fresh.follow(marks_of(values.items()), shuffle.place)
        assert bytes(array) == bytes(fresh)
        found = ReadList({}, {}, "", bits, bytes(array))
        for place in range(256):
            expected = values.get(place, 0)
            assert found.status(shuffle.place(place)) == (min(expected, 1) if bits == 1 else expected)


def test_only_what_changed_is_looked_up() -> None:
    asked: list[int] = []

    def place(number: int) -> int:
        asked.append(number)
        return number

    array = StatusArray(1)
    array.follow(marks_of([(5, 1), (6, 1), (900_000, 1)]), place)
    assert sorted(asked) == [5, 6, 900_000]
    asked.clear()
    array.follow(marks_of([(5, 1), (7, 1), (900_000, 1)]), place)
    assert sorted(asked) == [6, 7]


def test_every_state_has_a_value_and_only_good_ones_are_valid() -> None:
    for state in State:
        one, two = (narrowed(status_of(state), bits) for bits in WIDTHS)
        assert one == (Status.INVALID if state in ENDED or state is State.SUSPENDED else Status.VALID), state
        assert two == (Status.SUSPENDED if state is State.SUSPENDED else one), state
        assert one.value < 2
        assert two.value < 4


def test_the_index_that_a_list_is_built_from_holds_exactly_what_is_not_valid() -> None:
    named = {state for state in State if f"'{state.value}'" in NOT_GOOD}
    assert NOT_GOOD.startswith("state NOT IN")
    assert {state for state in State if status_of(state) is Status.VALID} == named


@given(st.integers(1, 1 << 40))
def test_a_number_belongs_to_one_list_and_stands_inside_it(number: int) -> None:
    list_no = list_of(number)
    first, last = numbers_of(list_no)
    assert first <= number <= last
    assert last - first + 1 == ENTRIES
    assert numbers_of(list_no + 1)[0] == last + 1
    assert number == first + place_in(number)


def test_an_ending_is_in_every_hand_within_a_minute() -> None:
    """A process, a cache between and a reader may each keep a list, one after the other."""
    assert REBUILD_S <= 30
    assert REBUILD_S + MAX_AGE_S + TTL_S < 60


def test_addresses_stand_below_the_public_base() -> None:
    assert aggregation_uri("https://zz.example/") == "https://zz.example/v1/status-lists"
    assert list_uri("https://zz.example", 7) == "https://zz.example/v1/status-lists/7"
    assert list_uri("https://zz.example", 7, 2) == "https://zz.example/v1/status-lists/7-2"


@pytest.mark.parametrize(
    ("ended", "bits", "most"),
    [
        pytest.param(10_000, 1, 14_500, id="one in a hundred"),
        pytest.param(10_000, 2, 15_000, id="one in a hundred, two bits"),
        pytest.param(1_000, 1, 2_500, id="one in a thousand"),
        pytest.param(0, 1, 200, id="none"),
    ],
)
def test_a_million_licenses_are_as_small_as_the_documentation_says(ended: int, bits: int, most: int) -> None:
    for seed in range(3):
        places = random.Random(seed).sample(range(1_000_000), ended)
        array = StatusArray(bits)
        array.follow(marks_of((place, 1) for place in places), shuffle_of(bytes([seed] * 32)).place)
        assert len(compress(bytes(array))) <= most
