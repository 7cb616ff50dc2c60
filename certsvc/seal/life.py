"""The life of a seal: every lawful move of a version of it, in one table.

Laws (国办发〔2025〕33号; DESIGN.md 5, DOMAIN.md 2; words 停用/恢复, never 冻结):

* Three duties are three people: who applies does not approve, who approves does not make, who makes does not activate.
  The roles are apart (``commands/access/roles.py``), and the people on the version's row are compared as well.
* A seal has versions: the first, and one for every re-making (换制). At most one version is in use (active or stopped)
  and at most one is under way; the database holds both by unique indexes.
* A version that was refused, dropped, cancelled, expired or replaced stays so: nothing leads out, a new seal is applied
  for. What it sealed stays verifiable.
* A re-making needs the approval of the 制发部门 when the name, the stamp or the scope changes, and when a key was lost;
  when only the certificate ends (renew) the keeper and the maker suffice.
* A seal is stopped by its owner (or the security officer) before the maker de-registers it, so nobody cancels alone;
  the cancellation carries the filing number (注销备案号).
* Whoever stops, the service after odd use included: only a keeper resumes, with a written reason, and never on a
  certificate that was revoked. A new version that is activated in the place of a stopped one lifts the stop as well,
  and needs the reason as well.
* Expiry is a fact of the calendar: a use after the last moment is refused at once, the move follows within a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from certsvc.errors import IllegalMove
from certsvc.seal.model import SEAL_STATE_ZH, SealState


class Who(StrEnum):
    """Who may make a move."""

    APPLICANT = "applicant"
    APPROVER = "approver"
    MAKER = "maker"
    KEEPER = "keeper"
    KEEPER_OR_SECURITY = "keeper_or_security"
    OWNER = "owner"
    """the owner's applicant or keeper"""
    SERVICE = "service"


SEAL_WHO_ZH: dict[Who, str] = {
    Who.APPLICANT: "所有者的经办人",
    Who.APPROVER: "制发部门",
    Who.MAKER: "制作管理单位",
    Who.KEEPER: "保管人",
    Who.KEEPER_OR_SECURITY: "保管人或安全保密管理员；异常用印时由系统",
    Who.OWNER: "所有者的经办人或保管人",
    Who.SERVICE: "系统",
}


class Needs(StrEnum):
    """What a move must carry."""

    REASON = "reason"
    DOCUMENT = "document_no"
    FILING = "filing_no"


