"""``certsvc reconcile``: the books of the service against each other, with a progress line."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from certsvc.app import build
from certsvc.cli.consoles import answers
from certsvc.commands.reconcile_ports import Books
from certsvc.commands.reconciling.findings import ADVICE_ZH, DIFFERENCE_ZH, MOST_LISTED
from certsvc.commands.reconciling.party_list import compare_list, read_list
from certsvc.commands.reconciling.reconcile import reconcile
from certsvc.settings import load_settings
from certsvc.store.ledger import DiskLedger

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.commands.reconciling.findings import Report
    from certsvc.commands.reconciling.party_list import ListReport
    from certsvc.license.books import Period

REQUEST_ZH = {"accepted": "已受理，尚未制证", "failed": "制证未成功，等待重试", "refused": "制证申请被拒绝"}
"""What is told of a listed number without a license."""


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


def run_list(path: Path, authority_code: str, period: Period | None, *, as_json: bool) -> int:
    """Compare a party's list with what its approvals had issued; the exit code as above."""
    items = read_list(path.read_bytes())
    service = build(load_settings())
    columns = (TextColumn("核对清单"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=len({item.business_no for item in items}))
            uow = service.deps.uow
            report = compare_list(uow, authority_code, items, period, lambda count: bar.advance(task, count))
    finally:
        service.close()
    _print_list(report, as_json=as_json)
    return 0 if report.agrees else 1


def _print_list(report: ListReport, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"agrees": report.agrees, **asdict(report)}, ensure_ascii=False))
        return
    console = answers()
    table = Table(*(Column(title, overflow="fold") for title in ("业务流水号", "问题", "说明")))
    for lost in report.missing:
        table.add_row(lost.business_no, "缺少", REQUEST_ZH.get(lost.request_state, "没有收到制证申请"))
    for more in report.extra:
        table.add_row(more.business_no, "多出", f"证照 {more.identifier}，摘要 {more.sha256}")
    for other in report.different:
        words = f"清单 {'、'.join(other.listed)}；登记 {'、'.join(other.issued)}"
        table.add_row(other.business_no, "摘要不同", words)
    if table.row_count:
        console.print(table)
    counts = f"缺少 {len(report.missing)}、多出 {report.extra_count}、摘要不同 {len(report.different)}"
    said = f"清单 {report.listed} 个业务流水号：一致 {report.same}、{counts}"
    console.print(said, highlight=False, markup=False)


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
    console = answers()
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
