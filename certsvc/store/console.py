"""What operators and auditors look through: licenses and requests of all bodies, the backlog, evidence by its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import String, and_, bindparam, func, or_, select, text, update

from certsvc.license.figures import DayCount, Measure
from certsvc.license.request import RequestState
from certsvc.store.intents import NUMBER_BLIND
from certsvc.store.licenses import VERSION, LicenseRows
from certsvc.store.log import EVIDENCE, SUBJECT
from certsvc.store.requests import RequestRows
from certsvc.store.tables import FAILED_REQUEST, OPEN_REQUEST, licenses, requests
from certsvc.store.tables_log import log_subjects
from certsvc.store.tables_supervision import supervision_days
from certsvc.store.tables_uses import cursors, evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Select

    from certsvc.license.model import LicenseVersion
    from certsvc.license.request import IssuanceRequest
    from certsvc.store.transaction import Transaction

_L, _R, _D, _E = licenses.c, requests.c, supervision_days.c, evidence.c
FIRST_TRY_DONE = 1
"""Attempts of a hastened request: it has all tries but one again, and is tried alone, so that what kills its worker
takes no other request with it."""


def _either(name: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """The column is the value of that name, if there is one."""
    value = bindparam(name, type_=String())
    return or_(value == "", column == value)


# Across types and bodies no index has the order of time: what fits is few, and is put in order here.
_NUMBERED = VERSION.where(
    _L.type_slug.in_(bindparam("slugs", expanding=True)), _L.number_blind == bindparam("blind")
).limit(bindparam("most"))


def _fitting(*older: ColumnElement[bool]) -> Select[Any]:
    """Of the newest rows that are looked at, those that fit."""
    looked = select(_L.version_id, _L.type_slug, _L.state).where(*older).order_by(_L.version_id.desc())
    seen = looked.limit(bindparam("look_at")).subquery("looked")
    return (
        select(seen.c.version_id)
        .where(_either("slug", seen.c.type_slug), _either("stands", seen.c.state))
        .order_by(seen.c.version_id.desc())
        .limit(bindparam("most"))
    )


def _end(*older: ColumnElement[bool]) -> Select[Any]:
    """The last of the rows that are looked at, where there are so many."""
    return select(_L.version_id).where(*older).order_by(_L.version_id.desc()).offset(bindparam("look_at")).limit(1)


# The first page has no condition: no text is behind every id in every order that a database may have.
_OLDER = _L.version_id < bindparam("behind")
_FITTING, _END = _fitting(), _end()
_FITTING_BEHIND, _END_BEHIND = _fitting(_OLDER), _end(_OLDER)
_OF_BUSINESS = (
    select(_R.request_id)
    .where(_R.authority_code.in_(bindparam("bodies", expanding=True)), _R.business_no == bindparam("business"))
    .limit(bindparam("most"))
)
# Each state along its own condition: however many of one there are, they hide none of the other.
_OF_STATE = {
    RequestState.FAILED: and_(text(FAILED_REQUEST)),
    RequestState.ACCEPTED: and_(text(OPEN_REQUEST), text("state = 'accepted'")),
}


def _backlog(state: RequestState) -> Select[Any]:
    counted = (
        select(_R.reason_code, _R.updated_at)
        .where(_OF_STATE[state], _R.updated_at < bindparam("before"))
        .order_by(_R.updated_at)
        .limit(bindparam("most"))
        .subquery("counted")
    )
    since = func.min(counted.c.updated_at).label("since")
    return select(counted.c.reason_code, func.count().label("value"), since).group_by(counted.c.reason_code)


def _oldest(state: RequestState, *narrower: ColumnElement[bool]) -> Select[Any]:
    found = select(_R.request_id).where(_OF_STATE[state], _R.updated_at < bindparam("before"), *narrower)
    return found.order_by(_R.updated_at).limit(bindparam("most"))


_BACKLOG = {state: _backlog(state) for state in _OF_STATE}
_OLDEST = {state: _oldest(state) for state in _OF_STATE}
_OLDEST_FAILED_FOR = _oldest(RequestState.FAILED, _R.reason_code == bindparam("reason"))
# A claim keeps ``ready_at`` at the end of its lease, so whoever works on it is left alone.
_HASTEN = (
    update(requests)
    .where(_R.request_id == bindparam("which"), _R.state == RequestState.FAILED.value, _R.claim_token.is_(None))
    .values(ready_at=bindparam("now"), attempts=FIRST_TRY_DONE)
)
_ISSUED_DAILY = (
    select(_D.day, _D.type_slug, func.sum(_D.value).label("value"))
    .where(_D.day >= bindparam("first"), _D.day <= bindparam("last"), _D.measure == Measure.ISSUED.value)
    .group_by(_D.day, _D.type_slug)
)
_PLACES = select(*cursors.c).order_by(cursors.c.consumer)
_BEFORE = (
    select(_E.position, _E.evidence_id, _E.kind, _E.at)
    .where(_E.position < bindparam("place"))
    .order_by(_E.position.desc())
    .limit(bindparam("most"))
)
_ABOUT = (
    select(_E.position, _E.evidence_id, _E.kind, _E.at)
    .join_from(log_subjects, evidence, _E.position == log_subjects.c.position)
    .where(
        log_subjects.c.subject_blind == bindparam("blind"),
        log_subjects.c.noun == EVIDENCE,
        log_subjects.c.position < bindparam("place"),
    )
    .order_by(log_subjects.c.position.desc())
    .limit(bindparam("most"))
)
_AT = select(_E.position, _E.at).where(_E.position >= bindparam("place")).order_by(_E.position).limit(1)


class ConsoleReads:
    """Implements ``console_ports.ConsoleRows``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def numbered(self, type_slugs: Sequence[str], number: str, *, limit: int) -> Sequence[LicenseVersion]:
        """The versions of any of these types with this 证照编号, newest first."""
        blind = self._tx.blind(number, NUMBER_BLIND)
        register = LicenseRows(self._tx)
        rows = self._tx.rows(_NUMBERED, slugs=list(type_slugs), blind=blind, most=limit)
        found = [register.version(row) for row in rows]
        return sorted(found, key=lambda one: (one.created_at, one.version_id), reverse=True)

    def newest_behind(
        self, version_id: str, *, type_slug: str, state: str, look_at: int, limit: int
    ) -> tuple[Sequence[LicenseVersion], str]:
        """Versions older than one, newest first, and behind which to go on; empty at the end."""
        place = {"behind": version_id} if version_id else {}
        fitting, last = (_FITTING_BEHIND, _END_BEHIND) if version_id else (_FITTING, _END)
        rows = self._tx.rows(fitting, **place, look_at=look_at, slug=type_slug, stands=state, most=limit)
        ids = [row["version_id"] for row in rows]
        found = LicenseRows(self._tx).by_version_ids(ids)
        if len(ids) == limit:
            end = ids[-1]
        else:
            row = self._tx.row(last, **place, look_at=look_at - 1)
            end = row["version_id"] if row else ""
        return [found[one] for one in ids], end

    def of_business(self, authority_codes: Sequence[str], business_no: str, *, limit: int) -> Sequence[IssuanceRequest]:
        """The requests of any of these bodies under this 业务流水号, oldest first."""
        rows = self._tx.rows(_OF_BUSINESS, bodies=list(authority_codes), business=business_no, most=limit)
        known = RequestRows(self._tx).by_ids([row["request_id"] for row in rows])
        return [known[one] for one in sorted(known)]

    def backlog(self, state: RequestState, *, before: datetime, most: int) -> Sequence[tuple[str, int, datetime]]:
        """Reason code, how many and since when, of at most ``most`` failed or accepted requests.

        Those not touched since ``before``, the oldest first.
        """
        rows = self._tx.rows(_BACKLOG[state], before=before, most=most)
        found = [(row["reason_code"] or "", row["value"], row["since"]) for row in rows]
        return sorted(found, key=lambda one: (-one[1], one[0]))

    def oldest(
        self, state: RequestState, *, before: datetime, limit: int, reason: str = ""
    ) -> Sequence[IssuanceRequest]:
        """The failed or accepted requests not touched for longest, since ``before``; failed ones of a reason alone."""
        if reason:
            rows = self._tx.rows(_OLDEST_FAILED_FOR, before=before, most=limit, reason=reason)
        else:
            rows = self._tx.rows(_OLDEST[state], before=before, most=limit)
        ids = [row["request_id"] for row in rows]
        known = RequestRows(self._tx).by_ids(ids)
        return [known[one] for one in ids if one in known]

    def hasten(self, request_id: str, *, now: datetime) -> bool:
        """Let a failed request be tried at once, with its tries anew; False when it has not failed or is worked on."""
        return self._tx.changed(_HASTEN, which=request_id, now=now) == 1

    def issued_daily(self, *, first: date, last: date) -> Sequence[DayCount]:
        """Licenses issued per day and type, over all bodies."""
        rows = self._tx.rows(_ISSUED_DAILY, first=first, last=last)
        return [
            DayCount(
                day=row["day"],
                measure=Measure.ISSUED.value,
                department="",
                type_slug=row["type_slug"],
                about="",
                value=int(row["value"]),
            )
            for row in sorted(rows, key=lambda row: (row["day"], row["type_slug"]))
        ]

    def places(self) -> Mapping[str, int]:
        """Up to which position each consumer of events has come."""
        return {row["consumer"]: int(row["position"]) for row in self._tx.rows(_PLACES)}

    def leaves_before(self, position: int, *, limit: int) -> Sequence[tuple[int, str, str, datetime]]:
        """Position, id, kind and time of sequenced evidence before a position, newest first."""
        rows = self._tx.rows(_BEFORE, place=position, most=limit)
        return [(row["position"], row["evidence_id"], row["kind"], row["at"]) for row in rows]

    def leaves_about(self, subject: str, position: int, *, limit: int) -> Sequence[tuple[int, str, str, datetime]]:
        """The same of the evidence about a subject that is in the index."""
        rows = self._tx.rows(_ABOUT, blind=self._tx.blind(subject, SUBJECT), place=position, most=limit)
        return [(row["position"], row["evidence_id"], row["kind"], row["at"]) for row in rows]

    def leaf_at(self, position: int) -> tuple[int, datetime] | None:
        """Position and time of the first evidence at or behind a position."""
        row = self._tx.row(_AT, place=position)
        return None if row is None else (row["position"], row["at"])
