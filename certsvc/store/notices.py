"""Notices to holders: lines of their page, the queue of messages, and the record of service (送达)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, exists, select, text, update

from certsvc.license.notices import UNREAD, ClaimedNotice, Notice, NoticeKind, NoticeState, Service, Way
from certsvc.store.newest import newest_of
from certsvc.store.people import person, plain
from certsvc.store.tables_uses import OPEN_NOTICE, WAITING_NOTICE, notices
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_N = notices.c
_TEXT = "notices.text"
_SERVICE = "notices.service"
_RECIPIENT = "notices.recipient"
_WAITS = text(WAITING_NOTICE)
_IS = _N.notice_id == bindparam("which")
_HELD = _N.claim_token == bindparam("token")
_NOT_READ = _N.state.in_(sorted(state.value for state in UNREAD))

_BY_ID = select(*_N).where(_IS)
_OF = newest_of(notices, _N.version_id, _N.at, _N.notice_id)
_OPEN = (
    select(*_N)
    .where(text(OPEN_NOTICE), _N.state == bindparam("how"), _N.notice_id > bindparam("behind"))
    .order_by(_N.notice_id)
    .limit(bindparam("most"))
)
_OPEN_OF = _OPEN.where(_N.authority_code == bindparam("body"))

_QUEUE = notices.alias("queue")
_FIRST = notices.alias("first")
_BEHIND_ANOTHER = exists().where(
    text(f"first.{WAITING_NOTICE}"),
    _FIRST.c.version_id == _QUEUE.c.version_id,
    _FIRST.c.way == _QUEUE.c.way,
    (_FIRST.c.at < _QUEUE.c.at) | ((_FIRST.c.at == _QUEUE.c.at) & (_FIRST.c.notice_id < _QUEUE.c.notice_id)),
)
_DUE = (
    select(_QUEUE.c.notice_id)
    .where(
        text(f"queue.{WAITING_NOTICE}"),
        _QUEUE.c.way == bindparam("by"),
        _QUEUE.c.ready_at <= bindparam("now"),
        ~_BEHIND_ANOTHER,
    )
    .order_by(_QUEUE.c.ready_at, _QUEUE.c.notice_id)
    .limit(1)
)
_CLAIM = (
    update(notices)
    .where(_N.notice_id == _DUE.with_for_update(skip_locked=True, of=_QUEUE).scalar_subquery())
    .values(claim_token=bindparam("token"), ready_at=bindparam("lease_end"), attempts=_N.attempts + 1)
    .returning(*_N)
)
_SENT = (
    update(notices)
    .where(_IS, _HELD)
    .values(
        state=case((_WAITS, NoticeState.SENT.value), else_=_N.state),
        claim_token="",
        sent_at=bindparam("now"),
        service=bindparam("kept"),
    )
)
_PUT_OFF = (
    update(notices)
    .where(_IS, _HELD, _WAITS)
    .values(way=bindparam("by"), attempts=bindparam("made"), ready_at=bindparam("due"), claim_token="")
)
_FAIL = (
    update(notices)
    .where(_IS, _HELD, _WAITS)
    .values(
        state=NoticeState.FAILED.value,
        reason=bindparam("why"),
        ended_at=bindparam("now"),
        service=bindparam("kept"),
        claim_token="",
    )
)
_READ = (
    update(notices)
    .where(_N.notice_id.in_(bindparam("these", expanding=True)), _NOT_READ)
    .values(
        state=NoticeState.READ.value,
        ended_at=bindparam("now"),
        way=case((_N.state == NoticeState.SENT.value, _N.way), else_=Way.PAGE.value),
    )
    .returning(_N.notice_id)
)
_SERVE = (
    update(notices)
    .where(_IS, _NOT_READ)
    .values(
        state=NoticeState.SERVED.value,
        way=bindparam("by"),
        ended_at=bindparam("now"),
        service=bindparam("kept"),
        claim_token="",
    )
)
_RESEND = (
    update(notices)
    .where(_IS, _N.state == NoticeState.FAILED.value)
    .values(
        state=NoticeState.WAITING.value,
        way=bindparam("by"),
        attempts=0,
        ready_at=bindparam("now"),
        reason="",
        ended_at=None,
    )
)


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, notices)


class NoticeRows:
    """Implements ``notice_ports.Notices``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, *made: Notice) -> None:
        """Store."""
        if made:
            self._tx.changed_all(_insert(self._tx.dialect), [self._row(notice) for notice in made])

    def by_id(self, notice_id: str) -> Notice | None:
        """The notice."""
        row = self._tx.row(_BY_ID, which=notice_id)
        return None if row is None else self._notice(row)

    def of_versions(
        self, version_ids: Sequence[str], *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Notice]:
        """Notices about these versions, newest first."""
        return [self._notice(row) for row in _OF.rows(self._tx, version_ids, limit=limit, behind=behind)]

    def open(self, state: NoticeState, *, authority_code: str, behind: str, limit: int) -> Sequence[Notice]:
        """Waiting or failed ones, oldest first."""
        values = {"how": state.value, "behind": behind, "most": limit}
        if authority_code:
            rows = self._tx.rows(_OPEN_OF, body=authority_code, **values)
        else:
            rows = self._tx.rows(_OPEN, **values)
        return [self._notice(row) for row in rows]

    def is_due(self, way: Way, *, now: datetime) -> bool:
        """Whether :meth:`claim` would find one."""
        return self._tx.row(_DUE, by=way.value, now=now) is not None

    def claim(self, way: Way, *, token: str, now: datetime, lease_s: int) -> ClaimedNotice | None:
        """Take the notice that is due longest for a way."""
        end = now + timedelta(seconds=lease_s)
        row = self._tx.row(_CLAIM, by=way.value, token=token, now=now, lease_end=end)
        return None if row is None else ClaimedNotice(notice=self._notice(row), token=token)

    def sent(self, claim: ClaimedNotice, service: Service, *, now: datetime) -> bool:
        """A gateway took it."""
        which = claim.notice.notice_id
        kept = self._service(service, which)
        return self._tx.changed(_SENT, which=which, token=claim.token, now=now, kept=kept) == 1

    def put_off(self, claim: ClaimedNotice, *, way: Way, attempts: int, ready_at: datetime) -> bool:
        """It is tried again."""
        which = claim.notice.notice_id
        values = {"by": way.value, "made": attempts, "due": ready_at}
        return self._tx.changed(_PUT_OFF, which=which, token=claim.token, **values) == 1

    def fail(self, claim: ClaimedNotice, service: Service, *, reason: str, now: datetime) -> bool:
        """No way is left."""
        which = claim.notice.notice_id
        kept = self._service(service, which)
        return self._tx.changed(_FAIL, which=which, token=claim.token, why=reason, now=now, kept=kept) == 1

    def read(self, notice_ids: Sequence[str], *, now: datetime) -> Sequence[str]:
        """Mark those that were not read or served yet."""
        return [row["notice_id"] for row in self._tx.rows(_READ, these=list(notice_ids), now=now)]

    def serve(self, notice_id: str, way: Way, service: Service, *, now: datetime) -> bool:
        """Staff served it by hand."""
        kept = self._service(service, notice_id)
        return self._tx.changed(_SERVE, which=notice_id, by=way.value, kept=kept, now=now) == 1

    def resend(self, notice_id: str, way: Way, *, now: datetime) -> bool:
        """Let a failed one wait again."""
        return self._tx.changed(_RESEND, which=notice_id, by=way.value, now=now) == 1

    def _row(self, notice: Notice) -> dict[str, Any]:
        return {
            "notice_id": notice.notice_id,
            "version_id": notice.version_id,
            "kind": notice.kind.value,
            "text": self._tx.seal(notice.text, _TEXT, notice.notice_id),
            "at": notice.at,
            "about": notice.about,
            "authority_code": notice.authority_code,
            "state": notice.state.value,
            "way": notice.way.value,
            "attempts": notice.attempts,
            "ready_at": notice.ready_at,
            "reason": notice.reason,
            "sent_at": notice.sent_at,
            "ended_at": notice.ended_at,
            "service": None if notice.service == Service() else self._service(notice.service, notice.notice_id),
            "recipient": None
            if notice.recipient is None
            else self._tx.seal_json(plain(notice.recipient), _RECIPIENT, notice.notice_id),
        }

    def _service(self, service: Service, notice_id: str) -> bytes:
        value = {
            "to": service.to,
            "served_on": service.served_on.isoformat() if service.served_on else "",
            "note": service.note,
            "by": service.by,
        }
        return self._tx.seal_json(value, _SERVICE, notice_id)

    def _notice(self, row: RowMapping) -> Notice:
        values: dict[str, Any] = {**row, "kind": as_word(NoticeKind, row["kind"])}
        del values["claim_token"]
        values["text"] = self._tx.open(row["text"], _TEXT, row["notice_id"])
        values["state"] = as_word(NoticeState, row["state"])
        values["way"] = as_word(Way, row["way"])
        kept = row["service"]
        values["service"] = Service() if kept is None else self._service_in(kept, row["notice_id"])
        told = row["recipient"]
        values["recipient"] = None if told is None else person(self._tx.open_json(told, _RECIPIENT, row["notice_id"]))
        return Notice(**values)

    def _service_in(self, kept: bytes, notice_id: str) -> Service:
        value = self._tx.open_json(kept, _SERVICE, notice_id)
        day = value["served_on"]
        return Service(
            to=value["to"],
            served_on=date.fromisoformat(day) if day else None,
            note=value["note"],
            by=value["by"],
        )
