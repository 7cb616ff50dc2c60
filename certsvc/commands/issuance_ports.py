"""What the store offers the issue spine before there is a license: requests, and what is about to be issued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from certsvc.license.request import Lane

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from certsvc.license.model import IssueIntent
    from certsvc.license.request import ClaimedRequest, IssuanceRequest, RequestState


class Requests(Protocol):
    """Issuance requests and the queue that they are."""

    def insert(self, request: IssuanceRequest) -> bool:
        """Store; False when one of its unique keys is taken (business key; caller + idempotency key; source + id)."""
        ...

    def insert_all(self, several: Sequence[IssuanceRequest]) -> Collection[str]:
        """Store those of which no unique key is taken, also not by one before it; their ids."""
        ...

    def by_id(self, request_id: str) -> IssuanceRequest | None:
        """The request."""
        ...

    def by_ids(self, request_ids: Collection[str]) -> Mapping[str, IssuanceRequest]:
        """Those of the requests that there are, by id."""
        ...

    def by_idempotency_key(self, caller: str, key: str) -> IssuanceRequest | None:
        """The request that this caller sent under this key."""
        ...

    def by_event(self, caller: str, source: str, event_id: str) -> IssuanceRequest | None:
        """The request that came as this event from this caller."""
        ...

    def by_business_key(
        self, authority_code: str, business_no: str, type_slug: str, action: str
    ) -> IssuanceRequest | None:
        """The request under this business key."""
        ...

    def claim(
        self, *, worker: str, token: str, now: datetime, lease_s: int, up_to: Lane = Lane.BACKFILL
    ) -> ClaimedRequest | None:
        """Take the oldest request of the first lane that has one accepted, or failed and due, or whose lease ran out.

        No lane behind ``up_to`` is looked at. Its attempts grow by one.

        A guarded UPDATE … RETURNING: two workers never hold the same request.
        """
        ...

    def claim_some(
        self, *, worker: str, token: str, now: datetime, lease_s: int, lane: Lane, limit: int
    ) -> Sequence[ClaimedRequest]:
        """Take at most ``limit`` requests of one lane that could be claimed, the oldest first; as :meth:`claim`."""
        ...

    def newest_waiting(self, lane: Lane) -> datetime | None:
        """When the newest request of a lane that has not ended was made, claimed or not; None when there is none."""
        ...

    def finish(self, ended: Sequence[tuple[str, str, str]], *, now: datetime) -> int:
        """To ``issued``: ids of requests with the tokens of their claims and their versions; how many were held.

        A caller who finds fewer than it asked for leaves the unit of work, for nobody knows which.
        """
        ...

    def refuse(self, request_id: str, *, claim_token: str, code: str, detail: str, now: datetime) -> bool:
        """To ``refused`` with the reason; False when the claim was lost."""
        ...

    def fail(
        self, request_id: str, *, claim_token: str, code: str, detail: str, next_try_at: datetime, now: datetime
    ) -> bool:
        """To ``failed``, to be tried again; False when the claim was lost."""
        ...

    def counts(self) -> dict[str, int]:
        """How many requests stand in each state."""
        ...

    def of_case(
        self, case_no: str, *, caller: str, behind: str, limit: int, body: str = ""
    ) -> Sequence[IssuanceRequest]:
        """Requests of a case behind a request id, to one body (USCC), of one caller, or all, oldest first."""
        ...

    def case_counts(self, case_no: str, *, caller: str) -> dict[RequestState, int]:
        """How many of them stand in each state; a state without any is left out."""
        ...

    def stuck(self, *, before: datetime, limit: int) -> Sequence[IssuanceRequest]:
        """Requests not ended and not touched since ``before``, oldest first."""
        ...


class Intents(Protocol):
    """What is about to be issued."""

    def by_requests(self, request_ids: Sequence[str]) -> Mapping[str, IssueIntent]:
        """The intents stored for these requests, where a run got that far, by request."""
        ...

    def insert_all(self, made: Sequence[IssueIntent]) -> None:
        """Store; IntegrityError when a request has one or an identifier is taken."""
        ...

    def renew(self, request_ids: Sequence[str], *, signed_at: datetime) -> None:
        """Set the sealing time of unregistered intents: a run that resumes seals now, not when it first began."""
        ...

    def drop(self, request_id: str) -> None:
        """Forget the intent of a refused request: nothing was handed out, so its identifier is free again."""
        ...

    def next_numbers(self, series: str, count: int) -> range:
        """The next ``count`` numbers of a series (from 1), taken within this transaction; none is ever given twice."""
        ...

    def raise_number(self, series: str, *, to: int) -> None:
        """Let a series go on behind ``to``, if it has not come so far: numbers that were given before this service."""
        ...

    def without_result(self, *, before: datetime, limit: int) -> Sequence[IssueIntent]:
        """Intents older than ``before`` whose license was not registered: the reconciler's list."""
        ...
