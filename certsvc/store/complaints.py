"""投诉 about services."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, text, update

from certsvc.license.complaints import Complaint, ComplaintState
from certsvc.store.newest import newest_of
from certsvc.store.tables_supervision import RUNNING_COMPLAINT, complaints
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Update

    from certsvc.store.transaction import Transaction

_P = complaints.c
_PERSONAL = "complaints.personal"
_PERSONAL_KEYS = ("name", "contact", "text")
_WORDS = ("answer", "follow_up")
_BY_ID = select(*_P).where(_P.complaint_id == bindparam("which"))
_OF_FILER = newest_of(complaints, _P.filed_by, _P.filed_at, _P.complaint_id)
_IN_STATE = newest_of(complaints, _P.state, _P.filed_at, _P.complaint_id)
_OF_BODY = newest_of(complaints, _P.state, _P.filed_at, _P.complaint_id, only=_P.authority_code == bindparam("body"))
_COUNT = (
    select(func.count().label("waiting"))
    .select_from(complaints)
    .where(_P.filed_by == bindparam("whose"), text(RUNNING_COMPLAINT))
)
_MOVED = ("state", "due_on", "moved_at", "closed_at")
"""What every step writes."""


@cache
def _move(names: tuple[str, ...]) -> Update:
    return (
        update(complaints)
        .where(_P.complaint_id == bindparam("which"), _P.state.in_(bindparam("sources", expanding=True)))
        .values(**{name: bindparam(f"to_{name}") for name in names})
    )


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, complaints)


class ComplaintRows:
    """Implements ``supervision_ports.Complaints``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, complaint: Complaint) -> None:
        """Store."""
        self._tx.changed(_insert(self._tx.dialect), **self._values(complaint))

    def by_id(self, complaint_id: str) -> Complaint | None:
        """The complaint."""
        row = self._tx.row(_BY_ID, which=complaint_id)
        return None if row is None else self._complaint(row)

    def of_filer(self, filed_by: str, *, limit: int, behind: tuple[datetime, str] | None = None) -> Sequence[Complaint]:
        """Those that this account filed, newest first."""
        return [self._complaint(row) for row in _OF_FILER.rows(self._tx, [filed_by], limit=limit, behind=behind)]

    def count_open(self, filed_by: str) -> int:
        """How many of this account wait for the body."""
        row = self._tx.row(_COUNT, whose=filed_by)
        return 0 if row is None else int(row["waiting"])

    def of(
        self, authority_code: str, state: ComplaintState, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Complaint]:
        """Those in a state, newest first, against one body; against any where it is empty."""
        if authority_code:
            rows = _OF_BODY.rows(self._tx, [state.value], limit=limit, behind=behind, body=authority_code)
        else:
            rows = _IN_STATE.rows(self._tx, [state.value], limit=limit, behind=behind)
        return [self._complaint(row) for row in rows]

    def move(self, complaint: Complaint, *, sources: Collection[ComplaintState], writes: Collection[str]) -> bool:
        """Store state, last day and moments, and of its words ``writes``, if it stands in one of ``sources``."""
        values = self._values(complaint)
        names = (*_MOVED, *sorted(writes))
        done = self._tx.changed(
            _move(names),
            which=complaint.complaint_id,
            sources=sorted(state.value for state in sources),
            **{f"to_{name}": values[name] for name in names},
        )
        return done == 1

    def _values(self, complaint: Complaint) -> dict[str, Any]:
        values, which = asdict(complaint), complaint.complaint_id
        personal = {key: values.pop(key) for key in _PERSONAL_KEYS}
        values["personal"] = self._tx.seal_json(personal, _PERSONAL, which)
        for name in _WORDS:
            values[name] = self._tx.seal(values[name], f"complaints.{name}", which) if values[name] else None
        values["state"] = complaint.state.value
        return values

    def _complaint(self, row: RowMapping) -> Complaint:
        values, which = dict(row), row["complaint_id"]
        values.update(self._tx.open_json(values.pop("personal"), _PERSONAL, which))
        for name in _WORDS:
            values[name] = self._tx.open(row[name], f"complaints.{name}", which) if row[name] else ""
        values["state"] = as_word(ComplaintState, row["state"])
        return Complaint(**values)
