"""``certsvc catalog lists|report``: the public lists as spreadsheets, and what departments owe the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Column, Table

from certsvc.app import build
from certsvc.catalog.lists import public_lists
from certsvc.catalog.loader import load_catalog
from certsvc.catalog.report import FINDING_ZH, department_counts, governance_report
from certsvc.errors import ConfigurationError, NotFound
from certsvc.rendering.spreadsheet import workbook
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from certsvc.catalog.loader import Catalog


def write_lists(out: Path, *, files: bool) -> list[str]:
    """Write every list into ``out`` as ``<title>.xlsx``; one line each.

    Args:
        out: the directory, made if missing.
        files: take the type files instead of the catalog in effect.
    """
    catalog = _from_files() if files else _in_effect()
    out.mkdir(parents=True, exist_ok=True)
    lines = []
    for made in public_lists(catalog):
        path = out / f"{made.title}.xlsx"
        path.write_bytes(workbook(made.title, made.header, made.rows))
        lines.append(f"{path}\t{len(made.rows)} 行")
    return lines


def report_tables(department: str) -> Iterator[Table | str]:
    """One table for each department, the most findings first; of one department when ``department`` (USCC) is given.

    Raises:
        NotFound: no type is defined by, and no authority has, this code.
    """
    catalog = _from_files()
    rows = governance_report(catalog)
    counts = department_counts(rows)
    if department:
        name = _name(catalog, department)
        counts = {name: counts.get(name, 0)}
    for name, count in counts.items():
        if not count:
            yield f"{name}：没有待办的问题"
            continue
        # Chinese has no spaces to break at: without folding, a narrow terminal would cut sentences off.
        columns = [Column(title, overflow="fold") for title in ("证照类型", "问题", "说明")]
        table = Table(*columns, title=escape(f"{name}　{count} 项"), title_justify="left")
        for row in rows:
            if row.department == name:
                table.add_row(*map(escape, (row.type_name, FINDING_ZH[row.finding], row.detail)))
        yield table
    yield f"共 {sum(counts.values())} 项，涉及 {sum(1 for count in counts.values() if count)} 个部门"


def _name(catalog: Catalog, code: str) -> str:
    definer = next((kind.definer_name for kind in catalog.types if kind.definer_code == code), "")
    if definer:
        return definer
    if not catalog.has_authority(code):
        raise NotFound(f"目录中没有统一社会信用代码为 {code} 的部门，请核对")
    return catalog.authority(code).name


def _from_files() -> Catalog:
    try:
        directory = load_settings().catalog_dir
    except ConfigurationError:
        directory = None  # the files can be looked at without a configured service
    return load_catalog(directory)


def _in_effect() -> Catalog:
    service = build(load_settings())
    try:
        return service.deps.catalog
    finally:
        service.close()
