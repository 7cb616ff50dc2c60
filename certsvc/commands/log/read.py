"""Read the evidence log: checkpoint, tiles, entries and proofs. Everything here is for anyone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.errors import IntegrityError, InvalidInput, NotFound
from certsvc.events.checkpoint import read_note
from certsvc.events.epochs import origin_in
from certsvc.events.merkle import HASH_BYTES, consistency_proof, inclusion_proof, range_root
from certsvc.events.tiles import (
    HEIGHT,
    MAX_LEVEL,
    WIDTH,
    Layers,
    TileNodes,
    pack_entries,
    read_path,
    unpack_entries,
)

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.checkpoint import Checkpoint
    from certsvc.events.epochs import Epochs
    from certsvc.events.tiles import TilePath

TILES_KEPT = 1024
"""Full tiles in memory, 16 kB each with their subtrees; bounds what readers of far places can make a process hold."""
_NO_EDGE = "日志的边缘数据与最新检查点不符，已停止出具证明；请运行 certsvc audit verify"
_TORN = "日志的散列文件残缺，已停止出具证明；请运行 certsvc audit verify"
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Now:
    """The newest checkpoint, its root, and for each level the tile that is not full."""

    newest: Checkpoint
    root: bytes
    open_tiles: tuple[Layers, ...]
    epochs: Epochs


_NOTHING = Layers(b"")


class LogBoard:
    """The log as one process reads it. Threads may share one; full tiles never change and are kept."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Layers] = OrderedDict()
        self._now: _Now | None = None

    def checkpoint(self, deps: Deps) -> Checkpoint:
        """The newest checkpoint; NotFound before the first."""
        with deps.uow.read() as tx:
            return _newest(tx)

    def origin(self, deps: Deps) -> str:
        """The name that the log has had since its first checkpoint; empty before."""
        with deps.uow.read() as tx:
            newest = tx.log.newest()
        return newest.note.partition("\n")[0] if newest else ""

    def names(self, deps: Deps) -> list[str]:
        """Every name that the log had, the newest first: it gets another one where it goes on from an older state."""
        with deps.uow.read() as tx:
            newest, epochs = tx.log.newest(), tx.log.epochs()
        if newest is None:
            return []
        base = newest.note.partition("\n")[0]
        return [origin_in(base, name) for name in (*(one.name for one in reversed(epochs.begun)), 0)]

    def tile(self, deps: Deps, level: int, path: str) -> bytes:
        """The hashes of a tile, whole or partial; NotFound when no checkpoint reaches there."""
        found = read_path(path)
        if found is None or not 0 <= level <= MAX_LEVEL:
            raise NotFound(_NO_TILE)
        with deps.uow.read() as tx:
            now = self._read(tx)
        data = self._tile(deps, now, level, found.number).data
        if len(data) < found.width * HASH_BYTES:
            raise NotFound(_NO_TILE)
        return data[: found.width * HASH_BYTES]

    def entries(self, deps: Deps, path: str) -> bytes:
        """The leaves of a bundle, whole or partial; NotFound when no checkpoint reaches there."""
        found = read_path(path)
        if found is None:
            raise NotFound(_NO_TILE)
        with deps.uow.read() as tx:
            newest, epochs = _newest(tx), tx.log.epochs()
            if _end(found) > newest.size:
                raise NotFound(_NO_TILE)
            if newest.size // WIDTH <= found.number:
                return pack_entries(leaf for _, leaf in tx.log.leaves(found.number * WIDTH, limit=found.width))
        data = deps.objects.get(epochs.bundle_name(found.number))
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
            now = self._read(tx)
            if index is None:
                index = _index(tx, evidence_id)
            size = _checked(size, now.newest)
            if index >= size:
                raise NotFound(_NOT_YET)
            at = now.newest if now.newest.size == size else tx.log.at_size(size)
        node = self._nodes(deps, now)
        return Inclusion(
            index=index,
            size=size,
            leaf=node(0, index),
            root=now.root if at is now.newest else range_root(0, size, node),
            path=tuple(inclusion_proof(index, size, node)),
            note=at.note if at else "",
        )

    def consistency(self, deps: Deps, *, old: int, new: int = 0) -> Consistency:
        """The proof that the tree of ``new`` leaves (0: the newest) begins with that of ``old``; raises as above."""
        with deps.uow.read() as tx:
            now = self._read(tx)
        new = _checked(new, now.newest)
        if not 0 < old <= new:
            raise InvalidInput("from 应在 1 与 to 之间")
        node = self._nodes(deps, now)
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
            now = self._read(tx)
        return self._nodes(deps, now)

    def _nodes(self, deps: Deps, now: _Now) -> TileNodes:
        return TileNodes(lambda level, number: self._tile(deps, now, level, number))

    def _read(self, tx: UnitOfWork) -> _Now:
        """The log at its newest checkpoint; its edge is read once for each.

        Raises:
            NotFound: before the first.
            IntegrityError: the edge is not that of the checkpoint; no proof is made of it.
        """
        newest, kept = _newest(tx), self._now
        if kept is not None and kept.newest == newest:
            return kept
        edge, head = tx.log.edge(), read_note(newest.note)[0]
        if edge.size != newest.size or edge.root() != head.root:
            raise IntegrityError(_NO_EDGE)
        open_tiles = tuple(Layers(b"".join(hashes)) for hashes in edge.levels)
        self._now = _Now(newest=newest, root=head.root, open_tiles=open_tiles, epochs=tx.log.epochs())
        return self._now

    def _tile(self, deps: Deps, now: _Now, level: int, number: int) -> Layers:
        """As much of a tile as there is."""
        full = now.newest.size >> HEIGHT * (level + 1)
        if number >= full:
            return now.open_tiles[level] if number == full and level < len(now.open_tiles) else _NOTHING
        name = now.epochs.tile_name(level, number)
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None:
                self._kept.move_to_end(name)
                return kept
        data = deps.objects.get(name)
        if len(data) != WIDTH * HASH_BYTES:
            raise IntegrityError(_TORN)
        read = Layers(data)
        with self._lock:
            self._kept[name] = read
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
