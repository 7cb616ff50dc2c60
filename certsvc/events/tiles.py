"""Tiles of the evidence log as C2SP tlog-tiles has them: 256 hashes wide, named by level and number.

A full tile never changes and lies in the object store under its own path. What is not full yet is the *edge*: for each
level the hashes of the last tile. A partial tile of any earlier size is the beginning of the edge, or of a full tile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certsvc.events.merkle import HASH_BYTES, joined, node_of_pair, perfect_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

WIDTH = 256
HEIGHT = 8
MAX_LEVEL = 7
"""Levels that a tree of 2^63 leaves has."""

MAX_LEAF_BYTES = 0xFFFF
"""An entry has its length in 16 bits."""

PREFIX = "log"
"""Where objects of the log lie."""

ENTRIES = "entries"
_OBJECT = re.compile(rf"{PREFIX}/tile(?:-[0-9]{{14}})?/({ENTRIES}|[0-7])/(.+)")
_NUMBER = re.compile(r"((?:x[0-9]{3}/){0,4})([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class TilePath:
    """Number and width of a tile; ``width`` is :data:`WIDTH` for a full one."""

    number: int
    width: int = WIDTH

    def __str__(self) -> str:
        """``x001/x234/067``, with ``.p/<width>`` for a partial one."""
        text = f"{self.number % 1000:03d}"
        rest = self.number // 1000
        while rest:
            text = f"x{rest % 1000:03d}/{text}"
            rest //= 1000
        return text if self.width == WIDTH else f"{text}.p/{self.width}"


def read_path(text: str) -> TilePath | None:
    """The tile of a path in its one canonical spelling; None for any other text."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    number = int(match[1].replace("x", "").replace("/", "") + match[2])
    found = TilePath(number, int(match[3]) if match[3] else WIDTH)
    return found if str(found) == text and found.width <= WIDTH else None


def tile_name(level: int, number: int, *, epoch: int = 0) -> str:
    """The object of a full tile of hashes; ``Epochs.tile_name`` knows the epoch."""
    return f"{PREFIX}/{_directory(epoch)}/{level}/{TilePath(number)}"


def bundle_name(number: int, *, epoch: int = 0) -> str:
    """The object of a full bundle of entries."""
    return f"{PREFIX}/{_directory(epoch)}/{ENTRIES}/{TilePath(number)}"


def _directory(epoch: int) -> str:
    return f"tile-{epoch}" if epoch else "tile"


def leaves_of(name: str) -> int | None:
    """Leaves that a log has when this object of its becomes full; None for any other object."""
    match = _OBJECT.fullmatch(name)
    path = read_path(match[2]) if match else None
    if match is None or path is None:
        return None
    level = 0 if match[1] == ENTRIES else int(match[1])
    return path.number + 1 << HEIGHT * (level + 1)


def pack_entries(leaves: Iterable[bytes]) -> bytes:
    """An entry bundle: each leaf behind its length as big-endian uint16; RuntimeError for one that is too long."""
    parts: list[bytes] = []
    for leaf in leaves:
        if len(leaf) > MAX_LEAF_BYTES:
            msg = "a leaf is longer than an entry may be"
            raise RuntimeError(msg)
        parts += (len(leaf).to_bytes(2, "big"), leaf)
    return b"".join(parts)


def unpack_entries(data: bytes) -> list[bytes]:
    """The leaves of a bundle; ValueError when it was cut."""
    leaves: list[bytes] = []
    place = 0
    while place < len(data):
        end = place + 2 + int.from_bytes(data[place : place + 2], "big")
        if end > len(data) or place + 2 > len(data):
            msg = "the bundle ends within an entry"
            raise ValueError(msg)
        leaves.append(data[place + 2 : end])
        place = end
    return leaves


def split_hashes(data: bytes) -> list[bytes]:
    """The hashes of a tile; ValueError when it was cut."""
    if len(data) % HASH_BYTES:
        msg = "the tile ends within a hash"
        raise ValueError(msg)
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


@dataclass(slots=True)
class Edge:
    """The right edge of a tree: for each level the hashes of the tile that is not full yet, possibly none."""

    size: int = 0
    levels: list[list[bytes]] = field(default_factory=list)

    def root(self) -> bytes:
        """The root of the tree."""
        perfect: list[bytes] = []
        for hashes in reversed(self.levels):
            first = 0
            for bit in range(HEIGHT - 1, -1, -1):
                if len(hashes) >> bit & 1:
                    perfect.append(perfect_root(hashes[first : first + (1 << bit)]))
                    first += 1 << bit
        return joined(perfect)

    def fits(self) -> bool:
        """Whether the widths are those of a tree of this size."""
        widths = [len(hashes) for hashes in self.levels]
        while widths and widths[-1] == 0:
            widths.pop()
        return widths == _widths(self.size)

    def append(self, hashes: Iterable[bytes]) -> dict[tuple[int, int], list[bytes]]:
        """Grow by leaf hashes; the tiles that became full, by level and number."""
        full: dict[tuple[int, int], list[bytes]] = {}
        for hashed in hashes:
            self.size += 1
            self._put(0, hashed, full)
        return full

    def _put(self, level: int, hashed: bytes, full: dict[tuple[int, int], list[bytes]]) -> None:
        if level == len(self.levels):
            self.levels.append([])
        tile = self.levels[level]
        tile.append(hashed)
        if len(tile) == WIDTH:
            full[level, (self.size >> HEIGHT * (level + 1)) - 1] = tile
            self.levels[level] = []
            self._put(level + 1, perfect_root(tile), full)


def _widths(size: int) -> list[int]:
    widths: list[int] = []
    while size:
        widths.append(size % WIDTH)
        size //= WIDTH
    return widths


class Layers:
    """The hashes of a tile and of the perfect subtrees over them, made once, in 64 bytes a hash; threads may share it.

    ``data`` is the tile as it is stored; where it is not full, subtrees that are not perfect are left out.
    """

    __slots__ = ("_layers",)

    def __init__(self, data: bytes) -> None:
        """ValueError when the tile was cut."""
        if len(data) % HASH_BYTES:
            msg = "the tile ends within a hash"
            raise ValueError(msg)
        self._layers = [data]
        while len(data) >= 2 * HASH_BYTES:
            data = b"".join(
                # left and right lie next to each other
                node_of_pair(data[at : at + 2 * HASH_BYTES])
                for at in range(0, len(data) - len(data) % (2 * HASH_BYTES), 2 * HASH_BYTES)
            )
            self._layers.append(data)

    @property
    def data(self) -> bytes:
        """The tile."""
        return self._layers[0]

    def node(self, height: int, place: int) -> bytes:
        """The root over ``2**height`` hashes; RuntimeError when the tile does not reach there."""
        layer = self._layers[height] if height < len(self._layers) else b""
        hashed = layer[place * HASH_BYTES : (place + 1) * HASH_BYTES]
        if not hashed:
            msg = "a tile is narrower than the tree needs"
            raise RuntimeError(msg)
        return hashed


class TileNodes:
    """Nodes of a tree from its tiles: ``tile(level, number)`` gives as much of one as there is."""

    def __init__(self, tile: Callable[[int, int], Layers]) -> None:
        """Read by ``tile``; one is asked for once."""
        self._tile = tile
        self._seen: dict[tuple[int, int], Layers] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """The hash of a perfect subtree; RuntimeError when the tiles do not reach there."""
        height, rest = divmod(level, HEIGHT)
        number, place = divmod(index, WIDTH >> rest)
        key = (height, number)
        if key not in self._seen:
            self._seen[key] = self._tile(height, number)
        return self._seen[key].node(rest, place)
