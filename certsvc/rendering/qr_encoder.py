"""A QR encoder for short texts (ISO/IEC 18004): byte mode, level M (or Q), versions 1 to 20, one mask.

Encoding is linear: every bit of the text flips its own set of modules, whatever the other bits are. So a code is the
sum (exclusive or) of one prepared pattern per byte and of the code of as many zero bytes, and costs some 10 µs instead
of 6 ms (PERFORMANCE.md D). The mask is not chosen by penalty; readers take any of the eight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from operator import getitem, itemgetter, xor
from typing import TYPE_CHECKING

from certsvc.errors import RenderingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUIET_ZONE = 4
"""Modules of white around the code (ISO/IEC 18004 §6.3.8)."""
MASK = 2
"""Column number divisible by 3: readers of level M and Q codes took it in every test."""
MAX_VERSION = 20
MAX_PATTERNS = 128
"""Longer texts are encoded without prepared patterns, so that those never take more than some 8 MB per version."""

MAX_OPENINGS = 64
"""Addresses up to their last slash that are kept; codes differ in what follows. Others cost what they always did."""
_OPENING_END = b"/"

# Error correction words per block and number of blocks by version (ISO/IEC 18004 table 9).
_BLOCKS = {
    "M": (
        (10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26),
        (1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16),
    ),
    # From version 5 on, what fits level Q fits level M of the version before.
    "Q": ((13, 22, 18, 26), (1, 1, 2, 2)),
}
_LEVEL_BITS = {"M": 0b00, "Q": 0b11}
_FIRST_VERSION_INFO, _LONG_COUNT = 7, 10
_FIELD = 0x11D
_PAD = (0xEC, 0x11)


@dataclass(frozen=True, slots=True)
class Matrix:
    """A QR matrix without its quiet zone; each row is padded to whole bytes, most significant bit first, 1 is dark."""

    size: int
    rows: bytes
    version: int
    level: str


@dataclass(frozen=True, slots=True)
class _Frame:
    """Everything about a version and level that does not depend on the text."""

    size: int
    data_words: int
    total_words: int
    ecc: int
    block_sizes: tuple[int, ...]
    remainders: tuple[int, ...]
    gather: Callable[[str], tuple[str, ...]]
    constant: int
    row_bytes: int


def encode(text: str) -> Matrix:
    """The smallest code of level M, at level Q where that takes no more room; RenderingError when too long."""
    data = text.encode("utf-8")
    for version in range(1, MAX_VERSION + 1):
        if len(data) <= _capacity(version, "M"):
            level = "Q" if version <= len(_BLOCKS["Q"][0]) and len(data) <= _capacity(version, "Q") else "M"
            return _encode(data, version, level)
    msg = f"“二维码”内容超过 {_capacity(MAX_VERSION, 'M')} 字节，请缩短"
    raise RenderingError(msg)


@cache
def _capacity(version: int, level: str) -> int:
    """Bytes that fit after mode (4 bits) and count (8 or 16 bits)."""
    ecc, blocks = (row[version - 1] for row in _BLOCKS[level])
    words = _data_modules(version) // 8 - ecc * blocks
    return words - (2 if version < _LONG_COUNT else 3)


def _encode(data: bytes, version: int, level: str) -> Matrix:
    frame = _frame(version, level)
    if len(data) > MAX_PATTERNS:
        value = _modules(data, version, level)
    else:
        opening = data.rfind(_OPENING_END) + 1
        flipped = map(getitem, _patterns(version, level)[opening:], data[opening:])
        value = reduce(xor, flipped, _opened(data[:opening], len(data), version, level))
    return Matrix(frame.size, value.to_bytes(frame.size * frame.row_bytes, "big"), version, level)


class _Patterns(dict[int, int]):
    """Byte at one place of the text -> the modules that it flips, made when it is first met."""

    def __init__(self, place: int, version: int, level: str) -> None:
        super().__init__()
        self._of = place, version, level

    def __missing__(self, byte: int) -> int:
        place, version, level = self._of
        found = self[byte] = _pattern(place, byte, version, level)
        return found


@cache
def _patterns(version: int, level: str) -> tuple[_Patterns, ...]:
    """By place in the text."""
    return tuple(_Patterns(place, version, level) for place in range(min(MAX_PATTERNS, _capacity(version, level))))


@lru_cache(maxsize=MAX_OPENINGS)
def _opened(opening: bytes, length: int, version: int, level: str) -> int:
    """The modules of a text that begins with ``opening``, its other bytes being zero."""
    flipped = map(getitem, _patterns(version, level), opening)
    return reduce(xor, flipped, _blank(length, version, level))


@cache
def _blank(length: int, version: int, level: str) -> int:
    """The modules of a text of ``length`` zero bytes."""
    return _modules(bytes(length), version, level)


def _pattern(place: int, byte: int, version: int, level: str) -> int:
    """The modules that ``byte`` at ``place`` flips: the sum of those of its bits."""
    pattern = 0
    for bit in range(8):
        if byte >> bit & 1:
            pattern ^= _bit_pattern(place, bit, version, level)
    return pattern


@cache
def _bit_pattern(place: int, bit: int, version: int, level: str) -> int:
    text = bytes(place) + bytes([1 << bit])
    return _modules(text, version, level) ^ _blank(place + 1, version, level)


def _modules(data: bytes, version: int, level: str) -> int:
    """All modules of a code as one number, row by row, built up from its words."""
    frame = _frame(version, level)
    count_bits = 8 if version < _LONG_COUNT else 16
    # Mode 0100, count, data, terminator 0000: always a whole number of bytes.
    head = (0b0100 << count_bits | len(data)) << 8 * len(data) | int.from_bytes(data, "big")
    words = (head << 4).to_bytes(len(data) + 1 + count_bits // 8, "big")
    words += bytes(_PAD[i & 1] for i in range(frame.data_words - len(words)))
    blocks, at = [], 0
    for size in frame.block_sizes:
        blocks.append(words[at : at + size])
        at += size
    stream = bytearray()
    for i in range(frame.block_sizes[-1]):
        stream += bytes([block[i] for block in blocks if i < len(block)])
    corrections = [_correction(block, frame) for block in blocks]
    for column in zip(*corrections, strict=True):
        stream += bytes(column)
    bits = f"{int.from_bytes(stream, 'big'):0{8 * len(stream)}b}" + "0" * 8
    return int("".join(frame.gather(bits)), 2) ^ frame.constant


def _correction(block: bytes, frame: _Frame) -> bytes:
    """Remainder of the block by the generator, a byte at a time."""
    remainder, table = 0, frame.remainders
    top, keep = 8 * (frame.ecc - 1), (1 << 8 * (frame.ecc - 1)) - 1
    for byte in block:
        remainder = (remainder & keep) << 8 ^ table[remainder >> top ^ byte]
    return remainder.to_bytes(frame.ecc, "big")


@cache
def _frame(version: int, level: str) -> _Frame:
    size = 17 + 4 * version
    fixed = _function_patterns(version)
    ecc, blocks = (row[version - 1] for row in _BLOCKS[level])
    total = _data_modules(version) // 8
    short, longer = divmod(total, blocks)
    sizes = (short - ecc,) * (blocks - longer) + (short - ecc + 1,) * longer
    for (row, column), dark in _format_modules(size, level):
        fixed[row, column] = dark
    order = [place for place in _zigzag(size) if place not in fixed]
    index = {place: i for i, place in enumerate(order)}
    row_bytes = -(-size // 8)
    # Modules without data read a bit that is always 0; the eight bits after the last word are such.
    blank = total * 8
    sources, constant = [], 0
    for row in range(size):
        for column in range(row_bytes * 8):
            source = index.get((row, column), blank)
            sources.append(min(source, blank))
            dark = fixed.get((row, column), column < size and column % 3 == 0)
            constant = constant << 1 | dark
    return _Frame(
        size=size,
        data_words=total - ecc * blocks,
        total_words=total,
        ecc=ecc,
        block_sizes=sizes,
        remainders=_remainder_table(ecc),
        gather=itemgetter(*sources),
        constant=constant,
        row_bytes=row_bytes,
    )


@cache
def _data_modules(version: int) -> int:
    """Modules left for words and remainder bits."""
    size = 17 + 4 * version
    return size * size - len(_function_patterns(version)) - len(list(_format_modules(size, "M")))


def _function_patterns(version: int) -> dict[tuple[int, int], bool]:
    """Finder, alignment and timing patterns and the version information (§6.3, §7.10)."""
    size = 17 + 4 * version
    fixed: dict[tuple[int, int], bool] = {}
    for row, column in ((3, 3), (3, size - 4), (size - 4, 3)):
        _draw_rings(fixed, size, (row, column), radius=4, light={2, 4})
    centres = _alignment_centres(version)
    for place in ((row, column) for row in centres for column in centres):
        if place not in fixed:
            _draw_rings(fixed, size, place, radius=2, light={1})
    for i in range(8, size - 8):
        fixed.setdefault((6, i), i % 2 == 0)
        fixed.setdefault((i, 6), i % 2 == 0)
    if version >= _FIRST_VERSION_INFO:
        info = _with_bch(version, 12, 0x1F25)
        for i in range(18):
            dark = bool(info >> i & 1)
            fixed[i // 3, size - 11 + i % 3] = dark
            fixed[size - 11 + i % 3, i // 3] = dark
    return fixed


def _draw_rings(
    fixed: dict[tuple[int, int], bool], size: int, centre: tuple[int, int], *, radius: int, light: set[int]
) -> None:
    """Square rings around ``centre``, cut off at the edge; those whose distance is in ``light`` are light."""
    for row in range(max(0, centre[0] - radius), min(size, centre[0] + radius + 1)):
        for column in range(max(0, centre[1] - radius), min(size, centre[1] + radius + 1)):
            fixed[row, column] = max(abs(row - centre[0]), abs(column - centre[1])) not in light


def _alignment_centres(version: int) -> list[int]:
    """Rows and columns of alignment patterns (ISO/IEC 18004 annex E), which are evenly spaced from the far edge."""
    if version == 1:
        return []
    count = version // 7 + 2
    last = 10 + 4 * version
    step = -(-(last - 6) // (2 * (count - 1))) * 2
    return [6, *sorted(last - step * i for i in range(count - 1))]


def _format_modules(size: int, level: str) -> Iterator[tuple[tuple[int, int], bool]]:
    """Both copies of the format information, and the dark module (§7.9)."""
    info = _with_bch(_LEVEL_BITS[level] << 3 | MASK, 10, 0x537) ^ 0x5412
    # Around the first finder the information turns the corner and steps over the timing patterns.
    corner = [(row, 8) for row in (0, 1, 2, 3, 4, 5, 7, 8)] + [(8, column) for column in (7, 5, 4, 3, 2, 1, 0)]
    split = [(8, size - 1 - i) for i in range(8)] + [(row, 8) for row in range(size - 7, size)]
    for i in range(15):
        dark = bool(info >> i & 1)
        yield corner[i], dark
        yield split[i], dark
    yield (size - 8, 8), True


def _with_bch(value: int, check_bits: int, generator: int) -> int:
    remainder = value << check_bits
    while remainder.bit_length() > check_bits:
        remainder ^= generator << remainder.bit_length() - generator.bit_length()
    return value << check_bits | remainder


def _zigzag(size: int) -> Iterator[tuple[int, int]]:
    """Modules in the order of §7.7.3: pairs of columns from the right, up and down, skipping the timing column."""
    upward, right = True, size - 1
    while right > 0:
        if right == 6:  # noqa: PLR2004 - the timing column
            right -= 1
        for row in range(size - 1, -1, -1) if upward else range(size):
            yield row, right
            yield row, right - 1
        upward, right = not upward, right - 2


@cache
def _remainder_table(ecc: int) -> tuple[int, ...]:
    """For every leading byte, what its division by the generator polynomial leaves."""
    exp, log, x = [0] * 512, [0] * 256, 1
    for i in range(255):
        exp[i] = exp[i + 255] = x
        log[x] = i
        x <<= 1
        if x & 0x100:
            x ^= _FIELD
    generator = [1]
    for i in range(ecc):
        shifted = [*generator, 0]
        for j, factor in enumerate(generator):
            shifted[j + 1] ^= exp[log[factor] + i]
        generator = shifted
    return tuple(
        int.from_bytes(bytes(exp[log[g] + log[lead]] if lead else 0 for g in generator[1:]), "big")
        for lead in range(256)
    )
