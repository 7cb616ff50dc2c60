"""``certsvc catalog quality``: what is wrong with the licenses in the register, by department."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Column, Table

from certsvc.app import build
from certsvc.commands.access import roles
from certsvc.commands.catalog.quality import DEFECT_ZH, examine, waiting
from certsvc.commands.ports import Principal
from certsvc.rendering.spreadsheet import workbook
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from certsvc.commands.catalog.quality import QualityRow
    from certsvc.commands.ports import Deps

TITLE = "证照数据质量"
HEADER = ("部门", "统一社会信用代码", "证照类型", "证照标识或申请编号", "问题", "说明")


def quality_tables(department: str, *, files: bool, out: Path | None) -> Iterator[Table | str]:
    """One table for each department, the most findings first, and a last line that counts.

    Args:
        department: USCC, or empty for all.
        files: also read every file and compare it with its registered digest.
        out: also write all rows there as a spreadsheet.
    """
    service = build(load_settings())
    try:
        rows, looked_at = _all(service.deps, department, files=files)
    finally:
        service.close()
    if out is not None:
        cells = [
            (r.department, r.authority_code, r.type_name, r.identifier, DEFECT_ZH[r.defect], r.detail) for r in rows
        ]
        out.write_bytes(workbook(TITLE, HEADER, tuple(cells)))
    names = {row.department for row in rows}
    for name in sorted(names, key=lambda one: (-sum(row.department == one for row in rows), one)):
        mine = [row for row in rows if row.department == name]
        columns = [Column(title, overflow="fold") for title in ("证照类型", "证照标识", "问题", "说明")]
        table = Table(*columns, title=escape(f"{name}　{len(mine)} 项"), title_justify="left")
        for row in mine:
            table.add_row(*map(escape, (row.type_name, row.identifier, DEFECT_ZH[row.defect], row.detail)))
        yield table
    yield f"检查在用证照 {looked_at} 件，发现 {len(rows)} 项，涉及 {len(names)} 个部门"


def _all(deps: Deps, department: str, *, files: bool) -> tuple[list[QualityRow], int]:
    operator = Principal(subject="operator-cli", kind="system", roles=frozenset({roles.CATALOG_PUBLISHER}))
    rows = list(waiting(deps, operator, authority_code=department))
    looked_at, after = 0, ""
    while True:
        page = examine(deps, operator, authority_code=department, after=after, files=files)
        rows += page.rows
        looked_at += page.looked_at
        after = page.next
        if not after:
            return rows, looked_at
