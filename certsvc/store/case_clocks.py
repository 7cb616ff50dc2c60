"""Clocks of approval cases (办件)."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from certsvc.license.case_clocks import CaseClock, CaseState
from certsvc.store.tables_supervision import supervision_cases
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.store.transaction import Transaction

_C = supervision_cases.c
HANDLER = "supervision_cases.handler"
_OF = select(*_C).where(_C.authority_code == bindparam("body"), _C.case_no == bindparam("number"))
_MOVED = (
    "handler",
    "late_reports",
    "used",
    "counted_from",
    "due_on",
    "state",
    "stop_reason",
    "stops",
    "last_at",
    "said_at",
    "finished_at",
)
_MOVE = (
    update(supervision_cases)
    .where(_C.case_id == bindparam("which"), _C.state == bindparam("source"), _C.last_at == bindparam("newest"))
    .values(**{name: bindparam(f"to_{name}") for name in _MOVED})
)


@cache
def _insert_once(dialect: str) -> Insert:
    return insert_into(dialect, supervision_cases).on_conflict_do_nothing()


class CaseClockRows:
    """Implements ``supervision_ports.CaseClocks``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def open(self, case: CaseClock) -> bool:
        """Store; False when this body has a case of this number."""
        return self._tx.changed(_insert_once(self._tx.dialect), **self._values(case)) == 1

    def of(self, authority_code: str, case_no: str) -> CaseClock | None:
        """The case."""
        row = self._tx.row(_OF, body=authority_code, number=case_no)
        if row is None:
            return None
        values: dict[str, Any] = dict(row)
        values["handler"] = self._tx.open(row["handler"], HANDLER, row["case_id"])
        values["state"] = as_word(CaseState, row["state"])
        return CaseClock(**values)

    def move(self, case: CaseClock, *, source: CaseState, last_at: datetime) -> bool:
        """Store everything that changes, if it stands in ``source`` and its newest step is that of ``last_at``."""
        values = self._values(case)
        moved = {f"to_{name}": values[name] for name in _MOVED}
        return self._tx.changed(_MOVE, which=case.case_id, source=source.value, newest=last_at, **moved) == 1

    def _values(self, case: CaseClock) -> dict[str, Any]:
        values = asdict(case)
        values["handler"] = self._tx.seal(case.handler, HANDLER, case.case_id)
        values["state"] = case.state.value
        return values
