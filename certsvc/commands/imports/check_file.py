"""Check an upload row by row (the dry run): nothing is issued, every row gets its reasons.

Rows are stored in chunks under the lease of the import. A check that died is taken up again: the upload is read from
its beginning, and what is stored is passed by.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.imports.check_row import RowChecker, keys_of
from certsvc.commands.imports.open_table import open_upload
from certsvc.errors import CertsvcError, InvalidInput, NotFound, TooLarge
from certsvc.events.import_payloads import ImportChecked
from certsvc.license.imports import Fault, ImportRow, ImportState, RowState
from certsvc.license.states import STATE_ZH, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from certsvc.commands.imports.check_row import CheckedRow
    from certsvc.commands.imports.table import OpenTable, RawRow
    from certsvc.commands.ports import Deps
    from certsvc.license.imports import ClaimedImport, ImportBatch

log = structlog.get_logger("certsvc.imports")

CHUNK = 200
"""Rows checked and stored in one transaction; the lease is kept with each."""

MAX_TRIES = 5
"""Times that a check is begun without a single chunk done: what kills its worker must end."""


class LostImport(Exception):
    """Another worker holds the import now."""


class FileChecker:
    """The check of one upload under a lease."""

    def __init__(self, deps: Deps, claimed: ClaimedImport, *, lease_s: int) -> None:
        self._deps = deps
        self._batch: ImportBatch = claimed.batch
        self._token = claimed.claim_token
        self._lease = timedelta(seconds=lease_s)
        self._rows = RowChecker(deps, claimed.batch)
        self._seen: dict[str, int] = {}
        self._total = 0
        self._last = 0

    def run(self) -> None:
        """Check everything that is not checked yet, and end the check.

        Raises:
            LostImport: the lease ran out.
            Unavailable: the database or the object store is away; the check is taken up again.
        """
        batch = self._batch
        if batch.tries > MAX_TRIES:
            detail = f"检查 {MAX_TRIES} 次都没有进展，请联系运维，或拆成较小的文件上传"
            self._end(ImportState.UNREADABLE, [Fault(column="", code="too_many_attempts", detail=detail)])
            return
        try:
            table = open_upload(self._deps.objects.get(batch.upload))
            keys, faults = keys_of(self._rows.columns, table.header)
            if faults:
                self._end(ImportState.UNREADABLE, faults)
                return
            self._note_heading(table, keys)
            self._check(table, keys)
        except (InvalidInput, TooLarge) as error:
            found = [Fault(column="", code=one.code, detail=one.detail) for one in error.problems]
            self._end(ImportState.UNREADABLE, found or [Fault(column="", code=error.code, detail=error.detail)])
        except (CertsvcError, LostImport) as error:
            if not isinstance(error, NotFound):
                raise
            log.exception("upload is gone", action="import.lost_upload", import_id=batch.import_id)
            self._end(ImportState.UNREADABLE, [Fault(column="", code="lost", detail="上传的文件已不在，请重新上传")])
        except Exception:
            # Whatever is so new to us will not pass by itself.
            log.exception("check failed", action="import.crashed", import_id=batch.import_id)
            crashed = Fault(column="", code="internal", detail="检查程序出错，已记录，请联系运维后重新上传")
            self._end(ImportState.UNREADABLE, [crashed])
        else:
            empty = Fault(column="", code="no_rows", detail="没有数据行，请在模板中填写后上传")
            self._end(ImportState.CHECKED if self._total else ImportState.UNREADABLE, [] if self._total else [empty])

    def _note_heading(self, table: OpenTable, keys: Sequence[str]) -> None:
        columns = list(zip(keys, table.header, strict=True))
        with self._deps.uow() as tx:
            if not tx.imports.read_heading(self._batch.import_id, claim_token=self._token, columns=columns):
                raise LostImport
            self._last = tx.import_rows.last(self._batch.import_id)

    def _check(self, table: OpenTable, keys: Sequence[str]) -> None:
        for chunk in _chunks(table.rows):
            self._total += len(chunk)
            fresh = [row for row in chunk if row.number > self._last]
            for row in chunk:
                if row.number <= self._last:
                    self._remember(row, keys)
            if fresh:
                self._store(self._checked(fresh, keys, table))

    def _remember(self, row: RawRow, keys: Sequence[str]) -> None:
        """Numbers of rows that an earlier run has stored, so that later doubles are found."""
        index = keys.index("number") if "number" in keys else -1
        if 0 <= index < len(row.cells) and row.cells[index].strip():
            self._seen.setdefault(row.cells[index].strip(), row.number)

    def _checked(self, rows: Sequence[RawRow], keys: Sequence[str], table: OpenTable) -> list[ImportRow]:
        found = [(row.number, self._rows.check(row, keys)) for row in rows]
        numbers = {checked.payload.number for _, checked in found if checked.payload is not None}
        with self._deps.uow.read() as tx:
            waiting = tx.import_rows.waiting_numbers(self._batch.type_slug, numbers)
            registered = tx.import_rows.registered_numbers(self._batch.type_slug, numbers)
        made = []
        for row_no, checked in found:
            faults = [*checked.faults]
            if checked.payload is not None:
                number = checked.payload.number
                faults += self._doubles(row_no, number, waiting.get(number), registered.get(number))
            photo, photo_faults = self._photo(checked, table)
            made.append(self._row(row_no, checked, (*faults, *photo_faults), photo))
        return made

    def _row(self, row_no: int, checked: CheckedRow, faults: Sequence[Fault], photo: bytes | None) -> ImportRow:
        passed = not faults and checked.payload is not None
        return ImportRow(
            row_no=row_no,
            state=RowState.PASSED if passed else RowState.FAULTY,
            cells=checked.cells,
            faults=tuple(faults),
            photo=photo if passed else None,
            number=checked.payload.number if passed and checked.payload else "",
        )

    def _doubles(
        self, row_no: int, number: str, waiting: tuple[str, int] | None, registered: tuple[str, str] | None
    ) -> Iterator[Fault]:
        """A number that came before: in this table, in another import, or on the register."""
        column = self._rows.heading("number")
        first = self._seen.setdefault(number, row_no)
        if first != row_no:
            detail = f"与第 {first} 行的编号相同，请核对后只保留一行"
            yield Fault(column=column, code="duplicate_in_file", detail=detail)
        if waiting is not None and waiting[0] != self._batch.import_id:
            detail = f"此编号已在批次 {waiting[0]} 第 {waiting[1]} 行，请勿重复导入"
            yield Fault(column=column, code="duplicate_in_import", detail=detail)
        if registered is not None:
            identifier, state = registered
            detail = f"登记中已有此编号的证照（{identifier}，{STATE_ZH[State(state)]}），请删除此行"
            yield Fault(column=column, code="duplicate_in_register", detail=detail)

    def _photo(self, checked: CheckedRow, table: OpenTable) -> tuple[bytes | None, list[Fault]]:
        """The normalised photo of a row, if its type has one."""
        name = checked.cells.get("photo", "")
        if not self._rows.takes_photos or not name or checked.payload is None:
            return None, []
        heading = self._rows.heading("photo")
        try:
            return self._deps.renderer.normalise_photo(table.photos[name]), []
        except KeyError:
            detail = "压缩包中没有这张照片，请核对文件名" if table.form == "zip" else "请把表和照片打包成一个 ZIP 上传"
            return None, [Fault(column=heading, code="no_photo", detail=detail)]
        except CertsvcError as error:
            return None, [Fault(column=heading, code=error.code, detail=error.detail)]

    def _store(self, rows: Sequence[ImportRow]) -> None:
        batch = self._batch
        with self._deps.uow() as tx:
            ready_at = self._deps.clock.now() + self._lease
            kept = tx.imports.keep(
                batch.import_id, claim_token=self._token, ready_at=ready_at, total=self._total, waits_for=""
            )
            if not kept:
                raise LostImport
            tx.import_rows.add(batch.import_id, batch.type_slug, rows)
        self._deps.faults.reach("import.rows_stored")

    def _end(self, state: ImportState, problems: Sequence[Fault]) -> None:
        """State, event and evidence in one transaction; then the upload is deleted."""
        deps, batch = self._deps, self._batch
        now = deps.clock.now()
        with deps.uow() as tx:
            held = tx.imports.end_check(
                batch.import_id, claim_token=self._token, state=state, problems=problems, total=self._total
            )
            if not held:
                raise LostImport
            counts = tx.import_rows.counts(batch.import_id)
            passed, faulty = counts[RowState.PASSED], counts[RowState.FAULTY]
            if state is ImportState.CHECKED:
                event = ImportChecked(
                    import_id=batch.import_id,
                    authority_code=batch.authority_code,
                    license_type=batch.type_slug,
                    trust=batch.trust.value,
                    passed=passed,
                    faulty=faulty,
                )
                source = deps.policy.event_source
                tx.outbox.add(event.event(event_id=deps.ids.new("evt"), source=source, subject=batch.import_id, at=now))
            content = {"state": state.value, "passed": passed, "faulty": faulty}
            record(tx, deps, kind="import.checked", subject=batch.import_id, actor="certsvc", content=content, at=now)
        deps.objects.delete(batch.upload)
        log.info("checked", action="import.checked", import_id=batch.import_id, state=state.value, passed=passed)


def _chunks(rows: Iterator[RawRow]) -> Iterator[list[RawRow]]:
    chunk: list[RawRow] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
