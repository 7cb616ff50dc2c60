"""Use requests, consents at a counter, withheld uses, and counts of questions."""

from __future__ import annotations

import base64
import binascii
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, text, update

from certsvc.errors import IntegrityError
from certsvc.license.consents import (
    CounterConsent,
    Party,
    RequestState,
    UseRequest,
    Withholding,
    WithholdState,
)
from certsvc.store.newest import newest_of
from certsvc.store.people import blind_of, person, plain
from certsvc.store.tables import clients
from certsvc.store.tables_bases import (
    DECLINED,
    STILL_ASKED,
    ask_counts,
    counter_consents,
    use_parties,
    use_requests,
    withholdings,
)
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.license.model import Holder
    from certsvc.store.transaction import Transaction

_R, _P, _C, _W, _A = use_requests.c, use_parties.c, counter_consents.c, withholdings.c, ask_counts.c
_REQUEST, _PERSON, _COUNTER = "use_requests.circumstances", "use_parties.person", "counter_consents.circumstances"
_REQUEST_HOLDER, _PARTY_HOLDER = "use_requests.holder_blind", "use_parties.holder_blind"
_SIGNER, _LEGAL, _PICTURE, _ABOUT = (
    "counter_consents.signer_blind",
    "withholdings.legal_basis",
    "counter_consents.picture",
    "ask_counts.about_blind",
)
_ASKED = RequestState.ASKED.value

