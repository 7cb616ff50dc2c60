"""The tree of the evidence log against published vectors and the definition of RFC 9162, written down naively."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.events.checkpoint import NoteSignature, TreeHead, read_note, write_note
from certsvc.events.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    range_root,
    root_of_inclusion,
)
from certsvc.events.tiles import WIDTH, Edge, Layers, TileNodes, TilePath, pack_entries, read_path, unpack_entries

# The tree of certificate-transparency-go (merkle/logverifier tests), which RFC 6962's reference implementation uses.
LEAVES = tuple(
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
)
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
}
CONSISTENCY = {
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def half(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def mth(data: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1."""
    if not data:
        return sha(b"")
    if len(data) == 1:
        return sha(b"\x00" + data[0])
    k = half(len(data))
    return sha(b"\x01" + mth(data[:k]) + mth(data[k:]))


def path(m: int, data: Sequence[bytes]) -> list[bytes]:
    """PATH of §2.1.3.1."""
    if len(data) == 1:
        return []
    k = half(len(data))
    return [*path(m, data[:k]), mth(data[k:])] if m < k else [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of §2.1.4.1."""
    if m == len(data):
        return [] if whole else [mth(data)]
    k = half(len(data))
    if m <= k:
        return [*subproof(m, data[:k], whole=whole), mth(data[k:])]
    return [*subproof(m - k, data[k:], whole=False), mth(data[:k])]


def many(size: int) -> list[bytes]:
    return [b"%d" % number for number in range(size)]


def nodes(data: Sequence[bytes]) -> TileNodes:
    """Nodes as a reader has them: from full tiles and the edge."""
    edge, tiles = Edge(), {}
    for start in range(0, len(data), 7):
        tiles.update(edge.append(map(leaf_hash, data[start : start + 7])))
    return TileNodes(lambda level, number: Layers(b"".join(tiles.get((level, number)) or edge.levels[level])))


def test_published_roots() -> None:
    grown = Frontier()
    assert grown.root() == EMPTY_ROOT == mth([])
    for size, root in enumerate(ROOTS, 1):
        grown.add(leaf_hash(LEAVES[size - 1]))
        edge = Edge()
        edge.append(map(leaf_hash, LEAVES[:size]))
        assert grown.root().hex() == edge.root().hex() == mth(LEAVES[:size]).hex() == root
        assert edge.fits()


def test_published_proofs() -> None:
    node = nodes(LEAVES)
    for (index, size), proof in INCLUSION.items():
        assert [one.hex() for one in inclusion_proof(index, size, node)] == list(proof)
    for (old, new), proof in CONSISTENCY.items():
        assert [one.hex() for one in consistency_proof(old, new, node)] == list(proof)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 300))
def test_inclusion_is_the_definition(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = many(size)
    proof = inclusion_proof(index, size, nodes(leaves))
    assert proof == path(index, leaves)
    assert root_of_inclusion(index, size, leaf_hash(leaves[index]), proof) == mth(leaves)
    assert root_of_inclusion(index, size, leaf_hash(b"other"), proof) != mth(leaves)
    assert root_of_inclusion(index, size, leaf_hash(leaves[index]), [*proof, sha(b"")]) is None
    if proof:
        assert root_of_inclusion(index, size, leaf_hash(leaves[index]), proof[:-1]) != mth(leaves)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 300))
def test_consistency_is_the_definition(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new))
    leaves = many(new)
    roots = mth(leaves[:old]), mth(leaves)
    proof = consistency_proof(old, new, nodes(leaves))
    assert proof == subproof(old, leaves, whole=True)
    assert is_consistent(old, new, *roots, proof)
    assert not is_consistent(old, new, sha(b"forked"), roots[1], proof)
    assert not is_consistent(old, new, roots[0], sha(b"forked"), proof)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        assert not is_consistent(old, new, *roots, [*proof[:place], sha(b"x"), *proof[place + 1 :]])
        assert not is_consistent(old, new, *roots, proof[:-1])
        assert not is_consistent(old, new, *roots, [*proof, sha(b"x")])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1200))
def test_any_way_of_growing_gives_the_same_tree(size: int) -> None:
    leaves = many(size)
    at_once, grown = Edge(), Frontier()
    at_once.append(map(leaf_hash, leaves))
    for leaf in leaves:
        grown.add(leaf_hash(leaf))
    assert at_once.root() == grown.root() == mth(leaves)
    if size:
        assert range_root(0, size, nodes(leaves)) == mth(leaves)


def test_tiles_of_the_example_of_tlog_tiles() -> None:
    edge = Edge()
    full = edge.append(leaf_hash(b"%d" % number) for number in range(70_000))
    assert sum(level == 0 for level, _ in full) == 273
    assert [number for level, number in full if level == 1] == [0]
    assert [len(hashes) for hashes in edge.levels] == [112, 17, 1]
    assert all(len(hashes) == WIDTH for hashes in full.values())


def test_paths_have_one_spelling() -> None:
    assert str(TilePath(1234067)) == "x001/x234/067"
    assert str(TilePath(5, 17)) == "005.p/17"
    for text in ("x001/x234/067", "000", "999.p/255", "x001/000"):
        assert str(read_path(text)) == text
    for text in ("", "5", "x000/005", "000.p/0", "000.p/256", "000.p/017", "../000", "x001/x234/67", "000/", "٠٠٠"):
        assert read_path(text) is None, text


@given(st.lists(st.binary(max_size=300), max_size=WIDTH))
def test_entries_round_trip(leaves: list[bytes]) -> None:
    data = pack_entries(leaves)
    assert unpack_entries(data) == leaves
    if leaves:
        with pytest.raises(ValueError, match="ends within"):
            unpack_entries(data[:-1] if leaves[-1] else data[:-1] + b"")


def test_a_note_is_read_as_it_was_written_and_in_no_other_spelling() -> None:
    head = TreeHead(origin="zz.example/v1/log", size=20852163, root=sha(b"x"))
    signature = NoteSignature(name=head.origin, key_id=b"abcd", signature=b"signed")
    note = write_note(head.text(), (signature,))
    assert read_note(note) == (head, head.text(), (signature,))
    for other in (
        note.replace("20852163", "020852163"),
        note.replace("\n\n", "\n"),
        note[:-1],
        note.replace("— ", "- "),
        note.replace("zz.example/v1/log\n", "\n", 1),
        "",
    ):
        with pytest.raises(ValueError, match="not a"):
            read_note(other)
