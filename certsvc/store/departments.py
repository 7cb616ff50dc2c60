"""The uses of one body, by page and counted: days that are over once for all, the rest along the index."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, and_, bindparam, case, func, or_, select

from certsvc.clock import end_of_day
from certsvc.license.departments import COPY, GIVEN, REFUSED, UseCount, UseKind
from certsvc.store.sharing import use_of_row
from certsvc.store.tables_use_days import use_day_places, use_days
from certsvc.store.tables_uses import fetches
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Select

    from certsvc.license.departments import UseFilter
    from certsvc.license.uses import Fetch
    from certsvc.store.transaction import Transaction

_F, _D, _P = fetches.c, use_days.c, use_day_places.c
_KIND = case(
    (or_(_F.said.is_not(None), _F.answer != ""), UseKind.ANSWER.value),
    (_F.fields.like(f'%"{COPY}"%'), UseKind.COPY.value),
    else_=UseKind.FETCH.value,
)
_NEWEST = (_F.at.desc(), _F.fetch_id.desc())
_OF_BODY = (_F.authority_code == bindparam("body"), _F.at >= bindparam("since"))


def _either(name: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """The column is the value of that name, if there is one."""
    value = bindparam(name, type_=String())
    return or_(value == "", column == value)


def _page(*, further: bool) -> tuple[Select[Any], Select[Any]]:
    """The rows of a page, and the last that was looked at."""
    looked = select(*_F, _KIND.label("kind")).where(*_OF_BODY, _F.at < bindparam("before"))
    if further:
        moment = bindparam("moment", type_=_F.at.type)
        # The first bound alone is one that the index can use.
        looked = looked.where(_F.at <= moment, or_(_F.at < moment, _F.fetch_id < bindparam("last")))
    end = looked.with_only_columns(_F.at, _F.fetch_id).order_by(*_NEWEST).offset(bindparam("look_at")).limit(1)
    rows = looked.order_by(*_NEWEST).limit(bindparam("look_at")).subquery("looked")
    wish = bindparam("wish", type_=String())
    fitting = (
        select(*(rows.c[column.name] for column in _F))
        .where(
            _either("matter", rows.c.matter_code),
            _either("client", rows.c.client_id),
            _either("sort", rows.c.kind),
            or_(_either("wish", rows.c.outcome), and_(wish == REFUSED, rows.c.outcome != GIVEN)),
        )
        .order_by(rows.c.at.desc(), rows.c.fetch_id.desc())
        .limit(bindparam("most"))
    )
    return fitting, end


_FIRST, _FURTHER = _page(further=False), _page(further=True)

_COUNTED = (
    select(_F.matter_code, _F.type_slug, _F.outcome, _F.at, _KIND.label("kind"))
    .where(*_OF_BODY, _F.at < bindparam("before"))
    .order_by(*_NEWEST)
    .limit(bindparam("most"))
    .subquery("counted")
)
_GROUPS = (_COUNTED.c.matter_code, _COUNTED.c.type_slug, _COUNTED.c.kind, _COUNTED.c.outcome)
_SUMS = (func.count().label("uses"), func.min(_COUNTED.c.at).label("first"))
_COUNT = select(*_GROUPS, *_SUMS).group_by(*_GROUPS).order_by(*_GROUPS)

_KEPT_GROUPS = (_D.matter_code, _D.type_slug, _D.kind, _D.outcome)
_KEPT = (
    select(*_KEPT_GROUPS, func.sum(_D.uses).label("uses"), func.min(_D.day).label("first"))
    .where(_D.authority_code == bindparam("body"), _D.day >= bindparam("begin"), _D.day <= bindparam("end"))
    .group_by(*_KEPT_GROUPS)
)
_COUNTED_UNTIL = select(_P.day).where(_P.authority_code == bindparam("body"))
_NEXT_BODY = select(func.min(_F.authority_code).label("body")).where(_F.authority_code > bindparam("behind"))
_NEXT_USE = select(func.min(_F.at).label("at")).where(*_OF_BODY)


@cache
def _move_place(dialect: str) -> Insert:
    """Onward only: the day of a place is counted by whoever moves it there."""
    made = insert_into(dialect, use_day_places)
    return made.on_conflict_do_update(
        index_elements=[_P.authority_code], set_={"day": made.excluded.day}, where=_P.day < made.excluded.day
    )


@cache
def _insert_days(dialect: str) -> Insert:
    return insert_into(dialect, use_days)


class DepartmentRows:
    """Implements ``department_ports.Departments``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def uses(
        self,
        authority_code: str,
        wanted: UseFilter,
        *,
        limit: int,
        look_at: int,
        behind: tuple[datetime, str] | None = None,
    ) -> tuple[Sequence[Fetch], tuple[datetime, str] | None]:
        """Uses of this body that fit, newest first, and the place behind which to go on; None at the end.

        At most ``look_at`` rows are looked at, so that there may be fewer than ``limit`` with more behind the place.
        """
        fitting, end = _FIRST if behind is None else _FURTHER
        place: dict[str, Any] = {"body": authority_code, "since": wanted.since, "before": wanted.before}
        if behind is not None:
            place.update(moment=behind[0], last=behind[1])
        rows = self._tx.rows(
            fitting,
            **place,
            look_at=look_at,
            most=limit,
            matter=wanted.matter_code,
            client=wanted.client_id,
            sort=wanted.kind.value if wanted.kind else "",
            wish=wanted.outcome,
        )
        found = [use_of_row(self._tx, row) for row in rows]
        if len(found) == limit:
            return found, (found[-1].at, found[-1].fetch_id)
        last = self._tx.row(end, **place, look_at=look_at - 1)
        return found, None if last is None else (last["at"], last["fetch_id"])

    def count_uses(self, authority_code: str, *, since: datetime, before: datetime, most: int) -> Sequence[UseCount]:
        """The uses of this body from a moment on and before another, counted; of more than ``most`` the newest."""
        rows = self._tx.rows(_COUNT, body=authority_code, since=since, before=before, most=most)
        return [UseCount(**{**row, "kind": as_word(UseKind, row["kind"])}) for row in rows]

    def kept_uses(self, authority_code: str, *, first: date, last: date) -> Sequence[UseCount]:
        """Sums over the days of this body that are counted once for all, both included."""
        rows = self._tx.rows(_KEPT, body=authority_code, begin=first, end=last)
        return [
            UseCount(
                matter_code=row["matter_code"],
                type_slug=row["type_slug"],
                kind=as_word(UseKind, row["kind"]),
                outcome=row["outcome"],
                uses=int(row["uses"]),
                first=end_of_day(row["first"] - timedelta(days=1)),
            )
            for row in rows
        ]

    def counted_until(self, authority_code: str) -> date | None:
        """The last day of this body that is counted once for all, with all before it."""
        row = self._tx.row(_COUNTED_UNTIL, body=authority_code)
        found: date | None = row["day"] if row else None
        return found

    def next_body(self, behind: str) -> str:
        """The first body behind a code that asked anything; empty at the end."""
        row = self._tx.row(_NEXT_BODY, behind=behind)
        return (row["body"] if row else None) or ""

    def next_use(self, authority_code: str, *, since: datetime) -> datetime | None:
        """When this body asked first from a moment on."""
        row = self._tx.row(_NEXT_USE, body=authority_code, since=since)
        found: datetime | None = row["at"] if row else None
        return found

    def keep_day(self, authority_code: str, day: date, counts: Sequence[UseCount]) -> bool:
        """Keep the counts of a day, which comes behind all that are kept; False when it or a later one is kept."""
        if not self._tx.changed(_move_place(self._tx.dialect), authority_code=authority_code, day=day):
            return False
        rows = [
            {
                "authority_code": authority_code,
                "day": day,
                "matter_code": one.matter_code,
                "type_slug": one.type_slug,
                "kind": one.kind.value,
                "outcome": one.outcome,
                "uses": one.uses,
            }
            for one in counts
        ]
        self._tx.changed_all(_insert_days(self._tx.dialect), rows)
        return True
