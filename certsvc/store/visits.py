"""Visits of officers, who is in them, and how they were marked."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, select, text, tuple_, update

from certsvc.clock import local_day
from certsvc.license.visits import Duty, Rating, TaskKind, Visit, VisitOfficer
from certsvc.store.license_inserts import holder_blind
from certsvc.store.one_of import one_of
from certsvc.store.tables_uses import OF_A_VISIT, scans
from certsvc.store.tables_visits import IN_VISIT, officers, visit_officers, visit_ratings, visits
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.license.model import Holder
    from certsvc.store.transaction import Transaction

_V = visits.c
_O = visit_officers.c
_R = visit_ratings.c
_PERSONAL = "visits.personal"
_TEXT = "visit_ratings.text"
_IN = text(f"visit_officers.{IN_VISIT}")

_BY_IDS = select(*_V).where(_V.visit_id.in_(bindparam("which", expanding=True)))
_LOCKED = select(*_V).where(_V.visit_id == bindparam("which")).with_for_update()
_BY_TOKEN = select(*_V).where(_V.token_sha256 == bindparam("which"))
_OFFICERS_OF = select(*_O).where(_O.visit_id.in_(bindparam("which", expanding=True))).order_by(_O.joined_at, _O.badge)
# Whoever was struck off the register, or whose badge ran out, sees nothing more from that moment and is no second
# officer; an account that the badge is not bound to any more sees nothing either, as one whose role was taken.
_T, _E = visit_officers.alias("team").c, officers.alias("entry").c
_TEAM = (
    select(func.count())
    .where(_T.visit_id == _O.visit_id, _T.authority_code == _O.authority_code)
    .where(_E.badge == _T.badge, _E.ended_on.is_(None), _E.valid_until >= bindparam("today"))
    .scalar_subquery()
    .label("team_size")
)
_DUTIES = (
    select(*_V, *(column.label(f"officer_{column.name}") for column in _O), _TEAM)
    .join_from(visit_officers, visits, _V.visit_id == _O.visit_id)
    .join(officers, and_(officers.c.badge == _O.badge, officers.c.subject == _O.subject))
    .where(
        officers.c.ended_on.is_(None),
        officers.c.valid_until >= bindparam("today"),
        one_of(_O.subject, "who"),
        _IN,
        _V.closed_at.is_(None),
        _V.valid_until > bindparam("now"),
    )
)
_CLOSE = (
    update(visits).where(_V.visit_id == bindparam("which"), _V.closed_at.is_(None)).values(closed_at=bindparam("at"))
)
_LEAVE = update(visit_officers).where(_O.visit_id == bindparam("which"), _IN).values(left_at=bindparam("at"))
_LEAVE_OF = _LEAVE.where(_O.authority_code == bindparam("whose"))
_LAPSED = select(_V.visit_id).where(_V.valid_until <= bindparam("now"))
_LET_GO = (
    update(visit_officers)
    .where(_O.badge.in_(bindparam("who", expanding=True)), _IN, _O.visit_id.in_(_LAPSED))
    .values(left_at=bindparam("now"))
)
_NAME = (
    update(visits)
    .where(_V.visit_id == bindparam("which"), _V.target_blind == b"")
    .values(target_blind=bindparam("blind"))
)
_OF_TARGET = (
    select(*_V)
    .where(_V.target_blind == bindparam("which"), _V.opened_at >= bindparam("since"))
    .order_by(_V.opened_at.desc(), _V.visit_id.desc())
    .limit(bindparam("most"))
)
_SCANNED = (
    select(scans.c.visit_id)
    .where(scans.c.version_id.in_(bindparam("which", expanding=True)), text(f"scans.{OF_A_VISIT}"))
    .distinct()
)
_OF_VERSIONS = (
    select(*_V)
    .where(_V.visit_id.in_(_SCANNED))
    .order_by(_V.opened_at.desc(), _V.visit_id.desc())
    .limit(bindparam("most"))
)
_MINE = select(_O.visit_id).where(_O.authority_code == bindparam("which"))
_OF_AUTHORITY = (
    select(*_V).where(_V.visit_id.in_(_MINE)).order_by(_V.opened_at.desc(), _V.visit_id.desc()).limit(bindparam("most"))
)
_LAST = select(_V.opened_at, _V.visit_id).where(_V.visit_id == bindparam("before"))
_OF_AUTHORITY_ON = _OF_AUTHORITY.where(tuple_(_V.opened_at, _V.visit_id) < _LAST.scalar_subquery())
_RATINGS = select(*_R).where(_R.visit_id.in_(bindparam("which", expanding=True))).order_by(_R.at, _R.visit_id)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _once(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


class VisitRows:
    """Implements ``visit_ports.Visits``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def open(self, visit: Visit, *, token_sha256: str) -> bool:
        """Store with its officers; False when one of them is in an open visit."""
        personal = {
            "token": visit.token,
            "place": visit.place,
            "target_name": visit.target_name,
            "repeat_reason": visit.repeat_reason,
        }
        self._tx.changed(
            _insert(self._tx.dialect, visits),
            visit_id=visit.visit_id,
            token_sha256=token_sha256,
            authority_code=visit.authority_code,
            departments=to_json(list(visit.departments)),
            opened_by=visit.opened_by,
            task_kind=visit.task_kind.value,
            task_no=visit.task_no,
            region=visit.region,
            kinds=to_json(list(visit.kinds)),
            target_blind=visit.target,
            personal=self._tx.seal_json(personal, _PERSONAL, visit.visit_id),
            opened_at=visit.opened_at,
            valid_until=visit.valid_until,
            closed_at=visit.closed_at,
        )
        return self.join(visit.officers)

    def join(self, officers: Sequence[VisitOfficer]) -> bool:
        """Store more officers of a visit; False when one of them is in an open visit, and then some may be stored."""
        rows = [
            {
                "visit_id": one.visit_id,
                "badge": one.badge,
                "subject": one.subject,
                "authority_code": one.authority_code,
                "unit": one.unit,
                "kinds": to_json(list(one.kinds)),
                "region": one.region,
                "joined_at": one.joined_at,
                "left_at": one.left_at,
            }
            for one in sorted(officers, key=lambda one: one.badge)
        ]
        return self._tx.changed_all(_once(self._tx.dialect, visit_officers), rows) == len(rows)

    def hold(self, visit_id: str) -> Visit | None:
        """The visit; nobody else changes it until the end of the transaction."""
        row = self._tx.row(_LOCKED, which=visit_id)
        return None if row is None else self._with_officers([row])[0]

    def by_id(self, visit_id: str) -> Visit | None:
        """The visit."""
        return self.by_ids([visit_id]).get(visit_id)

    def by_ids(self, visit_ids: Sequence[str]) -> Mapping[str, Visit]:
        """Those of these visits that there are, by id."""
        rows = self._tx.rows(_BY_IDS, which=sorted(set(visit_ids))) if visit_ids else ()
        return {visit.visit_id: visit for visit in self._with_officers(rows)}

    def by_token(self, token_sha256: str) -> Visit | None:
        """The visit with this proof."""
        row = self._tx.row(_BY_TOKEN, which=token_sha256)
        return None if row is None else self._with_officers([row])[0]

    def duties(self, subjects: Sequence[str], *, now: datetime) -> Mapping[str, Duty]:
        """In which open visit each of these accounts is, if its badge is still in force on the register; by account."""
        who = sorted(set(subjects) - {""})
        rows = self._tx.rows(_DUTIES, who=who, now=now, today=local_day(now)) if who else ()
        found: dict[str, Duty] = {}
        for row in rows:
            officer = _officer({column.name: row[f"officer_{column.name}"] for column in _O})
            found[officer.subject] = Duty(visit=self._visit(row, ()), officer=officer, team=row["team_size"])
        return found

    def close(self, visit_id: str, *, at: datetime) -> None:
        """End it, and let its officers go."""
        self._tx.changed(_CLOSE, which=visit_id, at=at)
        self._tx.changed(_LEAVE, which=visit_id, at=at)

    def leave(self, visit_id: str, authority_code: str, *, at: datetime) -> int:
        """Let the officers of one body go; how many there were."""
        return self._tx.changed(_LEAVE_OF, which=visit_id, whose=authority_code, at=at)

    def let_go(self, badges: Sequence[str], *, now: datetime) -> None:
        """Let officers out of visits that have lapsed."""
        self._tx.changed(_LET_GO, who=sorted(badges), now=now)

    def name_target(self, visit_id: str, holder: Holder) -> bool:
        """Name who is visited, if nobody is named yet."""
        return self._tx.changed(_NAME, which=visit_id, blind=self.target_of(holder)) == 1

    def target_of(self, holder: Holder) -> bytes:
        """The blind index of a holder, the same as that of the register."""
        return holder_blind(self._tx, holder)

    def of_target(self, target: bytes, *, since: datetime, limit: int) -> Sequence[Visit]:
        """Visits of one holder since a moment, newest first."""
        return self._with_officers(self._tx.rows(_OF_TARGET, which=target, since=since, most=limit))

    def of_versions(self, version_ids: Sequence[str], *, limit: int) -> Sequence[Visit]:
        """Visits in which these versions were scanned, newest first."""
        if not version_ids:
            return []
        return self._with_officers(self._tx.rows(_OF_VERSIONS, which=list(version_ids), most=limit))

    def of_authority(self, authority_code: str, *, before: str, limit: int) -> Sequence[Visit]:
        """Visits that officers of this body are or were in, newest first."""
        if before:
            rows = self._tx.rows(_OF_AUTHORITY_ON, which=authority_code, before=before, most=limit)
        else:
            rows = self._tx.rows(_OF_AUTHORITY, which=authority_code, most=limit)
        return self._with_officers(rows)

    def rate(self, rating: Rating) -> bool:
        """Store a mark; False when this holder has marked the visit before."""
        made = self._tx.changed(
            _once(self._tx.dialect, visit_ratings),
            visit_id=rating.visit_id,
            holder_blind=rating.holder,
            mark=rating.mark,
            text=self._tx.seal(rating.text, _TEXT, rating.visit_id),
            at=rating.at,
        )
        return made == 1

    def ratings_of(self, visit_ids: Sequence[str]) -> Sequence[Rating]:
        """The marks of these visits, oldest first."""
        rows = self._tx.rows(_RATINGS, which=sorted(set(visit_ids))) if visit_ids else ()
        return [
            Rating(
                visit_id=row["visit_id"],
                holder=bytes(row["holder_blind"]),
                mark=row["mark"],
                text=self._tx.open(row["text"], _TEXT, row["visit_id"]),
                at=row["at"],
            )
            for row in rows
        ]

    def _with_officers(self, rows: Sequence[RowMapping]) -> list[Visit]:
        if not rows:
            return []
        teams: dict[str, list[VisitOfficer]] = {row["visit_id"]: [] for row in rows}
        for row in self._tx.rows(_OFFICERS_OF, which=sorted(teams)):
            teams[row["visit_id"]].append(_officer(dict(row)))
        return [self._visit(row, tuple(teams[row["visit_id"]])) for row in rows]

    def _visit(self, row: RowMapping, officers: tuple[VisitOfficer, ...]) -> Visit:
        personal = self._tx.open_json(row["personal"], _PERSONAL, row["visit_id"])
        return Visit(
            visit_id=row["visit_id"],
            authority_code=row["authority_code"],
            departments=tuple(from_json(row["departments"])),
            opened_by=row["opened_by"],
            task_kind=as_word(TaskKind, row["task_kind"]),
            task_no=row["task_no"],
            region=row["region"],
            kinds=tuple(from_json(row["kinds"])),
            target=bytes(row["target_blind"]),
            opened_at=row["opened_at"],
            valid_until=row["valid_until"],
            closed_at=row["closed_at"],
            officers=officers,
            **personal,
        )


def _officer(values: dict[str, Any]) -> VisitOfficer:
    values["kinds"] = tuple(from_json(values["kinds"]))
    return VisitOfficer(**values)
