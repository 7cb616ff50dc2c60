"""The template of a type: columns with an example, code lists, and what to write where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.stock_columns import stock_columns
from certsvc.clock import local_day
from certsvc.commands.page_ports import TextSheet
from certsvc.errors import InvalidInput
from certsvc.license.stock import Trust

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps

_NOTES = (
    ("填写说明", "第 2 行是示例，填写前请删除；列名请勿改动，可以不用的列可以删去", ""),
    ("填写说明", "日期写作 2020-01-01；单元格已设为文本，粘贴时请选“只粘贴文本”，以免号码被改成科学计数", ""),
    ("填写说明", "不要使用公式和宏；一个文件最多 100000 行，照片与表一起打成 ZIP", ""),
    ("填写说明", "上传后先逐行检查，有误的行不会制证；核实、批准之前不会制发任何证照", ""),
)


def template_xlsx(deps: Deps, type_slug: str) -> bytes:
    """Three sheets: 存量证照 with an example row, 代码表, 填写说明.

    Raises:
        UnknownLicenseType: not in the catalog.
        InvalidInput: a type of which there is no 存量.
    """
    kind = deps.catalog.type(type_slug)
    if kind.document:
        raise InvalidInput(f"“{kind.name}”是办理过程的文书，不作为存量证照导入")
    columns = stock_columns(deps.catalog, kind, local_day(deps.clock.now()))
    table = TextSheet(
        title="存量证照",
        header=tuple(column.heading for column in columns),
        rows=[tuple(column.example for column in columns)],
    )
    codes = TextSheet(
        title="代码表",
        header=("列名", "可填的代码", "含义"),
        rows=[(column.heading, code, words) for column in columns for code, words in column.choices],
    )
    said = [(column.heading, column.note, "必填" if column.required else "选填") for column in columns]
    trust = [("可信等级", f"{level.value}：{level.zh}", "上传时选择") for level in Trust]
    notes = TextSheet(title="填写说明", header=("列名", "怎么填", "是否必填"), rows=[*_NOTES, *said, *trust])
    return deps.renderer.book_xlsx([table, codes, notes])
