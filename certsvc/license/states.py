"""The states of a license version and every lawful move between them, in one table.

Laws (DESIGN.md 5, DOMAIN.md 1):

* ``expired`` and ``renewal_pending`` are derived from dates, never stored; no time limit ends a license by itself.
* A version that was superseded or voided stays so; the other endings may go on to ``cancelled`` (注销).
* 复议 or a judgment may reinstate what a decision ended or suspended.
* Every move but ``issue`` and ``supersede`` carries a decision: deciding authority's USCC, 文书号, date, basis.
* A suspension (暂扣) always has an end date; passing it changes nothing by itself, the authority resumes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from certsvc.errors import IllegalMove


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


class Who(StrEnum):
    """Who may decide a move (行政许可法, 行政处罚法; DOMAIN.md 1.2)."""

    ISSUER = "issuer"
    ISSUER_OR_SUPERIOR = "issuer_or_superior"
    PENALISING_BODY = "penalising_body"
    """often not the issuer"""
    REVIEW = "review"
    """复议机关 or court"""
    SERVICE = "service"
    """the service itself, when a newer version is registered"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One row of the table."""

    name: str
    name_zh: str
    sources: frozenset[State]
    target: State
    who: Who
    needs_until: bool
    event: str
    """action part of the event's name: ``license.<event>``"""


_IN_FORCE = frozenset({State.VALID, State.SUSPENDED})

MOVES: tuple[Move, ...] = (
    Move(
        name="suspend",
        name_zh="暂扣",
        sources=frozenset({State.VALID}),
        target=State.SUSPENDED,
        who=Who.PENALISING_BODY,
        needs_until=True,
        event="suspended",
    ),
    Move(
        name="resume",
        name_zh="恢复",
        sources=frozenset({State.SUSPENDED}),
        target=State.VALID,
        who=Who.PENALISING_BODY,
        needs_until=False,
        event="resumed",
    ),
    Move(
        name="rescind",
        name_zh="撤销",
        sources=_IN_FORCE,
        target=State.RESCINDED,
        who=Who.ISSUER_OR_SUPERIOR,
        needs_until=False,
        event="rescinded",
    ),
    Move(
        name="withdraw",
        name_zh="撤回",
        sources=_IN_FORCE,
        target=State.WITHDRAWN,
        who=Who.ISSUER_OR_SUPERIOR,
        needs_until=False,
        event="withdrawn",
    ),
    Move(
        name="revoke",
        name_zh="吊销",
        sources=_IN_FORCE,
        target=State.REVOKED,
        who=Who.PENALISING_BODY,
        needs_until=False,
        event="revoked",
    ),
    Move(
        name="cancel",
        name_zh="注销",
        sources=_IN_FORCE | {State.RESCINDED, State.WITHDRAWN, State.REVOKED},
        target=State.CANCELLED,
        who=Who.ISSUER,
        needs_until=False,
        event="cancelled",
    ),
    Move(
        name="void",
        name_zh="作废",
        sources=_IN_FORCE,
        target=State.VOIDED,
        who=Who.ISSUER,
        needs_until=False,
        event="voided",
    ),
    Move(
        name="reinstate",
        name_zh="恢复效力",
        sources=frozenset({State.SUSPENDED, State.RESCINDED, State.WITHDRAWN, State.REVOKED, State.CANCELLED}),
        target=State.VALID,
        who=Who.REVIEW,
        needs_until=False,
        event="reinstated",
    ),
    Move(
        name="supersede",
        name_zh="换发",
        sources=frozenset({State.VALID}),
        target=State.SUPERSEDED,
        who=Who.SERVICE,
        needs_until=False,
        event="superseded",
    ),
)

MOVE_BY_NAME: dict[str, Move] = {move.name: move for move in MOVES}


def lawful(name: str, state: State) -> Move:
    """The move called ``name`` if ``state`` allows it.

    Raises:
        IllegalMove: no such move, or not from this state; the detail names the moves that are allowed.
    """
    move = MOVE_BY_NAME.get(name)
    if move is not None and state in move.sources:
        return move
    allowed = "、".join(f"{m.name_zh}（{m.name}）" for m in MOVES if state in m.sources and m.who is not Who.SERVICE)
    asked = move.name_zh if move else name
    msg = f"证照当前状态为“{STATE_ZH[state]}”，不能办理“{asked}”；可以办理：{allowed or '无'}"
    raise IllegalMove(msg)
