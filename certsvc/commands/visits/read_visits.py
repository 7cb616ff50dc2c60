"""Visits as their bodies, those above, the one who is visited, and anyone with the proof may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.catalog.authority import AuthorityKind
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.showing.codes import TOKEN_FORM, token_sha256
from certsvc.commands.visits.history import may_read
from certsvc.commands.visits.open_visit import NO_VISIT, tell
from certsvc.errors import Conflict, NotFound
from certsvc.events.visit_payloads import VisitRated
from certsvc.license.model import Holder
from certsvc.license.visits import BAD_MARK, RATING_DAYS, Rating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.catalog.authority import Authority
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.officers import Officer
    from certsvc.license.visits import Visit

OFFICER_PATH = "/o/"
MAX_PAGE = 50
MAX_OWN = 100
"""Visits of one holder in one answer, and licenses whose scans are looked at for them."""
OWN_DAYS = 2 * 366
"""How far back a holder sees who visited."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitView:
    """A visit, its marks, and the moment for which its state is told."""

    visit: Visit
    ratings: Sequence[Rating]
    at: datetime


def proof_text(public_base: str, token: str) -> str:
    """The QR text by which anyone sees who came."""
    return f"{public_base}{OFFICER_PATH}{token}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """What an officer's form begins with.

    Attributes:
        entry: the caller's badge in force; None for one who is not on the register.
        current: the open visit that the caller is in, or None.
        departments: bodies that may be named for a joint visit.
        below: bodies whose records the caller's body may read beside its own.
    """

    entry: Officer | None
    current: VisitView | None
    departments: Sequence[Authority]
    below: Sequence[Authority]


def prepare_visit(deps: Deps, caller: Principal) -> Preparation:
    """The caller's entry on the register, and the other bodies that a visit or a question may be about."""
    roles.require(caller, roles.OFFICER)
    now, own = deps.clock.now(), caller.authority_code
    with deps.uow.read() as tx:
        entries = tx.officers.of_subject(caller.subject)
        current = _current(tx, caller, now)
    others = [one for one in deps.catalog.authorities if one.code != own and one.kind is AuthorityKind.DEPARTMENT]
    return Preparation(
        entry=next((one for one in entries if one.authority_code == own and one.in_force(local_day(now))), None),
        current=current,
        departments=[one for one in others if not one.successor],
        below=[one for one in others if may_read(deps, caller, one.code)],
    )


def current_visit(deps: Deps, caller: Principal) -> VisitView:
    """The open visit that the caller is in; NotFound when in none."""
    roles.require(caller, roles.OFFICER)
    now = deps.clock.now()
    with deps.uow.read() as tx:
        found = _current(tx, caller, now)
    if found is None:
        raise NotFound("您不在进行中的检查里，请先登记检查")
    return found


def _current(tx: UnitOfWork, caller: Principal, now: datetime) -> VisitView | None:
    duty = tx.visits.duties([caller.subject], now=now).get(caller.subject)
    if duty is None:
        return None
    visit_id = duty.visit.visit_id
    return _view(tx, [tx.visits.by_ids([visit_id])[visit_id]], now)[0]


def read_visit(deps: Deps, caller: Principal, visit_id: str) -> VisitView:
    """A visit, for the bodies in it or named by it, and for those above; NotFound for anybody else."""
    roles.require(caller, roles.OFFICER)
    now = deps.clock.now()
    with deps.uow.read() as tx:
        visit = tx.visits.by_id(visit_id)
        bodies = {visit.authority_code, *visit.departments} if visit else set()
        if visit is None or not any(may_read(deps, caller, body) for body in bodies):
            raise NotFound(NO_VISIT)
        return _view(tx, [visit], now)[0]


def list_visits(deps: Deps, caller: Principal, *, before: str = "") -> Sequence[VisitView]:
    """Visits that officers of the caller's body are or were in, newest first."""
    roles.require(caller, roles.OFFICER)
    with deps.uow.read() as tx:
        found = tx.visits.of_authority(caller.authority_code, before=before, limit=MAX_PAGE)
        return _view(tx, found, deps.clock.now())


