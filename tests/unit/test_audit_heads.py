"""Checkpoints beside a growing tree: page by page, each at its size, and what is wrong with one is told."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Self

from certsvc.commands.log import audit_heads
from certsvc.commands.log.audit_heads import Heads
from certsvc.commands.log.findings import AuditReport, Found
from certsvc.events.checkpoint import Checkpoint, NoteSignature, TreeHead, write_note
from certsvc.events.epochs import Epochs

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Rows:
    """Checkpoints in a table, of which a page at a time leaves it."""

    def __init__(self, rows: list[Checkpoint]) -> None:
        self.rows, self.largest, self.reads = rows, 0, 0
        self.log: Any = self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read(self) -> Rows:
        return self

    def after(self, number: int, *, limit: int) -> list[Checkpoint]:
        self.reads += 1
        page = [one for one in self.rows if one.number > number][:limit]
        self.largest = max(self.largest, len(page))
        return page


def checkpoint(number: int, size: int, *, stated: int = 0) -> Checkpoint:
    head = TreeHead(origin="zz.example/log", size=stated or size, root=bytes(32))
    note = write_note(head.text(), (NoteSignature(name="zz.example/log", key_id=bytes(4), signature=b"s"),))
    return Checkpoint(number=number, size=size, note=note, at=AT)


def heads(rows: Rows, report: AuditReport) -> Heads:
    signer = SimpleNamespace(is_signed=lambda _text, _signatures: True)
    deps: Any = SimpleNamespace(uow=rows, log_signer=signer)
    return Heads(deps, report, Epochs())


def test_each_is_held_against_its_size_and_no_more_than_two_pages_are_read_ahead() -> None:
    count = 3 * audit_heads.PAGE + 7
    rows, report = Rows([checkpoint(number, 2 * number) for number in range(1, count + 1)]), AuditReport()
    read = heads(rows, report)
    met = 0
    for size in range(1, 2 * count + 1):
        found = read.at(size)
        assert (found is not None) == (size % 2 == 0)
        if found is not None:
            met += 1
            assert (found[0], found[1].size) == (size // 2, size)
            assert report.checkpoints <= found[0] + audit_heads.PAGE, "read as the tree grows, not before"
    read.rest()
    assert (met, report.checkpoints, rows.largest, report.findings) == (count, count, audit_heads.PAGE, [])


def test_what_is_wrong_with_one_is_told_wherever_the_tree_ends() -> None:
    rows = [checkpoint(1, 4), checkpoint(3, 9), checkpoint(4, 8), checkpoint(5, 20, stated=21), checkpoint(6, 30)]
    report = AuditReport()
    read = heads(Rows(rows), report)
    assert read.at(4) is not None
    assert read.at(5) is None
    read.rest()
    assert [(one.kind, one.about) for one in report.findings] == [
        (Found.CHECKPOINT_MISSING, "2"),
        (Found.CHECKPOINT_CHANGED, "4"),
        (Found.CHECKPOINT_CHANGED, "5"),
    ]
    assert read.signed(rows[3]) is None
    assert read.signed(rows[4]) is not None
