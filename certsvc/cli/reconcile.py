"""``certsvc reconcile``: the books of the service against each other, with a progress line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from certsvc.app import build
from certsvc.commands.reconcile_ports import Books
from certsvc.commands.reconciling.findings import ADVICE_ZH, DIFFERENCE_ZH, MOST_LISTED
from certsvc.commands.reconciling.reconcile import reconcile
from certsvc.settings import load_settings
from certsvc.store.ledger import DiskLedger

if TYPE_CHECKING:
    from certsvc.commands.reconciling.findings import Report


def run_reconcile(*, sample: int, as_json: bool) -> int:
    """Compare the books of this service and print what was found; the exit code: 0 all agree, 1 something does not."""
    service = build(load_settings())
    try:
        deps = service.deps
        report = compare(Books(uow=deps.uow, objects=deps.objects, now=deps.clock.now()), sample=sample)
    finally:
        service.close()
    print_report(report, as_json=as_json)
    return 0 if report.agrees else 1


def compare(books: Books, *, sample: int) -> Report:
    """Compare with a progress line on standard error."""
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:.0f}"), TimeElapsedColumn())
    ledger = DiskLedger()
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            tasks = {}

            def watch(stage: str, count: int) -> None:
                if stage not in tasks:
                    tasks[stage] = bar.add_task(stage, total=None)
                bar.advance(tasks[stage], count)

            return reconcile(books, ledger, sample=sample, watch=watch)
    finally:
        ledger.close()


def print_report(report: Report, *, as_json: bool) -> None:
    """A table for people, or one JSON object for machines."""
    if as_json:
        print(json.dumps(as_document(report), ensure_ascii=False))
        return
    console = Console()
    if report.findings:
        table = Table(*(Column(title, overflow="fold") for title in ("问题", "对象", "说明")))
        for one in report.findings:
            table.add_row(*map(escape, (DIFFERENCE_ZH[one.kind], one.about, one.detail)))
        console.print(table)
        for kind, count in report.counts.items():
            more = f"（列出前 {MOST_LISTED} 项）" if count > MOST_LISTED else ""
            console.print(f"{DIFFERENCE_ZH[kind]} {count} 项{more}：{ADVICE_ZH[kind]}", highlight=False, markup=False)
    looked = "、".join(f"{what} {count}" for what, count in report.looked_at.items()) or "没有内容"
    console.print(f"{'账目一致' if report.agrees else '账目不一致'}；核对了{looked}", highlight=False, markup=False)


def as_document(report: Report) -> dict[str, object]:
    """The report as plain JSON."""
    return {
        "agrees": report.agrees,
        "looked_at": report.looked_at,
        "counts": {kind.value: count for kind, count in report.counts.items()},
        "findings": [{"kind": one.kind.value, "about": one.about, "detail": one.detail} for one in report.findings],
    }
