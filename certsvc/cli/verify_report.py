"""The report of a bulk verification: CSV for machines, XLSX for offices; one row per file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.text_cells import safe_cell
from certsvc.cli.verify_words import explanation_zh, head_zh, unasked_zh
from certsvc.clock import beijing_time
from certsvc.errors import InvalidInput
from certsvc.rendering.spreadsheet import workbook
from certsvc.seal.headlines import next_step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from certsvc.cli.verify_words import Hint
    from certsvc.seal.verdict import Verdict

HEADER = (
    "文件",
    "结论",
    "原因代码",
    "说明",
    "下一步",
    "证照类型",
    "证照标识",
    "状态",
    "SHA-256",
    "未核对",
    "核验时间（北京时间）",
    "所问时刻（北京时间）",
    "回执文件",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One file of a run: its verdict, or why it could not even be read.

    Attributes:
        hint: what the file seems to be, where it is no PDF.
        receipt: name of its receipt in the directory of receipts, or empty.
    """

    name: str
    sha256: str
    verdict: Verdict | None
    trouble: str = ""
    hint: Hint | None = None
    receipt: str = ""


def check_report_path(path: Path | None) -> None:
    """InvalidInput, before the work begins, for a report that could not be written after it."""
    if path is None:
        return
    if path.suffix.lower() not in {".csv", ".xlsx"}:
        raise InvalidInput("报告文件名应以 .csv 或 .xlsx 结尾")
    if not path.parent.is_dir():
        raise InvalidInput(f"报告所在目录 {path.parent} 不存在")


def write_report(path: Path, judged: Sequence[Judged]) -> None:
    """Write the report whole; the ending of the name says in which form."""
    rows = [_row(one) for one in judged]
    if path.suffix.lower() == ".xlsx":
        path.write_bytes(workbook("核验报告", HEADER, tuple(rows)))
        return
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows([safe_cell(cell) for cell in row] for row in rows)


def _row(one: Judged) -> tuple[str, ...]:
    verdict = one.verdict
    if verdict is None:
        row = (one.name, head_zh(one), "unreadable", explanation_zh(one), "请检查文件后重新核验")
        return (*row, *[""] * (len(HEADER) - len(row)))
    facts = verdict.license
    return (
        one.name,
        head_zh(one),
        verdict.reason.value,
        explanation_zh(one),
        next_step(verdict)[0],
        facts.type_name if facts else "",
        facts.identifier if facts else "",
        facts.state_zh if facts else "",
        one.sha256,
        unasked_zh(verdict.not_checked),
        beijing_time(verdict.checked_at),
        beijing_time(verdict.as_of) if verdict.as_of else "",
        one.receipt,
    )
