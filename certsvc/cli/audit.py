"""``certsvc audit``: the log recomputed, with a progress bar; bundles and the verifier for taking away."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from certsvc.app import build
from certsvc.app_shape import process_name
from certsvc.cli import evidence_verifier
from certsvc.cli.consoles import answers
from certsvc.commands.log.append import continue_log
from certsvc.commands.log.audit import LEAVES, audit, audit_against
from certsvc.commands.log.bundle import make_bundle
from certsvc.commands.log.findings import FOUND_ZH
from certsvc.settings import load_settings
from certsvc.store.ledger import DiskLedger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.log.findings import AuditReport
    from certsvc.commands.ports import Deps

STAGE_ZH = {
    LEAVES: "留痕与日志",
    "license": "证照",
    "move": "办理记录",
    "fetch": "用证记录",
    "scan": "核验记录",
    "event": "事件",
    "form": "证照文件的后续形式",
    "show": "亮证码",
    "archive": "归档信息包",
    "material": "电子材料",
    "grant": "授权",
    "reservation": "用印预留与结果",
    "delegation": "委托",
    "relation": "身份关系",
    "co_holder": "共有人",
}


def run_audit(*, rows: bool, files: bool, kept: Sequence[Path], as_json: bool) -> int:
    """Audit this service and print what was found; 0 everything is as it was logged, 1 something is not."""
    service = build(load_settings())
    try:
        report = audit_with_bar(service.deps, rows=rows, files=files)
        audit_against(service.deps, report, [path.read_text(encoding="utf-8") for path in kept])
    finally:
        service.close()
    print_report(report, as_json=as_json)
    return 0 if report.agrees else 1


def continue_under_new_name(reason: str) -> str:
    """Continue the log from where the database is; a sentence on what is to be done."""
    service = build(load_settings())
    try:
        origin = continue_log(service.deps, owner=process_name(), reason=reason)
    finally:
        service.close()
    return f"日志自此名为 {origin}；旧名称下的检查点在分开之前的仍可证明，请告知审计人员重新取得公钥（/v1/log/keys）"


def audit_with_bar(deps: Deps, *, rows: bool, files: bool) -> AuditReport:
    """The audit, with a bar on standard error."""
    ledger = DiskLedger()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            tasks = {}

            def watch(stage: str, done: int, total: int) -> None:
                if stage not in tasks:
                    tasks[stage] = bar.add_task(STAGE_ZH[stage], total=total or None)
                if total:
                    bar.update(tasks[stage], completed=done)
                else:
                    bar.advance(tasks[stage], done)

            return audit(deps, ledger, rows=rows, files=files, watch=watch)
    finally:
        ledger.close()


def print_report(report: AuditReport, *, as_json: bool) -> None:
    """Findings in a table, or everything as JSON."""
    if as_json:
        # ``asdict`` makes a counter anew out of its pairs.
        said = {"agrees": report.agrees, **asdict(report), "rows": dict(report.rows)}
        print(json.dumps(said, ensure_ascii=False))
        return
    console = answers()
    looked = "、".join(f"{STAGE_ZH[noun]} {count}" for noun, count in report.rows.items())
    console.print(f"日志 {report.size} 条，检查点 {report.checkpoints} 个，时间戳 {report.stamped} 个")
    if looked:
        console.print(f"{looked}；证照文件 {report.files}")
    for size in report.continued:
        console.print(f"恢复或切换后自第 {size} 条起以另一名称接续")
    if report.waiting:
        console.print(f"尚未入日志 {report.waiting} 条")
    for one in report.not_checked:
        console.print(f"未核对：{one}")
    if report.agrees:
        console.print("[green]全部与日志一致[/]")
        return
    table = Table(Column("发现"), Column("哪一条", overflow="fold"), Column("说明", overflow="fold"))
    for found in report.findings:
        table.add_row(FOUND_ZH[found.kind], escape(found.about), escape(found.detail))
    console.print(table)
    if report.more:
        console.print(f"另有 {report.more} 处未列出")


def write_bundle(identifier: str, out: Path) -> Path:
    """Write the evidence bundle of a license as an auditor gets it; the file."""
    service = build(load_settings())
    try:
        path = out if out.suffix == ".zip" else out / f"{identifier}-evidence.zip"
        path.write_bytes(make_bundle(service.deps, identifier, reader="operator"))
    finally:
        service.close()
    return path


def print_verifier() -> None:
    """The stand-alone verifier, to be kept by whoever wants to verify without us."""
    sys.stdout.write(Path(evidence_verifier.__file__).read_text(encoding="utf-8"))
