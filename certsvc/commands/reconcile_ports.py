"""What the store offers for comparing its books: rows in pages, and a ledger that counts more than memory holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from certsvc.commands.ports import ObjectStore
    from certsvc.commands.store_ports import UnitOfWorkFactory
    from certsvc.events.envelope import Event
    from certsvc.license.books import FileRow, IssuedRow, Period, ReadEvidence, VersionRow
    from certsvc.seal.model import SealReservation


@dataclass(frozen=True, kw_only=True, slots=True)
class Books:
    """What is compared: the live service's, or a copy's.

    Attributes:
        now: the moment of the comparison; what is younger than its settling time may still be on its way.
        gone: whether an object went by decision since (鉴定销毁); a copy from before still names it.
    """

    uow: UnitOfWorkFactory
    objects: ObjectStore
    now: datetime
    gone: Callable[[str], bool] = lambda _name: False


class Reconciling(Protocol):
    """Rows of the whole register in pages, in the order of a key."""

    def versions_after(self, version_id: str, *, limit: int) -> Sequence[VersionRow]:
        """License versions behind an id."""
        ...

    def artifacts_after(self, place: str, *, limit: int) -> Sequence[FileRow]:
        """Files of licenses."""
        ...

    def stamped_after(self, place: str, *, limit: int) -> Sequence[FileRow]:
        """Files that were stamped by hand."""
        ...

    def signed_after(self, place: str, *, limit: int) -> Sequence[FileRow]:
        """Revisions of files that people sign."""
        ...

    def archives_after(self, place: str, *, limit: int) -> Sequence[FileRow]:
        """归档信息包."""
        ...

    def materials_after(self, place: str, *, limit: int) -> Sequence[FileRow]:
        """电子材料, those that were withdrawn too."""
        ...

    def events_after(self, row_no: int, *, types: Sequence[str], limit: int) -> Sequence[tuple[int, Event]]:
        """Events of some types with their row numbers, with or without a position."""
        ...

    def evidence_after(self, row_no: int, *, kinds: Sequence[str], limit: int) -> Sequence[ReadEvidence]:
        """Evidence rows of some kinds, with or without a position."""
        ...

    def reservations_after(self, reservation_id: str, *, limit: int) -> Sequence[SealReservation]:
        """Reservations of seal uses."""
        ...

    def reservation(self, reservation_id: str) -> SealReservation | None:
        """One of them."""
        ...

    def issued_under(self, authority_code: str, business_nos: Sequence[str]) -> Sequence[IssuedRow]:
        """What an authority's business numbers led to; one number may have led to several licenses, or to none yet."""
        ...

    def issued_in(self, authority_code: str, period: Period, *, after: str, limit: int) -> Sequence[IssuedRow]:
        """What an authority's approvals had issued in a period, behind a place; no 存量, whose numbers are ours."""
        ...


class Ledger(Protocol):
    """Counts keys on two sides, by topic, outside memory; nothing in it outlives the comparison."""

    def expect(self, topic: str, keys: Iterable[str]) -> None:
        """These ought to be there, once for each time they are named."""
        ...

    def see(self, topic: str, keys: Iterable[str]) -> None:
        """These are there."""
        ...

    def saw(self, topic: str, key: str) -> bool:
        """Whether a key was seen."""
        ...

    def short(self, topic: str, *, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """Keys behind ``after`` that were seen less often than expected, in order, and how often."""
        ...

    def over(self, topic: str, *, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """Keys behind ``after`` that were seen more often than expected, in order, and how often."""
        ...

    def expected(self, topic: str, *, after: str, limit: int) -> Sequence[str]:
        """Keys behind ``after`` that are expected, in order."""
        ...

    def drawn(self, topic: str, count: int) -> Sequence[str]:
        """At most ``count`` of the expected keys, drawn at random."""
        ...

    def close(self) -> None:
        """Forget everything."""
        ...
