"""How types relate: bundles of a trade, chains to 营业执照, legal bases; read and checked against the types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certsvc.catalog.entry import Bundle, Law

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.model import LicenseType, Matter
    from certsvc.catalog.toml_table import TomlFile
    from certsvc.catalog.type_file import TypeFile

LEAST_MEMBERS = 2
"""A bundle of one license is that license."""
_CODE = re.compile(r"[a-z][a-z0-9_]{2,39}")


def read_laws(file: TomlFile | None) -> dict[str, Law]:
    """``laws.toml``: titles of legal bases by id; no file, no laws.

    Raises:
        ConfigurationError: a wrong id, or an id or title twice.
    """
    laws: dict[str, Law] = {}
    if file is None:
        return laws
    root = file.root()
    titles: set[str] = set()
    for table in root.tables("laws"):
        law = Law(
            id=table.matching("id", _CODE, "应由小写字母、数字、下划线组成，3 至 40 位"), title=table.text("title")
        )
        table.done()
        if law.id in laws or law.title in titles:
            table.refuse("id", f"“{law.id}”或其名称重复")
        titles.add(law.title)
        laws[law.id] = law
    root.done()
    return laws


def read_bundles(
    file: TomlFile | None, types: Mapping[str, LicenseType], matters: Mapping[str, Matter]
) -> dict[str, Bundle]:
    """``bundles.toml`` (一业一证) by code; no file, no bundles.

    Raises:
        ConfigurationError: an unknown type or matter, a 文书 as member, a bundle of less than two.
    """
    bundles: dict[str, Bundle] = {}
    if file is None:
        return bundles
    root = file.root()
    for table in root.tables("bundles"):
        bundle = Bundle(
            code=table.matching("code", _CODE, "应由小写字母、数字、下划线组成，3 至 40 位"),
            name=table.text("name"),
            matter_code=table.text_or_empty("matter_code"),
            required=table.texts("required"),
            optional=table.texts("optional"),
        )
        table.done()
        if bundle.code in bundles:
            table.refuse("code", f"“{bundle.code}”重复")
        if bundle.matter_code and bundle.matter_code not in matters:
            table.refuse("matter_code", "不在 matters.toml 中")
        for key, slugs in (("required", bundle.required), ("optional", bundle.optional)):
            for slug in slugs:
                if slug not in types or types[slug].document:
                    table.refuse(key, f"“{slug}”不是证照类型")
        if set(bundle.required) & set(bundle.optional):
            table.refuse("optional", "同一类型不能既必需又可选")
        if len(bundle.required + bundle.optional) < LEAST_MEMBERS:
            table.refuse("required", f"一业一证至少由 {LEAST_MEMBERS} 种证照组成")
        bundles[bundle.code] = bundle
    root.done()
    return bundles


def check_relations(files: Mapping[str, TypeFile], laws: Mapping[str, Law]) -> None:
    """Every reference of a type to a law or another type resolves, and no chain leads back to where it began.

    Raises:
        ConfigurationError: the first that does not.
    """
    absorbed: dict[str, str] = {}
    for slug, file in files.items():
        kind = file.license_type
        for law in kind.laws:
            if law not in laws:
                file.file.refuse("laws", f"“{law}”不在 laws.toml 中")
        for other in kind.depends_on:
            if other not in files:
                file.file.refuse("depends_on", f"“{other}”不是证照类型")
            if slug in _chain(other, files):
                file.file.refuse("depends_on", f"与 {other} 互相依赖，形成环")
        for filing in kind.satisfies:
            if absorbed.setdefault(filing.code, slug) != slug:
                file.file.refuse("satisfies", f"“{filing.name}”已由 {absorbed[filing.code]} 整合")


def _chain(slug: str, files: Mapping[str, TypeFile]) -> set[str]:
    """``slug`` and everything it depends on."""
    seen: set[str] = set()
    waiting = [slug]
    while waiting:
        current = waiting.pop()
        if current not in seen and current in files:
            seen.add(current)
            waiting.extend(files[current].license_type.depends_on)
    return seen
