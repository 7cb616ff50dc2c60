"""Counters (综合窗口): cases, sheets, takings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, text, true, update

from certsvc.license.counter import CounterCase, CounterTally, RowAnswer, Sheet, SheetRow, Taking, TakingKind
from certsvc.store.tables_counter import TO_COME, counter_cases, counter_sheets, counter_takings
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_C, _S, _T = counter_cases.c, counter_sheets.c, counter_takings.c
_HOLDER, _ROWS, _TEXT = "counter_cases.personal", "counter_sheets.rows", "counter_takings.text"
_CASE = select(*_C).where(_C.counter_code == bindparam("counter"), _C.case_no == bindparam("number"))
_TURN = (
    update(counter_cases)
    .where(_C.case_id == bindparam("which"), _C.version == bindparam("before"))
    .values(
        version=bindparam("now_version"),
        exempt=bindparam("now_exempt"),
        outage=bindparam("now_outage"),
        updated_at=bindparam("moment"),
    )
)
_SHEETS = select(*_S).where(_S.case_id == bindparam("which")).order_by(_S.version.desc()).limit(bindparam("most"))
_TAKINGS = select(*_T).where(_T.case_id == bindparam("which"))
_TO_COME = text(TO_COME)
_DONE = update(counter_takings).where(_T.taking_id == bindparam("which"), _TO_COME).values(done_at=bindparam("moment"))
_WARNED = (
    update(counter_takings)
    .where(_T.taking_id == bindparam("which"), _TO_COME, _T.warned_at.is_(None))
    .values(warned_at=bindparam("moment"))
)
_BY_DUE = select(*_T).where(_TO_COME).order_by(_T.due_on, _T.taking_id).limit(bindparam("most"))
_OF_COUNTER = _BY_DUE.where(_T.counter_code == bindparam("counter"))
_TO_WARN = _BY_DUE.where(_T.due_on <= bindparam("day"), _T.warned_at.is_(None))
_OPENED = (
    select(
        _C.counter_code,
        _C.authority_code,
        _C.matter_code,
        func.count().label("cases"),
        func.sum(_C.exempt).label("exempt"),
    )
    .where(_C.opened_at >= bindparam("first"), _C.opened_at < bindparam("last"))
    .group_by(_C.counter_code, _C.authority_code, _C.matter_code)
)
_COUNTED = (
    select(_T.counter_code, _T.authority_code, _T.matter_code, func.count().label("taken"))
    .where(_T.at >= bindparam("first"), _T.at < bindparam("last"), _T.counts == true())
    .group_by(_T.counter_code, _T.authority_code, _T.matter_code)
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _insert_once(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


class CounterRows:
    """Implements ``counter_ports.CounterCases``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def open(self, case: CounterCase) -> bool:
        """Store a case of version 1; False when its counter has one of this number."""
        values = asdict(case)
        personal = {key: values.pop(key) for key in ("holder_code", "holder_code_type")}
        values["personal"] = self._tx.seal_json(personal, _HOLDER, case.case_id)
        return self._tx.changed(_insert_once(self._tx.dialect, counter_cases), **values) == 1

    def turn(self, case: CounterCase) -> bool:
        """Store version, exempt, outage and time of ``case``, if the version before it stands."""
        done = self._tx.changed(
            _TURN,
            which=case.case_id,
            before=case.version - 1,
            now_version=case.version,
            now_exempt=case.exempt,
            now_outage=case.outage,
            moment=case.updated_at,
        )
        return done == 1

    def case(self, counter_code: str, case_no: str) -> CounterCase | None:
        """The case."""
        row = self._tx.row(_CASE, counter=counter_code, number=case_no)
        if row is None:
            return None
        values: dict[str, Any] = dict(row)
        values.update(self._tx.open_json(values.pop("personal"), _HOLDER, row["case_id"]))
        return CounterCase(**values)

    def add_sheet(self, sheet: Sheet) -> None:
        """Store one version of its list."""
        rows = [asdict(row) for row in sheet.rows]
        self._tx.changed(
            _insert(self._tx.dialect, counter_sheets),
            case_id=sheet.case_id,
            version=sheet.version,
            rows=self._tx.seal_json(rows, _ROWS, _of(sheet.case_id, sheet.version)),
            slip_no=sheet.slip_no,
            operator=sheet.operator,
            at=sheet.at,
        )

    def sheets(self, case_id: str, *, limit: int) -> Sequence[Sheet]:
        """The versions of its list, newest first."""
        return [self._sheet(row) for row in self._tx.rows(_SHEETS, which=case_id, most=limit)]

    def take(self, taking: Taking) -> bool:
        """Store; False when something was noted about this material of the case."""
        values = asdict(taking) | {
            "kind": taking.kind.value,
            "text": self._tx.seal(taking.text, _TEXT, taking.taking_id),
        }
        return self._tx.changed(_insert_once(self._tx.dialect, counter_takings), **values) == 1

    def takings(self, case_id: str) -> Sequence[Taking]:
        """What was noted about a case, oldest first: once per material, so few that no index has to sort them."""
        found = [self._taking(row) for row in self._tx.rows(_TAKINGS, which=case_id)]
        return sorted(found, key=lambda one: (one.at, one.taking_id))

    def done(self, taking_id: str, *, now: datetime) -> bool:
        """What was to be brought later came, once."""
        return self._tx.changed(_DONE, which=taking_id, moment=now) == 1

    def to_come(self, counter_code: str, *, limit: int) -> Sequence[Taking]:
        """What is still to be brought to this counter, what is due first."""
        return [self._taking(row) for row in self._tx.rows(_OF_COUNTER, counter=counter_code, most=limit)]

    def to_warn(self, *, due: date, limit: int) -> Sequence[Taking]:
        """What is to be brought by ``due`` and was not warned of, what is due first."""
        return [self._taking(row) for row in self._tx.rows(_TO_WARN, day=due, most=limit)]

    def warned(self, taking_id: str, *, now: datetime) -> bool:
        """Note that it was warned of, once."""
        return self._tx.changed(_WARNED, which=taking_id, moment=now) == 1

    def tallies(self, *, begin: datetime, end: datetime) -> Sequence[CounterTally]:
        """Cases opened, and paper taken for 免提交 rows, from ``begin`` to before ``end``, by counter and matter."""
        found: defaultdict[tuple[str, str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(_SUMS, 0))
        for statement in (_OPENED, _COUNTED):
            for row in self._tx.rows(statement, first=begin, last=end):
                key = (row["counter_code"], row["authority_code"], row["matter_code"])
                found[key].update({name: int(row[name]) for name in _SUMS if name in row})
        return [
            CounterTally(counter_code=counter, authority_code=authority, matter_code=matter, **sums)
            for (counter, authority, matter), sums in sorted(found.items())
        ]

    def _sheet(self, row: RowMapping) -> Sheet:
        values: dict[str, Any] = dict(row)
        rows = self._tx.open_json(row["rows"], _ROWS, _of(row["case_id"], row["version"]))
        values["rows"] = tuple(SheetRow(**{**one, "answer": as_word(RowAnswer, one["answer"])}) for one in rows)
        return Sheet(**values)

    def _taking(self, row: RowMapping) -> Taking:
        values: dict[str, Any] = dict(row)
        values["kind"] = as_word(TakingKind, row["kind"])
        values["text"] = self._tx.open(row["text"], _TEXT, row["taking_id"])
        return Taking(**values)


_SUMS = ("cases", "exempt", "taken")


def _of(case_id: str, version: int) -> str:
    return f"{case_id}/{version}"
