"""``certsvc import``: 存量 on this machine, with the same checks and records as over the API."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from certsvc.cli.callers import person_of, working_service
from certsvc.cli.consoles import answers
from certsvc.commands.imports.advance import advance_import
from certsvc.commands.imports.decide import approve, drop, refuse
from certsvc.commands.imports.read import list_imports, read_import
from certsvc.commands.imports.result import result_csv, result_xlsx
from certsvc.commands.imports.sample import draw, judge
from certsvc.commands.imports.template import template_xlsx
from certsvc.commands.imports.upload import upload_import
from certsvc.commands.issuance.process_request import process_batch
from certsvc.errors import InvalidInput
from certsvc.license.imports import IMPORT_STATE_ZH, ROW_STATE_ZH, ImportState, RowState

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.imports import Judgement
    from certsvc.license.imports import Progress as ImportProgress
    from certsvc.license.stock import Trust

HINT = "请先用 certsvc people bind 绑定并授予批量经办人或批量核实人角色"
LOOK_S = 0.2
LEASE_S = 120
SHOWN = 20
"""Faulty rows that are printed; the result file has all."""


def write_template(type_slug: str, out: Path) -> None:
    """Write the template of a type."""
    with working_service() as service:
        out.write_bytes(template_xlsx(service.deps, type_slug))


def check_upload(path: Path, *, type_slug: str, trust: Trust, by: str, out: Path | None) -> bool:
    """Upload and check a table, with a progress bar; whether all rows passed."""
    console = Console(stderr=True)
    with working_service() as service:
        deps, caller = service.deps, person_of(service.deps, by, HINT)
        batch = upload_import(deps, caller, type_slug, trust, path.read_bytes()).batch
        _checked(deps, batch.import_id, console)
        found = read_import(deps, caller, batch.import_id)
        _print(found, console)
        if found.batch.state is ImportState.CHECKED and out is not None:
            _write_result(deps, caller, batch.import_id, out)
            console.print(f"逐行结果：{out}")
        _print_faults(deps, batch.import_id, console)
    return found.batch.state is ImportState.CHECKED and not found.rows[RowState.FAULTY]


def _checked(deps: Deps, import_id: str, console: Console) -> None:
    """Check in a thread and show how many rows were read, until the check has ended, here or in another process."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            if not advance_import(deps, lease_s=LEASE_S):
                stop.wait(LOOK_S)

    columns = (SpinnerColumn(), TextColumn("检查"), TextColumn("{task.completed} 行"), TimeElapsedColumn())
    with ThreadPoolExecutor(1) as pool, Progress(*columns, console=console) as bar:
        working, task = pool.submit(work), bar.add_task("", total=None)
        try:
            while not working.done():
                with deps.uow.read() as tx:
                    batch = tx.imports.by_id(import_id)
                bar.update(task, completed=batch.total if batch else 0)
                if batch is None or batch.state is not ImportState.UPLOADED:
                    break
                time.sleep(LOOK_S)
        finally:
            stop.set()
        working.result()


def show(import_id: str, *, by: str) -> None:
    """Print how far an import is, or, without one, the newest of the department."""
    console = answers()
    with working_service() as service:
        caller = person_of(service.deps, by, HINT)
        if import_id:
            _print(read_import(service.deps, caller, import_id), console)
            return
        for batch in list_imports(service.deps, caller):
            cells = (batch.import_id, IMPORT_STATE_ZH[batch.state], batch.type_slug, batch.trust.value)
            print("\t".join((*cells, f"{batch.total} 行", batch.uploaded_by)))


def write_result(import_id: str, out: Path, *, by: str) -> None:
    """Write the table with results and reasons."""
    with working_service() as service:
        _write_result(service.deps, person_of(service.deps, by, HINT), import_id, out)


def _write_result(deps: Deps, caller: Principal, import_id: str, out: Path) -> None:
    makers = {".csv": result_csv, ".xlsx": result_xlsx}
    if out.suffix not in makers:
        raise InvalidInput("结果文件应为 .csv 或 .xlsx")
    out.write_bytes(makers[out.suffix](deps, caller, import_id))


def draw_rows(import_id: str, *, by: str, size: int) -> None:
    """Draw the sample and print its rows."""
    with working_service() as service:
        rows = draw(service.deps, person_of(service.deps, by, HINT), import_id, size=size)
    for row in rows:
        found = row.judged.value if row.judged else "未核对"
        print(f"第 {row.row_no} 行\t{found}\t" + "\t".join(text for text in row.cells.values() if text))


def judge_row(import_id: str, row_no: int, judgement: Judgement, *, by: str, reason: str) -> None:
    """Note what the comparison with the original found."""
    with working_service() as service:
        judge(service.deps, person_of(service.deps, by, HINT), import_id, row_no, judgement, reason)


def decide(import_id: str, *, by: str, reason: str, agrees: bool) -> str:
    """Approve or refuse; the state afterwards."""
    with working_service() as service:
        command = approve if agrees else refuse
        batch = command(service.deps, person_of(service.deps, by, HINT), import_id, reason=reason)
    return IMPORT_STATE_ZH[batch.state]


def take_back(import_id: str, *, by: str, reason: str) -> str:
    """Take an import back before it is approved; the state afterwards."""
    with working_service() as service:
        batch = drop(service.deps, person_of(service.deps, by, HINT), import_id, reason=reason)
    return IMPORT_STATE_ZH[batch.state]


def watch(import_id: str, *, by: str, work: bool) -> None:
    """Show how the rows of an approved import are issued, until it has ended; ``work`` issues them in this process."""
    console = Console(stderr=True)
    said = TextColumn("{task.description}")
    columns = (TextColumn("制证"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), said)
    with working_service() as service, Progress(*columns, console=console) as bar:
        deps, caller = service.deps, person_of(service.deps, by, HINT)
        task = bar.add_task("")
        while True:
            found = read_import(deps, caller, import_id)
            bar.update(task, completed=found.done, total=found.batch.total, description=found.batch.waits_for)
            if found.batch.state is not ImportState.APPROVED:
                break
            if not (work and _issued_some(deps)):
                time.sleep(LOOK_S)
        _print(found, console)


def _issued_some(deps: Deps) -> bool:
    """Ask for rows, or issue some of what was asked for; whether anything was done."""
    return advance_import(deps, lease_s=LEASE_S) or bool(process_batch(deps, worker="cli", lease_s=LEASE_S))


def _print(found: ImportProgress, console: Console) -> None:
    batch = found.batch
    counts = "，".join(f"{ROW_STATE_ZH[state]} {count}" for state, count in found.rows.items() if count)
    head = f"{batch.import_id} {IMPORT_STATE_ZH[batch.state]}：共 {batch.total} 行"
    console.print(f"{head}，{counts}" if counts else head)
    for fault in batch.problems:
        console.print(f"  {fault.sentence}", highlight=False)
    if batch.waits_for:
        console.print(f"  等待：{batch.waits_for}", highlight=False)


def _print_faults(deps: Deps, import_id: str, console: Console) -> None:
    with deps.uow.read() as tx:
        rows = tx.import_rows.some(import_id, after=0, limit=SHOWN, state=RowState.FAULTY)
    for row in rows:
        for fault in row.faults:
            console.print(f"  第 {row.row_no} 行 {fault.sentence}", highlight=False)
