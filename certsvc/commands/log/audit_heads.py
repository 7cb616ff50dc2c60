"""Checkpoints in the order of their numbers beside a tree that grows: each is held against its size and let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.log.findings import Found
from certsvc.events.checkpoint import read_note
from certsvc.events.epochs import split_origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.commands.log.findings import AuditReport
    from certsvc.commands.ports import Deps
    from certsvc.events.checkpoint import Checkpoint, TreeHead
    from certsvc.events.epochs import Epochs

PAGE = 500
"""Checkpoints in memory at once, of the one that a log gets every second."""


class Heads:
    """What checkpoints state, smallest size first; what is wrong with one is told when it is read."""

    def __init__(self, deps: Deps, report: AuditReport, epochs: Epochs) -> None:
        """Read the checkpoints of ``deps``, each page in a transaction of its own."""
        self._deps = deps
        self._report = report
        self._epochs = epochs
        self._stated = self._read()
        self._next = next(self._stated, None)

    def at(self, size: int) -> tuple[int, TreeHead] | None:
        """Number and head of the checkpoint of exactly this size, if there is one; sizes are asked for ascending."""
        while self._next is not None and self._next[1].size < size:
            self._next = next(self._stated, None)
        return self._next if self._next is not None and self._next[1].size == size else None

    def rest(self) -> None:
        """Look at those beyond the end of the tree."""
        while self._next is not None:
            self._next = next(self._stated, None)

    def signed(self, one: Checkpoint) -> TreeHead | None:
        """What a checkpoint states, if it is ours and of its size; nothing is told."""
        try:
            head, text, signatures = read_note(one.note)
        except ValueError:
            return None
        return head if self._deps.log_signer.is_signed(text, signatures) and head.size == one.size else None

    def _read(self) -> Iterator[tuple[int, TreeHead]]:
        number, before = 0, 0
        while True:
            with self._deps.uow.read() as tx:
                page = tx.log.after(number, limit=PAGE)
            if not page:
                return
            self._report.checkpoints += len(page)
            for one in page:
                for gone in range(number + 1, one.number):
                    self._report.tell(Found.CHECKPOINT_MISSING, gone)
                head = self._head(one, before)
                number, before = one.number, one.size
                if head is not None:
                    yield one.number, head

    def _head(self, one: Checkpoint, before: int) -> TreeHead | None:
        try:
            head, text, signatures = read_note(one.note)
        except ValueError:
            self._report.tell(Found.CHECKPOINT_CHANGED, one.number, "不是签名的检查点")
            return None
        if not self._deps.log_signer.is_signed(text, signatures):
            self._report.tell(Found.CHECKPOINT_CHANGED, one.number, "签名不符")
            return None
        if head.size != one.size or one.size <= before:
            self._report.tell(
                Found.CHECKPOINT_CHANGED, one.number, f"规模 {one.size} 与签名所述 {head.size} 或次序不符"
            )
            return None
        if split_origin(head.origin)[1] != self._epochs.at(head.size):
            self._report.tell(Found.CHECKPOINT_CHANGED, one.number, f"日志名称 {head.origin} 与接续的记录不符")
            return None
        return head
