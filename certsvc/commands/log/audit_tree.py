"""Recompute the tree from rows, entries and tiles, and compare it with every checkpoint.

A leaf stands in three places: its row, its entry and its hash in a tile (the newest in two: the row and the edge).
Where they differ, what two of them say is taken, and the third is named; the tree goes on from what was taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.log.audit_heads import Heads
from certsvc.commands.log.findings import Found
from certsvc.errors import IntegrityError, NotFound
from certsvc.events.merkle import Frontier, leaf_hash
from certsvc.events.tiles import WIDTH, Edge, TilePath, split_hashes, unpack_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from certsvc.commands.log.findings import AuditReport
    from certsvc.commands.ports import Deps
    from certsvc.events.checkpoint import Checkpoint
    from certsvc.license.audited import ReadLeaf

PAGE = 16 * WIDTH
"""Rows read at once, each page in a transaction of its own."""


class TreeAudit:
    """One pass over the log."""

    def __init__(self, deps: Deps, report: AuditReport, look: Callable[[ReadLeaf], None] | None) -> None:
        """Compare what ``deps`` reads; every row that is there is opened and given to ``look``, if any."""
        self._deps = deps
        self._report = report
        self._look = look
        self._frontier = Frontier()
        self._grown = Edge()
        with deps.uow.read() as tx:
            self._epochs = tx.log.epochs()
        self._heads = Heads(deps, report, self._epochs)

    def run(self, watch: Callable[[int, int], None]) -> None:
        """Look through everything; ``watch`` is told how many leaves were done, and of how many."""
        deps, report = self._deps, self._report
        newest, edge, given = self._ends()
        size = newest.size if newest else 0
        report.size = size
        report.continued = [one.after for one in self._epochs.begun]
        for rows, first in self._pages(given):
            if not rows and first >= size:
                report.tell(Found.LEAF_MISSING, f"{first + 1} 至 {given}", "已编号、尚未入日志")
                break
            end = min(first + PAGE, size)
            for start in range(first, end, WIDTH):
                self._tile(start, min(start + WIDTH, end), rows, edge)
            for position in range(max(first, size) + 1, min(first + PAGE, given) + 1):
                if position not in rows:
                    report.tell(Found.LEAF_MISSING, position, "已编号、尚未入日志")
            watch(min(first + PAGE, given), given)
        report.waiting = given - size
        if newest is not None:
            self._close(newest, edge)
        self._heads.rest()
        with deps.uow.read() as tx:
            beyond = tx.log.stamps_after(size, limit=1)
        for stamp in beyond:
            report.tell(Found.CHECKPOINT_MISSING, stamp.size, "时间戳所对应的检查点不在")

    def _ends(self) -> tuple[Checkpoint | None, Edge | None, int]:
        """The newest checkpoint that was ever published as far as rows tell, the edge, and the last position."""
        with self._deps.uow.read() as tx:
            newest, given = tx.log.newest(), tx.log.given()
            last = tx.audited.leaves_after(given, limit=1)
            try:
                edge: Edge | None = tx.log.edge()
            except IntegrityError:
                edge = None
        if last:
            # The counter was put back, or a row got a position that nobody gave.
            self._report.tell(Found.LEAF_CHANGED, last[0].position, f"位置大于已给出的最后位置 {given}")
        size = newest.size if newest else 0
        if edge is not None and edge.size > size:
            number = newest.number + 1 if newest else 1
            detail = f"自此号起：边缘数据已到第 {edge.size} 条，检查点只到 {size}"
            self._report.tell(Found.CHECKPOINT_MISSING, number, detail)
            edge = None
        elif edge is None or edge.size < size:
            self._report.tell(Found.EDGE_CHANGED, "log_edges", "与检查点的规模不符或残缺")
            edge = None
        elif newest is not None and (head := self._heads.signed(newest)) and edge.root() != head.root:
            self._report.tell(Found.EDGE_CHANGED, "log_edges", "其根与最后的检查点不符")
            edge = None
        return newest, edge, max(given, size)

    def _pages(self, given: int) -> Iterator[tuple[Mapping[int, bytes], int]]:
        """Leaves by position, a page at a time; details are decrypted only where somebody looks at them."""
        for first in range(0, given, PAGE):
            with self._deps.uow.read() as tx:
                rows = tx.audited.leaves_after(first, limit=PAGE) if self._look else ()
                leaves = [(row.position, row.leaf) for row in rows] if rows else tx.log.leaves(first, limit=PAGE)
            yield {position: leaf for position, leaf in leaves if position <= first + PAGE}, first
            for row in rows:
                if self._look and row.position <= first + PAGE:
                    self._look(row)

    def _tile(self, start: int, end: int, rows: Mapping[int, bytes], edge: Edge | None) -> None:
        """The leaves with the indices ``[start, end)``, all of one tile."""
        leaves = [rows.get(index + 1) for index in range(start, end)]
        own = [None if leaf is None else leaf_hash(leaf) for leaf in leaves]
        tile, entries = self._stored(start, end, edge)
        if own == tile == entries or (own == tile and end - start < WIDTH):
            self._grow(tile)
            return
        taken: list[bytes] = []
        for place, hashed in enumerate(own):
            says = [hashed, tile[place] if tile else None, entries[place] if entries else None]
            right = self._agreed(says)
            if hashed != right or (tile and tile[place] != right) or (entries and entries[place] != right):
                self._name(start + place, says, right, tile or ())
            taken.append(right)
        self._grow(taken)

    def _agreed(self, says: Sequence[bytes | None]) -> bytes:
        """What two of three say; of those that all differ the tile's, which its checkpoint covers."""
        own, tile, entry = says
        if own is not None and own in {tile, entry}:
            return own
        return next((one for one in (tile, own, entry) if one is not None), bytes(32))

    def _name(self, index: int, says: Sequence[bytes | None], right: bytes, tile: Sequence[bytes]) -> None:
        own, hashed, entry = says
        position, path = index + 1, TilePath(index // WIDTH)
        if own is None:
            self._report.tell(Found.LEAF_MISSING, position)
        elif own != right:
            moved = next((place for place, one in enumerate(tile) if one == own), None)
            origin = index - index % WIDTH + 1 + moved if moved is not None else 0
            self._report.tell(Found.LEAF_CHANGED, position, f"这一行的叶原在第 {origin} 条" if origin else "")
        if hashed is not None and hashed != right:
            self._report.tell(Found.TILE_CHANGED, f"tile/0/{path}", f"第 {position} 条的散列")
        if entry is not None and entry != right:
            self._report.tell(Found.ENTRIES_CHANGED, f"tile/entries/{path}", f"第 {position} 条")

    def _stored(self, start: int, end: int, edge: Edge | None) -> tuple[list[bytes], list[bytes]]:
        """Hashes of the tile, and of the entries; nothing where there are none or they have another number."""
        if end - start < WIDTH:
            return (edge.levels[0] if edge else []), []
        number = start // WIDTH
        path = TilePath(number)
        tile = self._object(self._epochs.tile_name(0, number), Found.TILE_MISSING, f"tile/0/{path}")
        data = self._object(self._epochs.bundle_name(number), Found.ENTRIES_MISSING, f"tile/entries/{path}")
        hashes, entries = _read(split_hashes, tile), [leaf_hash(leaf) for leaf in _read(unpack_entries, data)]
        if tile and len(hashes) != WIDTH:
            self._report.tell(Found.TILE_CHANGED, f"tile/0/{path}", f"应有 {WIDTH} 个散列")
            hashes = []
        if data and len(entries) != WIDTH:
            self._report.tell(Found.ENTRIES_CHANGED, f"tile/entries/{path}", f"应有 {WIDTH} 条")
            entries = []
        return hashes, entries

    def _object(self, name: str, missing: Found, path: str) -> bytes:
        try:
            data = self._deps.objects.get(name)
        except NotFound:
            data = b""
        if not data:
            self._report.tell(missing, path)
        return data

    def _grow(self, taken: Sequence[bytes]) -> None:
        full = self._grown.append(taken)
        for (level, number), hashes in full.items():
            if level:
                self._upper(level, number, hashes)
        for hashed in taken:
            self._frontier.add(hashed)
            found = self._heads.at(self._frontier.size)
            if found is not None and found[1].root != self._frontier.root():
                self._report.tell(Found.ROOT_DIFFERS, found[0], f"规模 {self._frontier.size}")

    def _upper(self, level: int, number: int, hashes: Sequence[bytes]) -> None:
        path = f"tile/{level}/{TilePath(number)}"
        data = self._object(self._epochs.tile_name(level, number), Found.TILE_MISSING, path)
        if data and data != b"".join(hashes):
            own = [data[at : at + 32] for at in range(0, len(data), 32)]
            places = [place for place, one in enumerate(hashes) if own[place : place + 1] != [one]]
            self._report.tell(Found.TILE_CHANGED, path, f"第 {places[0] if places else WIDTH} 个散列起")

    def _close(self, newest: Checkpoint, edge: Edge | None) -> None:
        """The edge of the tree that was recomputed against the one in the rows."""
        if edge is None:
            return
        for level, hashes in enumerate(self._grown.levels):
            if level >= len(edge.levels) or edge.levels[level] != hashes:
                self._report.tell(Found.EDGE_CHANGED, f"log_edges {level}", f"第 {level} 层")
        for level in range(len(self._grown.levels), len(edge.levels)):
            if edge.levels[level]:
                self._report.tell(Found.EDGE_CHANGED, f"log_edges {level}", "多出")
        if self._grown.size != newest.size:
            msg = "an audit did not reach the end of the log"
            raise RuntimeError(msg)


def _read(parse: Callable[[bytes], list[bytes]], data: bytes) -> list[bytes]:
    try:
        return parse(data)
    except ValueError:
        return []
