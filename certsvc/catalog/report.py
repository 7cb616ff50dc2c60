"""The governance report: what each department still owes its part of the catalog, as plain rows.

A fault keeps a catalog from loading (``loader.py``); what stands here is allowed, and is to be asked about.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING

from certsvc.catalog.entry import Category
from certsvc.catalog.model import HolderKind, Mask, ValidityKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.model import LicenseType

RESPONSIBLE = frozenset(("legal_representative", "principal", "operator"))
PLACE = frozenset(("address", "premises", "residence", "location", "intake_place"))
"""Who answers for an organisation, and where it is: an officer at the door looks for these two first."""
_BRACKETS = str.maketrans("", "", "（）()〔〕·、 ")


class Finding(StrEnum):
    """What is missing or doubtful."""

    FIELD = "recommended_field"
    """建议信息项缺失"""
    OFFICER_SCENE = "no_officer_scene"
    """没有面向执法人员的场景"""
    MATTER = "no_matter"
    """没有关联事项"""
    UNUSED = "not_used"
    """没有事项可取用，办事仍须带证"""
    SAMPLE = "poor_sample"
    """示例不完整"""
    OVERLAP = "overlapping_names"
    """名称相同或互相包含"""
    SEAL = "unsealed_authority"
    """颁发机构没有印章"""
    ELEMENT = "element_of_two_meanings"
    """同一扩展元素在本部门有两种含义"""
    ENTRY = "incomplete_entry"
    """编目信息缺失（依据、存量、提醒）"""
    MASK = "bare_person"
    """个人信息在亮证时不遮盖"""


FINDING_ZH: dict[Finding, str] = {
    Finding.FIELD: "建议信息项缺失",
    Finding.OFFICER_SCENE: "无执法场景",
    Finding.MATTER: "无关联事项",
    Finding.UNUSED: "无事项取用",
    Finding.SAMPLE: "示例不完整",
    Finding.OVERLAP: "名称重叠",
    Finding.SEAL: "颁发机构无印章",
    Finding.ELEMENT: "扩展元素含义不一",
    Finding.ENTRY: "编目信息缺失",
    Finding.MASK: "个人信息未遮盖",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRow:
    """One finding.

    Attributes:
        department: name of the defining authority, who answers.
        slug: the type, of two the first.
        detail: Chinese, says what to do.
    """

    department: str
    slug: str
    type_name: str
    finding: Finding
    detail: str


def governance_report(catalog: Catalog) -> tuple[ReportRow, ...]:
    """All findings, by department, type and kind of finding."""
    used = {slug for matter in catalog.matters for slug in matter.allows}
    rows = [row for kind in catalog.types for row in _about_one(catalog, kind, used)]
    rows += _overlaps(catalog)
    rows += _elements(catalog)
    return tuple(sorted(rows, key=lambda row: (row.department, row.slug, row.finding, row.detail)))


def department_counts(rows: tuple[ReportRow, ...]) -> dict[str, int]:
    """How many findings each department has, the most first."""
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[row.department] += 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _row(kind: LicenseType, finding: Finding, detail: str) -> ReportRow:
    return ReportRow(department=kind.definer_name, slug=kind.slug, type_name=kind.name, finding=finding, detail=detail)


def _about_one(catalog: Catalog, kind: LicenseType, used: set[str]) -> Iterator[ReportRow]:
    if not kind.document:
        yield from _recommended(kind)
        if not any(scene.audience == "officer" for scene in kind.scenes):
            yield _row(kind, Finding.OFFICER_SCENE, "请增加执法场景，写明执法人员可见的信息项")
        if kind.slug not in used:
            yield _row(kind, Finding.UNUSED, "没有事项可以取用本证照，请核对免证办事项清单")
    if not kind.matters:
        yield _row(kind, Finding.MATTER, "请补充核发本证照的事项")
    optional = [spec.name for spec in kind.fields if spec.key not in catalog.sample(kind.slug)["data"]]
    if optional:
        yield _row(kind, Finding.SAMPLE, f"示例没有填写：{'、'.join(optional)}")
    for code in kind.issuers:
        if not catalog.authority(code).seal_id:
            yield _row(kind, Finding.SEAL, f"{catalog.authority(code).name}没有登记印章，不能签发")
    yield from _entry(kind)
    for scene in kind.scenes:
        bare = "holder_name" in scene.fields and kind.holder_masks.get("show", Mask.NONE) is Mask.NONE
        if scene.audience == "public" and kind.holder_kind is HolderKind.PERSON and bare:
            yield _row(kind, Finding.MASK, f"场景“{scene.name}”面向公众，姓名未遮盖")


def _recommended(kind: LicenseType) -> Iterator[ReportRow]:
    """批文 and 证件 are about a thing or a person; what is recommended of a firm's license does not apply."""
    keys = {spec.key for spec in kind.fields}
    if kind.holder_kind is HolderKind.PERSON:
        if "sex" not in keys:
            yield _row(kind, Finding.FIELD, "建议增加性别，便于人证比对")
    elif kind.category is Category.LICENSE:
        if not keys & RESPONSIBLE:
            yield _row(kind, Finding.FIELD, "建议增加法定代表人或负责人")
        if not keys & PLACE:
            yield _row(kind, Finding.FIELD, "建议增加地址或经营场所")


def _entry(kind: LicenseType) -> Iterator[ReportRow]:
    if not kind.laws:
        yield _row(kind, Finding.ENTRY, "请补充法定依据名称")
    if kind.stock is None and not kind.document:
        yield _row(kind, Finding.ENTRY, "请申报存量（份数、年度、来源）")
    if kind.validity.kind is not ValidityKind.OPEN_ENDED and not kind.validity.reminder_days:
        yield _row(kind, Finding.ENTRY, "有期限的证照请规定到期提醒天数")


def _overlaps(catalog: Catalog) -> Iterator[ReportRow]:
    """Names that are the same, or one of which holds the other: two departments may mean one license."""
    for first, second in combinations(catalog.types, 2):
        a, b = first.name.translate(_BRACKETS), second.name.translate(_BRACKETS)
        if a in b or b in a:
            detail = f"与“{second.name}”（{second.definer_name}）名称相同或互相包含，请确认是否为同一证照"
            yield _row(first, Finding.OVERLAP, detail)


def _elements(catalog: Catalog) -> Iterator[ReportRow]:
    """One extension element that means two things within one department cannot be exchanged."""
    meant: dict[tuple[str, str], tuple[LicenseType, str]] = {}
    for kind in catalog.types:
        for spec in kind.fields:
            first, name = meant.setdefault((kind.definer_code, spec.element), (kind, spec.name))
            if _plain(name) != _plain(spec.name):
                yield _row(
                    kind,
                    Finding.ELEMENT,
                    f"{spec.element} 在本类型为“{spec.name}”，在{first.name}为“{name}”，请统一",
                )


def _plain(name: str) -> str:
    """法定代表人（负责人） means what 法定代表人 means."""
    return name.partition("（")[0]
