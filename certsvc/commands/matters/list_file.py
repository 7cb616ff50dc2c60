"""A list of matters as a file: CSV, or TOML in the form of ``catalog/matters.toml``; every bad row with its reason."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from certsvc.catalog.validation import check_text
from certsvc.commands.imports.csv_table import open_csv
from certsvc.errors import FieldProblem, InvalidIdentifier, InvalidInput, TooLarge
from certsvc.identifiers.matter_code import MatterCode
from certsvc.identifiers.uscc import Uscc
from certsvc.license.matters import ListedMatter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_BYTES = 900 * 1024
"""Bytes of a list: fits the body of a request as JSON; some 8,000 matters, more than a city has."""
MAX_MATTERS = 20_000
"""Matters of a list; bounds one transaction."""
MAX_NAME = 200
"""Characters of a name; longer ones are mistakes of columns."""
MAX_PROBLEMS = 500
"""Rows named in one refusal; a file that is wrong throughout is not told of row by row."""

COLUMNS = {
    "code": ("事项编码", "实施编码", "code"),
    "name": ("事项名称", "name"),
    "authority_code": ("实施主体编码", "authority_code"),
    "ends_on": ("终止日期", "ends_on"),
}
"""Column -> how its heading may be written; the last two may be left out."""
OPTIONAL = frozenset({"authority_code", "ends_on"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A row as it was read: where it stands, and its cells by column."""

    number: int
    cells: Mapping[str, str]


def read_list(form: str, data: bytes, *, has_authority: Callable[[str], bool]) -> tuple[ListedMatter, ...]:
    """The matters of a file.

    Args:
        form: ``csv`` or ``toml``.
        data: the file.
        has_authority: whether the catalog knows a body.

    Raises:
        TooLarge: more bytes or matters than the limits.
        InvalidInput: not such a file, or rows at fault: each is named by its number and reason.
    """
    if len(data) > MAX_BYTES:
        raise TooLarge(f"事项清单超过 {MAX_BYTES // 1024} KiB，请核对文件")
    rows = list(_toml_rows(data) if form == "toml" else _csv_rows(data))
    if len(rows) > MAX_MATTERS:
        raise TooLarge(f"事项清单超过 {MAX_MATTERS} 项，请核对文件")
    if not rows:
        raise InvalidInput("事项清单中没有事项，未导入；请核对文件")
    found: dict[str, ListedMatter] = {}
    problems: list[FieldProblem] = []
    for row in rows:
        made = _matter(row, found, has_authority)
        if isinstance(made, str):
            problems.append(FieldProblem(pointer=f"/content/{row.number}", code="row", detail=_at(row, made)))
        else:
            found[made.code] = made
    if problems:
        shown = problems[:MAX_PROBLEMS]
        detail = f"事项清单有 {len(problems)} 行有误，全部未导入；请按提示更正后重新导入"
        raise InvalidInput(detail, problems=tuple(shown))
    return tuple(found.values())


def _at(row: _Row, reason: str) -> str:
    return f"第 {row.number} 行：{reason}"


def _matter(row: _Row, found: Mapping[str, ListedMatter], has_authority: Callable[[str], bool]) -> ListedMatter | str:
    """The matter of a row, or what is wrong with it."""
    try:
        code = MatterCode.parse(row.cells.get("code", "").strip())
        authority = row.cells.get("authority_code", "").strip() or code.authority_code
        Uscc.parse(authority)
    except InvalidIdentifier as error:
        return error.detail
    name = row.cells.get("name", "").strip()
    if code.value in found:
        return f"事项编码 {code.value} 重复"
    if not has_authority(authority):
        return f"实施主体 {authority} 不在机构目录中，请核对编码或先登记该机构"
    fault = check_text(name, max_length=MAX_NAME, is_name=False) if name else "事项名称不能为空"
    if fault:
        return fault
    ends_on = row.cells.get("ends_on", "").strip()
    try:
        day = date.fromisoformat(ends_on) if ends_on else None
    except ValueError:
        day = None
    if ends_on and (day is None or day.isoformat() != ends_on):
        return "终止日期应写作 2026-01-01"
    return ListedMatter(code=code.value, name=name, authority_code=authority, ends_on=day)


def _csv_rows(data: bytes) -> Iterable[_Row]:
    table = open_csv(data)
    where: dict[str, int] = {}
    for column, names in COLUMNS.items():
        at = [index for index, cell in enumerate(table.header) if cell in names]
        if len(at) > 1 or (not at and column not in OPTIONAL):
            detail = f"首行须有且只有一列“{names[0]}”"
            raise InvalidInput(detail, problems=(FieldProblem(pointer="/content/1", code="heading", detail=detail),))
        if at:
            where[column] = at[0]
    for row in table.rows:
        cells = {column: row.cells[index] for column, index in where.items() if index < len(row.cells)}
        yield _Row(number=row.number, cells=cells)


def _toml_rows(data: bytes) -> Iterable[_Row]:
    """``[[matters]]`` with code and name; ``allows`` and ``bases`` are the seed's and are passed over."""
    try:
        content = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput(f"文件不是 UTF-8 编码的 TOML：{error}") from error
    tables = content.get("matters")
    if not isinstance(tables, list) or set(content) != {"matters"}:
        raise InvalidInput("TOML 事项清单应只有 [[matters]] 表")
    for number, table in enumerate(tables, start=1):
        known = table if isinstance(table, dict) else {}
        cells = {column: str(known[column]) for column in COLUMNS if column in known}
        yield _Row(number=number, cells=cells)
