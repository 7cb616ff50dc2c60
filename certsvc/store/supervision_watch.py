"""What is late, read from the rows of each noun along the index of what is open: backlogs only, never a register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, bindparam, exists, literal, select, text

from certsvc.license.complaints import ComplaintState
from certsvc.license.notices import NoticeKind
from certsvc.license.request import Lane
from certsvc.license.supervision import ClockKind
from certsvc.store.case_clocks import HANDLER
from certsvc.store.tables import OPEN_REQUEST, licenses, requests
from certsvc.store.tables_consents import UNDECIDED, disputes
from certsvc.store.tables_copies import OPEN_ALERT, alerts
from certsvc.store.tables_counter import UNANSWERED, counter_tickets
from certsvc.store.tables_supervision import (
    OPEN_MEND,
    RUNNING_CASE,
    RUNNING_COMPLAINT,
    complaints,
    services,
    supervision_cards,
    supervision_cases,
)
from certsvc.store.tables_uses import OPEN_NOTICE, notices

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """How one clock is read.

    Attributes:
        by_day: by last day, else by beginning.
        older: whether the noun is older than supervision: what began before it was never warned and gets no card. Where
            supervision brought the noun itself there is no such past, and a beginning that a body reports wins nothing.
        handler: context of an encrypted handler.
    """

    statement: Select[Any]
    by_day: bool
    older: bool = False
    handler: str = ""


_CARD = supervision_cards.c
_NOBODY: ColumnElement[str] = literal("")


def _uncarded(clock: ClockKind, subject: ColumnElement[str]) -> ColumnElement[bool]:
    return ~exists().where(
        _CARD.clock == clock.value, _CARD.subject == subject, _CARD.colour.in_(bindparam("colours", expanding=True))
    )


def _row(*columns: ColumnElement[Any]) -> Select[Any]:
    names = ("subject", "department", "handler", "about", "since", "due_on")
    return select(*(column.label(name) for column, name in zip(columns, names, strict=False)))


_R, _N, _T, _D, _A = requests.c, notices.c, counter_tickets.c, disputes.c, alerts.c
_C, _S, _P = supervision_cases.c, services.c, complaints.c
_MOMENT = bindparam("moment", type_=_R.created_at.type)
_DUE = bindparam("due", type_=_T.due_on.type)
_BEGAN = bindparam("began", type_=_R.created_at.type)
_MOST = bindparam("most", type_=Integer())


def _complaint(clock: ClockKind, state: ComplaintState) -> Watched:
    statement = (
        _row(_P.complaint_id, _P.authority_code, _P.handler, _P.matter_code, _P.filed_at, _P.due_on)
        .where(text(RUNNING_COMPLAINT), _P.state == state.value, _P.due_on <= _DUE, _uncarded(clock, _P.complaint_id))
        .limit(_MOST)
    )
    return Watched(statement=statement, by_day=True)


WATCHED: dict[ClockKind, Watched] = {
    ClockKind.ISSUING: Watched(
        statement=_row(_R.request_id, _R.authority_code, _R.caller, _R.type_slug, _R.created_at)
        .where(
            text(OPEN_REQUEST),
            _R.created_at < _MOMENT,
            _R.created_at >= _BEGAN,
            # 存量 waits for what is left of the workers: its age says nothing about anybody.
            _R.lane != int(Lane.BACKFILL),
            _uncarded(ClockKind.ISSUING, _R.request_id),
        )
        .order_by(_R.created_at, _R.request_id)
        .limit(_MOST),
        by_day=False,
        older=True,
    ),
    # Without a way to the holder the notice stands on the own page, which is service; only what was to be sent is open.
    ClockKind.DELIVERING: Watched(
        statement=_row(_N.notice_id, licenses.c.issuer_code, _NOBODY, licenses.c.type_slug, _N.at)
        .join_from(notices, licenses, licenses.c.version_id == _N.version_id)
        .where(
            text(f"notices.{OPEN_NOTICE}"),
            _N.kind == NoticeKind.ISSUED.value,
            _N.at < _MOMENT,
            _N.at >= _BEGAN,
            _uncarded(ClockKind.DELIVERING, _N.notice_id),
        )
        .limit(_MOST),
        by_day=False,
        older=True,
    ),
    ClockKind.ALERT: Watched(
        statement=_row(_A.alert_id, _A.authority_code, _A.client_id, _A.license_type, _A.created_at)
        .where(
            text(OPEN_ALERT),
            _A.created_at < _MOMENT,
            _A.created_at >= _BEGAN,
            _uncarded(ClockKind.ALERT, _A.alert_id),
        )
        .order_by(_A.created_at, _A.alert_id)
        .limit(_MOST),
        by_day=False,
        older=True,
    ),
    ClockKind.TICKET: Watched(
        statement=_row(_T.ticket_id, _T.issuer_code, _T.handler, _T.type_slug, _T.opened_at, _T.due_on)
        .where(text(UNANSWERED), _T.due_on <= _DUE, _T.opened_at >= _BEGAN, _uncarded(ClockKind.TICKET, _T.ticket_id))
        .order_by(_T.due_on, _T.ticket_id)
        .limit(_MOST),
        by_day=True,
        older=True,
    ),
    ClockKind.DISPUTE: Watched(
        statement=_row(_D.dispute_id, _D.authority_code, _D.handler, _NOBODY, _D.filed_at, _D.due_on)
        .where(text(UNDECIDED), _D.due_on <= _DUE, _D.filed_at >= _BEGAN, _uncarded(ClockKind.DISPUTE, _D.dispute_id))
        .order_by(_D.due_on, _D.dispute_id)
        .limit(_MOST),
        by_day=True,
        older=True,
    ),
    ClockKind.CASE: Watched(
        statement=_row(_C.case_id, _C.authority_code, _C.handler, _C.matter_code, _C.accepted_at, _C.due_on)
        .where(text(RUNNING_CASE), _C.due_on <= _DUE, _uncarded(ClockKind.CASE, _C.case_id))
        .order_by(_C.due_on, _C.case_id)
        .limit(_MOST),
        by_day=True,
        handler=HANDLER,
    ),
    ClockKind.MEND: Watched(
        statement=_row(_S.service_id, _S.authority_code, _S.personal, _S.matter_code, _S.rated_at, _S.due_on)
        .where(text(OPEN_MEND), _S.due_on <= _DUE, _uncarded(ClockKind.MEND, _S.service_id))
        .order_by(_S.due_on, _S.service_id)
        .limit(_MOST),
        by_day=True,
        handler="services.personal",
    ),
    ClockKind.COMPLAINT: _complaint(ClockKind.COMPLAINT, ComplaintState.FILED),
    ClockKind.COMPLAINT_ANSWER: _complaint(ClockKind.COMPLAINT_ANSWER, ComplaintState.ACCEPTED),
}
