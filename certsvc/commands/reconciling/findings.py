"""What a comparison of the books finds, and how much of it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

MOST_LISTED = 1000
"""Findings of one kind that are listed; a store that lost everything must not fill the memory of whoever looks."""


class Difference(StrEnum):
    """What does not agree."""

    MISSING_FILE = "missing_file"
    CHANGED_FILE = "changed_file"
    STRAY_FILE = "stray_file"
    MISSING_EVENT = "missing_event"
    STRAY_EVENT = "stray_event"
    MISSING_EVIDENCE = "missing_evidence"
    STRAY_EVIDENCE = "stray_evidence"
    CHANGED_EVIDENCE = "changed_evidence"
    UNRESERVED_USE = "unreserved_use"
    UNRECORDED_USE = "unrecorded_use"
    UNSEALED_FILE = "unsealed_file"
    UNANSWERED_USE = "unanswered_use"
    UNKNOWN_USE = "unknown_use"
    UNFINISHED = "unfinished"


DIFFERENCE_ZH: dict[Difference, str] = {
    Difference.MISSING_FILE: "登记的文件不存在",
    Difference.CHANGED_FILE: "文件与登记的摘要不一致",
    Difference.STRAY_FILE: "没有登记的文件",
    Difference.MISSING_EVENT: "证照缺少对应的事件",
    Difference.STRAY_EVENT: "事件没有对应的证照或办理",
    Difference.MISSING_EVIDENCE: "证照缺少对应的留痕",
    Difference.STRAY_EVIDENCE: "留痕没有对应的证照或办理",
    Difference.CHANGED_EVIDENCE: "留痕内容被改动",
    Difference.UNRESERVED_USE: "用印没有预留，或多于预留",
    Difference.UNRECORDED_USE: "已用印的预留没有留痕",
    Difference.UNSEALED_FILE: "文件没有对应的用印",
    Difference.UNANSWERED_USE: "用印预留久无结果",
    Difference.UNKNOWN_USE: "用印结果不明（进程中断）",
    Difference.UNFINISHED: "制证意图久未登记",
}

ADVICE_ZH: dict[Difference, str] = {
    Difference.MISSING_FILE: "从备份恢复该文件；无备份的以更正（correct）重新制发",
    Difference.CHANGED_FILE: "立即核查存储的写入权限，从备份恢复",
    Difference.STRAY_FILE: "用 certsvc objects sweep 清理",
    Difference.MISSING_EVENT: "核对数据库是否被改动或恢复不完整",
    Difference.STRAY_EVENT: "核对数据库是否被改动或恢复不完整",
    Difference.MISSING_EVIDENCE: "核对数据库是否被改动或恢复不完整",
    Difference.STRAY_EVIDENCE: "登记可能被删改，以留痕和备份为准核查",
    Difference.CHANGED_EVIDENCE: "留痕可能被删改，以备份和对外公布的存证为准核查",
    Difference.UNRESERVED_USE: "停用该印章并核查密钥的使用",
    Difference.UNRECORDED_USE: "核对数据库是否被改动或恢复不完整",
    Difference.UNSEALED_FILE: "核查文件来源",
    Difference.UNANSWERED_USE: "核对制证进程是否在运行；重新制证时自动结清",
    Difference.UNKNOWN_USE: "仅供知悉：密钥可能已签，文件从未交付",
    Difference.UNFINISHED: "用 certsvc requests stuck 查看原因",
}

NOTES = frozenset({Difference.UNKNOWN_USE})
"""What is told and is no fault: the answer is known to be unknown, is in evidence, and stays so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One difference; ``about`` is an identifier of ours or the name of an object, never personal data."""

    kind: Difference
    about: str
    detail: str = ""


@dataclass(kw_only=True, slots=True)
class Report:
    """Everything that was looked at and found.

    Attributes:
        looked_at: how many of each: files, files read, versions, events, evidence rows, uses of seals.
        counts: how many findings of each kind there are, listed or not.
    """

    looked_at: dict[str, int] = field(default_factory=dict)
    counts: dict[Difference, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Count a finding, and list it while there are not too many of its kind."""
        known = self.counts.get(finding.kind, 0)
        self.counts[finding.kind] = known + 1
        if known < MOST_LISTED:
            self.findings.append(finding)

    def look(self, what: str, count: int) -> None:
        """Count what was looked at."""
        self.looked_at[what] = self.looked_at.get(what, 0) + count

    @property
    def agrees(self) -> bool:
        """Whether nothing is wrong; notes are not."""
        return all(kind in NOTES for kind in self.counts)
