"""The states of a license version and every lawful move between them, in one table.

Laws (DESIGN.md 5, DOMAIN.md 1):

* ``expired`` and ``renewal_pending`` are derived from dates and facts, never stored; no time limit ends a license by
  itself.
* A version that was superseded or voided stays so; the other endings may go on to ``cancelled`` (注销).
* 复议 or a judgment may reinstate what a decision ended or suspended; a provisional opinion comes back provisional.
* Every move but those of the service carries a decision: deciding authority's USCC, 文书号, date, basis. The service's
  moves follow the registration of another version, whose approval is their ground.
* A suspension (暂扣) always has an end date; passing it changes nothing by itself, the authority resumes.
* ``provisional`` (模拟审批) becomes a formal license only by ``convert``, which recalls it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.errors import IllegalMove

if TYPE_CHECKING:
    from collections.abc import Iterable


class State(StrEnum):
    """State of one license version."""

    PROVISIONAL = "provisional"
    VALID = "valid"
    SUSPENDED = "suspended"
    SUPERSEDED = "superseded"
    RESCINDED = "rescinded"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    VOIDED = "voided"


STATE_ZH: dict[State, str] = {
    State.PROVISIONAL: "模拟审批",
    State.VALID: "正常",
    State.SUSPENDED: "暂扣",
    State.SUPERSEDED: "已换发",
    State.RESCINDED: "撤销",
    State.WITHDRAWN: "撤回",
    State.REVOKED: "吊销",
    State.CANCELLED: "注销",
    State.VOIDED: "作废",
}

ENDED: frozenset[State] = frozenset(
    {State.SUPERSEDED, State.RESCINDED, State.WITHDRAWN, State.REVOKED, State.CANCELLED, State.VOIDED}
)
"""States in which the version is no longer in force."""

STANDING_STATES: frozenset[State] = frozenset(State) - ENDED
"""States of a version that has not ended; a license has at most one version in one of them."""

PERMIT_ENDED: frozenset[State] = frozenset({State.RESCINDED, State.WITHDRAWN, State.REVOKED, State.CANCELLED})
"""Endings of the permit itself; a superseded or voided file has, or gets, a successor."""


class Paper(StrEnum):
    """What kind of paper a version is; it never changes."""

    FORMAL = "formal"
    """正式证照"""
    PROVISIONAL = "provisional"
    """模拟审批意见"""


class Who(StrEnum):
    """Who may decide a move (行政许可法, 行政处罚法, 行政复议法; DOMAIN.md 1.2)."""

    ISSUER = "issuer"
    ISSUER_OR_SUPERIOR = "issuer_or_superior"
    PENALISING_BODY = "penalising_body"
    """often not the issuer"""
    SUSPENDING_BODY = "suspending_body"
    """the body that suspended, or its superior"""
    REVIEW = "review"
    """复议机关 or court"""
    SERVICE = "service"
    """the service itself, when another version is registered"""


WHO_ZH: dict[Who, str] = {
    Who.ISSUER: "颁发机关",
    Who.ISSUER_OR_SUPERIOR: "颁发机关或其上级机关",
    Who.PENALISING_BODY: "有处罚权的机关",
    Who.SUSPENDING_BODY: "作出暂扣决定的机关或其上级机关",
    Who.REVIEW: "复议机关或人民法院",
    Who.SERVICE: "系统，随新版本登记",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One row of the table.

    Attributes:
        papers: the kinds of paper that the row is about.
        by_link: made only together with the registration of another version (``license/links.py``).
        event: action part of the event's name: ``license.<event>``.
        law: titles of the law behind it, never its words.
        why: one Chinese sentence for people.
    """

    name: str
    name_zh: str
    sources: frozenset[State]
    target: State
    who: Who
    event: str
    law: str
    why: str
    needs_until: bool = False
    by_link: bool = False
    papers: frozenset[Paper] = frozenset({Paper.FORMAL})


_IN_FORCE = frozenset({State.VALID, State.SUSPENDED})
_BOTH = frozenset(Paper)
_PERMIT_LAW = "《中华人民共和国行政许可法》"
_PENALTY_LAW = "《中华人民共和国行政处罚法》"
_REVIEW_LAW = "《中华人民共和国行政复议法》《中华人民共和国行政诉讼法》"

