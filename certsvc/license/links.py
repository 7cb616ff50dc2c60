"""How a version follows another: change, renew, replace, split, merge, correct, convert.

Laws (DOMAIN.md 1.2, 1.5-1.7):

* A successor is registered together with the end of what it follows, never before and never without.
* 变更 and 补办 keep the dates, 延续 moves the last day; these, 更正 and 转为正式 stay within one license.
* 分立 makes several licenses of one; its further parts follow what the first part of the same case has superseded.
* 合并 makes one of several: the main one lives on in the new version, the absorbed ones end in it.
* 更正 voids the wrongly made file; the permit lives on in the state it had.
* A license never has two versions that have not ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.errors import IllegalMove, Refused
from certsvc.license.states import STATE_ZH, Move, Paper, State, lawful

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class LinkKind(StrEnum):
    """Why a version follows another."""

    CHANGE = "change"
    RENEW = "renew"
    REPLACE = "replace"
    SPLIT = "split"
    MERGE = "merge"
    CORRECT = "correct"
    CONVERT = "convert"


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkRule:
    """What the successor keeps, and what becomes of the predecessor.

    Attributes:
        move: the move of ``license/states.py`` that the predecessor makes.
        keeps_license: whether the successor is a further version of the same license (same 证照标识 root).
        keeps_number, keeps_start, keeps_end: whether 证照编号 and the period stay unless the approval says otherwise.
        same_holder: whether the holder's code must stay.
    """

    kind: LinkKind
    name_zh: str
    move: str
    keeps_license: bool
    keeps_number: bool
    keeps_start: bool
    keeps_end: bool
    same_holder: bool
    why: str


_RULES = (
    LinkRule(
        kind=LinkKind.CHANGE,
        name_zh="变更",
        move="supersede",
        keeps_license=True,
        keeps_number=True,
        keeps_start=True,
        keeps_end=True,
        same_holder=True,
        why="登记事项变化，截止日期不变。",
    ),
    LinkRule(
        kind=LinkKind.RENEW,
        name_zh="延续",
        move="supersede",
        keeps_license=True,
        keeps_number=True,
        keeps_start=True,
        keeps_end=False,
        same_holder=True,
        why="截止日期后移，起始日期不变；在规定期限内申请而届满未决的，原证照继续有效。",
    ),
    LinkRule(
        kind=LinkKind.REPLACE,
        name_zh="补办",
        move="supersede",
        keeps_license=True,
        keeps_number=True,
        keeps_start=True,
        keeps_end=True,
        same_holder=True,
        why="遗失或损毁后重新制发，编号和日期不变。",
    ),
    LinkRule(
        kind=LinkKind.SPLIT,
        name_zh="分立",
        move="supersede",
        keeps_license=False,
        keeps_number=False,
        keeps_start=False,
        keeps_end=True,
        same_holder=False,
        why="一证分为数证，各有编号；同一办件的后续各件都承接原证照。",
    ),
    LinkRule(
        kind=LinkKind.MERGE,
        name_zh="合并",
        move="supersede",
        keeps_license=True,
        keeps_number=True,
        keeps_start=True,
        keeps_end=True,
        same_holder=True,
        why="数证并为一证，主证照保留编号，被并入的证照指向新版本。",
    ),
    LinkRule(
        kind=LinkKind.CORRECT,
        name_zh="更正",
        move="correct",
        keeps_license=True,
        keeps_number=True,
        keeps_start=True,
        keeps_end=True,
        same_holder=False,
        why="有误的文件作废，正确的文件承接其编号、日期和状态。",
    ),
    LinkRule(
        kind=LinkKind.CONVERT,
        name_zh="转为正式",
        move="convert",
        keeps_license=True,
        keeps_number=False,
        keeps_start=False,
        keeps_end=False,
        same_holder=True,
        why="模拟审批意见收回，代之以正式证照，正式编号此时产生。",
    ),
)

LINKS: dict[LinkKind, LinkRule] = {rule.kind: rule for rule in _RULES}


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionLink:
    """One link: ``successor`` follows ``predecessor``.

    Attributes:
        case_no: 办件编号 that holds the parts of a split together, or empty.
    """

    predecessor_id: str
    successor_id: str
    kind: LinkKind
    case_no: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Following:
    """What registering the successor does: the predecessor's move, if it still has one to make, and the new state."""

    move: Move | None
    state: State


def following(
    kind: LinkKind,
    state: State,
    paper: Paper,
    *,
    links: Collection[VersionLink] = (),
    case_no: str = "",
    voided_from: State | None = None,
) -> Following:
    """Whether a version in ``state`` can be followed, and how.

    Args:
        kind: why it is to be followed.
        state: of the predecessor.
        paper: of the predecessor.
        links: what follows it already.
        case_no: of the case that asks.
        voided_from: the state in which it was voided, if it was.

    Raises:
        Refused: it cannot; the detail says what to do instead.
    """
    rule = LINKS[kind]
    if kind is LinkKind.SPLIT and state is State.SUPERSEDED and _parts_of(links, case_no):
        return Following(move=None, state=State.VALID)
    if kind is LinkKind.CORRECT and state is State.VOIDED and not links and voided_from is not None:
        return Following(move=None, state=voided_from)
    if (kind is LinkKind.CONVERT) != (paper is Paper.PROVISIONAL) and kind is not LinkKind.CORRECT:
        known = "模拟审批意见只能转为正式（convert）" if paper is Paper.PROVISIONAL else "只有模拟审批意见才能转为正式"
        raise Refused(f"{known}，不能办理“{rule.name_zh}”；请核对原证照标识（previous）")
    try:
        move = lawful(rule.move, state, paper)
    except IllegalMove as error:
        raise Refused(f"原证照当前状态为“{STATE_ZH[state]}”，不能{rule.name_zh}；请核对原证照标识") from error
    kept = state if kind is LinkKind.CORRECT else State.VALID
    return Following(move=move, state=kept)


def _parts_of(links: Collection[VersionLink], case_no: str) -> bool:
    """Whether everything that follows a version are parts of this case's split."""
    return (
        bool(links) and case_no != "" and all(link.kind is LinkKind.SPLIT and link.case_no == case_no for link in links)
    )


def newest(version_id: str, successors: Callable[[str], Collection[str]]) -> tuple[str, ...]:
    """The ends of every chain that begins at ``version_id``; itself when nothing follows it."""
    ends: list[str] = []
    seen: set[str] = set()
    waiting = [version_id]
    while waiting:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        after = successors(current)
        if after:
            waiting.extend(sorted(after))
        else:
            ends.append(current)
    return tuple(ends)
