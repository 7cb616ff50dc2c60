"""``materials.toml``: lists of 申报材料, kinds of 电子材料 that others may fetch, and which counters serve whom."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certsvc.catalog.type_file import STANDARD_KEYS
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.identifiers.material_kind import CODE, slug_of
from certsvc.identifiers.policy_key import COPY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.authority import Authority
    from certsvc.catalog.model import LicenseType, Matter
    from certsvc.catalog.toml_table import Table, TomlFile

MAX_MATERIALS = 60
"""Materials of one matter; a longer list is a mistake, and each row costs a look."""
MAX_LATER_DAYS = 60
"""工作日 for 容缺; longer ones would outlive the time limit of the decision."""
MAX_KINDS = 500
"""Kinds of 电子材料; a city has fewer, more are a mistake."""
FETCHED_KEYS = {
    "name": "材料名称",
    "holder_name": "当事人名称",
    "case_no": "办件编号",
    "issuer_name": "登记机关",
    "registered_on": "登记日期",
    "pages": "页数",
    "sha256": "文件摘要",
}
"""What a policy may list of a kind of 电子材料, beside ``*copy``, and what it is called."""
APPLIES = ("all", "organisation", "person")
_ID = re.compile(r"[a-z][a-z0-9_]{1,39}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Datum:
    """A fact that the register can tell: a field of a license type."""

    type_slug: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """One material of a matter, and what may stand for it.

    Attributes:
        id: stable within the matter.
        paper: what is brought where paper is needed (``原件 1 份``).
        applies: ``all``, ``organisation`` or ``person``.
        licenses: slugs of the types of which any one stands for it.
        data: fields of which any one stands for it.
        promise: text of the 告知承诺, or empty where the law of the matter allows none; ``promise_basis`` is that law.
        later_days: 工作日 within which it may be brought later (容缺), or 0.
    """

    id: str
    name: str
    paper: str
    applies: str = "all"
    licenses: tuple[str, ...] = ()
    data: tuple[Datum, ...] = ()
    promise: str = ""
    promise_basis: str = ""
    later_days: int = 0

    @property
    def types(self) -> tuple[str, ...]:
        """Slugs of the types that have to do with it, each once."""
        return tuple(dict.fromkeys((*self.licenses, *(datum.type_slug for datum in self.data))))

    def applies_to(self, code_type: HolderCodeType) -> bool:
        """Whether it is asked of holders of this kind."""
        return self.applies == "all" or (self.applies == "organisation") == code_type.is_organisation


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialKind:
    """A kind of 电子材料 that other bodies may be allowed to fetch.

    Attributes:
        code: the 材料编码 under which materials of the kind are registered.
        authority_code: USCC of the body that registered the kind: it alone agrees to policies over it, and only what it
            registered (or a body that was merged into it) is of the kind.
    """

    code: str
    name: str
    authority_code: str

    @property
    def slug(self) -> str:
        """As policies, ledger and alerts name it."""
        return slug_of(self.code)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counter:
    """A 综合窗口: the body that runs it, and the beginnings of the regions whose bodies' matters it takes."""

    authority_code: str
    regions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Materials:
    """Everything the file says."""

    lists: Mapping[str, tuple[Material, ...]]
    counters: tuple[Counter, ...]
    kinds: Mapping[str, MaterialKind] = field(default_factory=dict)
    """by :attr:`MaterialKind.slug`"""


def read_materials(
    file: TomlFile | None,
    authorities: Mapping[str, Authority],
    types: Mapping[str, LicenseType],
    matters: Mapping[str, Matter],
) -> Materials:
    """All lists by 实施编码, the kinds, and the counters; no file, none.

    Raises:
        ConfigurationError: a repeated or unknown matter, an unknown type, field or body, a promise
            without a law.
    """
    lists: dict[str, tuple[Material, ...]] = {}
    if file is None:
        return Materials(lists=lists, counters=())
    root = file.root()
    for table in root.tables("lists"):
        code = table.text("matter")
        if code in lists:
            table.refuse("matter", "事项重复")
        if code not in matters:
            table.refuse("matter", "不在 matters.toml 中")
        lists[code] = _materials(table, types)
        table.done()
    counters = tuple(_counter(table, authorities) for table in root.tables("counters"))
    kinds = _kinds(root, authorities)
    root.done()
    return Materials(lists=lists, counters=counters, kinds=kinds)