MOVES: tuple[Move, ...] = (
    Move(
        name="suspend",
        name_zh="暂扣",
        sources=frozenset({State.VALID}),
        target=State.SUSPENDED,
        who=Who.PENALISING_BODY,
        event="suspended",
        law=_PENALTY_LAW,
        why="作为行政处罚，在写明的期限内停止使用；期满不自动恢复，由作出决定的机关办理恢复。",
        needs_until=True,
    ),
    Move(
        name="resume",
        name_zh="恢复",
        sources=frozenset({State.SUSPENDED}),
        target=State.VALID,
        who=Who.SUSPENDING_BODY,
        event="resumed",
        law=_PENALTY_LAW,
        why="暂扣期满或提前解除，发还使用。",
    ),
    Move(
        name="rescind",
        name_zh="撤销",
        sources=_IN_FORCE,
        target=State.RESCINDED,
        who=Who.ISSUER_OR_SUPERIOR,
        event="rescinded",
        law=_PERMIT_LAW + "第六十九条",
        why="许可的作出违法，由颁发机关或其上级机关撤销。",
    ),
    Move(
        name="withdraw",
        name_zh="撤回",
        sources=_IN_FORCE | {State.PROVISIONAL},
        target=State.WITHDRAWN,
        who=Who.ISSUER_OR_SUPERIOR,
        event="withdrawn",
        law=_PERMIT_LAW + "第八条",
        why="所依据的法律或客观情况变化，为公共利益收回；模拟审批意见不再成立时也由此收回。",
        papers=_BOTH,
    ),
    Move(
        name="revoke",
        name_zh="吊销",
        sources=_IN_FORCE,
        target=State.REVOKED,
        who=Who.PENALISING_BODY,
        event="revoked",
        law=_PENALTY_LAW,
        why="作为行政处罚取消许可，作出决定的机关常常不是颁发机关。",
    ),
    Move(
        name="cancel",
        name_zh="注销",
        sources=_IN_FORCE | {State.RESCINDED, State.WITHDRAWN, State.REVOKED},
        target=State.CANCELLED,
        who=Who.ISSUER,
        event="cancelled",
        law=_PERMIT_LAW + "第七十条",
        why="届满未延续、撤销、撤回、吊销或持证主体终止之后的登记手续。",
    ),
    Move(
        name="void",
        name_zh="作废",
        sources=_IN_FORCE | {State.PROVISIONAL},
        target=State.VOIDED,
        who=Who.ISSUER,
        event="voided",
        law="电子证照管理规定",
        why="文件制作有误，文件作废而许可仍在，随后应以更正补发正确的文件。",
        papers=_BOTH,
    ),
    Move(
        name="correct",
        name_zh="更正",
        sources=_IN_FORCE | {State.PROVISIONAL},
        target=State.VOIDED,
        who=Who.ISSUER,
        event="corrected",
        law="电子证照管理规定",
        why="签发正确的文件，同时作废有误的文件；暂扣等状态由新文件承继。",
        by_link=True,
        papers=_BOTH,
    ),
    Move(
        name="reinstate",
        name_zh="恢复效力",
        sources=frozenset({State.SUSPENDED, State.RESCINDED, State.WITHDRAWN, State.REVOKED, State.CANCELLED}),
        target=State.VALID,
        who=Who.REVIEW,
        event="reinstated",
        law=_REVIEW_LAW,
        why="复议决定或判决撤销了原决定，证照恢复效力。",
    ),
    Move(
        name="reinstate",
        name_zh="恢复效力",
        sources=frozenset({State.WITHDRAWN}),
        target=State.PROVISIONAL,
        who=Who.REVIEW,
        event="reinstated",
        law=_REVIEW_LAW,
        why="收回模拟审批意见的决定被撤销，仍为模拟审批意见，不因此成为正式证照。",
        papers=frozenset({Paper.PROVISIONAL}),
    ),
    Move(
        name="supersede",
        name_zh="换发",
        sources=frozenset({State.VALID}),
        target=State.SUPERSEDED,
        who=Who.SERVICE,
        event="superseded",
        law=_PERMIT_LAW + "第四十九条、第五十条",
        why="变更、延续、补办、分立、合并后登记了新版本，旧版本指向新版本。",
        by_link=True,
    ),
    Move(
        name="convert",
        name_zh="转为正式",
        sources=frozenset({State.PROVISIONAL}),
        target=State.SUPERSEDED,
        who=Who.SERVICE,
        event="converted",
        law="工程建设项目审批制度改革有关规定",
        why="登记了正式证照，模拟审批意见同时收回。",
        by_link=True,
        papers=frozenset({Paper.PROVISIONAL}),
    ),
)

MOVE_BY_NAME: dict[str, Move] = {move.name: move for move in reversed(MOVES)}
"""The first row of each name; rows of one name differ in sources, target and paper only."""


def lawful(name: str, state: State, paper: Paper = Paper.FORMAL) -> Move:
    """The move called ``name`` if this state of this kind of paper allows it.

    Raises:
        IllegalMove: no such move, or not from this state; the detail names the moves that are allowed.
    """
    for move in MOVES:
        if move.name == name and state in move.sources and paper in move.papers:
            return move
    known = MOVE_BY_NAME.get(name)
    asked = known.name_zh if known else name
    kind = "模拟审批意见" if paper is Paper.PROVISIONAL else "证照"
    msg = f"{kind}当前状态为“{STATE_ZH[state]}”，不能办理“{asked}”；可以办理：{_names(decidable(state, paper)) or '无'}"
    raise IllegalMove(msg)


def decidable(state: State, paper: Paper) -> tuple[Move, ...]:
    """The moves that an authority may decide on this paper in this state."""
    return tuple(m for m in MOVES if state in m.sources and paper in m.papers and not m.by_link)


def _names(moves: Iterable[Move]) -> str:
    return "、".join(f"{move.name_zh}（{move.name}）" for move in moves)
