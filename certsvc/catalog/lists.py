"""The public lists that the catalog generates: 证照目录, 电子证照制作清单, 四电应用清单, 免证办事项清单.

Plain rows of text with one header each; who writes a spreadsheet or a page from them decides its looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.entry import LEVELS
from certsvc.catalog.model import HolderKind
from certsvc.catalog.type_file import STANDARD_KEYS
from certsvc.identifiers.policy_key import COPY, field_of, is_question, key_zh
from certsvc.identifiers.use_basis import CONSENT, DUTY

if TYPE_CHECKING:
    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.model import LicenseType, Matter

HOLDER_ZH = {HolderKind.PERSON: "自然人", HolderKind.ORGANISATION: "法人或其他组织", HolderKind.EITHER: "混合"}
"""CertificateHolderCategory of GB/T 36902."""
AUDIENCE_ZH = {"officer": "执法人员", "clerk": "窗口与场馆", "public": "公众"}
BASIS_ZH = {CONSENT: "持证主体同意", DUTY: "法定职责"}
_STANDARD_ZH = dict(
    zip(
        STANDARD_KEYS,
        ("持证主体", "持证主体代码", "证照编号", "颁发机构", "颁发日期", "有效期起", "有效期止"),
        strict=True,
    )
)
_YES, _NO = "是", "否"
_JOIN = "、"
_SEVERAL = "^"
"""How exchanged catalogs join several values of one element."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicList:
    """One list: its name in addresses and files, its title, its header and its rows, as long as the header."""

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def catalog_entry(catalog: Catalog, kind: LicenseType) -> dict[str, str]:
    """The elements of GB/T 36902 of one type by English name, several values joined by ``^``."""
    issuer_levels = sorted({catalog.authority(code).level for code in kind.issuers})
    return {
        "CertificateTypeName": kind.name,
        "CertificateTypeCode": kind.type_code,
        "CertificateCategory": kind.category.code,
        "CertificateDefineAuthorityName": kind.definer_name,
        "CertificateDefineAuthorityCode": kind.definer_code,
        "CertificateDefineAuthorityLevel": str(kind.level),
        "RelatedItemName": _SEVERAL.join(catalog.matter(code).name for code in kind.matters),
        "RelatedItemCode": _SEVERAL.join(kind.matters),
        "CertificateHolderCategory": HOLDER_ZH[kind.holder_kind],
        "ValidityRange": kind.validity.validity_range,
        "CertificateIssuingAuthorityLevel": _SEVERAL.join(map(str, issuer_levels)),
    }


def type_list(catalog: Catalog) -> PublicList:
    """证照目录: one row per type, 文书 included."""
    header = (
        "序号",
        "证照类型代码",
        "证照类型名称",
        "类别",
        "领域",
        "证照定义机构",
        "级别",
        "持证者类别",
        "有效期限范围",
        "颁发机构级别",
        "关联事项",
        "法定依据",
    )
    rows = []
    for number, kind in enumerate(_by_domain(catalog), start=1):
        entry = catalog_entry(catalog, kind)
        rows.append(
            (
                str(number),
                kind.type_code,
                kind.name,
                kind.category.zh,
                kind.domain,
                kind.definer_name,
                LEVELS[kind.level],
                entry["CertificateHolderCategory"],
                kind.validity.validity_range,
                _JOIN.join(LEVELS[int(level)] for level in entry["CertificateIssuingAuthorityLevel"].split(_SEVERAL)),
                _JOIN.join(catalog.matter(code).name for code in kind.matters),
                _JOIN.join(f"《{title}》" for title in catalog.law_titles(kind)),
            )
        )
    return PublicList(name="types", title="证照目录", header=header, rows=tuple(rows))


def making_list(catalog: Catalog) -> PublicList:
    """电子证照制作清单: one row per type and issuing authority, with its seal, 存量 and paper."""
    header = (
        "序号",
        "证照类型名称",
        "颁发机构",
        "印章",
        "正副本",
        "附页",
        "有效期限范围",
        "存量（份）",
        "存量年度",
        "存量来源",
    )
    rows: list[tuple[str, ...]] = []
    for kind in _by_domain(catalog):
        stock, paper = kind.stock, kind.paper
        for code in kind.issuers:
            authority = catalog.authority(code)
            rows.append(
                (
                    str(len(rows) + 1),
                    kind.name,
                    authority.name,
                    authority.seal_name or "未登记",
                    f"正本、副本（最多 {paper.duplicates} 本）" if paper.duplicates else "正本",
                    paper.annex or "无",
                    kind.validity.validity_range,
                    str(stock.count) if stock else "未申报",
                    f"{stock.first_year}—{stock.last_year}" if stock else "",
                    stock.source if stock else "",
                )
            )
    return PublicList(name="making", title="电子证照制作清单", header=header, rows=tuple(rows))


def application_list(catalog: Catalog) -> PublicList:
    """四电应用清单: where electronic licenses, seals, signatures and archives are used; one row per scene."""
    header = (
        "序号",
        "证照类型名称",
        "亮证场景",
        "面向",
        "可见信息项",
        "电子证照",
        "电子印章",
        "电子签名",
        "电子档案（年）",
    )
    rows: list[tuple[str, ...]] = []
    for kind in _by_domain(catalog):
        for scene in kind.scenes:
            rows.append(
                (
                    str(len(rows) + 1),
                    kind.name,
                    scene.name,
                    AUDIENCE_ZH[scene.audience],
                    _JOIN.join(_field_name(kind, key) for key in scene.fields),
                    _YES,
                    _YES if any(step.role == "issuer_seal" for step in kind.signature_plan) else _NO,
                    _YES if any(step.role != "issuer_seal" for step in kind.signature_plan) else _NO,
                    str(kind.retention_years),
                )
            )
    return PublicList(name="uses", title="四电应用清单", header=header, rows=tuple(rows))


def no_paper_list(catalog: Catalog) -> PublicList:
    """免证办事项清单: one row per matter and type that need not be brought."""
    header = ("序号", "实施编码", "事项名称", "实施主体", "免提交证照", "取用方式", "取用信息项", "依据")
    rows: list[tuple[str, ...]] = []
    for matter in catalog.matters:
        for slug, keys in matter.allows.items():
            kind = catalog.type(slug)
            rows.append(
                (
                    str(len(rows) + 1),
                    matter.code,
                    matter.name,
                    catalog.authority(matter.authority_code).name,
                    kind.name,
                    "加注件、数据核验" if COPY in keys else "数据核验",
                    _JOIN.join(_asked(kind, key) for key in keys if key != COPY),
                    _bases(matter),
                )
            )
    return PublicList(name="no-paper", title="免证办事项清单", header=header, rows=tuple(rows))


def public_lists(catalog: Catalog) -> tuple[PublicList, ...]:
    """All four, in the order in which they are published."""
    return type_list(catalog), making_list(catalog), application_list(catalog), no_paper_list(catalog)


def _by_domain(catalog: Catalog) -> list[LicenseType]:
    return sorted(catalog.types, key=lambda kind: (kind.document, kind.type_code))


def _field_name(kind: LicenseType, key: str) -> str:
    spec = kind.field(key)
    return spec.name if spec else _STANDARD_ZH[key]


def _asked(kind: LicenseType, key: str) -> str:
    """A field that is read, or a question that is answered with yes or no."""
    field = field_of(key)
    return key_zh(key, "" if is_question(field) else _field_name(kind, field))


def _bases(matter: Matter) -> str:
    return _JOIN.join(BASIS_ZH[basis] for basis in matter.bases)
