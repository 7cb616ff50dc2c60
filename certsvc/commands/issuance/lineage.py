"""What a request follows, and what registering it will do to that: checked before planning and again on registration.

Laws: ``license/links.py``. The second check is inside the transaction that registers, so that whatever moved meanwhile
refuses the request instead of making a second version in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.issuance.link_fields import link_rule
from certsvc.commands.verifying.stands import rules_of
from certsvc.errors import Refused
from certsvc.license.facts import renewal_pending
from certsvc.license.links import LinkKind, following
from certsvc.license.request import Action
from certsvc.license.states import State

if TYPE_CHECKING:
    from datetime import date

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.links import Following, LinkRule
    from certsvc.license.model import LicenseVersion
    from certsvc.license.request import IssuancePayload, IssuanceRequest

_MUST_RUN = frozenset({LinkKind.CHANGE, LinkKind.RENEW, LinkKind.REPLACE, LinkKind.SPLIT, LinkKind.MERGE})
"""Links whose predecessor must not have expired."""
_KEEPS_END_DATE = frozenset({LinkKind.CHANGE, LinkKind.REPLACE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Predecessor:
    """One version that is followed, and what becomes of it."""

    version: LicenseVersion
    following: Following


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """Everything a request follows.

    Attributes:
        rule: the link, or None for a first version.
        main: what ``previous`` names.
        absorbed: what a merge takes in.
        state: in which the new version begins.
        suspended_until: carried on with a suspension that a correction carries on.
    """

    rule: LinkRule | None
    main: Predecessor | None
    absorbed: tuple[Predecessor, ...]
    state: State
    suspended_until: date | None

    @property
    def all(self) -> tuple[Predecessor, ...]:
        """Every predecessor, the main one first."""
        return (self.main, *self.absorbed) if self.main is not None else ()


def lineage_of(deps: Deps, tx: UnitOfWork, request: IssuanceRequest) -> Lineage:
    """What the request follows, as it stands now.

    Raises:
        Refused: a predecessor that is missing, of others, or in a state that cannot be followed.
    """
    payload = request.payload
    rule = link_rule(payload.action)
    if rule is None:
        state = State.PROVISIONAL if payload.action is Action.PROVISIONAL else State.VALID
        return Lineage(rule=None, main=None, absorbed=(), state=state, suspended_until=None)
    version = tx.licenses.by_identifier(payload.previous)
    ours = version is not None and issuer_today(deps, version) == payload.authority_code
    if version is None or not ours or version.type_slug != payload.type_slug:
        raise Refused("没有找到本机关颁发的原证照，请核对原证照标识（previous）")
    _check_ours(version)
    main = _predecessor(deps, tx, request, rule, version)
    _check_main(payload, rule, version)
    absorbed = tuple(_absorbed(deps, tx, request, rule, identifier, version) for identifier in payload.absorbs)
    suspended = main.following.state is State.SUSPENDED
    return Lineage(
        rule=rule,
        main=main,
        absorbed=absorbed,
        state=main.following.state,
        suspended_until=_suspended_until(tx, version) if suspended else None,
    )


def _predecessor(
    deps: Deps, tx: UnitOfWork, request: IssuanceRequest, rule: LinkRule, version: LicenseVersion
) -> Predecessor:
    voided_from = None
    if version.state is State.VOIDED:
        voided_from = next(
            (move.from_state for move in reversed(tx.licenses.moves_of(version.version_id)) if move.name == "void"),
            None,
        )
    found = following(
        rule.kind,
        version.state,
        version.paper,
        links=tx.links.after(version.version_id),
        case_no=request.payload.case_no,
        voided_from=voided_from,
    )
    if rule.kind in _MUST_RUN and version.state is State.VALID:
        _check_running(deps, tx, request, rule, version)
    return Predecessor(version=version, following=found)


def _check_running(
    deps: Deps, tx: UnitOfWork, request: IssuanceRequest, rule: LinkRule, version: LicenseVersion
) -> None:
    """Decided or asked for before the end, or a renewal applied for in time is undecided (行政许可法 50)."""
    asked = local_day(request.created_at)
    day = min(asked, request.payload.issued_on or asked)
    if version.valid_until is None or day <= version.valid_until:
        return
    closes = rules_of(deps.catalog.type(version.type_slug)).renewal_closes_days
    if not renewal_pending(tx.facts.of(version.license_id), version.valid_until, closes_days=closes):
        raise Refused(
            f"原证照已过有效期，且没有在期限内受理延续申请的记录，不能{rule.name_zh}；"
            "已及时受理的请先登记（facts：renewal_applied），否则请重新申请"
        )


def _check_main(payload: IssuancePayload, rule: LinkRule, version: LicenseVersion) -> None:
    same = (version.holder.code_type, version.holder.code) == (payload.holder.code_type, payload.holder.code)
    if rule.same_holder and not same:
        raise Refused("原证照的持证主体与本次申请不一致；转让或更名请先办理主体变更")
    if rule.kind in _KEEPS_END_DATE and payload.valid_until not in {None, version.valid_until}:
        raise Refused(f"{rule.name_zh}不改变有效期截止日期；请去掉 valid_until，或按延续（renew）办理")
    if rule.kind is LinkKind.CONVERT and payload.project_code not in {"", version.project_code}:
        raise Refused("项目代码与模拟审批意见不一致，请核对（project_code）")


def _absorbed(
    deps: Deps, tx: UnitOfWork, request: IssuanceRequest, rule: LinkRule, identifier: str, main: LicenseVersion
) -> Predecessor:
    version = tx.licenses.by_identifier(identifier)
    ours = version is not None and issuer_today(deps, version) == issuer_today(deps, main)
    same = version is not None and (version.holder.code_type, version.holder.code) == (
        main.holder.code_type,
        main.holder.code,
    )
    if version is None or not (ours and same):
        raise Refused("被并入的证照应由本机关颁发给同一持证主体，请核对证照标识（absorbs）")
    _check_ours(version)
    if version.license_id == main.license_id:
        raise Refused("被并入的证照与原证照是同一张证照，请核对证照标识（absorbs）")
    return _predecessor(deps, tx, request, rule, version)


def _check_ours(version: LicenseVersion) -> None:
    """A license made elsewhere is followed by what its source makes, never by one of ours."""
    if version.registration is not None:
        raise Refused(f"原证照由{version.registration.source_name}制作并登记，变更、延续等请向来源机关办理后重新登记")


def _suspended_until(tx: UnitOfWork, version: LicenseVersion) -> date | None:
    if version.suspended_until is not None:
        return version.suspended_until
    for move in reversed(tx.licenses.moves_of(version.version_id)):
        if move.name == "suspend" and move.decision is not None:
            return move.decision.until
    return None
