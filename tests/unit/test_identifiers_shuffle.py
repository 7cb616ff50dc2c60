"""The shuffle gives every number a place of its own, and no order that can be counted."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.identifiers.shuffle import Shuffle

PINNED = [118418, 99041, 782423, 789286, 213279]
KEYS = st.binary(min_size=32, max_size=32)


@settings(max_examples=60, deadline=None)
@given(KEYS, st.sampled_from([2, 4, 6, 8, 10, 12]))
def test_every_number_has_one_place_and_every_place_one_number(key: bytes, bits: int) -> None:
    shuffle = Shuffle(key, bits)
    assert sorted(map(shuffle.place, range(shuffle.size))) == list(range(1 << bits))


def test_a_whole_list_is_filled_without_a_repetition() -> None:
    shuffle = Shuffle(bytes(range(32)), 20)
    seen = bytearray(shuffle.size)
    for number in range(shuffle.size):
        seen[shuffle.place(number)] += 1
    assert seen == b"\1" * shuffle.size


def test_places_never_change_for_they_stand_in_signed_documents() -> None:
    shuffle = Shuffle(bytes(range(32)), 20)
    assert [shuffle.place(number) for number in (0, 1, 2, 3, (1 << 20) - 1)] == PINNED


@settings(max_examples=30, deadline=None)
@given(KEYS)
def test_neighbours_do_not_stand_together(key: bytes) -> None:
    """Of a thousand random steps about two are shorter than a thousandth of the range."""
    shuffle = Shuffle(key, 20)
    places = [shuffle.place(number) for number in range(1000)]
    near = sum(abs(a - b) < 1048 for a, b in itertools.pairwise(places))
    assert near < 20
    ups = sum(a < b for a, b in itertools.pairwise(places))
    assert 400 < ups < 600


@given(KEYS, KEYS)
def test_another_key_is_another_order(key: bytes, other: bytes) -> None:
    one, two = Shuffle(key, 20), Shuffle(other, 20)
    assert (key == other) == ([one.place(n) for n in range(20)] == [two.place(n) for n in range(20)])


@pytest.mark.parametrize("number", [-1, 16, 1 << 40])
def test_a_number_out_of_range_is_our_own_mistake(number: int) -> None:
    with pytest.raises(RuntimeError):
        Shuffle(bytes(32), 4).place(number)


@pytest.mark.parametrize(("key", "bits"), [(bytes(31), 20), (bytes(32), 3), (bytes(32), 0), (bytes(32), 34)])
def test_a_short_key_or_odd_bits_are_our_own_mistake(key: bytes, bits: int) -> None:
    with pytest.raises(RuntimeError):
        Shuffle(key, bits)
