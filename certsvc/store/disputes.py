"""Disputes (异议申诉)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select, update

from certsvc.license.disputes import UNDECIDED, Dispute, DisputeAbout, DisputeState
from certsvc.store.newest import newest_of
from certsvc.store.tables_consents import disputes
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_D = disputes.c
_TEXT, _ANSWER = "disputes.text", "disputes.answer"
_BY_ID = select(*_D).where(_D.dispute_id == bindparam("which"))
_OF_HOLDER = newest_of(disputes, _D.holder_subject, _D.filed_at, _D.dispute_id)
_OF_AUTHORITY = newest_of(disputes, _D.authority_code, _D.filed_at, _D.dispute_id)
_COUNT_OPEN = (
    select(func.count().label("undecided"))
    .select_from(disputes)
    .where(_D.holder_subject == bindparam("who"), _D.state.in_(sorted(state.value for state in UNDECIDED)))
)
_MOVE = (
    update(disputes)
    .where(_D.dispute_id == bindparam("which"), _D.state.in_(bindparam("sources", expanding=True)))
    .values(
        state=bindparam("target"),
        handler=bindparam("by"),
        answer=bindparam("said"),
        taken_at=bindparam("taken"),
        closed_at=bindparam("closed"),
    )
)


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, disputes)


class DisputeRows:
    """Implements ``consent_ports.Disputes``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, dispute: Dispute) -> None:
        """Store."""
        self._tx.changed(
            _insert(self._tx.dialect),
            dispute_id=dispute.dispute_id,
            version_id=dispute.version_id,
            holder_subject=dispute.holder_subject,
            about=dispute.about.value,
            use_id=dispute.use_id,
            used_by=dispute.used_by,
            authority_code=dispute.authority_code,
            text=self._tx.seal(dispute.text, _TEXT, dispute.dispute_id),
            filed_at=dispute.filed_at,
            due_on=dispute.due_on,
            state=dispute.state.value,
            handler=dispute.handler,
            answer=self._answer(dispute),
            taken_at=dispute.taken_at,
            closed_at=dispute.closed_at,
        )

    def by_id(self, dispute_id: str) -> Dispute | None:
        """The dispute."""
        row = self._tx.row(_BY_ID, which=dispute_id)
        return None if row is None else self._dispute(row)

    def of_holder(
        self, holder_subject: str, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Dispute]:
        """Those that this account filed, newest first."""
        rows = _OF_HOLDER.rows(self._tx, [holder_subject], limit=limit, behind=behind)
        return [self._dispute(row) for row in rows]

    def of_authority(
        self, authority_code: str, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Dispute]:
        """Those that this body answers, newest first."""
        rows = _OF_AUTHORITY.rows(self._tx, [authority_code], limit=limit, behind=behind)
        return [self._dispute(row) for row in rows]

    def count_open(self, holder_subject: str) -> int:
        """How many of this account are undecided."""
        row = self._tx.row(_COUNT_OPEN, who=holder_subject)
        return 0 if row is None else int(row["undecided"])

    def move(self, dispute: Dispute, *, sources: Collection[DisputeState]) -> bool:
        """Store state, handler, answer and times of ``dispute``, if it stands in one of ``sources``."""
        done = self._tx.changed(
            _MOVE,
            which=dispute.dispute_id,
            sources=sorted(state.value for state in sources),
            target=dispute.state.value,
            by=dispute.handler,
            said=self._answer(dispute),
            taken=dispute.taken_at,
            closed=dispute.closed_at,
        )
        return done == 1

    def _answer(self, dispute: Dispute) -> bytes | None:
        return self._tx.seal(dispute.answer, _ANSWER, dispute.dispute_id) if dispute.answer else None

    def _dispute(self, row: RowMapping) -> Dispute:
        values = dict(row)
        values["text"] = self._tx.open(row["text"], _TEXT, row["dispute_id"])
        values["answer"] = self._tx.open(row["answer"], _ANSWER, row["dispute_id"]) if row["answer"] else ""
        values["state"] = as_word(DisputeState, row["state"])
        values["about"] = as_word(DisputeAbout, row["about"])
        return Dispute(**values)