def _kinds(root: Table, authorities: Mapping[str, Authority]) -> dict[str, MaterialKind]:
    found: dict[str, MaterialKind] = {}
    tables = root.tables("kinds") if "kinds" in root else ()
    if len(tables) > MAX_KINDS:
        root.refuse("kinds", f"最多 {MAX_KINDS} 种")
    for table in tables:
        kind = MaterialKind(
            code=table.matching("code", CODE, "应由小写字母、数字、下划线组成，2 至 40 位"),
            name=table.text("name"),
            authority_code=table.text("authority"),
        )
        if kind.slug in found:
            table.refuse("code", "材料种类重复")
        if kind.authority_code not in authorities:
            table.refuse("authority", "不在 authorities.toml 中")
        table.done()
        found[kind.slug] = kind
    return found


def key_fault(kind: MaterialKind, key: str) -> str:
    """What is wrong with ``key`` as one of a policy over ``kind``, in Chinese; empty when nothing is."""
    if key == COPY or key in FETCHED_KEYS:
        return ""
    return f"“{key}”不是电子材料“{kind.name}”的信息项；可用：{'、'.join(FETCHED_KEYS)}、{COPY}"


def _counter(table: Table, authorities: Mapping[str, Authority]) -> Counter:
    counter = Counter(authority_code=table.text("authority"), regions=table.texts("regions"))
    if counter.authority_code not in authorities:
        table.refuse("authority", "不在 authorities.toml 中")
    if not counter.regions:
        table.refuse("regions", "至少要有一个行政区划前缀")
    table.done()
    return counter


def _materials(table: Table, types: Mapping[str, LicenseType]) -> tuple[Material, ...]:
    found: dict[str, Material] = {}
    tables = table.tables("materials")
    if len(tables) > MAX_MATERIALS:
        table.refuse("materials", f"最多 {MAX_MATERIALS} 项")
    for one in tables:
        material = _material(one, types)
        if material.id in found:
            one.refuse("id", "材料重复")
        found[material.id] = material
    return tuple(found.values())


def _material(table: Table, types: Mapping[str, LicenseType]) -> Material:
    material = Material(
        id=table.matching("id", _ID, "应由小写字母、数字、下划线组成，2 至 40 位"),
        name=table.text("name"),
        paper=table.text("paper"),
        applies=table.choice("applies", APPLIES) if "applies" in table else "all",
        licenses=table.texts("licenses") if "licenses" in table else (),
        data=tuple(_datum(table, text, types) for text in table.texts("data")) if "data" in table else (),
        promise=table.text("promise") if "promise" in table else "",
        promise_basis=table.text("promise_basis") if "promise_basis" in table else "",
        later_days=table.integer("later_days", 1, MAX_LATER_DAYS) if "later_days" in table else 0,
    )
    for slug in material.licenses:
        if slug not in types:
            table.refuse("licenses", f"证照类型 {slug} 不存在")
    if bool(material.promise) != bool(material.promise_basis):
        table.refuse("promise", "告知承诺的内容（promise）和依据（promise_basis）应同时写明")
    table.done()
    return material


def _datum(table: Table, text: str, types: Mapping[str, LicenseType]) -> Datum:
    slug, _, key = text.partition(".")
    if slug not in types:
        table.refuse("data", f"证照类型 {slug} 不存在")
    if key not in STANDARD_KEYS and types[slug].field(key) is None:
        table.refuse("data", f"“{key}”不是 {slug} 的字段")
    return Datum(type_slug=slug, key=key)