_HOLD_CLIENT = (
    select(clients.c.client_id).where(clients.c.client_id == bindparam("who")).with_for_update(key_share=True)
)
_STILL = (_R.client_id == bindparam("who"), text(f"use_requests.{STILL_ASKED}"), _R.lapses_at > bindparam("now"))
_COUNT = select(func.count().label("waiting")).select_from(use_requests).where(*_STILL)
_COUNT_FOR = _COUNT.where(_R.holder_blind == bindparam("whose"))
_DECLINED = (
    select(_R.request_id)
    .where(
        text(f"use_requests.{DECLINED}"),
        _R.holder_blind == bindparam("whose"),
        _R.matter_code == bindparam("matter"),
        _R.case_no == bindparam("case_no"),
        _R.closed_at > bindparam("since"),
    )
    .limit(1)
)
_OPEN_OF = select(*_R).where(*_STILL).order_by(_R.lapses_at, _R.request_id).limit(bindparam("most"))
_BY_IDS = select(*_R).where(_R.request_id.in_(bindparam("which", expanding=True)))
_HELD = select(*_R).where(_R.request_id == bindparam("which")).with_for_update()
_CLOSE = (
    update(use_requests)
    .where(_R.request_id == bindparam("which"), _R.state == _ASKED, _R.lapses_at > bindparam("now"))
    .values(state=bindparam("target"), closed_at=bindparam("now"))
)
_PARTIES_OF = select(*_P).where(_P.request_id == bindparam("which")).order_by(_P.party_id)
_PARTIES_WITH = newest_of(use_parties, _P.holder_blind, _P.created_at, _P.party_id)
_ANSWER = (
    update(use_parties)
    .where(_P.party_id == bindparam("which"), _P.state == _ASKED)
    .values(
        state=bindparam("target"),
        answered_by=bindparam("who"),
        answered_at=bindparam("now"),
        basis=bindparam("right"),
        basis_id=bindparam("right_id"),
        chosen=bindparam("licenses"),
    )
)
_COUNTER_BY_IDS = select(*_C).where(_C.consent_id.in_(bindparam("which", expanding=True)))
_WITHHOLDINGS = select(*_W).where(_W.withholding_id.in_(bindparam("which", expanding=True)))
_WITHHOLDINGS_OF = newest_of(withholdings, _W.authority_code, _W.asked_at, _W.withholding_id)
_DECIDE = (
    update(withholdings)
    .where(_W.withholding_id == bindparam("which"), _W.state == WithholdState.ASKED.value)
    .values(state=bindparam("target"), decided_by=bindparam("who"), decided_at=bindparam("now"))
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _count_ask(dialect: str) -> Any:
    """One more, unless there are as many as there may be."""
    made = insert_into(dialect, ask_counts).values(asked=1)
    return made.on_conflict_do_update(
        index_elements=[_A.client_id, _A.day, _A.about_blind],
        set_={"asked": _A.asked + 1},
        where=_A.asked < bindparam("most"),
    )


class BasisRows:
    """Implements ``basis_ports.Bases``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def hold_client(self, client_id: str) -> None:
        """Let no other transaction of this client count or ask until the end of this one."""
        self._tx.row(_HOLD_CLIENT, who=client_id)

    def count_open(self, client_id: str, holder: Holder | None, *, now: datetime) -> int:
        """How many requests of the client still wait, for this holder or for all."""
        if holder is None:
            row = self._tx.row(_COUNT, who=client_id, now=now)
        else:
            row = self._tx.row(_COUNT_FOR, who=client_id, now=now, whose=blind_of(self._tx, holder, _REQUEST_HOLDER))
        return 0 if row is None else int(row["waiting"])

    def declined(self, holder: Holder, matter_code: str, case_no: str, *, since: datetime) -> bool:
        """Whether this holder said no to a request for this case after ``since``, whichever client it was of."""
        whose = blind_of(self._tx, holder, _REQUEST_HOLDER)
        row = self._tx.row(_DECLINED, whose=whose, matter=matter_code, case_no=case_no, since=since)
        return row is not None

    def open_of(self, client_id: str, *, now: datetime, limit: int) -> Sequence[UseRequest]:
        """The requests of the client that still wait, in the order in which they lapse."""
        return [self._request(row) for row in self._tx.rows(_OPEN_OF, who=client_id, now=now, most=limit)]

    def insert_request(self, request: UseRequest) -> None:
        """Store."""
        kept = {"holder": plain(request.holder), "operator": request.operator, "purpose": request.purpose}
        self._tx.changed(
            _insert(self._tx.dialect, use_requests),
            request_id=request.request_id,
            client_id=request.client_id,
            client_name=request.client_name,
            authority_code=request.authority_code,
            matter_code=request.matter_code,
            case_no=request.case_no,
            holder_blind=blind_of(self._tx, request.holder, _REQUEST_HOLDER),
            circumstances=self._tx.seal_json(kept, _REQUEST, request.request_id),
            items=to_json({slug: list(keys) for slug, keys in request.items.items()}),
            created_at=request.created_at,
            lapses_at=request.lapses_at,
            until=request.until,
            state=request.state.value,
            closed_at=request.closed_at,
        )

    def request(self, request_id: str, *, hold: bool = False) -> UseRequest | None:
        """The request; held, nobody else answers it until the end of the transaction."""
        if hold:
            row = self._tx.row(_HELD, which=request_id)
            return None if row is None else self._request(row)
        return self.requests([request_id]).get(request_id)

    def requests(self, request_ids: Sequence[str]) -> Mapping[str, UseRequest]:
        """Those of these requests that there are, by id."""
        rows = self._tx.rows(_BY_IDS, which=sorted(set(request_ids))) if request_ids else ()
        return {row["request_id"]: self._request(row) for row in rows}

    def close_request(self, request_id: str, state: RequestState, *, now: datetime) -> bool:
        """``confirmed`` or ``declined``, if it still waits and is in time."""
        return self._tx.changed(_CLOSE, which=request_id, target=state.value, now=now) == 1

    def insert_party(self, party: Party) -> None:
        """Store."""
        self._tx.changed(
            _insert(self._tx.dialect, use_parties),
            party_id=party.party_id,
            request_id=party.request_id,
            holder_blind=blind_of(self._tx, party.holder, _PARTY_HOLDER),
            person=self._tx.seal_json(plain(party.holder), _PERSON, party.party_id),
            version_id=party.version_id,
            created_at=party.created_at,
            state=party.state.value,
            answered_by=party.answered_by,
            answered_at=party.answered_at,
            basis=party.basis,
            basis_id=party.basis_id,
            chosen=to_json(dict(party.chosen)),
        )

    def parties_of(self, request_id: str) -> Sequence[Party]:
        """Everybody who must confirm, as far as that is known."""
        return [self._party(row) for row in self._tx.rows(_PARTIES_OF, which=request_id)]

    def parties_with(self, holders: Sequence[Holder], *, limit: int) -> Sequence[Party]:
        """What these people and companies were asked, newest first."""
        blinds = [blind_of(self._tx, holder, _PARTY_HOLDER) for holder in holders]
        return [self._party(row) for row in _PARTIES_WITH.rows(self._tx, blinds, limit=limit)]

    def answer_party(self, answered: Party, *, now: datetime) -> bool:
        """Store an answer, once."""
        done = self._tx.changed(
            _ANSWER,
            which=answered.party_id,
            target=answered.state.value,
            who=answered.answered_by,
            right=answered.basis,
            right_id=answered.basis_id,
            licenses=to_json(dict(answered.chosen)),
            now=now,
        )
        return done == 1

    def insert_counter(self, consent: CounterConsent) -> None:
        """Store."""
        kept = {
            "holder": plain(consent.holder),
            "signer": plain(consent.signer),
            "operator": consent.operator,
            "purpose": consent.purpose,
        }
        self._tx.changed(
            _insert(self._tx.dialect, counter_consents),
            consent_id=consent.consent_id,
            client_id=consent.client_id,
            authority_code=consent.authority_code,
            clerk=consent.clerk,
            matter_code=consent.matter_code,
            case_no=consent.case_no,
            signer_blind=blind_of(self._tx, consent.signer, _SIGNER),
            circumstances=self._tx.seal_json(kept, _COUNTER, consent.consent_id),
            picture_sha256=consent.picture_sha256,
            object_name=consent.object_name,
            created_at=consent.created_at,
            expires_at=consent.expires_at,
        )

    def counters(self, consent_ids: Sequence[str]) -> Mapping[str, CounterConsent]:
        """Those of these consents that there are, by id."""
        rows = self._tx.rows(_COUNTER_BY_IDS, which=sorted(set(consent_ids))) if consent_ids else ()
        return {row["consent_id"]: self._counter(row) for row in rows}

    def seal_picture(self, consent_id: str, data: bytes) -> bytes:
        """The bytes of a picture as its object holds them: encrypted, bound to the consent."""
        return self._tx.seal(base64.b64encode(data).decode("ascii"), _PICTURE, consent_id)

    def open_picture(self, consent_id: str, sealed: bytes) -> bytes:
        """The bytes again; IntegrityError when they were changed or are another consent's."""
        try:
            return base64.b64decode(self._tx.open(sealed, _PICTURE, consent_id), validate=True)
        except binascii.Error as error:
            raise IntegrityError("现场授权照片内容已损坏，请从备份恢复") from error

    def insert_withholding(self, made: Withholding) -> None:
        """Store."""
        self._tx.changed(
            _insert(self._tx.dialect, withholdings),
            withholding_id=made.withholding_id,
            authority_code=made.authority_code,
            matter_code=made.matter_code,
            case_no=made.case_no,
            legal_basis=self._tx.seal(made.legal_basis, _LEGAL, made.withholding_id),
            until=made.until,
            asked_by=made.asked_by,
            asked_at=made.asked_at,
            state=made.state.value,
            decided_by=made.decided_by,
            decided_at=made.decided_at,
        )

    def withholdings(self, withholding_ids: Sequence[str]) -> Mapping[str, Withholding]:
        """Those of these that there are, by id."""
        rows = self._tx.rows(_WITHHOLDINGS, which=sorted(set(withholding_ids))) if withholding_ids else ()
        return {row["withholding_id"]: self._withholding(row) for row in rows}

    def withholdings_of(self, authority_code: str, *, limit: int) -> Sequence[Withholding]:
        """Those of this body, newest first."""
        return [self._withholding(row) for row in _WITHHOLDINGS_OF.rows(self._tx, [authority_code], limit=limit)]

    def decide_withholding(self, withholding_id: str, state: WithholdState, *, by: str, now: datetime) -> bool:
        """Approve or refuse, once."""
        return self._tx.changed(_DECIDE, which=withholding_id, target=state.value, who=by, now=now) == 1

    def count_ask(self, client_id: str, day: date, about: str, *, most: int) -> bool:
        """Count a question about a license or a person; False when the client asked ``most`` today."""
        blind = self._tx.blind(about, _ABOUT)
        statement = _count_ask(self._tx.dialect)
        return self._tx.changed(statement, client_id=client_id, day=day, about_blind=blind, most=most) == 1

    def _request(self, row: RowMapping) -> UseRequest:
        values: dict[str, Any] = dict(row)
        del values["holder_blind"]
        kept = self._tx.open_json(values.pop("circumstances"), _REQUEST, row["request_id"])
        values.update(kept, holder=person(kept["holder"]), state=as_word(RequestState, row["state"]))
        values["items"] = {slug: tuple(keys) for slug, keys in from_json(row["items"]).items()}
        return UseRequest(**values)

    def _party(self, row: RowMapping) -> Party:
        values: dict[str, Any] = dict(row)
        del values["holder_blind"]
        values["holder"] = person(self._tx.open_json(values.pop("person"), _PERSON, row["party_id"]))
        values["state"] = as_word(RequestState, row["state"])
        values["chosen"] = from_json(row["chosen"])
        return Party(**values)

    def _counter(self, row: RowMapping) -> CounterConsent:
        values: dict[str, Any] = dict(row)
        del values["signer_blind"]
        kept = self._tx.open_json(values.pop("circumstances"), _COUNTER, row["consent_id"])
        values.update(kept, holder=person(kept["holder"]), signer=person(kept["signer"]))
        return CounterConsent(**values)

    def _withholding(self, row: RowMapping) -> Withholding:
        values: dict[str, Any] = dict(row)
        values["legal_basis"] = self._tx.open(row["legal_basis"], _LEGAL, row["withholding_id"])
        values["state"] = as_word(WithholdState, row["state"])
        return Withholding(**values)
