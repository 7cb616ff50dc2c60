"""What the store offers about imports (存量) and bulk decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from certsvc.license.bulk import BulkBatch, BulkRow, BulkRowState, BulkState, ClaimedBulk
    from certsvc.license.imports import (
        ClaimedImport,
        EndedRequest,
        Fault,
        ImportBatch,
        ImportRow,
        ImportState,
        Judgement,
        RowState,
    )


class Imports(Protocol):
    """Imports as a queue of uploads to check and approvals to carry out."""

    def insert(self, batch: ImportBatch) -> bool:
        """Store; False when an open import of this department has the same file for the same type."""
        ...

    def by_id(self, import_id: str) -> ImportBatch | None:
        """The import."""
        ...

    def open_file(self, authority_code: str, type_slug: str, sha256: str) -> ImportBatch | None:
        """The open import of this file."""
        ...

    def of_authority(self, authority_code: str, *, before: str, limit: int) -> Sequence[ImportBatch]:
        """Imports of a department, newest first, older than the one with the id ``before`` (empty: from the newest)."""
        ...

    def claim(self, *, token: str, now: datetime, until: datetime) -> ClaimedImport | None:
        """Take the import that has been ready longest, of those to check and those to issue."""
        ...

    def keep(self, import_id: str, *, claim_token: str, ready_at: datetime, total: int, waits_for: str) -> bool:
        """Keep or give back a claim (``ready_at`` says which) and note how far it is; False when it was lost."""
        ...

    def read_heading(self, import_id: str, *, claim_token: str, columns: Sequence[tuple[str, str]]) -> bool:
        """Note the columns of the upload; False when the claim was lost."""
        ...

    def end_check(
        self, import_id: str, *, claim_token: str, state: ImportState, problems: Sequence[Fault], total: int
    ) -> bool:
        """To ``checked`` or ``unreadable``; the upload is forgotten. False when the claim was lost."""
        ...

    def draw(self, import_id: str, *, seed: str, size: int) -> bool:
        """Note seed and size of a sample of a checked import; False when it is not checked, or is not smaller."""
        ...

    def decide(
        self, import_id: str, *, source: ImportState, target: ImportState, by: str, reason: str, now: datetime
    ) -> bool:
        """Approve, refuse or drop, if it still stands at ``source``."""
        ...

    def finish(self, import_id: str, *, claim_token: str, keep_until: datetime) -> bool:
        """To ``finished``; False when the claim was lost."""
        ...

    def over(self, *, now: datetime, limit: int) -> Sequence[ImportBatch]:
        """Imports whose contents need not be kept any longer."""
        ...

    def forget(self, import_id: str) -> bool:
        """Erase what its rows say; counts, states and who decided stay. False when it was done before."""
        ...


class ImportRows(Protocol):
    """Rows of imports."""

    def add(self, import_id: str, type_slug: str, rows: Sequence[ImportRow]) -> None:
        """Store; IntegrityError when one is there."""
        ...

    def last(self, import_id: str) -> int:
        """The highest row number that is stored, or 0."""
        ...

    def row(self, import_id: str, row_no: int) -> ImportRow | None:
        """One row."""
        ...

    def some(self, import_id: str, *, after: int, limit: int, state: RowState | None = None) -> Sequence[ImportRow]:
        """Rows behind ``after`` in their order, without photos."""
        ...

    def passed(self, import_id: str, *, limit: int) -> Sequence[ImportRow]:
        """The first rows that wait to be issued, with their photos."""
        ...

    def passed_numbers(self, import_id: str) -> Sequence[int]:
        """Row numbers of everything that passed."""
        ...

    def counts(self, import_id: str) -> Mapping[RowState, int]:
        """Rows by state."""
        ...

    def waiting_numbers(self, type_slug: str, numbers: Iterable[str]) -> Mapping[str, tuple[str, int]]:
        """Of these 证照编号 those that wait in an import, and where: import and row."""
        ...

    def registered_numbers(self, type_slug: str, numbers: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """Of these 证照编号 those on the register, with identifier and state of the newest version."""
        ...

    def sample(self, import_id: str, row_nos: Sequence[int]) -> None:
        """Mark rows as drawn."""
        ...

    def sampled(self, import_id: str) -> Sequence[ImportRow]:
        """The rows of the sample in their order, with photos."""
        ...

    def judged(self, import_id: str) -> Mapping[Judgement, int]:
        """How many rows of the sample were judged how."""
        ...

    def judge(self, import_id: str, row_no: int, *, judgement: Judgement, by: str, reason: str, now: datetime) -> bool:
        """Judge a row of the sample, or judge it anew; False when it is none."""
        ...

    def queue(self, import_id: str, row_no: int, *, request_id: str) -> bool:
        """A passed row was asked for; its photo is forgotten. False when it is not ``passed``."""
        ...

    def end(
        self,
        import_id: str,
        row_no: int,
        *,
        source: RowState,
        state: RowState,
        identifier: str,
        faults: Sequence[Fault],
    ) -> bool:
        """To ``issued`` or ``refused``, if it still stands at ``source``."""
        ...

    def ended_requests(self, import_id: str, *, limit: int) -> Sequence[EndedRequest]:
        """Queued rows whose request was issued or refused."""
        ...


class Bulks(Protocol):
    """Bulk decisions and their rows."""

    def insert(self, batch: BulkBatch, rows: Sequence[BulkRow], *, content: str) -> bool:
        """Store; False when an open one of this authority has the same content."""
        ...

    def by_id(self, bulk_id: str) -> BulkBatch | None:
        """The bulk decision."""
        ...

    def open_content(self, authority_code: str, content: str) -> BulkBatch | None:
        """The open one with this content."""
        ...

    def of_authority(self, authority_code: str, *, before: str, limit: int) -> Sequence[BulkBatch]:
        """Those of an authority, newest first, as for imports."""
        ...

    def confirm(self, bulk_id: str, *, by: str, effect_at: datetime) -> bool:
        """To ``confirmed``; False when it is no preview any more."""
        ...

    def drop(self, bulk_id: str, *, source: BulkState, by: str, reason: str, now: datetime) -> bool:
        """To ``dropped``, if it still stands at ``source``, a preview or confirmed, and no worker has begun."""
        ...

    def claim(self, *, token: str, now: datetime, until: datetime) -> ClaimedBulk | None:
        """Take the confirmed one that has been due longest; it is ``working`` from then on."""
        ...

    def keep(self, bulk_id: str, *, claim_token: str, ready_at: datetime) -> bool:
        """Keep or give back a claim; False when it was lost."""
        ...

    def finish(self, bulk_id: str, *, claim_token: str, now: datetime) -> bool:
        """To ``finished``; False when the claim was lost."""
        ...

    def rows(self, bulk_id: str, *, after: int, limit: int, state: BulkRowState | None = None) -> Sequence[BulkRow]:
        """Rows behind ``after`` in their order."""
        ...

    def counts(self, bulk_id: str) -> Mapping[BulkRowState, int]:
        """Rows by state."""
        ...

    def set_row(self, bulk_id: str, row: BulkRow, *, source: BulkRowState) -> bool:
        """Write a row, if it still stands at ``source``."""
        ...

    def ended_requests(self, bulk_id: str, *, limit: int) -> Sequence[EndedRequest]:
        """As for imports."""
        ...
