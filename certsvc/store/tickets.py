"""缺证、错证 tickets at issuing authorities."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, text, update

from certsvc.license.tickets import Ticket, TicketKind, TicketState
from certsvc.store.newest import newest_of
from certsvc.store.tables_counter import UNANSWERED, counter_tickets
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_T = counter_tickets.c
_PERSONAL, _ANSWER = "counter_tickets.personal", "counter_tickets.answer"
_PERSONAL_KEYS = ("holder_code", "holder_code_type", "right", "evidence")
_UNANSWERED = text(UNANSWERED)
_BY_ID = select(*_T).where(_T.ticket_id == bindparam("which"))
_OF_COUNTER = newest_of(counter_tickets, _T.counter_code, _T.opened_at, _T.ticket_id)
_OF_ISSUER = newest_of(counter_tickets, _T.issuer_code, _T.opened_at, _T.ticket_id)
_COUNT = (
    select(func.count().label("waiting"))
    .select_from(counter_tickets)
    .where(_T.counter_code == bindparam("counter"), _UNANSWERED)
)
_PAST = (
    select(*_T)
    .where(_UNANSWERED, _T.due_on < bindparam("day"), _T.overdue_at.is_(None))
    .order_by(_T.due_on, _T.ticket_id)
    .limit(bindparam("most"))
)
_OVERDUE = (
    update(counter_tickets)
    .where(_T.ticket_id == bindparam("which"), _UNANSWERED, _T.overdue_at.is_(None))
    .values(overdue_at=bindparam("moment"))
)
_MOVED = ("state", "handler", "answer", "request_id", "document_no", "accepted_at", "answered_at", "closed_at")
_MOVE = (
    update(counter_tickets)
    .where(_T.ticket_id == bindparam("which"), _T.state.in_(bindparam("sources", expanding=True)))
    .values(**{name: bindparam(f"to_{name}") for name in _MOVED})
)


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, counter_tickets)


class TicketRows:
    """Implements ``counter_ports.Tickets``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, ticket: Ticket) -> None:
        """Store."""
        self._tx.changed(_insert(self._tx.dialect), **self._values(ticket))

    def by_id(self, ticket_id: str) -> Ticket | None:
        """The ticket."""
        row = self._tx.row(_BY_ID, which=ticket_id)
        return None if row is None else self._ticket(row)

    def of_counter(
        self, counter_code: str, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Ticket]:
        """Those that this body's counter opened, newest first."""
        return [self._ticket(row) for row in _OF_COUNTER.rows(self._tx, [counter_code], limit=limit, behind=behind)]

    def of_issuer(
        self, issuer_code: str, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Ticket]:
        """Those that this body answers, newest first."""
        return [self._ticket(row) for row in _OF_ISSUER.rows(self._tx, [issuer_code], limit=limit, behind=behind)]

    def count_unanswered(self, counter_code: str) -> int:
        """How many of this counter wait for their issuer."""
        row = self._tx.row(_COUNT, counter=counter_code)
        return 0 if row is None else int(row["waiting"])

    def past(self, *, today: date, limit: int) -> Sequence[Ticket]:
        """Unanswered ones whose last day is before ``today`` and that were not announced, what was due first."""
        return [self._ticket(row) for row in self._tx.rows(_PAST, day=today, most=limit)]

    def mark_overdue(self, ticket_id: str, *, now: datetime) -> bool:
        """Note that it was announced as overdue, once."""
        return self._tx.changed(_OVERDUE, which=ticket_id, moment=now) == 1

    def move(self, ticket: Ticket, *, sources: Collection[TicketState]) -> bool:
        """Store state, handler, answer, references and times of ``ticket``, if it stands in one of ``sources``."""
        values = self._values(ticket)
        done = self._tx.changed(
            _MOVE,
            which=ticket.ticket_id,
            sources=sorted(state.value for state in sources),
            **{f"to_{name}": values[name] for name in _MOVED},
        )
        return done == 1

    def _values(self, ticket: Ticket) -> dict[str, Any]:
        values = asdict(ticket)
        personal = {key: values.pop(key) for key in _PERSONAL_KEYS}
        values["personal"] = self._tx.seal_json(personal, _PERSONAL, ticket.ticket_id)
        values["answer"] = self._tx.seal(ticket.answer, _ANSWER, ticket.ticket_id) if ticket.answer else None
        values["kind"], values["state"] = ticket.kind.value, ticket.state.value
        return values

    def _ticket(self, row: RowMapping) -> Ticket:
        values: dict[str, Any] = dict(row)
        values.update(self._tx.open_json(values.pop("personal"), _PERSONAL, row["ticket_id"]))
        values["answer"] = self._tx.open(row["answer"], _ANSWER, row["ticket_id"]) if row["answer"] else ""
        values["kind"] = as_word(TicketKind, row["kind"])
        values["state"] = as_word(TicketState, row["state"])
        return Ticket(**values)