def officers_proof(deps: Deps, token: str) -> VisitView:
    """The visit behind a proof, for anyone who was shown it.

    Raises:
        NotFound: nobody made this proof; in the same words whatever it looks like.
    """
    now = deps.clock.now()
    with deps.uow.read() as tx:
        visit = tx.visits.by_token(token_sha256(token)) if TOKEN_FORM.fullmatch(token) else None
    if visit is None:
        raise NotFound("没有查到这次检查：请当场核对执法证件，必要时向该机关核实")
    return VisitView(visit=visit, ratings=(), at=now)


def visits_of_holder(deps: Deps, caller: Principal) -> Sequence[VisitView]:
    """Ended visits of the caller, and those in which the caller's licenses were scanned; own marks only.

    Newest first.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow.read() as tx:
        own = tx.visits.target_of(_holder(caller))
        found = _of_holder(tx, caller, own, now)
        return [
            VisitView(visit=one.visit, ratings=[mark for mark in one.ratings if mark.holder == own], at=now)
            for one in _view(tx, found, now)
        ]


def rate_visit(deps: Deps, caller: Principal, visit_id: str, *, mark: int, text: str) -> VisitView:
    """Mark a visit that has ended, once; the same mark again is the same answer.

    Raises:
        NotFound: not a visit of the caller.
        Conflict: it goes on, too long ago, or marked otherwise before.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        own = tx.visits.target_of(_holder(caller))
        visit = next((one for one in _of_holder(tx, caller, own, now) if one.visit_id == visit_id), None)
        if visit is None:
            raise NotFound(NO_VISIT)
        rating = Rating(visit_id=visit_id, holder=own, mark=mark, text=text, at=now)
        before = next((one for one in tx.visits.ratings_of([visit_id]) if one.holder == own), None)
        if before is not None:
            return _marked(visit, before, rating, now)
        if not visit.may_be_rated(now):
            raise Conflict(f"检查结束后 {RATING_DAYS} 天内可以评价")
        if not tx.visits.rate(rating):
            [before] = [one for one in tx.visits.ratings_of([visit_id]) if one.holder == own]
            return _marked(visit, before, rating, now)
        payload = VisitRated(visit_id=visit_id, authority_code=visit.authority_code, mark=mark, bad=mark <= BAD_MARK)
        tell(deps, tx, visit, payload, caller, {"mark": mark, "text": text}, now)
    return VisitView(visit=visit, ratings=[rating], at=now)


def _marked(visit: Visit, before: Rating, sent: Rating, now: datetime) -> VisitView:
    if (before.mark, before.text) != (sent.mark, sent.text):
        raise Conflict("这次检查您已评价过，评价不能更改")
    return VisitView(visit=visit, ratings=[before], at=now)


def _of_holder(tx: UnitOfWork, caller: Principal, own: bytes, now: datetime) -> list[Visit]:
    named = tx.visits.of_target(own, since=now - timedelta(days=OWN_DAYS), limit=MAX_OWN)
    # Officers who are still on their way are not announced: before its end a visit is told by what was scanned in it.
    targeted = [visit for visit in named if visit.ended_at(now) is not None]
    versions = tx.licenses.of_holder(_holder(caller), limit=MAX_OWN)
    scanned = tx.visits.of_versions([version.version_id for version in versions], limit=MAX_OWN)
    every = {visit.visit_id: visit for visit in (*targeted, *scanned)}
    return sorted(every.values(), key=lambda one: (one.opened_at, one.visit_id), reverse=True)


def _holder(caller: Principal) -> Holder:
    return Holder(name="", code=caller.holder_code, code_type=caller.holder_code_type)


def _view(tx: UnitOfWork, visits: Sequence[Visit], now: datetime) -> list[VisitView]:
    ratings = tx.visits.ratings_of([visit.visit_id for visit in visits])
    return [
        VisitView(visit=visit, ratings=[one for one in ratings if one.visit_id == visit.visit_id], at=now)
        for visit in visits
    ]
