"""``oversight.toml``: which fields of a type may go to regulators (审管双推送), as named lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from certsvc.catalog.toml_table import read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "oversight.toml"
_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")


@dataclass(frozen=True, slots=True)
class OversightLists:
    """Keys by type and name of the list."""

    _lists: Mapping[tuple[str, str], tuple[str, ...]]

    def keys(self, type_slug: str, name: str) -> tuple[str, ...]:
        """The keys of a list; empty when there is no such list."""
        return self._lists.get((type_slug, name), ())

    def allowed(self, type_slug: str) -> frozenset[str]:
        """The keys of all lists of a type: nothing else of it ever goes to a regulator."""
        return frozenset(key for (slug, _), keys in self._lists.items() if slug == type_slug for key in keys)

    def names(self, type_slug: str) -> tuple[str, ...]:
        """Names of the lists of a type."""
        return tuple(name for slug, name in self._lists if slug == type_slug)

    @property
    def types(self) -> tuple[str, ...]:
        """Types that have a list."""
        return tuple(dict.fromkeys(slug for slug, _ in self._lists))


NO_LISTS = OversightLists(MappingProxyType({}))


def read_oversight_lists(directory: Path | None = None) -> OversightLists:
    """The lists of ``directory``, or of the program where it has none.

    Raises:
        ConfigurationError: a list twice, without fields, or with a name of another form.
    """
    own = directory / FILE if directory is not None else None
    root = read_toml(own if own is not None and own.exists() else Path(__file__).parent / FILE).root()
    lists: dict[tuple[str, str], tuple[str, ...]] = {}
    for table in root.tables("lists"):
        slug = table.text("type")
        name = table.matching("name", _NAME, "应由小写字母、数字、下划线组成")
        keys = table.texts("fields")
        table.done()
        if not keys:
            table.refuse("fields", "至少要有一个信息项")
        if (slug, name) in lists:
            table.refuse("name", "同一类型的清单重名")
        lists[slug, name] = keys
    root.done()
    return OversightLists(MappingProxyType(lists))
