"""What the store offers to counters (综合窗口): cases and their sheets, what was taken, tickets at issuers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from certsvc.license.counter import CounterCase, CounterTally, Sheet, Taking
    from certsvc.license.tickets import Ticket, TicketState


class CounterCases(Protocol):
    """Cases, sheets and takings."""

    def open(self, case: CounterCase) -> bool:
        """Store a case of version 1; False when its counter has one of this number."""
        ...

    def turn(self, case: CounterCase) -> bool:
        """Store version, exempt, outage and time of ``case``, if the version before it stands."""
        ...

    def case(self, counter_code: str, case_no: str) -> CounterCase | None:
        """The case."""
        ...

    def add_sheet(self, sheet: Sheet) -> None:
        """Store one version of its list."""
        ...

    def sheets(self, case_id: str, *, limit: int) -> Sequence[Sheet]:
        """The versions of its list, newest first."""
        ...

    def take(self, taking: Taking) -> bool:
        """Store; False when something was noted about this material of the case."""
        ...

    def takings(self, case_id: str) -> Sequence[Taking]:
        """What was noted about a case, oldest first."""
        ...

    def done(self, taking_id: str, *, now: datetime) -> bool:
        """What was to be brought later came, once."""
        ...

    def to_come(self, counter_code: str, *, limit: int) -> Sequence[Taking]:
        """What is still to be brought to this counter, what is due first."""
        ...

    def to_warn(self, *, due: date, limit: int) -> Sequence[Taking]:
        """What is to be brought by ``due`` and was not warned of, what is due first."""
        ...

    def warned(self, taking_id: str, *, now: datetime) -> bool:
        """Note that it was warned of, once."""
        ...

    def tallies(self, *, begin: datetime, end: datetime) -> Sequence[CounterTally]:
        """Cases opened, and paper taken for 免提交 rows, from ``begin`` to before ``end``, by counter and matter."""
        ...


class Tickets(Protocol):
    """缺证、错证."""

    def insert(self, ticket: Ticket) -> None:
        """Store."""
        ...

    def by_id(self, ticket_id: str) -> Ticket | None:
        """The ticket."""
        ...

    def of_counter(
        self, counter_code: str, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Ticket]:
        """Those that this body's counter opened, newest first."""
        ...

    def of_issuer(
        self, issuer_code: str, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Ticket]:
        """Those that this body answers, newest first."""
        ...

    def count_unanswered(self, counter_code: str) -> int:
        """How many of this counter wait for their issuer."""
        ...

    def past(self, *, today: date, limit: int) -> Sequence[Ticket]:
        """Unanswered ones whose last day is before ``today``, what was due first."""
        ...

    def mark_overdue(self, ticket_id: str, *, now: datetime) -> bool:
        """Note that it was announced as overdue, once."""
        ...

    def move(self, ticket: Ticket, *, sources: Collection[TicketState]) -> bool:
        """Store state, handler, answer, references and times of ``ticket``, if it stands in one of ``sources``."""
        ...
