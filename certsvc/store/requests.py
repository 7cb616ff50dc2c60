"""Issuance requests and the queue that they are."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, text, update

from certsvc.license.request import ClaimedRequest, IssuanceRequest, Lane, RequestState
from certsvc.store.request_payloads import payload_in, payload_out
from certsvc.store.tables import OF_A_CASE, OPEN_REQUEST, requests
from certsvc.store.tallies import Noun, Tallies
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_C = requests.c
_PAYLOAD = "requests.payload"
_REASON = "requests.reason_detail"
_IS_OPEN = text(OPEN_REQUEST)

_ALL = select(*_C)
_BY_ID = _ALL.where(_C.request_id == bindparam("which"))
_BY_IDS = _ALL.where(_C.request_id.in_(bindparam("which", expanding=True)))
_BY_IDEMPOTENCY_KEY = _ALL.where(_C.caller == bindparam("by"), _C.idempotency_key == bindparam("key"))
_BY_EVENT = _ALL.where(
    _C.caller == bindparam("by"), _C.event_source == bindparam("source"), _C.event_id == bindparam("event")
)
_BY_BUSINESS_KEY = _ALL.where(
    _C.authority_code == bindparam("authority"),
    _C.business_no == bindparam("business"),
    _C.type_slug == bindparam("slug"),
    _C.action == bindparam("what"),
)
_STUCK = _ALL.where(_IS_OPEN, _C.updated_at < bindparam("before")).order_by(_C.updated_at).limit(bindparam("most"))
_OF_CASE = (
    _ALL.where(text(OF_A_CASE), _C.case_no == bindparam("case"), _C.request_id > bindparam("behind"))
    .order_by(_C.request_id)
    .limit(bindparam("most"))
)
_OF_CASE_BY = _OF_CASE.where(_C.caller == bindparam("by"))
_OF_CASE_IN = _OF_CASE.where(_C.authority_code == bindparam("body"))
_CASE_COUNTS = (
    select(_C.state, func.count().label("value"))
    .where(text(OF_A_CASE), _C.case_no == bindparam("case"))
    .group_by(_C.state)
)
_CASE_COUNTS_BY = _CASE_COUNTS.where(_C.caller == bindparam("by"))
_OPEN_COUNTS = select(_C.state, func.count().label("value")).where(_IS_OPEN).group_by(_C.state)

_QUEUE = requests.alias("queue")
_OLDEST_READY = (
    select(_QUEUE.c.request_id)
    .where(text(f"queue.{OPEN_REQUEST}"), _QUEUE.c.lane <= bindparam("line"), _QUEUE.c.ready_at <= bindparam("now"))
    .order_by(_QUEUE.c.lane, _QUEUE.c.created_at, _QUEUE.c.request_id)
    .limit(1)
    .with_for_update(skip_locked=True)  # PostgreSQL: two workers never wait for one row; SQLite has one writer anyway
    .scalar_subquery()
)
_READY_OF_LANE = (
    select(_QUEUE.c.request_id)
    .where(text(f"queue.{OPEN_REQUEST}"), _QUEUE.c.lane == bindparam("line"), _QUEUE.c.ready_at <= bindparam("now"))
    .order_by(_QUEUE.c.created_at, _QUEUE.c.request_id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("ready")  # PostgreSQL carries it out once, because it locks
)
_NEWEST_OF_LANE = (
    select(_C.created_at)
    .where(_IS_OPEN, _C.lane == bindparam("line"))
    .order_by(_C.created_at.desc(), _C.request_id.desc())
    .limit(1)
)
_TAKEN = {
    "claimed_by": bindparam("worker"),
    "claim_token": bindparam("token"),
    "ready_at": bindparam("lease_end"),
    "attempts": _C.attempts + 1,
    "updated_at": bindparam("now"),
}
_CLAIM_SOME = (
    update(requests).where(_C.request_id.in_(select(_READY_OF_LANE.c.request_id))).values(**_TAKEN).returning(*_C)
)
_CLAIM = update(requests).where(_C.request_id == _OLDEST_READY).values(**_TAKEN).returning(*_C)


def _end(**values: Any) -> Any:
    """An UPDATE that the holder of the claim may make; it gives the claim back."""
    return (
        update(requests)
        .where(_C.request_id == bindparam("which"), _C.claim_token == bindparam("token"), _IS_OPEN)
        .values(claim_token=None, claimed_by=None, updated_at=bindparam("now"), **values)
    )


_FINISH = _end(state=RequestState.ISSUED.value, version_id=bindparam("version"), reason_code="", reason_detail=None)
_REFUSE = _end(state=RequestState.REFUSED.value, reason_code=bindparam("code"), reason_detail=bindparam("detail"))
_FAIL = _end(
    state=RequestState.FAILED.value,
    reason_code=bindparam("code"),
    reason_detail=bindparam("detail"),
    ready_at=bindparam("next_try"),
)


@cache
def _insert(dialect: str) -> Insert:
    """Whatever unique key is taken, nothing is written."""
    return insert_into(dialect, requests).on_conflict_do_nothing()


class RequestRows:
    """Implements ``store_ports.Requests``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, request: IssuanceRequest) -> bool:
        """Store; False when one of its unique keys is taken."""
        return self._tx.changed(_insert(self._tx.dialect), **self._values(request)) == 1

    def insert_all(self, several: Sequence[IssuanceRequest]) -> Collection[str]:
        """Store those of which no unique key is taken, also not by one before it; their ids.

        In the order of their business keys, so that two transactions with some in common do not wait for each other.
        """
        rows = [self._values(request) for request in several]
        rows.sort(key=itemgetter("authority_code", "business_no", "type_slug", "action"))
        return {row["request_id"] for row in self._tx.insert_new_rows(requests, rows, telling="request_id")}

    def by_id(self, request_id: str) -> IssuanceRequest | None:
        """The request."""
        return self._first(self._tx.row(_BY_ID, which=request_id))

    def by_ids(self, request_ids: Collection[str]) -> Mapping[str, IssuanceRequest]:
        """Those of the requests that there are, by id."""
        rows = self._tx.rows(_BY_IDS, which=sorted(set(request_ids))) if request_ids else ()
        return {row["request_id"]: self._request(row) for row in rows}

    def by_idempotency_key(self, caller: str, key: str) -> IssuanceRequest | None:
        """The request that this caller sent under this key."""
        return self._first(self._tx.row(_BY_IDEMPOTENCY_KEY, by=caller, key=key))

    def by_event(self, caller: str, source: str, event_id: str) -> IssuanceRequest | None:
        """The request that came as this event from this caller."""
        return self._first(self._tx.row(_BY_EVENT, by=caller, source=source, event=event_id))

    def by_business_key(
        self, authority_code: str, business_no: str, type_slug: str, action: str
    ) -> IssuanceRequest | None:
        """The request under this business key."""
        found = self._tx.row(
            _BY_BUSINESS_KEY, authority=authority_code, business=business_no, slug=type_slug, what=str(action)
        )
        return self._first(found)

    def claim(
        self, *, worker: str, token: str, now: datetime, lease_s: int, up_to: Lane = Lane.BACKFILL
    ) -> ClaimedRequest | None:
        """Take the oldest request of the first lane that has one accepted, or failed and due, or whose lease ran out.

        No lane behind ``up_to`` is looked at. Its attempts grow by one.

        ``ready_at`` says all three: it is the creation, the next try or the end of the lease.
        """
        end = now + timedelta(seconds=lease_s)
        row = self._tx.row(_CLAIM, worker=worker, token=token, now=now, lease_end=end, line=int(up_to))
        return None if row is None else ClaimedRequest(request=self._request(row), claim_token=token)

    def claim_some(
        self, *, worker: str, token: str, now: datetime, lease_s: int, lane: Lane, limit: int
    ) -> Sequence[ClaimedRequest]:
        """Take at most ``limit`` requests of one lane that could be claimed, the oldest first; as :meth:`claim`."""
        end = now + timedelta(seconds=lease_s)
        rows = self._tx.rows(
            _CLAIM_SOME, worker=worker, token=token, now=now, lease_end=end, line=int(lane), most=limit
        )
        found = [ClaimedRequest(request=self._request(row), claim_token=token) for row in rows]
        return sorted(found, key=lambda one: (one.request.created_at, one.request.request_id))

    def newest_waiting(self, lane: Lane) -> datetime | None:
        """When the newest request of a lane that has not ended was made, claimed or not; None when there is none."""
        row = self._tx.row(_NEWEST_OF_LANE, line=int(lane))
        found: datetime | None = row["created_at"] if row else None
        return found

    def finish(self, ended: Sequence[tuple[str, str, str]], *, now: datetime) -> int:
        """To ``issued``: ids of requests with the tokens of their claims and their versions; how many were held."""
        rows = [
            {"which": request_id, "token": token, "version": version_id, "now": now}
            for request_id, token, version_id in ended
        ]
        done = self._tx.changed_all(_FINISH, rows)
        if done:
            Tallies(self._tx).add(Noun.REQUEST, {RequestState.ISSUED.value: done})
        return done

    def refuse(self, request_id: str, *, claim_token: str, code: str, detail: str, now: datetime) -> bool:
        """To ``refused`` with the reason; False when the claim was lost."""
        sealed = self._reason(detail, request_id)
        if self._tx.changed(_REFUSE, which=request_id, token=claim_token, code=code, detail=sealed, now=now) == 0:
            return False
        Tallies(self._tx).add(Noun.REQUEST, {RequestState.REFUSED.value: 1})
        return True

    def fail(
        self, request_id: str, *, claim_token: str, code: str, detail: str, next_try_at: datetime, now: datetime
    ) -> bool:
        """To ``failed``, to be tried again; False when the claim was lost."""
        sealed = self._reason(detail, request_id)
        changed = self._tx.changed(
            _FAIL, which=request_id, token=claim_token, code=code, detail=sealed, next_try=next_try_at, now=now
        )
        return changed == 1

    def counts(self) -> dict[str, int]:
        """How many requests stand in each state: the backlog is counted, the ended ones are tallied."""
        found = dict.fromkeys((state.value for state in RequestState), 0)
        found.update(Tallies(self._tx).of(Noun.REQUEST))
        found.update({row["state"]: row["value"] for row in self._tx.rows(_OPEN_COUNTS)})
        return found

    def of_case(
        self, case_no: str, *, caller: str, behind: str, limit: int, body: str = ""
    ) -> Sequence[IssuanceRequest]:
        """Requests of a case behind a request id, oldest first."""
        named = {"body": body} if body else {"by": caller} if caller else {}
        statement = _OF_CASE_IN if body else _OF_CASE_BY if caller else _OF_CASE
        rows = self._tx.rows(statement, case=case_no, behind=behind, most=limit, **named)
        return [self._request(row) for row in rows]

    def case_counts(self, case_no: str, *, caller: str) -> dict[RequestState, int]:
        """How many of them stand in each state."""
        if caller:
            rows = self._tx.rows(_CASE_COUNTS_BY, case=case_no, by=caller)
        else:
            rows = self._tx.rows(_CASE_COUNTS, case=case_no)
        return {as_word(RequestState, row["state"]): row["value"] for row in rows}

    def stuck(self, *, before: datetime, limit: int) -> Sequence[IssuanceRequest]:
        """Requests not ended and not touched since ``before``, oldest first."""
        return [self._request(row) for row in self._tx.rows(_STUCK, before=before, most=limit)]

    def _values(self, request: IssuanceRequest) -> dict[str, Any]:
        payload = request.payload
        return {
            "request_id": request.request_id,
            "caller": request.caller,
            "authority_code": payload.authority_code,
            "business_no": payload.business_no,
            "type_slug": payload.type_slug,
            "action": payload.action.value,
            "payload": self._tx.seal_json(payload_out(payload), _PAYLOAD, request.request_id),
            "body_hash": request.body_hash,
            "idempotency_key": request.idempotency_key or None,
            "event_source": request.event_source or None,
            "event_id": request.event_id or None,
            "photo_id": request.photo_id,
            "state": request.state.value,
            "attempts": request.attempts,
            "reason_code": request.reason_code,
            "reason_detail": self._reason(request.reason_detail, request.request_id),
            "version_id": request.version_id,
            "ready_at": request.created_at,
            "created_at": request.created_at,
            "updated_at": request.updated_at,
            "lane": int(request.lane),
            "case_no": payload.case_no,
            "traceparent": request.traceparent,
        }

    def _reason(self, detail: str, request_id: str) -> bytes | None:
        return self._tx.seal(detail, _REASON, request_id) if detail else None

    def _first(self, row: RowMapping | None) -> IssuanceRequest | None:
        return None if row is None else self._request(row)

    def _request(self, row: RowMapping) -> IssuanceRequest:
        request_id: str = row["request_id"]
        reason = row["reason_detail"]
        return IssuanceRequest(
            request_id=request_id,
            caller=row["caller"],
            payload=payload_in(self._tx.open_json(row["payload"], _PAYLOAD, request_id)),
            body_hash=row["body_hash"],
            idempotency_key=row["idempotency_key"] or "",
            event_source=row["event_source"] or "",
            event_id=row["event_id"] or "",
            photo_id=row["photo_id"],
            state=as_word(RequestState, row["state"]),
            attempts=row["attempts"],
            reason_code=row["reason_code"],
            reason_detail="" if reason is None else self._tx.open(reason, _REASON, request_id),
            version_id=row["version_id"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            lane=as_word(Lane, row["lane"]),
            traceparent=row["traceparent"],
        )
