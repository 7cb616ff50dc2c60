"""The table as it was uploaded, with what became of every row and why: to mend and to send again."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from certsvc.catalog.stock_columns import REASON, RESULT
from certsvc.catalog.text_cells import safe_cell
from certsvc.commands.access import roles
from certsvc.commands.imports.read import MAX_PAGE, own_import
from certsvc.commands.page_ports import TextSheet
from certsvc.errors import Conflict, TooLarge
from certsvc.license.imports import ROW_STATE_ZH, ImportState, RowState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.imports import ImportBatch, ImportRow

MAX_XLSX_ROWS = 20_000
"""Rows of a result as XLSX: writing one holds a thread for seconds; larger ones are had as CSV."""


def result_csv(deps: Deps, caller: Principal, import_id: str) -> bytes:
    """UTF-8 with a mark, so that spreadsheets read it as what it is; no cell runs as a formula.

    Raises:
        NotFound: no import of this department.
        Conflict: not checked yet, or its rows were erased.
    """
    batch = _readable(deps, caller, import_id)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_header(batch))
    for row in _rows(deps, batch):
        writer.writerow([safe_cell(text) for text in row])
    return out.getvalue().encode("utf-8-sig")


def result_xlsx(deps: Deps, caller: Principal, import_id: str) -> bytes:
    """The same as XLSX.

    Raises:
        NotFound, Conflict: as there.
        TooLarge: more rows than the limit.
    """
    batch = _readable(deps, caller, import_id)
    if batch.total > MAX_XLSX_ROWS:
        raise TooLarge(f"超过 {MAX_XLSX_ROWS} 行的结果请下载 CSV（format=csv）")
    sheet = TextSheet(title="导入结果", header=_header(batch), rows=_rows(deps, batch))
    return deps.renderer.book_xlsx([sheet])


def _readable(deps: Deps, caller: Principal, import_id: str) -> ImportBatch:
    roles.require(caller, roles.BATCH_CLERK, roles.BATCH_VERIFIER)
    batch = own_import(deps, caller, import_id)
    if batch.state is ImportState.UPLOADED:
        raise Conflict("批次还在检查，请等检查结束后下载")
    if batch.forgotten:
        raise Conflict("批次的内容已按规定清除，请以当时下载的结果为准")
    if batch.state is ImportState.UNREADABLE:
        raise Conflict("文件无法读取，没有逐行结果，原因见批次的 problems")
    return batch


def _header(batch: ImportBatch) -> tuple[str, ...]:
    return (*(heading for key, heading in batch.columns if key), RESULT, REASON)


def _rows(deps: Deps, batch: ImportBatch) -> Iterator[tuple[str, ...]]:
    keys = [key for key, _ in batch.columns if key]
    after = 0
    while True:
        with deps.uow.read() as tx:
            rows = tx.import_rows.some(batch.import_id, after=after, limit=MAX_PAGE)
        for row in rows:
            yield (*(row.cells.get(key, "") for key in keys), ROW_STATE_ZH[row.state], _why(row))
        if len(rows) < MAX_PAGE:
            return
        after = rows[-1].row_no


def _why(row: ImportRow) -> str:
    if row.state is RowState.ISSUED:
        return f"证照标识 {row.identifier}"
    return "；".join(fault.sentence for fault in row.faults)
