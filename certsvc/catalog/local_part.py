"""The local part of a type: what a city may add in ``local/<slug>.toml`` to what the defining authority set.

Code, name, fields, number, validity and the rest are the defining authority's and read-only here (DOMAIN.md 4). A city
adds issuers, penalising bodies, matters, scenes and masks, may draw its own face, and has its own 归档范围和保管期限表.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from certsvc.catalog.model import Mask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from certsvc.catalog.model import FieldSpec
    from certsvc.catalog.toml_table import Table, TomlFile

LOCAL_KEYS = ("issuers", "penalisers", "matters", "scenes", "masks", "face", "archive")


@dataclass(frozen=True, slots=True)
class LocalPart:
    """Where the local values stand; everything is absent when the city adds nothing."""

    file: TomlFile | None
    root: Table | None

    @property
    def raw(self) -> bytes:
        """The bytes of the file."""
        return self.file.raw if self.file else b""

    def texts(self, key: str, standard: tuple[str, ...]) -> tuple[str, ...]:
        """The standard's entries and those the city adds."""
        if self.root is None or key not in self.root:
            return standard
        added = self.root.texts(key)
        for text in added:
            if text in standard:
                self.root.refuse(key, f"“{text}”已在定义机构的部分中，不必重复")
        return standard + added

    def part(self, key: str, root: Table) -> Table:
        """The table that holds ``key``: the city's, if it has one."""
        return self.root if self.root is not None and key in self.root else root

    def masked(
        self, fields: Mapping[str, FieldSpec], read: Callable[[Table, str], Mapping[str, Mask]]
    ) -> dict[str, FieldSpec]:
        """The fields with the city's further masks.

        Raises:
            ConfigurationError: a field that the type does not have, or a mask that would show more than the standard's.
        """
        masked = dict(fields)
        if self.root is None or "masks" not in self.root:
            return masked
        table = self.root.table("masks")
        for key in table.names():
            if key not in fields:
                table.refuse(key, "不是本类型的字段")
            masks = dict(fields[key].masks)
            given = read(table, key)
            for place in table.table(key).names():
                if masks.get(place, Mask.NONE) is not Mask.NONE and given[place] not in (masks[place], Mask.HIDDEN):
                    table.refuse(key, f"{place} 的遮盖由证照定义机构规定，本地只能改为 hidden")
                masks[place] = given[place]
            masked[key] = replace(fields[key], masks=MappingProxyType(masks))
        return masked

    def done(self) -> None:
        """Refuse what nobody asked for."""
        if self.root is not None:
            self.root.done()


def read_local(file: TomlFile | None) -> LocalPart:
    """Wrap the local file of a type, if there is one.

    Raises:
        ConfigurationError: it tries to change what the defining authority set.
    """
    if file is None:
        return LocalPart(None, None)
    root = file.root()
    for key in root.names():
        if key not in LOCAL_KEYS:
            root.refuse(key, f"由证照定义机构规定，本地不能更改；本地可写：{'、'.join(LOCAL_KEYS)}")
    return LocalPart(file, root)
