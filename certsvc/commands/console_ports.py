"""What the store offers the console: searches across bodies, the backlog by reason, sums per day, leaves by place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from certsvc.license.figures import DayCount
    from certsvc.license.model import LicenseVersion
    from certsvc.license.request import IssuanceRequest, RequestState


class ConsoleRows(Protocol):
    """Every answer is read through an index and limited: what operators look at must not slow what people wait for."""

    def numbered(self, type_slugs: Sequence[str], number: str, *, limit: int) -> Sequence[LicenseVersion]:
        """The versions of any of these types with this 证照编号, newest first."""
        ...

    def newest_behind(
        self, version_id: str, *, type_slug: str, state: str, look_at: int, limit: int
    ) -> tuple[Sequence[LicenseVersion], str]:
        """Versions older than one (empty: than none), newest first, and behind which to go on; empty at the end.

        At most ``look_at`` rows are looked at, so that there may be fewer than ``limit`` with more behind the place.
        """
        ...

    def of_business(self, authority_codes: Sequence[str], business_no: str, *, limit: int) -> Sequence[IssuanceRequest]:
        """The requests of any of these bodies under this 业务流水号, oldest first."""
        ...

    def backlog(self, state: RequestState, *, before: datetime, most: int) -> Sequence[tuple[str, int, datetime]]:
        """Reason code, how many and since when, of at most ``most`` failed or accepted requests.

        Those not touched since ``before``, the oldest first.
        """
        ...

    def oldest(
        self, state: RequestState, *, before: datetime, limit: int, reason: str = ""
    ) -> Sequence[IssuanceRequest]:
        """The failed or accepted requests not touched for longest, since ``before``; failed ones of a reason alone."""
        ...

    def hasten(self, request_id: str, *, now: datetime) -> bool:
        """Let a failed request be tried at once, its attempts counted anew; False if it has not failed or is worked on.

        What was parked after its last try is issued no more until its attempts are counted anew.
        """
        ...

    def issued_daily(self, *, first: date, last: date) -> Sequence[DayCount]:
        """Licenses issued per day and type, over all bodies; ``department`` and ``about`` are empty."""
        ...

    def places(self) -> Mapping[str, int]:
        """Up to which position each consumer of events has come."""
        ...

    def leaves_before(self, position: int, *, limit: int) -> Sequence[tuple[int, str, str, datetime]]:
        """Position, id, kind and time of sequenced evidence before a position, newest first; nothing is decrypted."""
        ...

    def leaves_about(self, subject: str, position: int, *, limit: int) -> Sequence[tuple[int, str, str, datetime]]:
        """The same of the evidence about a subject that is in the index, newest first."""
        ...

    def leaf_at(self, position: int) -> tuple[int, datetime] | None:
        """Position and time of the first evidence at or behind a position."""
        ...
