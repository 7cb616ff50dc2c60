"""Every way of changing a sealed file by hand that we know: bits, ranges, holes, revisions; seeded, to be repeated."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from signing_strangers import with_revision

_BYTE_RANGE = re.compile(rb"/ByteRange ?\[ ?(\d+) +(\d+) +(\d+) +(\d+) *\]")


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A changed file, and how it was changed."""

    name: str
    data: bytes


def bit_anywhere(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """One bit, all regions alike."""
    return flipped(data, chance.randrange(len(data)), chance)


def bit_in_signature(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """One bit of the hexadecimal in the hole, where it is not only padding."""
    start, end = hole(data)
    used = len(data[start + 1 : end - 1].rstrip(b"0"))
    return flipped(data, start + 1 + chance.randrange(used), chance)


def digit_in_signature(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Another hexadecimal digit of the same case: the CMS stays readable text."""
    start, end = hole(data)
    at = start + 1 + chance.randrange(len(data[start + 1 : end - 1].rstrip(b"0")))
    digit = chance.choice([one for one in b"0123456789abcdef" if one != data[at]])
    return data[:at] + bytes([digit]) + data[at + 1 :]


def padding(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Something in the zeros behind the CMS."""
    start, end = hole(data)
    used = start + 1 + len(data[start + 1 : end - 1].rstrip(b"0"))
    at = chance.randrange(min(used + 2, end - 2), end - 1)
    return data[:at] + bytes([chance.choice(b"123456789abcdef \nF")]) + data[at + 1 :]


def case_of_hex(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """The hole in capitals, whole or from somewhere on."""
    start, end = hole(data)
    at = chance.choice([start + 1, chance.randrange(start + 1, end - 1)])
    changed = data[:at] + data[at : end - 1].upper() + data[end - 1 :]
    return changed if changed != data else flipped(data, start + 1, chance)


def byte_range(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """One number of the byte range, at the same width."""
    match = list(_BYTE_RANGE.finditer(data))[-1]
    group = chance.randrange(1, 5)
    width = match.end(group) - match.start(group)
    number = int(match[group]) + chance.choice([-100, -2, -1, 1, 2, 100])
    text = b"%0*d" % (width, abs(number))
    return data[: match.start(group)] + text[-width:] + data[match.end(group) :]


def swapped(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """The signature of another file of ours in this one's hole."""
    start, end = hole(data)
    other = chance.choice([one for one in others if one != data])
    begins, ends = hole(other)
    inner = other[begins + 1 : ends - 1].rstrip(b"0")
    room = end - start - 2
    return data[: start + 1] + inner.ljust(room, b"0")[:room] + data[end - 1 :]


def appended(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """A revision behind the seal: empty, another page content, another catalog, a form, a store that stores nothing."""
    pick = chance.randrange(6)
    bodies: list[dict[int, bytes]] = [
        {},
        {900 + chance.randrange(50): b"<< /Type /Catalog /Pages 2 0 R >>"},
        {4: b"<< /Length 4 >>\nstream\nBT ET\nendstream"},
        {1: b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (1) >> >>"},
        {900: b"<< /Type /Annot /Subtype /FreeText /Rect [ 0 0 100 100 ] /Contents (no) >>", 3: b"<< /Type /Page >>"},
        {1: b"<< /Type /Catalog /Pages 2 0 R /DSS 901 0 R >>", 901: b"<< /Type /DSS >>"},
    ]
    return with_revision(data, bodies[pick])


def tail(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Bytes behind the end, or some of the end cut off."""
    if chance.random() < 0.5:
        return data + chance.choice([b"x", b"%PDF-1.7", b"\n%%EOF\n", b"\x00\x00a", chance.randbytes(40)])
    return data[: -chance.randrange(1, 200)]


def head(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Bytes before the start."""
    return chance.choice([b"\n", b"%!PS\n", b"x" * 10, b"\xef\xbb\xbf"]) + data


def moved(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """A piece of the file put over another place, the length kept."""
    size = chance.randrange(1, 60)
    source, target = (chance.randrange(len(data) - size) for _ in range(2))
    changed = data[:target] + data[source : source + size] + data[target + size :]
    return changed if changed != data else flipped(data, target, chance)


MUTATORS: tuple[Callable[[bytes, random.Random, Sequence[bytes]], bytes], ...] = (
    bit_anywhere,
    bit_anywhere,
    bit_in_signature,
    digit_in_signature,
    padding,
    case_of_hex,
    byte_range,
    swapped,
    appended,
    tail,
    head,
    moved,
)


def mutations(files: Sequence[bytes], count: int, seed: int) -> list[Mutation]:
    """``count`` changed files, none of them equal to one of ``files``."""
    chance = random.Random(seed)
    made: list[Mutation] = []
    originals = set(files)
    while len(made) < count:
        mutate = MUTATORS[len(made) % len(MUTATORS)]
        data = mutate(chance.choice(files), chance, files)
        if data not in originals:
            made.append(Mutation(name=f"{seed}:{len(made)}:{mutate.__name__}", data=data))
    return made


def flipped(data: bytes, at: int, chance: random.Random) -> bytes:
    """One bit at a place."""
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def hole(data: bytes) -> tuple[int, int]:
    """Where the last signature's hexadecimal string begins and ends, brackets included."""
    numbers = [int(number) for number in list(_BYTE_RANGE.finditer(data))[-1].groups()]
    return numbers[1], numbers[2]
