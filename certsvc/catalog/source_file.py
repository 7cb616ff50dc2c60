"""``sources.toml``: the systems elsewhere whose licenses are registered here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certsvc.catalog.entry import Source
from certsvc.catalog.toml_table import identifier
from certsvc.identifiers.uscc import Uscc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.model import LicenseType
    from certsvc.catalog.toml_table import TomlFile

_ID = re.compile(r"[a-z][a-z0-9_]{2,39}")


def read_sources(file: TomlFile | None, types: Mapping[str, LicenseType]) -> dict[str, Source]:
    """All sources by id; no file, no sources.

    Raises:
        ConfigurationError: an id or name twice, a wrong code, an unknown type, a 文书, or a source of nothing.
    """
    sources: dict[str, Source] = {}
    if file is None:
        return sources
    root = file.root()
    for table in root.tables("sources"):
        source = Source(
            id=table.matching("id", _ID, "应由小写字母、数字、下划线组成，3 至 40 位"),
            name=table.text("name"),
            authority_code=identifier(table, "authority_code", lambda text: Uscc.parse(text).value),
            types=table.texts("types"),
        )
        table.done()
        if source.id in sources or source.name in {other.name for other in sources.values()}:
            table.refuse("id", f"“{source.id}”或其名称重复")
        if not source.types:
            table.refuse("types", "至少要有一个证照类型")
        for slug in source.types:
            if slug not in types:
                table.refuse("types", f"证照类型 {slug} 不存在")
            if types[slug].document:
                table.refuse("types", f"{slug} 是文书，不登记为证照")
        sources[source.id] = source
    root.done()
    return sources
