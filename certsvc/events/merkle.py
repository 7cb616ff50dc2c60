"""The Merkle tree of the evidence log: hashing and proofs of RFC 9162 §2.1 (RFC 6962 §2.1) with SHA-256.

Nothing here reads or stores: a tree is what ``node(level, index)`` says, the hash of the perfect subtree over the
leaves ``[index * 2**level, (index + 1) * 2**level)``. Whoever has the tiles has every such node.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Node = Callable[[int, int], bytes]

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

_sha256 = hashlib.sha256


def leaf_hash(leaf: bytes) -> bytes:
    """``SHA-256(0x00 || leaf)``."""
    return _sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """``SHA-256(0x01 || left || right)``."""
    return _sha256(b"\x01" + left + right).digest()


def node_of_pair(pair: bytes) -> bytes:
    """As :func:`node_hash` of two hashes that lie next to each other."""
    return _sha256(b"\x01" + pair).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of neighbouring hashes."""
    while len(hashes) > 1:
        hashes = [
            _sha256(b"\x01" + left + right).digest() for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]


def joined(perfect: Sequence[bytes]) -> bytes:
    """The root of a tree from its perfect subtrees, the largest (leftmost) first; :data:`EMPTY_ROOT` without any."""
    if not perfect:
        return EMPTY_ROOT
    root = perfect[-1]
    for left in reversed(perfect[:-1]):
        root = node_hash(left, root)
    return root


class Frontier:
    """A tree that grows: its perfect subtrees, largest first (a compact range); for roots at many sizes in one pass."""

    def __init__(self) -> None:
        """An empty tree."""
        self.size = 0
        self._perfect: list[bytes] = []

    def add(self, hashed: bytes) -> None:
        """Append the hash of a leaf."""
        size = self.size
        while size & 1:
            hashed = _sha256(b"\x01" + self._perfect.pop() + hashed).digest()
            size >>= 1
        self._perfect.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        """The root at this size."""
        return joined(self._perfect)


def range_root(first: int, end: int, node: Node) -> bytes:
    """The root over the leaves ``[first, end)``, where ``first`` begins a subtree of a tree (it is aligned)."""
    return joined([node(level, index) for level, index in _perfect_parts(first, end)])


def _perfect_parts(first: int, end: int) -> Iterator[tuple[int, int]]:
    while first < end:
        level = (end - first).bit_length() - 1
        yield level, first >> level
        first += 1 << level


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(index, D_size) of RFC 9162 §2.1.3.1; RuntimeError when there is no such leaf."""
    if not 0 <= index < size:
        msg = "no such leaf in a tree of this size"
        raise RuntimeError(msg)
    first, end = 0, size
    path: list[bytes] = []
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(range_root(middle, end, node))
            end = middle
        else:
            path.append(range_root(first, middle, node))
            first = middle
    return path[::-1]


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """PROOF(old, D_new) of RFC 9162 §2.1.4.1; empty for equal sizes and for an empty old tree."""
    if not 0 <= old <= new:
        msg = "a tree of this size cannot grow into the other"
        raise RuntimeError(msg)
    if old in {0, new}:
        return []
    first, end, whole = 0, new, True
    path: list[bytes] = []
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            path.append(range_root(middle, end, node))
            end = middle
        else:
            path.append(range_root(first, middle, node))
            first, whole = middle, False
    return ([] if whole else [range_root(first, end, node)]) + path[::-1]


def root_of_inclusion(index: int, size: int, hashed: bytes, path: Iterable[bytes]) -> bytes | None:
    """The root that a proof leads to (RFC 9162 §2.1.3.2); None when it has the wrong length."""
    if not 0 <= index < size:
        return None
    fn, sn, root = index, size - 1, hashed
    for step in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = node_hash(step, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, step)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof shows that the new tree begins with the old one (RFC 9162 §2.1.4.2)."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new:
        return old == 0 and not path and old_root == EMPTY_ROOT
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(step, fr), node_hash(step, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