NEEDS_ZH: dict[Needs, str] = {Needs.REASON: "原因", Needs.DOCUMENT: "文书号", Needs.FILING: "注销备案号"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SealMove:
    """One row of the table.

    Attributes:
        sources: states from which it leads; empty when it opens a version.
        event: action part of the event's name: ``seal.<event>``.
        asked: whether a person asks for it as such; the others are part of making and activating, or the service's.
        why: one Chinese sentence for people.
    """

    name: str
    name_zh: str
    sources: frozenset[SealState]
    target: SealState
    who: Who
    event: str
    why: str
    needs: tuple[Needs, ...] = ()
    asked: bool = True


_S = SealState
IN_USE: frozenset[SealState] = frozenset({_S.ACTIVE, _S.STOPPED})
"""States of the version that is the seal; a seal has at most one such version."""

UNDER_WAY: frozenset[SealState] = frozenset({_S.APPLIED, _S.APPROVED, _S.MADE})
"""States of a version that is not in use yet; a seal has at most one such version."""

OVER: frozenset[SealState] = frozenset(SealState) - IN_USE - UNDER_WAY
"""Nothing leads out of these."""

KEYLESS: frozenset[SealState] = frozenset({_S.REFUSED, _S.DROPPED, _S.REPLACED, _S.CANCELLED})
"""Ended for good, so the key is destroyed. Not ``expired``: a clock that runs ahead must not destroy keys."""

_REASON = (Needs.REASON,)
_DOCUMENT = (Needs.DOCUMENT,)

SEAL_MOVES: tuple[SealMove, ...] = (
    SealMove(
        name="apply",
        name_zh="申请",
        sources=frozenset(),
        target=_S.APPLIED,
        who=Who.APPLICANT,
        event="applied",
        why="所有者申请制发印章，写明名称、种类、印模、使用范围和保管人。",
        needs=_DOCUMENT,
        asked=False,
    ),
    SealMove(
        name="remake",
        name_zh="申请换制",
        sources=frozenset(),
        target=_S.APPLIED,
        who=Who.OWNER,
        event="applied",
        why="名称、印模或范围变更，或密钥遗失：换新的密钥和证书，须重新审批；密钥遗失的，原证书即时吊销，印章即时停用。",
        needs=(Needs.DOCUMENT, Needs.REASON),
        asked=False,
    ),
    SealMove(
        name="renew",
        name_zh="申请换证",
        sources=frozenset(),
        target=_S.APPROVED,
        who=Who.KEEPER,
        event="approved",
        why="只因证书将到期而换证，其余不变，由保管人申请、制作管理单位制作，不再审批。",
        needs=_REASON,
        asked=False,
    ),
    SealMove(
        name="approve",
        name_zh="批准制发",
        sources=frozenset({_S.APPLIED}),
        target=_S.APPROVED,
        who=Who.APPROVER,
        event="approved",
        why="制发部门批准，申请人不得自行批准。",
        needs=_DOCUMENT,
    ),
    SealMove(
        name="refuse",
        name_zh="不予制发",
        sources=frozenset({_S.APPLIED}),
        target=_S.REFUSED,
        who=Who.APPROVER,
        event="refused",
        why="制发部门不予批准，写明原因。",
        needs=_REASON,
    ),
    SealMove(
        name="drop",
        name_zh="终止办理",
        sources=UNDER_WAY,
        target=_S.DROPPED,
        who=Who.OWNER,
        event="dropped",
        why="启用之前，所有者不再需要；已制作的密钥随即销毁。",
        needs=_REASON,
    ),
    SealMove(
        name="make",
        name_zh="制作",
        sources=frozenset({_S.APPROVED}),
        target=_S.MADE,
        who=Who.MAKER,
        event="made",
        why="密钥在密钥库内生成，取得证书并验证相符，SM2 印章另制成印章数据；批准人不得制作。",
        asked=False,
    ),
    SealMove(
        name="activate",
        name_zh="启用",
        sources=frozenset({_S.MADE}),
        target=_S.ACTIVE,
        who=Who.KEEPER,
        event="activated",
        why="保管人接收并启用；换制的，原版本同时退出使用，原版本已停用的须写明解除停用的原因。",
    ),
    SealMove(
        name="stop",
        name_zh="停用",
        sources=frozenset({_S.ACTIVE}),
        target=_S.STOPPED,
        who=Who.KEEPER_OR_SECURITY,
        event="stopped",
        why="即时停止用印。",
        needs=_REASON,
    ),
    SealMove(
        name="resume",
        name_zh="恢复",
        sources=frozenset({_S.STOPPED}),
        target=_S.ACTIVE,
        who=Who.KEEPER,
        event="resumed",
        why="查明原因后恢复用印；证书已吊销的不能恢复。",
        needs=_REASON,
    ),
    SealMove(
        name="cancel",
        name_zh="注销",
        sources=frozenset({_S.STOPPED}),
        target=_S.CANCELLED,
        who=Who.MAKER,
        event="cancelled",
        why="先由所有者停用，再由制作管理单位备案注销；证书吊销，密钥销毁，此前所盖印章仍可核验。",
        needs=(Needs.DOCUMENT, Needs.FILING),
    ),
    SealMove(
        name="expire",
        name_zh="过期",
        sources=IN_USE,
        target=_S.EXPIRED,
        who=Who.SERVICE,
        event="expired",
        why="有效期届满。",
        asked=False,
    ),
    SealMove(
        name="replace",
        name_zh="换制退出",
        sources=IN_USE,
        target=_S.REPLACED,
        who=Who.SERVICE,
        event="remade",
        why="新版本启用，原版本退出；此前所盖印章仍可核验。",
        asked=False,
    ),
)

SEAL_MOVE: dict[str, SealMove] = {move.name: move for move in SEAL_MOVES}


def lawful_move(name: str, state: SealState) -> SealMove:
    """The move called ``name`` if a version in this state may make it.

    Raises:
        IllegalMove: no such move, or not from this state; the detail names what can be done.
    """
    move = SEAL_MOVE.get(name)
    if move is not None and state in move.sources:
        return move
    asked = move.name_zh if move else name
    possible = "、".join(one.name_zh for one in moves_from(state)) or "无"
    raise IllegalMove(f"印章当前状态为“{SEAL_STATE_ZH[state]}”，不能办理“{asked}”；可以办理：{possible}")


def moves_from(state: SealState) -> tuple[SealMove, ...]:
    """Every move that leads out of a state and that somebody makes."""
    return tuple(move for move in SEAL_MOVES if state in move.sources and move.who is not Who.SERVICE)


def needs_of(move: SealMove, in_use: SealState | None) -> tuple[Needs, ...]:
    """What the move must carry; ``in_use`` is the state of the seal's version in use, or None without one."""
    lifts = move.name == "activate" and in_use is SealState.STOPPED
    return (*move.needs, *(need for need in _REASON if lifts and need not in move.needs))
