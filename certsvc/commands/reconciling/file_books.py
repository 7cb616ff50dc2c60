"""Registered files against the object store: each is there and is what was registered, and nothing else is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from certsvc.commands.evidence.sweep import ARCHIVES, MATERIALS, PREFIX, STAMPED, digest_of, is_registered
from certsvc.commands.reconciling.findings import Difference, Finding
from certsvc.commands.reconciling.pages import PAGE, pages, uneven
from certsvc.commands.reconciling.row_books import SEALED
from certsvc.commands.signings.document import PREFIX as SIGNINGS
from certsvc.commands.signings.document import document_name
from certsvc.commands.stamping.uploads import UPLOADS
from certsvc.errors import IntegrityError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from certsvc.commands.reconcile_ports import Books, Ledger
    from certsvc.commands.reconciling.findings import Report
    from certsvc.license.books import FileRow

FILES, KEPT = "files", "kept"
"""Topics of names, and of names with digests where the name tells none."""
LISTED, REGISTERED, READ = "列出文件", "登记的文件", "读取文件"


class FileBooks:
    """One comparison of rows and objects; the steps follow each other."""

    def __init__(self, books: Books, ledger: Ledger, report: Report, look: Callable[[str, int], None]) -> None:
        """Compare ``books``; what is found goes to ``report``, what was looked at to ``look``."""
        self._books = books
        self._ledger = ledger
        self._report = report
        self._look = look

    def list_objects(self) -> None:
        """Note every object that is there."""
        for prefix in (PREFIX, SIGNINGS, STAMPED, ARCHIVES, MATERIALS):
            for names in _grouped(self._books.objects.walk(prefix)):
                self._ledger.see(FILES, names)
                self._look(LISTED, len(names))

    def expect_registered(self) -> None:
        """Note every file that rows name; a name tells the digest, so a row whose digest is another was changed."""
        books = self._books
        for rows in pages(books, lambda tx, at: tx.reconciling.artifacts_after(at, limit=PAGE), _place, ""):
            self._expect(rows)
        for rows in pages(books, lambda tx, at: tx.reconciling.stamped_after(at, limit=PAGE), _place, ""):
            self._expect(rows)
            self._ledger.expect(SEALED, [row.reservation_id for row in rows])
        for rows in pages(books, lambda tx, at: tx.reconciling.signed_after(at, limit=PAGE), _place, ""):
            self._expect(rows)
        for rows in pages(books, lambda tx, at: tx.reconciling.archives_after(at, limit=PAGE), _place, ""):
            self._expect_kept(rows, ARCHIVES, ".zip")
        for rows in pages(books, lambda tx, at: tx.reconciling.materials_after(at, limit=PAGE), _place, ""):
            self._expect_kept(rows, MATERIALS, ".pdf")

    def compare(self, *, sample: int, before: datetime) -> None:
        """Read files, all or some, and look which names are on one side only.

        Args:
            sample: how many files to read; 0 for all.
            before: files that nobody registered are told when they are older.
        """
        for names in self._to_read(sample):
            for name in names:
                self._read(name)
            self._look(READ, len(names))
        for name, _ in uneven(self._ledger.short, FILES):
            self._missing(name)
        for name, _ in uneven(self._ledger.over, FILES):
            self._stray(name, before)
        for name in self._books.objects.walk(UPLOADS, before=before):
            self._stray(name, before)

    def _expect(self, rows: Sequence[FileRow]) -> None:
        names = {row.object_name or document_name(row.sha256): row for row in rows}
        for name, row in names.items():
            if digest_of(name) != row.sha256:
                self._report.add(Finding(kind=Difference.CHANGED_FILE, about=name, detail=f"登记属于 {row.about}"))
        self._ledger.expect(FILES, names)
        self._look(REGISTERED, len(rows))

    def _expect_kept(self, rows: Sequence[FileRow], prefix: str, suffix: str) -> None:
        """Files that are called by the id of their row: their digest stands in the row alone."""
        for row in rows:
            if row.object_name != f"{prefix}{row.place}{suffix}":
                finding = Finding(kind=Difference.CHANGED_FILE, about=row.object_name, detail=f"登记属于 {row.about}")
                self._report.add(finding)
        self._ledger.see(KEPT, [f"{row.object_name} {row.sha256}" for row in rows])
        self._ledger.expect(FILES, [row.object_name for row in rows])
        self._look(REGISTERED, len(rows))

    def _to_read(self, sample: int) -> Iterator[Sequence[str]]:
        if sample:
            yield self._ledger.drawn(FILES, sample)
            return
        after = ""
        while names := self._ledger.expected(FILES, after=after, limit=PAGE):
            yield names
            after = names[-1]

    def _read(self, name: str) -> None:
        try:
            data = self._books.objects.get(name)
        except NotFound:
            return  # told with everything that is not there
        except IntegrityError:
            data = b""
        digest = hashlib.sha256(data).hexdigest()
        if digest != digest_of(name) and not self._ledger.saw(KEPT, f"{name} {digest}"):
            self._report.add(Finding(kind=Difference.CHANGED_FILE, about=name))

    def _missing(self, name: str) -> None:
        """A file that was registered after the objects were listed is there by now; one may have gone by decision."""
        if self._books.gone(name):
            return
        try:
            self._books.objects.get(name)
        except NotFound:
            self._report.add(Finding(kind=Difference.MISSING_FILE, about=name))
        except IntegrityError:
            return  # told when it was read

    def _stray(self, name: str, before: datetime) -> None:
        with self._books.uow.read() as tx:
            known = is_registered(tx, name)
        if not known and name in self._books.objects.walk(name, before=before):
            self._report.add(Finding(kind=Difference.STRAY_FILE, about=name))


def _place(row: FileRow) -> str:
    return row.place


def _grouped(names: Iterator[str]) -> Iterator[Sequence[str]]:
    group: list[str] = []
    for name in names:
        group.append(name)
        if len(group) == PAGE:
            yield group
            group = []
    if group:
        yield group
