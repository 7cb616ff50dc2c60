"""``authorities.toml``: who defines, issues and uses licenses, with which seal, and under whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.authority import Authority, AuthorityKind
from certsvc.catalog.governance import SEAL_NAMES
from certsvc.catalog.toml_table import identifier
from certsvc.catalog.validation import parse_date
from certsvc.errors import InvalidInput
from certsvc.identifiers.region import Region
from certsvc.identifiers.uscc import Uscc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from certsvc.catalog.toml_table import Table, TomlFile

_DEPARTMENT = AuthorityKind.DEPARTMENT


def read_authorities(file: TomlFile) -> dict[str, Authority]:
    """All authorities by USCC.

    Raises:
        ConfigurationError: a code that fails its check, a code, name or seal twice, a superior that is unknown, of
            another region or further down.
    """
    root = file.root()
    authorities: dict[str, Authority] = {}
    tables: dict[str, Table] = {}
    seals: set[str] = set()
    names: set[str] = set()
    for table in root.tables("authorities"):
        authority = Authority(
            code=identifier(table, "code", lambda text: Uscc.parse(text).value),
            name=table.text("name"),
            region=identifier(table, "region", lambda text: Region.parse(text).code),
            seal_id=table.text_or_empty("seal_id"),
            seal_name=table.choice("seal_name", SEAL_NAMES) if "seal_name" in table else "",
            further_seals=table.texts("further_seals") if "further_seals" in table else (),
            superior=table.text("superior") if "superior" in table else "",
            kind=AuthorityKind(table.choice("kind", tuple(AuthorityKind))) if "kind" in table else _DEPARTMENT,
            approves_for_others=table.flag("approves_for_others") if "approves_for_others" in table else False,
            successor=table.text("successor") if "successor" in table else "",
            merged_on=_merged_on(table),
        )
        table.done()
        if authority.code in authorities:
            table.refuse("code", "机构重复")
        if authority.name in names:
            table.refuse("name", "机构名称重复，印章上应为登记的法定名称")
        for seal_id in filter(None, (authority.seal_id, *authority.further_seals)):
            if seal_id in seals:
                table.refuse("seal_id", "同一枚印章不能属于两个机构")
            seals.add(seal_id)
        if (authority.seal_name or authority.further_seals) and not authority.seal_id:
            table.refuse("seal_id", "写明印章名称或其他印章时应有 seal_id")
        names.add(authority.name)
        authorities[authority.code], tables[authority.code] = authority, table
    root.done()
    for authority in authorities.values():
        if authority.superior:
            _check_superior(authority, authorities, tables[authority.code])
        if authority.successor:
            _check_successor(authority, authorities, tables[authority.code])
    return authorities


def _merged_on(table: Table) -> date | None:
    """The day of the merger: named with the successor, or neither."""
    if ("merged_on" in table) != ("successor" in table):
        table.refuse("successor", "机构合并应同时写明承继机关（successor）和日期（merged_on）")
    if "merged_on" not in table:
        return None
    try:
        return parse_date(table.text("merged_on"))
    except InvalidInput as error:
        table.refuse("merged_on", error.detail)


def _check_successor(authority: Authority, authorities: Mapping[str, Authority], table: Table) -> None:
    seen = {authority.code}
    current = authority
    while current.successor:
        if current.successor not in authorities:
            table.refuse("successor", "承继机关不在 authorities.toml 中")
        if current.successor in seen:
            table.refuse("successor", "承继关系形成环")
        seen.add(current.successor)
        current = authorities[current.successor]


def _check_superior(authority: Authority, authorities: Mapping[str, Authority], table: Table) -> None:
    superior = authorities.get(authority.superior)
    if superior is None:
        table.refuse("superior", "上级机关不在 authorities.toml 中")
    if superior.level >= authority.level or not Region.parse(superior.region).contains(Region.parse(authority.region)):
        table.refuse("superior", "上级机关的行政区划应包含本机关的行政区划，且级别更高")
