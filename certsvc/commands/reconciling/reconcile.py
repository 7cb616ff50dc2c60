"""Compare register, files, outbox, evidence and uses of seals with each other; looking changes nothing.

What moves meanwhile raises no alarm: expectations are read before what must meet them, everything of one license is
written in one transaction, and what seems to be missing or too much is asked for once more before it is told.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.reconciling.file_books import FileBooks
from certsvc.commands.reconciling.findings import Difference, Finding, Report
from certsvc.commands.reconciling.row_books import RowBooks

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from certsvc.commands.reconcile_ports import Books, Ledger

ANSWER_AFTER = timedelta(hours=1)
"""A use of a seal without an answer after this long has nobody working on it: leases last a minute."""
SETTLE = timedelta(hours=24)
"""What is younger may still be on its way; the same age as the sweep's."""
MOST_UNFINISHED = 1000
"""Intents looked at; whoever has as many has another trouble."""


def reconcile(
    books: Books,
    ledger: Ledger,
    *,
    sample: int = 0,
    settle: timedelta = SETTLE,
    watch: Callable[[str, int], None] = lambda _stage, _count: None,
) -> Report:
    """Look through everything.

    Args:
        books: what is compared.
        ledger: an empty one; it is used up.
        sample: read only so many files, drawn at random; 0 reads all. That a file is there is asked of all.
        settle: age from which files and intents that nobody registered are told.
        watch: called with the stage and how many more were looked at.

    Raises:
        Unavailable: database or object store do not answer; nothing can be said then.
    """
    report = Report()

    def look(stage: str, count: int) -> None:
        report.look(stage, count)
        watch(stage, count)

    files = FileBooks(books, ledger, report, look)
    rows = RowBooks(books, ledger, report, look)
    files.list_objects()
    rows.expect_versions()
    files.expect_registered()
    files.compare(sample=sample, before=books.now - settle)
    rows.compare_uses(before=books.now - ANSWER_AFTER)
    rows.compare_events()
    rows.compare_evidence()
    _unfinished(books, report, before=books.now - settle)
    return report


def _unfinished(books: Books, report: Report, *, before: datetime) -> None:
    with books.uow.read() as tx:
        intents = tx.intents.without_result(before=before, limit=MOST_UNFINISHED)
    for intent in intents:
        detail = f"申请 {intent.request_id}"
        report.add(Finding(kind=Difference.UNFINISHED, about=intent.identifier, detail=detail))
