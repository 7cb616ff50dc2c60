"""What the store offers 电子监察."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from certsvc.license.case_clocks import CaseClock, CaseState
    from certsvc.license.complaints import Complaint, ComplaintState
    from certsvc.license.figures import CountedRequest, DayCount, QualityCount, Sweep
    from certsvc.license.ratings import MendState, Service
    from certsvc.license.supervision import Card, CardCount, CardState, ClockKind, Colour, Late


class CaseClocks(Protocol):
    """Clocks of approval cases."""

    def open(self, case: CaseClock) -> bool:
        """Store; False when this body has a case of this number."""
        ...

    def of(self, authority_code: str, case_no: str) -> CaseClock | None:
        """The case."""
        ...

    def move(self, case: CaseClock, *, source: CaseState, last_at: datetime) -> bool:
        """Store everything that changes, if it stands in ``source`` and its newest step is that of ``last_at``."""
        ...


class Cards(Protocol):
    """Yellow and red cards, and what earns them."""

    def late(
        self, clock: ClockKind, colour: Colour, *, due: date, begun_before: datetime, began: datetime, limit: int
    ) -> Sequence[Late]:
        """What has no card of this colour (nor a red one) and whose last day is not after ``due``.

        Clocks without last days of their own take what began before ``begun_before`` instead. Clocks of nouns that are
        older than supervision take what began at ``began`` or later.
        """
        ...

    def open(self, card: Card) -> bool:
        """Store; False when this clock has a card of this colour."""
        ...

    def merge(self, clock: ClockKind, subject: str) -> bool:
        """Take the yellow card of this clock, if it waits for anything, into the red one."""
        ...

    def by_id(self, card_id: str) -> Card | None:
        """The card."""
        ...

    def of(
        self, department: str, state: CardState, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Card]:
        """Cards in a state, newest first, of one department; of all where it is empty."""
        ...

    def tally(self, *, begin: datetime, end: datetime, department: str) -> Sequence[CardCount]:
        """Cards raised from ``begin`` to before ``end``, counted; of one department or of all."""
        ...

    def move(self, card: Card, *, sources: Collection[CardState]) -> bool:
        """Store the state of ``card`` and its answer, or its ruling, if it stands in one of ``sources``."""
        ...


class DayCounts(Protocol):
    """Counts per day, measure, department, type and what it was about."""

    def add(self, counts: Sequence[DayCount]) -> None:
        """Add to what stands there."""
        ...

    def replace(self, day: date, measure: str, department: str, counts: Sequence[DayCount]) -> None:
        """Put ``counts`` in the place of everything of this day, measure and department."""
        ...

    def sums(self, *, first: date, last: date, department: str) -> Sequence[DayCount]:
        """Sums over the days from ``first`` to ``last``, of one department or of all; their ``day`` is ``first``."""
        ...

    def daily(self, *, first: date, last: date, department: str) -> Sequence[DayCount]:
        """Sums per day and measure, over types and everything else."""
        ...

    def scenes(self, scanned: Collection[tuple[str, datetime]]) -> Mapping[tuple[str, datetime], str]:
        """The scene of scans, by 证照标识 and moment; empty where a printed code was scanned."""
        ...

    def requests(self, request_ids: Collection[str]) -> Mapping[str, CountedRequest]:
        """Where these requests are counted, by id."""
        ...

    def sweep(self) -> Sweep | None:
        """The newest look through the register, finished or not."""
        ...

    def began(self) -> date | None:
        """The day of the first look, which was in the first round of supervision."""
        ...

    def begin_sweep(self, day: date) -> bool:
        """Begin to look through the register; False when that day has one."""
        ...

    def keep_sweep(
        self, sweep: Sweep, *, place: str, looked: int, found: Sequence[QualityCount], now: datetime
    ) -> bool:
        """Add what one step found and keep its place (empty: the end), if ``sweep`` still stands where it stood."""
        ...

    def quality(self, *, department: str) -> tuple[date | None, Sequence[QualityCount]]:
        """What the newest finished look found, and its day."""
        ...


class Services(Protocol):
    """Completed services, their ratings and what bad marks opened."""

    def insert(self, service: Service, *, token_sha256: str) -> bool:
        """Store; False when this body has one of this case and channel."""
        ...

    def by_token(self, token_sha256: str) -> Service | None:
        """The service."""
        ...

    def by_id(self, service_id: str) -> Service | None:
        """The service."""
        ...

    def of_case(self, authority_code: str, case_no: str, channel: str) -> Service | None:
        """The service."""
        ...

    def case_known(self, authority_code: str, case_no: str, *, counter_code: str) -> bool:
        """Whether a timed case, a case of this counter or of the body's own, or a request has this number."""
        ...

    def renew_code(self, service: Service, *, token_sha256: str) -> bool:
        """Put another code in the place of the one before; False when it has a mark, or another was just made."""
        ...

    def rate(self, service: Service) -> bool:
        """Store mark, reasons, words and 整改 of ``service``, if it has no mark."""
        ...

    def mends(
        self, authority_code: str, state: MendState, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Service]:
        """Services with a 整改 in this state, newest mark first, of one body; of all where it is empty."""
        ...

    def mend(self, service: Service, *, source: MendState) -> bool:
        """Store the answer to the 整改 that stands ``open``, or the follow-up of one ``answered``; False elsewhere."""
        ...


class Complaints(Protocol):
    """投诉."""

    def insert(self, complaint: Complaint) -> None:
        """Store."""
        ...

    def by_id(self, complaint_id: str) -> Complaint | None:
        """The complaint."""
        ...

    def of_filer(self, filed_by: str, *, limit: int, behind: tuple[datetime, str] | None = None) -> Sequence[Complaint]:
        """Those that this account filed, newest first."""
        ...

    def count_open(self, filed_by: str) -> int:
        """How many of this account wait for the body."""
        ...

    def of(
        self, authority_code: str, state: ComplaintState, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Complaint]:
        """Those in a state, newest first, against one body; against any where it is empty."""
        ...

    def move(self, complaint: Complaint, *, sources: Collection[ComplaintState], writes: Collection[str]) -> bool:
        """Store state, last day and moments, and of its words ``writes``, if it stands in one of ``sources``."""
        ...
