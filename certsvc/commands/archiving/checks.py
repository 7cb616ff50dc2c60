"""四性检测 of a 归档信息包: 真实、完整、可用、安全, before it is handed over and of one that was received.

The items and their order stand in docs/archive.md, which a test compares. DA/T 70-2018 numbers its own; they are not
used, because its text was not at hand. What cannot be checked here is told as 不适用, never as passed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from certsvc.commands.archiving import pdf_checks
from certsvc.commands.archiving.evidence import Bundle, history_faults
from certsvc.commands.archiving.package import (
    FORMAT,
    HISTORY,
    LICENSES,
    MANIFEST,
    MATERIALS,
    METADATA,
    NOTE,
    README,
    REPORT,
    SIGNED_AS,
    Opened,
    digests,
    open_package,
)
from certsvc.commands.archiving.reading import Package, identifier_in, read_files
from certsvc.events.checkpoint import read_signed
from certsvc.license.archives import CheckItem, Found, Trait
from certsvc.license.states import STATE_ZH, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.archiving.tools import Tools

Answer = tuple[Found, str]
"""What was found, and in words."""
PASSED, FAILED, SKIPPED = Found.PASSED, Found.FAILED, Found.NOT_APPLICABLE
MAX_SAID = 5
"""Files named in one sentence; a package with more faults is sent back anyway."""
NEEDED = {
    "package": ("subject", "authorityCode", "authorityName", "keeping", "asOf"),
    "case": ("caseNo", "caseState", "result"),
    "license": ("certificateIdentifier", "certificateNumber", "certificateIssuingAuthorityName", "typeName", "state"),
    "material": ("materialId", "materialName", "registeredAt"),
}
"""Items of the metadata that must not be empty."""
UNCHECKED_ZH = "未核对"
"""How a reason ends where something was there to be checked, and could not be."""
SECRETS = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-{5}|client_secret[\"']?\s*[:=]|Bearer eyJ[\w-]{8,}")
_WRONG = (KeyError, TypeError, ValueError, AttributeError)
"""What JSON that is not built as ours makes its reader raise."""


def check_package(data: bytes, tools: Tools, *, within_s: float | None = None) -> tuple[CheckItem, ...]:
    """Every item over a package, in the order of the list; a package that is none fails, nothing is raised.

    One that takes longer than ``within_s`` seconds fails too: who waits for it holds a door.

    Raises:
        Unavailable: the workers that look at files are busy; nothing can be said then.
    """
    return _run(read_files(open_package(data), tools, within_s=within_s))


def check_files(files: Mapping[str, bytes], tools: Tools) -> tuple[CheckItem, ...]:
    """The same over files of which a package is about to be made: but for the manifest, which is made of them."""
    package = read_files(Opened(files=files, names=tuple(files)), tools)
    package.draft = True
    return _run(package)


def passed(items: Sequence[CheckItem]) -> bool:
    """Whether nothing failed."""
    return all(one.found is not FAILED for one in items)


def unchecked(items: Sequence[CheckItem]) -> int:
    """How many items could not be checked for want of a key, of trust or of a register, and would have to be."""
    return sum(one.found is SKIPPED and one.reason.endswith(UNCHECKED_ZH) for one in items)


def conclusion(items: Sequence[CheckItem]) -> str:
    """The whole in one sentence: what was not checked has not passed."""
    if not passed(items):
        return "四性检测不通过"
    missed = unchecked(items)
    return f"没有不通过的，{missed} 项未核对" if missed else "四性检测通过"


def _run(package: Package) -> tuple[CheckItem, ...]:
    items: list[CheckItem] = []
    for code, trait, name, next_step, check in CHECKS:
        try:
            found, reason = check(package)
        except _WRONG:
            found, reason = FAILED, "内容不合格式，无法检测"
        step = next_step if found is not PASSED else ""
        items.append(CheckItem(code=code, trait=trait, name=name, found=found, reason=reason, next_step=step))
    return tuple(items)


def _said(faults: Sequence[str], good: str) -> Answer:
    if not faults:
        return PASSED, good
    more = f"，另有 {len(faults) - MAX_SAID} 处" if len(faults) > MAX_SAID else ""
    return FAILED, "；".join(faults[:MAX_SAID]) + more


def _signature(package: Package) -> Answer:
    if package.draft:
        return SKIPPED, "清单在检测之后签名"
    files = package.opened.files
    if MANIFEST not in files or NOTE not in files:
        return FAILED, "没有清单或清单的签名"
    text, signatures = read_signed(files[NOTE].decode("utf-8"))
    if text.split("\n")[1:3] != [SIGNED_AS, digests(files[MANIFEST])["sha256"]]:
        return FAILED, "签名不是对这份清单作的，清单可能被改动"
    holds = package.tools.note_holds(text, signatures)
    if holds is None:
        return SKIPPED, "没有给出公钥，清单签名未核对"
    origin = text.partition("\n")[0]
    return (PASSED, f"由 {origin} 签名") if holds else (FAILED, "清单签名不符，或不是所给公钥签的")


def _digests(package: Package) -> Answer:
    if package.draft:
        return SKIPPED, "清单由检测之后的文件算出"
    stated = package.manifest["files"]
    found = {name: digests(data) for name, data in package.opened.files.items() if name not in (MANIFEST, NOTE)}
    wrong = [f"{name} 与清单的摘要不符" for name in sorted(found) if name in stated and stated[name] != found[name]]
    return _said(wrong, f"{len(found)} 个文件的大小、SHA-256、SM3 与清单一致")


def _signatures(package: Package) -> Answer:
    """Of licenses, and of materials that were sealed here."""
    sealed = [
        *package.named(LICENSES),
        *(name for name, items in package.metadata.materials.items() if items.get("stampingId")),
    ]
    if not sealed:
        return SKIPPED, "没有带签章的文件"
    faults: list[str] = []
    signers: set[str] = set()
    unknown = 0
    for name in sealed:
        looked = package.looked.get(name)
        if looked is None:
            continue  # told as missing
        if looked.signature_fault:
            faults.append(f"{name} {looked.signature_fault}")
        elif not looked.trusted:
            unknown += 1
        signers.update(looked.signers)
    if unknown and not faults:
        return SKIPPED, f"{unknown} 个文件签章完整，证书链{UNCHECKED_ZH}"
    return _said(faults, f"{len(sealed)} 个文件签章有效，签章人：{'、'.join(sorted(signers)) or '（无）'}")


def _registered(package: Package) -> Answer:
    sealed = [name for name, items in package.metadata.materials.items() if items.get("stampingId")]
    asked = [(name, package.tools.registered, "不是登记的文件") for name in package.named(LICENSES)]
    asked += [(name, package.tools.stamped, "不是用印登记的文件") for name in sealed if name in package.opened.files]
    faults: list[str] = []
    for name, on_record, fault in asked:
        known = on_record(digests(package.opened.files[name])["sha256"])
        if known is None:
            return SKIPPED, "没有登记库，未与登记的摘要比对"
        if not known:
            faults.append(f"{name} {fault}")
    return _said(faults, "证照和盖章文件与登记的逐字节一致") if asked else (SKIPPED, "没有证照和盖章文件")


def _agreement(package: Package) -> Answer:
    faults: list[str] = []
    compared = 0
    for name in package.named(LICENSES):
        stated, looked = package.metadata.licenses.get(name, {}), package.looked.get(name)
        if stated.get("certificateIdentifier") != identifier_in(name):
            faults.append(f"{name} 的证照标识与元数据不符")
        if looked is not None and looked.facts is not None and looked.facts.metadata:
            compared += 1
            wrong = pdf_checks.differing(stated, looked.facts.metadata)
            faults += [f"{name} 的 {key} 与元数据不符" for key in wrong]
    if not faults and not compared:
        return SKIPPED, "没有自带 GB/T 36903 元数据的文件"
    return _said(faults, f"{compared} 件证照的元数据与文件所载一致")


def _evidence(package: Package) -> Answer:
    names = package.named(LICENSES)
    if not names:
        return SKIPPED, "没有证照"
    found = {name: package.bundles.get(name, Bundle(fault="没有证据包")) for name in names}
    faults = [f"{identifier_in(name)}：{one.fault}" for name, one in found.items() if one.fault]
    if not faults and not all(one.key_known for one in found.values()):
        return SKIPPED, f"没有给出公钥，留痕{UNCHECKED_ZH}"
    return _said(faults, f"{len(names)} 件证照的留痕在日志中")


def _present(package: Package) -> Answer:
    there = set(package.opened.files)
    needed = {METADATA, HISTORY, README} if package.draft else {METADATA, HISTORY, README, REPORT, MANIFEST, NOTE}
    stated = set() if package.draft else set(package.manifest["files"])
    described = set(package.metadata.licenses) | set(package.metadata.materials)
    faults = [f"缺少 {name}" for name in sorted((needed | stated | described) - there)]
    extra = there - {MANIFEST, NOTE} - stated if not package.draft else set()
    pdfs = {*package.named(LICENSES), *package.named(MATERIALS)}
    faults += [f"清单没有列出 {name}" for name in sorted(extra)]
    faults += [f"元数据没有写明 {name}" for name in sorted(pdfs - described)]
    return _said(faults, f"{len(there)} 个文件齐全，没有多出")


def _counts(package: Package) -> Answer:
    said = package.metadata.package
    found = {"licenses": len(package.named(LICENSES)), "materials": len(package.named(MATERIALS))}
    words = {"licenses": "证照", "materials": "材料"}
    faults = [
        f"元数据写明{words[key]} {said.get(key)} 件，实有 {count} 件"
        for key, count in found.items()
        if said.get(key) != str(count)
    ]
    return _said(faults, f"证照 {found['licenses']} 件、材料 {found['materials']} 件")


def _versions(package: Package) -> Answer:
    """Of a license every version, numbered without a gap; of anything no version whose predecessor was left out."""
    versions = package.opened.json(HISTORY)["versions"]
    inside = {f"{LICENSES}{one['identifier']}.pdf" for one in versions}
    faults = [f"history.json 没有 {name}" for name in package.named(LICENSES) if name not in inside]
    faults += [f"缺少 {name}" for name in sorted(inside - set(package.opened.files))]
    if package.of_case:
        return _said(faults, f"办件制发的 {len(versions)} 件齐全")
    numbers = sorted(one["version"] for one in versions)
    if not numbers or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        faults.append(f"版本号不连续：{'、'.join(map(str, numbers))}")
    known = {one["identifier"] for one in versions}
    faults += [
        f"缺少 {one['identifier']} 的前一版本" for one in versions if one["previous"] and one["previous"] not in known
    ]
    return _said(faults, f"{len(versions)} 个版本，编号连续")


def _items(package: Package) -> Answer:
    if package.unreadable:
        return FAILED, package.unreadable
    meta = package.metadata
    blocks = [("package", METADATA, meta.package), *(("license", name, one) for name, one in meta.licenses.items())]
    blocks += [("case", METADATA, meta.case)] if meta.case else []
    blocks += [("material", name, one) for name, one in meta.materials.items()]
    faults = [f"{name} 缺少 {key}" for kind, name, one in blocks for key in NEEDED[kind] if not one.get(key)]
    return _said(faults, "必填的元数据项齐全")


def _process(package: Package) -> Answer:
    """Moves that follow on one another, and are those that the evidence of the license has."""
    faults: list[str] = []
    count = 0
    for one in package.opened.json(HISTORY)["versions"]:
        identifier, name = one["identifier"], f"{LICENSES}{one['identifier']}.pdf"
        stands = one["moves"][0]["from_state"] if one["moves"] else one["state"]
        for move in one["moves"]:
            count += 1
            if move["from_state"] != stands:
                faults.append(f"{identifier} 的办理记录不相接")
            stands = move["to_state"]
        if stands != one["state"]:
            faults.append(f"{identifier} 的状态与最后一次办理不符")
        if package.metadata.licenses.get(name, {}).get("state") != STATE_ZH[State(one["state"])]:
            faults.append(f"{identifier} 的状态与元数据不符")
        bundle = package.bundles.get(name)
        if bundle is not None and not bundle.fault:  # else the evidence tells
            faults += [f"{identifier} 的{fault}" for fault in history_faults(one, bundle, as_made=package.of_case)]
    return _said(list(dict.fromkeys(faults)), f"{count} 次办理前后相接，与留痕一致")


def _readable(package: Package) -> Answer:
    faults = [one for one in (package.opened.fault("readable"), package.unreadable) if one]
    if not package.draft and not (package.manifest and package.manifest.get("format") == FORMAT):
        faults.append(f"{MANIFEST} 不可读，或格式不是 {FORMAT}")
    if not isinstance(package.opened.json(HISTORY), dict):
        faults.append(f"{HISTORY} 不可读")
    return _said(faults, "说明文件、元数据、清单可读")


def _opens(package: Package) -> Answer:
    faults = [f"{name} {one.unreadable}" for name, one in package.looked.items() if one.unreadable]
    pages = sum(one.facts.pages for one in package.looked.values() if one.facts)
    return _said(faults, f"{len(package.looked)} 个 PDF 可以打开，共 {pages} 页")


def _format(package: Package) -> Answer:
    known = {name: one.facts for name, one in package.looked.items() if one.facts is not None}
    ours = {name: facts for name, facts in known.items() if facts.metadata and not package.by_others(name)}
    faults = [f"{name} 没有声明 PDF/A" for name, facts in ours.items() if not facts.pdfa]
    plain = [name for name, facts in known.items() if not facts.pdfa and name not in ours]
    if not faults and plain:
        return SKIPPED, f"{len(plain)} 个他方制作的文件没有声明 PDF/A：{'、'.join(plain[:MAX_SAID])}"
    return _said(faults, "均声明为 PDF/A（未以专门的校验器验证）")


def _of_ours(package: Package, faults: Sequence[tuple[str, str]], good: str) -> Answer:
    """What others made has their bytes: what is wrong with it is told, and keeps nothing from being archived."""
    ours = [f"{name} {fault}" for name, fault in faults if not package.by_others(name)]
    if ours or not faults:
        return _said(ours, good)
    _, told = _said([f"{name} {fault}" for name, fault in faults], good)
    return SKIPPED, f"他方制作、本系统登记的证照：{told}"


def _fonts(package: Package) -> Answer:
    known = [(name, one.facts) for name, one in package.looked.items() if one.facts is not None]
    faults = [(name, "有未嵌入的字体") for name, facts in known if not facts.fonts_embedded]
    return _of_ours(package, faults, "字体全部嵌入")


def _plain(package: Package) -> Answer:
    faults = [(name, "已加密") for name, one in package.looked.items() if one.facts and one.facts.encrypted]
    if fault := package.opened.fault("plain"):
        return _said([fault, *(f"{name} {one}" for name, one in faults)], "")
    return _of_ours(package, faults, "没有加密，压缩方式通用")


def _names(package: Package) -> Answer:
    fault = package.opened.fault("names")
    return _said([fault] if fault else [], "文件名均为格式规定的，不会写到目录之外")


def _limits(package: Package) -> Answer:
    fault = package.opened.fault("limits")
    if package.late:
        return FAILED, "文件过多，来不及全部检测，请在本机用 certsvc archive check 检测"
    return _said([fault] if fault else [], "大小、个数和压缩比在限度之内")


def _active(package: Package) -> Answer:
    faults = [(name, fault) for name, one in package.looked.items() for fault in one.active_faults]
    return _of_ours(package, faults, "没有脚本、动作、外部引用和不明附件")


def _secrets(package: Package) -> Answer:
    faults = [f"{name} 含有密钥或令牌" for name, data in sorted(package.opened.files.items()) if SECRETS.search(data)]
    return _said(faults, "没有密钥、令牌（只检测未压缩的内容）")


def _virus(_package: Package) -> Answer:
    return SKIPPED, "本程序不带病毒库"


Check = Callable[[Package], Answer]
_MADE_ANEW = "退回制作单位重新制作归档信息包"
_ASK_AGAIN = "向制作单位重新索取归档信息包，并核对传输过程"
A, C, U, S = Trait.AUTHENTIC, Trait.COMPLETE, Trait.USABLE, Trait.SAFE
CHECKS: tuple[tuple[str, Trait, str, str, Check], ...] = (
    ("signature", A, "清单签名", "用 --key 给出公布的公钥；仍不符的，" + _ASK_AGAIN, _signature),
    ("digests", A, "文件摘要", _ASK_AGAIN, _digests),
    ("signatures", A, "签章有效性", "用 certsvc verify 查看该文件；确有问题的联系签章单位", _signatures),
    ("registered", A, "与登记一致", "在有登记库的机器上检测；不是登记文件的，" + _ASK_AGAIN, _registered),
    ("agreement", A, "元数据与文件一致", _MADE_ANEW, _agreement),
    ("evidence", A, "留痕在日志中", "用证据包的独立验证程序核对；确有问题的报告审计管理员", _evidence),
    ("present", C, "文件齐全", _MADE_ANEW, _present),
    ("counts", C, "件数相符", _MADE_ANEW, _counts),
    ("versions", C, "版本齐全、编号连续", _MADE_ANEW, _versions),
    ("items", C, "元数据项完整", "补齐办件或证照的信息后重新制作", _items),
    ("process", C, "过程信息完整", "用 certsvc audit verify 核对办理记录后重新制作", _process),
    ("readable", U, "元数据可读", _ASK_AGAIN, _readable),
    ("opens", U, "文件可打开", _ASK_AGAIN, _opens),
    ("format", U, "长期保存格式", "归档要求 PDF/A 的，请材料提供方转换后重新登记", _format),
    ("fonts", U, "字体嵌入", "请材料提供方嵌入全部字体后重新登记", _fonts),
    ("plain", U, "没有加密", "去掉密码和权限限制后重新制作", _plain),
    ("names", S, "文件名安全", "不要解压，" + _ASK_AGAIN, _names),
    ("limits", S, "大小限度", "不要解压，" + _ASK_AGAIN, _limits),
    ("active", S, "没有脚本和附件", "请材料提供方“打印为 PDF”后重新登记", _active),
    ("secrets", S, "没有密钥和令牌", "不要转交，报告安全保密管理员", _secrets),
    ("virus", S, "病毒检测", "在归档环境中以杀毒软件另行检测", _virus),
)
"""Code, property, name, what to do where it did not pass, and the check; in the order of the report."""
