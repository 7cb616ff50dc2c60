"""What a package says in words and data: ``metadata.xml``, ``history.json``, ``说明文件.txt``.

License elements have their names in GB/T 36903; those of the case have plain Chinese names and ours in English, because
the text of GB/T 42727-2023 was not at hand (docs/archive.md says so).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import orjson

from certsvc.clock import rfc3339
from certsvc.commands.archiving.package import FORMAT
from certsvc.license.archives import ARCHIVE_ZH, MATERIAL_ZH, ArchiveKind
from certsvc.license.case_clocks import CASE_ZH
from certsvc.license.states import MOVE_BY_NAME, STATE_ZH

if TYPE_CHECKING:
    from certsvc.catalog.loader import Catalog
    from certsvc.commands.archiving.contents import Contents
    from certsvc.license.model import LicenseVersion

Items = list[tuple[str, str, str]]
"""Name in English, name in Chinese, value."""


def elements_of(version: LicenseVersion) -> dict[str, str]:
    """Elements of GB/T 36903 that the register holds and the file says too; the file masks what its face masks."""
    return {
        "certificateIdentifier": version.identifier,
        "certificateNumber": version.number,
        "certificateVersion": f"{version.version:03d}",
        "certificateIssuingAuthorityName": version.issuer_name,
        "certificateIssuedDate": f"{version.issued_on:%Y%m%d}",
        "certificateEffectiveDate": f"{version.valid_from:%Y%m%d}",
        "certificateExpiringDate": f"{version.valid_until:%Y%m%d}" if version.valid_until else "",
        "certificateHolderName": version.holder.name,
        "certificateHolderCode": version.holder.code,
        "certificateHolderType": version.holder.code_type,
    }


def metadata_xml(catalog: Catalog, contents: Contents) -> bytes:
    """The metadata of the package, of its case, and of every file in it."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<archive format="{FORMAT}" kind="{contents.kind.value}">']
    lines += _block("package", _package_items(catalog, contents))
    if contents.kind is ArchiveKind.CASE:
        lines += _block("case", _case_items(catalog, contents))
    for version in contents.versions:
        head = f'license file="licenses/{version.identifier}.pdf"'
        further = [
            ("typeName", "证照类型", catalog.type(version.type_slug).name),
            ("state", "证照状态", STATE_ZH[version.state]),
        ]
        lines += _block(head, [*((key, key, value) for key, value in elements_of(version).items()), *further])
    for one in contents.materials:
        items = [
            ("materialId", "材料登记号", one.material_id),
            ("materialName", "材料名称", one.name),
            ("materialCode", "材料编码", one.code),
            ("registeredAt", "登记时间", rfc3339(one.registered_at)),
            ("stampingId", "用印记录", one.stamping_id),
            ("state", "状态", MATERIAL_ZH[one.state]),
        ]
        lines += _block(f'material file="materials/{one.material_id}.pdf"', items)
    return ("\n".join([*lines, "</archive>"]) + "\n").encode()


def _block(head: str, items: Items) -> list[str]:
    inner = [
        f"    <item element={quoteattr(key)} name={quoteattr(zh)}>{escape(value)}</item>" for key, zh, value in items
    ]
    return [f"  <{head}>", *inner, f"  </{head.partition(' ')[0]}>"]


def _package_items(catalog: Catalog, contents: Contents) -> Items:
    return [
        ("subject", ARCHIVE_ZH[contents.kind], contents.label),
        ("authorityCode", "归档机关统一社会信用代码", contents.authority_code),
        ("authorityName", "归档机关", authority_name(catalog, contents)),
        ("keeping", "保管期限", contents.keeping.zh),
        ("asOf", "内容截至", rfc3339(contents.as_of)),
        ("licenses", "证照件数", str(len(contents.versions))),
        ("materials", "材料件数", str(len(contents.materials))),
    ]


