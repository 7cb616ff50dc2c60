"""What an audit of the log can find, in words for auditors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

MOST_LISTED = 1000
"""Findings kept one by one; of more only the number is known, for whoever replaced everything has another trouble."""


class Found(StrEnum):
    """Kinds of findings."""

    LEAF_MISSING = "leaf_missing"
    LEAF_CHANGED = "leaf_changed"
    COLUMNS_CHANGED = "columns_changed"
    DETAILS_CHANGED = "details_changed"
    TILE_MISSING = "tile_missing"
    TILE_CHANGED = "tile_changed"
    ENTRIES_MISSING = "entries_missing"
    ENTRIES_CHANGED = "entries_changed"
    EDGE_CHANGED = "edge_changed"
    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_CHANGED = "checkpoint_changed"
    ROOT_DIFFERS = "root_differs"
    STAMP_MISSING = "stamp_missing"
    STAMP_CHANGED = "stamp_changed"
    ROW_MISSING = "row_missing"
    ROW_CHANGED = "row_changed"
    ROW_UNPROVEN = "row_unproven"
    STATE_CHANGED = "state_changed"
    FILE_MISSING = "file_missing"
    FILE_CHANGED = "file_changed"


FOUND_ZH: dict[Found, str] = {
    Found.LEAF_MISSING: "留痕行缺失",
    Found.LEAF_CHANGED: "留痕行被改动或调换",
    Found.COLUMNS_CHANGED: "留痕行的编号、种类或时间与其叶不符",
    Found.DETAILS_CHANGED: "留痕详情与其叶不符",
    Found.TILE_MISSING: "日志散列文件缺失",
    Found.TILE_CHANGED: "日志散列文件被改动",
    Found.ENTRIES_MISSING: "日志条目文件缺失",
    Found.ENTRIES_CHANGED: "日志条目文件被改动",
    Found.EDGE_CHANGED: "日志边缘数据被改动",
    Found.CHECKPOINT_MISSING: "检查点缺失",
    Found.CHECKPOINT_CHANGED: "检查点被改动",
    Found.ROOT_DIFFERS: "重算的根与检查点不符",
    Found.STAMP_MISSING: "检查点的时间戳缺失",
    Found.STAMP_CHANGED: "检查点的时间戳被改动",
    Found.ROW_MISSING: "留痕所记的行缺失",
    Found.ROW_CHANGED: "行的内容与留痕所记不符",
    Found.ROW_UNPROVEN: "行没有留痕",
    Found.STATE_CHANGED: "证照状态与其办理记录不符",
    Found.FILE_MISSING: "证照文件缺失",
    Found.FILE_CHANGED: "证照文件被改动",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it was logged.

    Attributes:
        about: which: the position of a leaf, the path of a tile, ``<noun> <id>`` of a row.
        detail: what differs.
    """

    kind: Found
    about: str
    detail: str = ""


@dataclass(kw_only=True, slots=True)
class AuditReport:
    """What was looked at and found; ``continued`` has the sizes from which the log went on under another name."""

    size: int = 0
    checkpoints: int = 0
    stamped: int = 0
    waiting: int = 0
    continued: list[int] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    files: int = 0
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    not_checked: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether everything is as it was logged."""
        return not self.findings

    def tell(self, kind: Found, about: object, detail: str = "") -> None:
        """Add a finding."""
        if len(self.findings) < MOST_LISTED:
            self.findings.append(Finding(kind=kind, about=str(about), detail=detail))
        else:
            self.more += 1
