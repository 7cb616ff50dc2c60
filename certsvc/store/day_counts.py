"""Counts per day for 电子监察, and what a look through the register found."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, literal, or_, select, update

from certsvc.clock import local_day
from certsvc.license.figures import CountedRequest, DayCount, QualityCount, Sweep
from certsvc.license.request import Lane
from certsvc.store.tables import licenses, requests
from certsvc.store.tables_supervision import supervision_days, supervision_quality, supervision_sweeps
from certsvc.store.tables_uses import scans
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Table

    from certsvc.store.transaction import Transaction

_D, _Q, _W = supervision_days.c, supervision_quality.c, supervision_sweeps.c
_KEY = (_D.day, _D.measure, _D.department, _D.type_slug, _D.about)
_PERIOD = (_D.day >= bindparam("first"), _D.day <= bindparam("last"))
_OF_BODY = _D.department == bindparam("body")
_SUMS = (
    select(_D.measure, _D.department, _D.type_slug, _D.about, func.sum(_D.value).label("value"))
    .where(*_PERIOD)
    .group_by(_D.measure, _D.department, _D.type_slug, _D.about)
)
_DAILY = select(_D.day, _D.measure, func.sum(_D.value).label("value")).where(*_PERIOD).group_by(_D.day, _D.measure)
_CLEAR = delete(supervision_days).where(_D.day == bindparam("which"), _D.measure == bindparam("what"), _OF_BODY)
_SCENES = (
    select(licenses.c.identifier, scans.c.at, scans.c.scene)
    .join_from(licenses, scans, scans.c.version_id == licenses.c.version_id)
    .where(
        licenses.c.identifier.in_(bindparam("which", expanding=True)),
        scans.c.at.in_(bindparam("moments", expanding=True)),
    )
)
_REQUESTS = select(
    requests.c.request_id, requests.c.created_at, requests.c.authority_code, requests.c.action, requests.c.lane
).where(requests.c.request_id.in_(bindparam("which", expanding=True)))
_SWEEP = select(*_W).order_by(_W.run_on.desc()).limit(1)
_BEGAN = select(_W.run_on).order_by(_W.run_on).limit(1)
_FINISHED = select(_W.run_on).where(_W.done_at.is_not(None)).order_by(_W.run_on.desc()).limit(1)
_KEEP = (
    update(supervision_sweeps)
    .where(_W.run_on == bindparam("which"), _W.place == bindparam("from_place"), _W.done_at.is_(None))
    .values(place=bindparam("to_place"), looked=bindparam("to_looked"), done_at=bindparam("to_done"))
)
_ANY_BODY = bindparam("body", type_=_Q.department.type)
_QUALITY = select(_Q.department, _Q.type_slug, _Q.defect, _Q.value).where(
    _Q.run_on == bindparam("which"), or_(literal("") == _ANY_BODY, _Q.department == _ANY_BODY)
)


@cache
def _adding(dialect: str, table: Table) -> Insert:
    made = insert_into(dialect, table)
    keys = list(table.primary_key.columns)
    return made.on_conflict_do_update(index_elements=keys, set_={"value": table.c.value + made.excluded.value})


@cache
def _setting(dialect: str) -> Insert:
    made = insert_into(dialect, supervision_days)
    return made.on_conflict_do_update(index_elements=list(_KEY), set_={"value": made.excluded.value})


@cache
def _begin(dialect: str) -> Insert:
    return insert_into(dialect, supervision_sweeps).on_conflict_do_nothing()


def _rows(counts: Sequence[DayCount]) -> list[dict[str, Any]]:
    """One row for each key, in the order of the keys."""
    values: dict[tuple[Any, ...], int] = {}
    for one in counts:
        key = (one.day, one.measure, one.department, one.type_slug, one.about)
        values[key] = values.get(key, 0) + one.value
    names = [column.name for column in _KEY]
    return [{**dict(zip(names, key, strict=True)), "value": value} for key, value in sorted(values.items())]


class DayCountRows:
    """Implements ``supervision_ports.DayCounts``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def add(self, counts: Sequence[DayCount]) -> None:
        """Add to what stands there; in one order, so that two writers never wait for each other in a circle."""
        self._tx.changed_all(_adding(self._tx.dialect, supervision_days), _rows(counts))

    def replace(self, day: date, measure: str, department: str, counts: Sequence[DayCount]) -> None:
        """Put ``counts`` in the place of everything of this day, measure and department.

        Whoever replaces the same at once waits for the row without type until the other commits: cleared is then what
        the other wrote, and not what stood there before both.
        """
        held = {"day": day, "measure": measure, "department": department, "type_slug": "", "about": "", "value": 0}
        self._tx.changed(_setting(self._tx.dialect), **held)
        self._tx.changed(_CLEAR, which=day, what=measure, body=department)
        self._tx.changed_all(_setting(self._tx.dialect), _rows(counts))

    def sums(self, *, first: date, last: date, department: str) -> Sequence[DayCount]:
        """Sums over the days from ``first`` to ``last``, of one department or of all; their ``day`` is ``first``."""
        if department:
            rows = self._tx.rows(_SUMS.where(_OF_BODY), first=first, last=last, body=department)
        else:
            rows = self._tx.rows(_SUMS, first=first, last=last)
        return [DayCount(day=first, **{**row, "value": int(row["value"])}) for row in rows]

    def daily(self, *, first: date, last: date, department: str) -> Sequence[DayCount]:
        """Sums per day and measure, over types and everything else."""
        if department:
            rows = self._tx.rows(_DAILY.where(_OF_BODY), first=first, last=last, body=department)
        else:
            rows = self._tx.rows(_DAILY, first=first, last=last)
        return [
            DayCount(
                day=row["day"],
                measure=row["measure"],
                department=department,
                type_slug="",
                about="",
                value=int(row["value"]),
            )
            for row in rows
        ]

    def scenes(self, scanned: Collection[tuple[str, datetime]]) -> Mapping[tuple[str, datetime], str]:
        """The scene of scans, by 证照标识 and moment; empty where a printed code was scanned."""
        if not scanned:
            return {}
        which, moments = {identifier for identifier, _ in scanned}, {at for _, at in scanned}
        rows = self._tx.rows(_SCENES, which=sorted(which), moments=sorted(moments))
        return {(row["identifier"], row["at"]): row["scene"] for row in rows}

    def requests(self, request_ids: Collection[str]) -> Mapping[str, CountedRequest]:
        """Where these requests are counted, by id."""
        if not request_ids:
            return {}
        return {
            row["request_id"]: CountedRequest(
                day=local_day(row["created_at"]),
                authority_code=row["authority_code"],
                action=row["action"],
                backfill=row["lane"] != Lane.LIVE,
            )
            for row in self._tx.rows(_REQUESTS, which=sorted(request_ids))
        }

    def sweep(self) -> Sweep | None:
        """The newest look through the register, finished or not."""
        row = self._tx.row(_SWEEP)
        return None if row is None else Sweep(**row)

    def began(self) -> date | None:
        """The day of the first look, which was in the first round of supervision."""
        row = self._tx.row(_BEGAN)
        return None if row is None else row["run_on"]

    def begin_sweep(self, day: date) -> bool:
        """Begin to look through the register; False when that day has one."""
        return self._tx.changed(_begin(self._tx.dialect), run_on=day, place="", looked=0, done_at=None) == 1

    def keep_sweep(
        self, sweep: Sweep, *, place: str, looked: int, found: Sequence[QualityCount], now: datetime
    ) -> bool:
        """Add what one step found and keep its place (empty: the end), if ``sweep`` still stands where it stood."""
        kept = self._tx.changed(
            _KEEP,
            which=sweep.run_on,
            from_place=sweep.place,
            to_place=place,
            to_looked=sweep.looked + looked,
            to_done=None if place else now,
        )
        if not kept:
            return False
        rows = [
            {
                "run_on": sweep.run_on,
                "department": one.department,
                "type_slug": one.type_slug,
                "defect": one.defect,
                "value": one.value,
            }
            for one in sorted(found, key=lambda one: (one.department, one.type_slug, one.defect))
        ]
        self._tx.changed_all(_adding(self._tx.dialect, supervision_quality), rows)
        return True

    def quality(self, *, department: str) -> tuple[date | None, Sequence[QualityCount]]:
        """What the newest finished look found, and its day."""
        run = self._tx.row(_FINISHED)
        if run is None:
            return None, ()
        rows = self._tx.rows(_QUALITY, which=run["run_on"], body=department)
        return run["run_on"], [QualityCount(**{**row, "value": int(row["value"])}) for row in rows]
