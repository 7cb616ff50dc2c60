"""Token Status List (draft-ietf-oauth-status-list §4, §7): which bit says what about a license version.

Every version has one entry for good: a list and an index in it. The list says what stands on the register about a
version that was decided: it says nothing of dates, so a license past its last day is still ``VALID`` here, and whoever
reads a license looks at its dates first (§8.3). What a value means:

* ``VALID`` 0: valid, or a provisional opinion that stands;
* ``INVALID`` 1: ended in any way, superseded or voided;
* ``SUSPENDED`` 2: suspended (暂扣). A list of one bit has no room for it and says ``INVALID``.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING

from certsvc.identifiers.shuffle import Shuffle
from certsvc.license.states import ENDED, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

LIST_BITS = 20
ENTRIES = 1 << LIST_BITS
"""Entries of a list, used or not. A million licenses share one, so nobody can tell whose a reader looks at (§12.1), and
a list tells nobody how many licenses there are."""

WIDTHS = (1, 2)
"""Bits per entry in which every list is published; the first is the one that licenses refer to."""

REBUILD_S = 10
"""How old what a process read from the register may be when it is handed out."""
MAX_AGE_S = 10
"""How long caches between us and a reader keep a list."""
TTL_S = 30
"""How long a reader keeps it. The three together stay under the 60 s in which an ending is to be seen everywhere."""
RESIGN_S = 300
"""An unchanged list is signed anew after this time; until then readers are told that theirs is the newest."""
LIFETIME_S = 24 * 3600
"""``exp``: how long a reader without network may go on with a list while telling its age (as long as offline codes)."""

WORD_BITS = 32
"""How many neighbours the database puts together: a list is at most 32,768 rows, however many of it have ended."""

_HIGHEST_COMPRESSION = 9


class Status(IntEnum):
    """Values of draft-ietf-oauth-status-list §7.1."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusEntry:
    """Where a version's status stands."""

    list_no: int
    index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusClaims:
    """What a signed list states.

    Attributes:
        lst: the compressed array.
        uri: where this list is, as licenses refer to it.
        issued_at: the register was read at this moment or a little later.
    """

    uri: str
    aggregation_uri: str
    bits: int
    lst: bytes
    issued_at: datetime
    expires_at: datetime
    ttl_s: int = TTL_S


@dataclass(frozen=True, slots=True)
class Mark:
    """Versions of one status among :data:`WORD_BITS` neighbours in the row of a list's numbers, lowest bit first."""

    word: int
    status: Status
    mask: int


def status_of(state: State) -> Status:
    """The status that a state is."""
    if state in ENDED:
        return Status.INVALID
    return Status.SUSPENDED if state is State.SUSPENDED else Status.VALID


def narrowed(status: Status, bits: int) -> Status:
    """The status as a list of ``bits`` per entry has room for it."""
    return Status.INVALID if status is Status.SUSPENDED and bits == 1 else status


def list_of(number: int) -> int:
    """The list, from 1, of the version with this status number, from 1."""
    return ((number - 1) >> LIST_BITS) + 1


def numbers_of(list_no: int) -> tuple[int, int]:
    """The first and the last status number of a list."""
    return ((list_no - 1) << LIST_BITS) + 1, list_no << LIST_BITS


def place_in(number: int) -> int:
    """Where a status number stands in the row of its list, from 0."""
    return (number - 1) % ENTRIES


@cache
def shuffle_of(key: bytes) -> Shuffle:
    """What makes an index of a place; one per list, and a service has as many lists as millions of versions."""
    return Shuffle(key, LIST_BITS)


class StatusArray:
    """The array of one list (§4.1 steps 2 and 3), following the register: only entries that changed are touched."""

    def __init__(self, bits: int, entries: int = ENTRIES) -> None:
        """Begin with nothing but ``VALID``."""
        self._bits = bits
        self._array = bytearray(entries * bits // 8)
        self._planes: dict[Status, dict[int, int]] = {}

    def follow(self, marks: Iterable[Mark], place: Callable[[int], int]) -> None:
        """Become what ``marks`` say of all entries; ``place`` tells the index of a place in the row."""
        planes: dict[Status, dict[int, int]] = {status: {} for status in Status}
        for mark in marks:
            plane = planes[narrowed(mark.status, self._bits)]
            plane[mark.word] = plane.get(mark.word, 0) | mark.mask
        for status, plane in planes.items():
            before = self._planes.get(status, {})
            for word in plane.keys() | before.keys():
                changed = plane.get(word, 0) ^ before.get(word, 0)
                while changed:
                    lowest = changed & -changed
                    changed ^= lowest
                    self._toggle(place(word * WORD_BITS + lowest.bit_length() - 1), status)
        self._planes = planes

    def __bytes__(self) -> bytes:
        """The array as it is now."""
        return bytes(self._array)

    def _toggle(self, index: int, status: Status) -> None:
        """Put a status in or take it out: an entry stands in one plane at most."""
        at = index * self._bits
        self._array[at >> 3] ^= status << (at & 7)


def compress(array: bytes) -> bytes:
    """The array as ``lst`` carries it: DEFLATE in the zlib format (§4.1 step 4)."""
    return zlib.compress(array, _HIGHEST_COMPRESSION)


def list_uri(base: str, list_no: int, bits: int = 1) -> str:
    """Where a list is published."""
    return f"{aggregation_uri(base)}/{list_id(list_no, bits)}"


def aggregation_uri(base: str) -> str:
    """Where all lists are named (§9)."""
    return f"{base.rstrip('/')}/v1/status-lists"


def list_id(list_no: int, bits: int) -> str:
    """The name of a list in its address: ``7``, or ``7-2`` for the same entries with two bits each."""
    return f"{list_no}" if bits == 1 else f"{list_no}-{bits}"
