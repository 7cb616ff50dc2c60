"""The register of officers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, select, update

from certsvc.license.officers import Officer
from certsvc.store.tables_visits import officers
from certsvc.store.transaction import Insert, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_C = officers.c
_PERSONAL = "officers.personal"

_BY_BADGES = select(*_C).where(_C.badge.in_(bindparam("which", expanding=True)))
_OF_SUBJECT = select(*_C).where(_C.subject == bindparam("which")).order_by(_C.entered_at.desc(), _C.badge)
_OF_AUTHORITY = (
    select(*_C)
    .where(_C.authority_code == bindparam("which"), _C.badge > bindparam("behind"))
    .order_by(_C.badge)
    .limit(bindparam("most"))
)
_END = update(officers).where(_C.badge == bindparam("which"), _C.ended_on.is_(None)).values(ended_on=bindparam("day"))


@cache
def _enter(dialect: str) -> Insert:
    made = insert_into(dialect, officers)
    said = {column.name: made.excluded[column.name] for column in _C if not column.primary_key}
    # Whatever was read before: an entry that was ended meanwhile stays ended, and one of another body stays theirs.
    same = and_(_C.authority_code == made.excluded.authority_code, _C.ended_on.is_(None))
    return made.on_conflict_do_update(index_elements=[_C.badge], set_=said, where=same)


class OfficerRows:
    """Implements ``visit_ports.Officers``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def enter(self, entries: Sequence[Officer]) -> bool:
        """Store, or replace what the entries of these badges said; False when one is another body's or was ended."""
        rows: list[dict[str, Any]] = [
            {
                "badge": one.badge,
                "subject": one.subject,
                "personal": self._tx.seal_json({"name": one.name}, _PERSONAL, one.badge),
                "authority_code": one.authority_code,
                "unit": one.unit,
                "kinds": to_json(list(one.kinds)),
                "region": one.region,
                "valid_until": one.valid_until,
                "ended_on": one.ended_on,
                "entered_by": one.entered_by,
                "entered_at": one.entered_at,
            }
            for one in sorted(entries, key=lambda one: one.badge)
        ]
        return self._tx.changed_all(_enter(self._tx.dialect), rows) == len(rows)

    def by_badges(self, badges: Sequence[str]) -> Mapping[str, Officer]:
        """The entries, by badge."""
        rows = self._tx.rows(_BY_BADGES, which=sorted(set(badges))) if badges else ()
        return {row["badge"]: self._officer(row) for row in rows}

    def of_subject(self, subject: str) -> Sequence[Officer]:
        """The entries of an account, newest first."""
        return [self._officer(row) for row in self._tx.rows(_OF_SUBJECT, which=subject)]

    def of_authority(self, authority_code: str, *, behind: str, limit: int) -> Sequence[Officer]:
        """A body's entries behind a badge, in the order of badges."""
        rows = self._tx.rows(_OF_AUTHORITY, which=authority_code, behind=behind, most=limit)
        return [self._officer(row) for row in rows]

    def end(self, badge: str, *, day: date) -> bool:
        """End an entry; False when there is none, or it was ended before."""
        return self._tx.changed(_END, which=badge, day=day) == 1

    def _officer(self, row: RowMapping) -> Officer:
        values: dict[str, Any] = dict(row)
        values.update(self._tx.open_json(values.pop("personal"), _PERSONAL, row["badge"]))
        values["kinds"] = tuple(from_json(row["kinds"]))
        return Officer(**values)