def _case_items(catalog: Catalog, contents: Contents) -> Items:
    clock, first = contents.clock, contents.requests[0] if contents.requests else None
    matter = contents.matter_code
    found = catalog.find_matter(matter) if matter else None
    issued = len(contents.versions)
    refused = sum(1 for one in contents.requests if not one.version_id)
    return [
        ("caseNo", "办件编号", contents.label),
        ("matterCode", "事项实施编码", matter),
        ("matterName", "事项名称", found.name if found else ""),
        ("applicant", "申请人", first.payload.holder.name if first else ""),
        ("applicantCode", "申请人证件号码", first.payload.holder.code if first else ""),
        ("acceptedAt", "受理时间", rfc3339(clock.accepted_at) if clock else ""),
        ("finishedAt", "办结时间", rfc3339(clock.finished_at) if clock and clock.finished_at else ""),
        ("limit", "承诺办结时限（工作日）", str(clock.limit) if clock else ""),
        ("stops", "中止次数", str(clock.stops) if clock else ""),
        ("caseState", "办件状态", CASE_ZH[clock.state] if clock else "没有报送计时"),
        ("result", "办理结果", f"制发 {issued} 件，不予制证 {refused} 件"),
    ]


def history_json(contents: Contents) -> bytes:
    """What became of each version, oldest first: how it came, every decision about it, what it follows."""
    versions = [
        {
            "identifier": version.identifier,
            "version": version.version,
            "sha256": version.artifact.sha256,
            "registered_at": rfc3339(version.created_at),
            "origin": version.origin.value,
            "state": version.state.value,
            "previous": contents.identifiers.get(version.previous_version_id, ""),
            "moves": [
                {
                    "move": one.name,
                    "move_zh": MOVE_BY_NAME[one.name].name_zh,
                    "from_state": one.from_state.value,
                    "to_state": one.to_state.value,
                    "authority_code": one.decision.authority_code if one.decision else "",
                    "document_no": one.decision.document_no if one.decision else "",
                    "decided_on": one.decision.decided_on.isoformat() if one.decision else "",
                    "at": rfc3339(one.at),
                }
                for one in contents.moves[version.version_id]
            ],
        }
        for version in contents.versions
    ]
    requests = [
        {
            "request_id": one.request_id,
            "business_no": one.payload.business_no,
            "action": one.payload.action.value,
            "type": one.payload.type_slug,
            "state": one.state.value,
            "reason_code": one.reason_code,
            "accepted_at": rfc3339(one.created_at),
        }
        for one in contents.requests
    ]
    return orjson.dumps({"versions": versions, "requests": requests}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def readme(catalog: Catalog, contents: Contents) -> bytes:
    """说明文件, for whoever opens the package without this program."""
    return f"""归档信息包说明文件

格式：{FORMAT}
内容：{ARCHIVE_ZH[contents.kind]} {contents.label}
归档机关：{authority_name(catalog, contents)}（{contents.authority_code}）
保管期限：{contents.keeping.zh}
证照 {len(contents.versions)} 件，电子材料 {len(contents.materials)} 件

metadata.xml      元数据：归档信息包、办件、每件证照和材料
licenses/         签发时的证照文件（PDF），文件名为证照标识
materials/        办件的电子材料（PDF），文件名为材料登记号
history.json      每件证照的登记、办理和前后关系
evidence/         每件证照的留痕证据包：签章、时间戳、留痕及其在日志中的证明
check.json        归档时的四性检测结果
manifest.json     清单：除清单和签名外每个文件的大小、SHA-256、SM3
manifest.note     清单的签名（C2SP signed-note，ECDSA P-256）

核验：certsvc archive check 本文件.zip --key 公钥
没有本程序的，按清单逐个核对文件摘要，以公开的公钥核对清单签名；证据包用其独立验证程序。
""".encode()


def authority_name(catalog: Catalog, contents: Contents) -> str:
    """Name of the body: as its newest license has it where the catalog does not know it, as for what others made."""
    code = contents.authority_code
    if catalog.has_authority(code):
        return catalog.authority(code).name
    return contents.versions[-1].issuer_name if contents.versions else ""
