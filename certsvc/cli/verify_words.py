"""A verdict on the terminal: what is printed about one file, and the sum at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.markup import escape

from certsvc.clock import beijing_time
from certsvc.seal.headlines import MARK_ZH, Mark, headline_of, next_step, only_added_to
from certsvc.seal.reason_words import REMARKS, WORDS
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from certsvc.cli.verify_report import Judged
    from certsvc.seal.verdict import Verdict

MOST_IN_FULL = 20
"""Files whose verdicts are printed in full; more have one line each."""

MOST_NAMED = 20
"""Skipped files that are named; their number is always told."""

LOOKS = {
    Mark.PASSED: ("green", "✔"),
    Mark.SEAL_ONLY: ("yellow", "◐"),
    Mark.SINCE_CHANGED: ("yellow", "！"),
    Mark.FAILED: ("red", "✘"),
    Mark.OPEN: ("yellow", "？"),
    Mark.UNREADABLE: ("yellow", "？"),
}
"""Colour and symbol; every mark but the two that conclude nothing has a symbol of its own."""

CHECKS = (
    ("与登记", "registry_match"),
    ("内容", "integrity"),
    ("覆盖", "coverage"),
    ("改动", "modification"),
    ("信任", "trust"),
    ("状态", "status"),
)

CHECK_ZH = {
    "good": "通过",
    "bad": "不通过",
    "unknown": "无法判定",
    "not_checked": "未核对",
    "exact": "与登记的原件一致",
    "other_bytes": "印章属实，不是登记的原件",
    "none": "没有登记",
}

NOT_CHECKED_ZH = {
    "revocation": "印章证书是否被吊销",
    "register": "与登记比对",
    "license_state": "证照现在的状态",
    "seal_state": "印章现在的状态",
    "signatures": "印章与签名",
    "certificate_period": "签章时证书是否在有效期内",
    "unlisted_byte_range": "无法归属的签名区段",
    "seal_maker": "制章者是否为印章制作管理单位",
    "seal_timestamp": "印章数据中的时间戳",
    "integrity": "内容",
    "coverage": "覆盖",
    "modification": "改动",
    "trust": "信任",
}


@dataclass(frozen=True, slots=True)
class Hint:
    """What a file that could not be judged seems to be: the first words, and a sentence."""

    short_zh: str
    zh: str


_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM")


def unasked_zh(names: Sequence[str]) -> str:
    """What was not checked, in words."""
    return "、".join(NOT_CHECKED_ZH.get(one, one) for one in names)


def what_it_is(name: str, data: bytes) -> Hint | None:
    """What an upload that is no PDF seems to be, where its name or first bytes say more than that."""
    if not data:
        return Hint("文件是空的，无法核验", "文件里没有内容，请重新取得原文件")
    if name.lower().endswith(".esl"):
        return Hint(
            "印章数据无法读取", "不是 GB/T 38540 或 GM/T 0031 的印章数据，或已损坏，请向印章保管人重新索取 .esl 文件"
        )
    if data.startswith(_PICTURES):
        short = WORDS[Reason.NOT_A_PDF].short_zh
        return Hint(short, "这是图片，不能证明真实性；图片里有二维码的，请在核验页的“二维码”中选择这张图片")
    return None


def print_verdicts(console: Console, judged: Sequence[Judged]) -> None:
    """One line per fact, so that nothing is cut off on a narrow screen; many files have one line each, and a sum."""
    for one in judged:
        for line in _lines_of(one, brief=len(judged) > MOST_IN_FULL):
            console.print(line, highlight=False, soft_wrap=True)
    if len(judged) > 1:
        counts = Counter(_mark_of(one) for one in judged)
        total = "　".join(f"{_marked(mark, MARK_ZH[mark])} {counts[mark]}" for mark in Mark if counts[mark])
        console.print(f"共 {len(judged)} 个文件：{total}", highlight=False, soft_wrap=True)


def print_skipped(console: Console, skipped: Sequence[str]) -> None:
    """Name what stood in folders and archives and was not judged."""
    if not skipped:
        return
    more = "" if len(skipped) <= MOST_NAMED else " 等"
    names = "、".join(escape(one) for one in skipped[:MOST_NAMED])
    console.print(f"跳过 {len(skipped)} 个（不是 .pdf 或 .esl）：{names}{more}", highlight=False, soft_wrap=True)


def head_zh(one: Judged) -> str:
    """The first words about a file."""
    if one.verdict is None:
        return "无法读取"
    hint = _hint_of(one)
    return hint.short_zh if hint else headline_of(one.verdict).zh


def explanation_zh(one: Judged) -> str:
    """The sentence about a file."""
    if one.verdict is None:
        return one.trouble
    hint = _hint_of(one)
    return hint.zh if hint else WORDS[one.verdict.reason].zh


def _hint_of(one: Judged) -> Hint | None:
    return one.hint if one.verdict is not None and one.verdict.reason is Reason.NOT_A_PDF else None


def _mark_of(one: Judged) -> Mark:
    return Mark.UNREADABLE if one.verdict is None else headline_of(one.verdict).mark


def _marked(mark: Mark, words: str) -> str:
    colour, symbol = LOOKS[mark]
    return f"[{colour}]{symbol} {words}[/{colour}]"


def _lines_of(one: Judged, *, brief: bool) -> list[str]:
    head, name = _marked(_mark_of(one), head_zh(one)), escape(one.name)
    if one.verdict is None:
        return [f"{head}  {name}　{escape(one.trouble)}"]
    if brief:
        return [f"{head}  {name}" if _hint_of(one) else f"{head}  {name}　{WORDS[one.verdict.reason].short_zh}"]
    rows = [("说明", explanation_zh(one)), ("下一步", next_step(one.verdict)[0]), *_facts(one.verdict)]
    return [f"{head}  [bold]{name}[/bold]", *(f"    {label.ljust(4, '　')}　{text}" for label, text in rows)]


def _facts(verdict: Verdict) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    if verdict.license is not None:
        lines.append(("证照", f"{verdict.license.type_name}　{verdict.license.state_zh}"))
    if verdict.copy is not None:
        copy = verdict.copy
        only = f"{copy.number}　仅供{copy.made_for}办理“{copy.matter}”使用，至{beijing_time(copy.until)}（北京时间）"
        lines.append(("加注件", escape(only)))
    if verdict.recognition is not None:
        cited = verdict.recognition
        basis = f"{cited.partner_name}（信任列表第 {cited.list_version} 版）"
        lines.append(("互认", f"{basis}　{cited.note}" if cited.note else basis))
    if verdict.as_of is not None:
        lines.append(("截至", f"{beijing_time(verdict.as_of)}（北京时间）"))
    for label, field in CHECKS:
        word = CHECK_ZH[getattr(verdict, field).value]
        lines.append((label, "印章所盖部分一致" if field == "integrity" and only_added_to(verdict) else word))
    if verdict.not_checked:
        lines.append(("未核对", unasked_zh(verdict.not_checked)))
    lines += [("留意", REMARKS[one][0]) for one in verdict.remarks]
    if verdict.unreachable:
        lines.append(("没有答复", escape("、".join(verdict.unreachable))))
    return lines
