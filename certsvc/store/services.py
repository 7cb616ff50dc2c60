"""好差评: completed services, their ratings, and what bad marks opened."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, select, text, update

from certsvc.license.ratings import Channel, MendState, Service
from certsvc.store.newest import newest_of
from certsvc.store.tables import OF_A_CASE, requests
from certsvc.store.tables_counter import counter_cases
from certsvc.store.tables_supervision import HAS_MEND, services, supervision_cases
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, RowMapping

    from certsvc.store.transaction import Transaction

_S = services.c
_COLUMNS = tuple(column for column in _S if column.name != "token_sha256")
_PERSONAL = "services.personal"
_WORDS = ("text", "answer", "follow_up")
_BY_ID = select(*_COLUMNS).where(_S.service_id == bindparam("which"))
_BY_TOKEN = select(*_COLUMNS).where(_S.token_sha256 == bindparam("which"))
_OF_CASE = select(*_COLUMNS).where(
    _S.authority_code == bindparam("body"), _S.case_no == bindparam("number"), _S.channel == bindparam("way")
)
_CASES = (
    select(supervision_cases.c.case_id.label("found")).where(
        supervision_cases.c.authority_code == bindparam("body"), supervision_cases.c.case_no == bindparam("number")
    ),
    select(counter_cases.c.case_id.label("found")).where(
        counter_cases.c.counter_code.in_([bindparam("counter"), bindparam("body")]),
        counter_cases.c.case_no == bindparam("number"),
        counter_cases.c.authority_code == bindparam("body"),
    ),
    select(requests.c.request_id.label("found")).where(
        requests.c.authority_code == bindparam("body"), requests.c.business_no == bindparam("number")
    ),
    select(requests.c.request_id.label("found")).where(
        text(OF_A_CASE), requests.c.case_no == bindparam("number"), requests.c.authority_code == bindparam("body")
    ),
)
"""Where a case is known: 电子监察, a counter, and issuance by its own number and by that of a 联办件."""
_OPEN = and_(text(HAS_MEND))
_IN_STATE = newest_of(services, _S.mend, _S.rated_at, _S.service_id, only=_OPEN)
_OF_BODY = newest_of(
    services, _S.mend, _S.rated_at, _S.service_id, only=_OPEN & (_S.authority_code == bindparam("body"))
)
_RATED = ("mark", "reasons", "text", "rated_at", "mend", "due_on", "rounds")
_MENDED = {
    MendState.OPEN: ("mend", "answer", "answered_by", "answered_at"),
    MendState.ANSWERED: ("mend", "due_on", "rounds", "follow_up", "content", "followed_by", "followed_at"),
}
"""What the step that begins there writes: never the words of the other side, which may have changed since."""


def _set(names: Sequence[str], *where: ColumnElement[bool]) -> Any:
    return (
        update(services)
        .where(_S.service_id == bindparam("which"), *where)
        .values(**{name: bindparam(f"to_{name}") for name in names})
    )


_RENEW = _set(("token_sha256", "codes"), _S.mark == 0, _S.codes == bindparam("to_codes") - 1)
_RATE = _set(_RATED, _S.mark == 0)
_MEND = {source: _set(names, _S.mend == bindparam("source")) for source, names in _MENDED.items()}


@cache
def _insert_once(dialect: str) -> Insert:
    return insert_into(dialect, services).on_conflict_do_nothing()


class ServiceRows:
    """Implements ``supervision_ports.Services``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, service: Service, *, token_sha256: str) -> bool:
        """Store; False when this body has one of this case and channel."""
        values = self._values(service)
        return self._tx.changed(_insert_once(self._tx.dialect), token_sha256=token_sha256, **values) == 1

    def by_token(self, token_sha256: str) -> Service | None:
        """The service."""
        return self._one(self._tx.row(_BY_TOKEN, which=token_sha256))

    def by_id(self, service_id: str) -> Service | None:
        """The service."""
        return self._one(self._tx.row(_BY_ID, which=service_id))

    def of_case(self, authority_code: str, case_no: str, channel: str) -> Service | None:
        """The service."""
        return self._one(self._tx.row(_OF_CASE, body=authority_code, number=case_no, way=channel))

    def case_known(self, authority_code: str, case_no: str, *, counter_code: str) -> bool:
        """Whether a timed case, a case of this counter or of the body's own, or a request has this number."""
        bound = {"body": authority_code, "number": case_no}
        timed, counted, asked, joined = _CASES
        return bool(
            self._tx.row(timed.limit(1), **bound)
            or self._tx.row(counted.limit(1), **bound, counter=counter_code)
            or self._tx.row(asked.limit(1), **bound)
            or self._tx.row(joined.limit(1), **bound)
        )

    def renew_code(self, service: Service, *, token_sha256: str) -> bool:
        """Put another code in the place of the one before; False when it has a mark, or another was just made."""
        moved = {"to_token_sha256": token_sha256, "to_codes": service.codes}
        return self._tx.changed(_RENEW, which=service.service_id, **moved) == 1

    def rate(self, service: Service) -> bool:
        """Store mark, reasons, words and 整改 of ``service``, if it has no mark."""
        values = self._values(service)
        moved = {f"to_{name}": values[name] for name in _RATED}
        return self._tx.changed(_RATE, which=service.service_id, **moved) == 1

    def mends(
        self, authority_code: str, state: MendState, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Service]:
        """Services with a 整改 in this state, newest mark first, of one body; of all where it is empty."""
        if authority_code:
            rows = _OF_BODY.rows(self._tx, [state.value], limit=limit, behind=behind, body=authority_code)
        else:
            rows = _IN_STATE.rows(self._tx, [state.value], limit=limit, behind=behind)
        return [self._service(row) for row in rows]

    def mend(self, service: Service, *, source: MendState) -> bool:
        """Store the answer to the 整改 that stands ``open``, or the follow-up of one ``answered``; False elsewhere."""
        values = self._values(service)
        moved = {f"to_{name}": values[name] for name in _MENDED[source]}
        return self._tx.changed(_MEND[source], which=service.service_id, source=source.value, **moved) == 1

    def _values(self, service: Service) -> dict[str, Any]:
        values, which = asdict(service), service.service_id
        values.pop("token")
        values["personal"] = self._tx.seal_json({"handler": values.pop("handler")}, _PERSONAL, which)
        for name in _WORDS:
            values[name] = self._tx.seal(values[name], f"services.{name}", which) if values[name] else None
        values.update(channel=service.channel.value, mend=service.mend.value, reasons=to_json(list(service.reasons)))
        return values

    def _one(self, row: RowMapping | None) -> Service | None:
        return None if row is None else self._service(row)

    def _service(self, row: RowMapping) -> Service:
        values, which = dict(row), row["service_id"]
        values.pop("token_sha256", None)
        values["token"] = ""
        values.update(self._tx.open_json(values.pop("personal"), _PERSONAL, which))
        for name in _WORDS:
            values[name] = self._tx.open(row[name], f"services.{name}", which) if row[name] else ""
        values["channel"] = as_word(Channel, row["channel"])
        values["mend"] = as_word(MendState, row["mend"])
        values["reasons"] = tuple(from_json(row["reasons"]))
        return Service(**values)
