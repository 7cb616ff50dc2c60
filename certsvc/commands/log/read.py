"""Read the evidence log: checkpoint, tiles, entries and proofs. Everything here is for anyone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.errors import InvalidInput, NotFound
from certsvc.events.checkpoint import read_note
from certsvc.events.merkle import consistency_proof, inclusion_proof, range_root
from certsvc.events.tiles import (
    HEIGHT,
    MAX_LEVEL,
    WIDTH,
    TileNodes,
    bundle_name,
    pack_entries,
    read_path,
    split_hashes,
    tile_name,
    unpack_entries,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.checkpoint import Checkpoint
    from certsvc.events.tiles import Edge, TilePath

TILES_KEPT = 1024
"""Full tiles in memory, 8 kB each; bounds what readers of far places can make a process hold."""
_NO_TILE = "没有这个日志文件：请按检查点的规模取，路径见 C2SP tlog-tiles"
_NOT_YET = "这条留痕尚未进入日志，通常在一秒之内进入，请稍后再取"


@dataclass(frozen=True, kw_only=True, slots=True)
class Inclusion:
    """That the leaf ``index`` is in the tree of ``size`` leaves with ``root``; ``note`` is its checkpoint, if any."""

    index: int
    size: int
    leaf: bytes
    root: bytes
    path: tuple[bytes, ...]
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Consistency:
    """That the tree of ``new`` leaves begins with that of ``old``."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    path: tuple[bytes, ...]


class LogBoard:
    """The log as one process reads it. Threads may share one; full tiles never change and are kept."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int], tuple[bytes, ...]] = OrderedDict()

    def checkpoint(self, deps: Deps) -> Checkpoint:
        """The newest checkpoint; NotFound before the first."""
        with deps.uow.read() as tx:
            return _newest(tx)

    def origin(self, deps: Deps) -> str:
        """The name that the log has had since its first checkpoint; empty before."""
        with deps.uow.read() as tx:
            newest = tx.log.newest()
        return newest.note.partition("\n")[0] if newest else ""

    def tile(self, deps: Deps, level: int, path: str) -> bytes:
        """The hashes of a tile, whole or partial; NotFound when no checkpoint reaches there."""
        found = read_path(path)
        if found is None or not 0 <= level <= MAX_LEVEL:
            raise NotFound(_NO_TILE)
        with deps.uow.read() as tx:
            edge = tx.log.edge()
        hashes = self._hashes(deps, edge, level, found.number)
        if len(hashes) < found.width:
            raise NotFound(_NO_TILE)
        return b"".join(hashes[: found.width])

    def entries(self, deps: Deps, path: str) -> bytes:
        """The leaves of a bundle, whole or partial; NotFound when no checkpoint reaches there."""
        found = read_path(path)
        if found is None:
            raise NotFound(_NO_TILE)
        with deps.uow.read() as tx:
            newest = _newest(tx)
            if _end(found) > newest.size:
                raise NotFound(_NO_TILE)
            if newest.size // WIDTH <= found.number:
                return pack_entries(leaf for _, leaf in tx.log.leaves(found.number * WIDTH, limit=found.width))
        data = deps.objects.get(bundle_name(found.number))
        return data if found.width == WIDTH else pack_entries(unpack_entries(data)[: found.width])

    def inclusion(self, deps: Deps, *, evidence_id: str = "", index: int | None = None, size: int = 0) -> Inclusion:
        """The proof for a leaf, named by its evidence or its index from 0, in the tree of ``size`` or the newest.

        Raises:
            NotFound: no such evidence or leaf, or it waits for its checkpoint.
            InvalidInput: neither or both were named, or the tree is not that large.
        """
        if (index is None) == (not evidence_id):
            raise InvalidInput("请用 evidence_id 或 leaf（从 0 起的序号）之一说明是哪一条")
        with deps.uow.read() as tx:
            newest = _newest(tx)
            if index is None:
                index = _index(tx, evidence_id)
            size = _checked(size, newest)
            if index >= size:
                raise NotFound(_NOT_YET)
            at = newest if newest.size == size else tx.log.at_size(size)
            edge = tx.log.edge()
        node = self._nodes(deps, edge)
        return Inclusion(
            index=index,
            size=size,
            leaf=node(0, index),
            root=read_note(at.note)[0].root if at else range_root(0, size, node),
            path=tuple(inclusion_proof(index, size, node)),
            note=at.note if at else "",
        )

    def consistency(self, deps: Deps, *, old: int, new: int = 0) -> Consistency:
        """The proof that the tree of ``new`` leaves (0: the newest) begins with that of ``old``; raises as above."""
        with deps.uow.read() as tx:
            new = _checked(new, _newest(tx))
            edge = tx.log.edge()
        if not 0 < old <= new:
            raise InvalidInput("from 应在 1 与 to 之间")
        node = self._nodes(deps, edge)
        return Consistency(
            old=old,
            new=new,
            old_root=range_root(0, old, node),
            new_root=range_root(0, new, node),
            path=tuple(consistency_proof(old, new, node)),
        )

    def nodes(self, deps: Deps) -> TileNodes:
        """Every node of the tree as it stands, for many proofs at once."""
        with deps.uow.read() as tx:
            edge = tx.log.edge()
        return self._nodes(deps, edge)

    def _nodes(self, deps: Deps, edge: Edge) -> TileNodes:
        return TileNodes(lambda level, number: self._hashes(deps, edge, level, number))

    def _hashes(self, deps: Deps, edge: Edge, level: int, number: int) -> Sequence[bytes]:
        """As many hashes of a tile as there are."""
        full = edge.size >> HEIGHT * (level + 1)
        if number >= full:
            return edge.levels[level] if number == full and level < len(edge.levels) else ()
        with self._lock:
            kept = self._kept.get((level, number))
            if kept is not None:
                self._kept.move_to_end((level, number))
                return kept
        read = tuple(split_hashes(deps.objects.get(tile_name(level, number))))
        with self._lock:
            self._kept[level, number] = read
            while len(self._kept) > TILES_KEPT:
                self._kept.popitem(last=False)
        return read


def _newest(tx: UnitOfWork) -> Checkpoint:
    newest = tx.log.newest()
    if newest is None:
        raise NotFound("日志尚无检查点：第一条留痕编号后即公布")
    return newest


def _index(tx: UnitOfWork, evidence_id: str) -> int:
    position = tx.log.position_of(evidence_id)
    if position is None:
        raise NotFound("没有这条留痕，请核对编号")
    if position == 0:
        raise NotFound(_NOT_YET)
    return position - 1


def _checked(size: int, newest: Checkpoint) -> int:
    if size > newest.size:
        raise InvalidInput(f"日志现有 {newest.size} 条，没有这么大的树")
    return size or newest.size


def _end(path: TilePath) -> int:
    return path.number * WIDTH + path.width
