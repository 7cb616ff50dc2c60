"""What is about to be issued, and the series of numbers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, text, update

from certsvc.license.model import IssueIntent
from certsvc.store.tables import UNREGISTERED, counters, intents, requests
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import BindParameter, Executable, RowMapping

    from certsvc.store.transaction import Transaction

_C = intents.c
_NUMBER = "intents.number"
NUMBER_BLIND = "licenses.number"
"""Context of the blind index of numbers: the same for intents and licenses."""

_BY_REQUESTS = select(*_C).where(_C.request_id.in_(bindparam("which", expanding=True)))
_WITHOUT_RESULT = (
    select(*_C)
    .where(text(UNREGISTERED), _C.signed_at < bindparam("before"))
    .order_by(_C.signed_at)
    .limit(bindparam("most"))
)

_RENEW = (
    update(intents)
    .where(_C.request_id.in_(bindparam("which", expanding=True)), text(UNREGISTERED))
    .values(signed_at=bindparam("moment"))
)
_DROP = delete(intents).where(_C.request_id == bindparam("which"), text(UNREGISTERED))


@cache
def _insert(dialect: str) -> Insert:
    """The type is that of the request: an intent whose request is missing violates NOT NULL."""
    slug = select(requests.c.type_slug).where(requests.c.request_id == bindparam("of_request")).scalar_subquery()
    others: dict[str, BindParameter[Any]] = {
        column.name: bindparam(column.name) for column in _C if column.name != "type_slug"
    }
    return insert_into(dialect, intents).values(type_slug=slug, **others)


@cache
def next_of(dialect: str) -> Executable:
    """Take the next ``step`` values of a counter; the row stays locked until the end of the transaction."""
    made = insert_into(dialect, counters).values(name=bindparam("series"), value=bindparam("step"))
    return made.on_conflict_do_update(
        index_elements=[counters.c.name], set_={"value": counters.c.value + made.excluded.value}
    ).returning(counters.c.value)


@cache
def _raise(dialect: str) -> Insert:
    made = insert_into(dialect, counters)
    return made.on_conflict_do_update(
        index_elements=[counters.c.name],
        set_={"value": made.excluded.value},
        where=counters.c.value < made.excluded.value,
    )


class IntentRows:
    """Implements ``store_ports.Intents``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def by_requests(self, request_ids: Sequence[str]) -> Mapping[str, IssueIntent]:
        """The intents stored for these requests, by request."""
        return {row["request_id"]: self._intent(row) for row in self._tx.rows(_BY_REQUESTS, which=list(request_ids))}

    def insert_all(self, made: Sequence[IssueIntent]) -> None:
        """Store; IntegrityError when a request has one or is unknown, or an identifier is taken."""
        self._tx.changed_all(_insert(self._tx.dialect), [self._row(intent) for intent in made])

    def renew(self, request_ids: Sequence[str], *, signed_at: datetime) -> None:
        """Set the sealing time of unregistered intents."""
        if request_ids:
            self._tx.changed(_RENEW, which=list(request_ids), moment=signed_at)

    def drop(self, request_id: str) -> None:
        """Forget the intent of a refused request; a registered one stays."""
        self._tx.changed(_DROP, which=request_id)

    def next_numbers(self, series: str, count: int) -> range:
        """The next ``count`` numbers of a series (from 1), taken within this transaction; none is ever given twice."""
        row = self._tx.row(next_of(self._tx.dialect), series=f"series:{series}", step=count)
        if row is None:
            msg = "an upsert returned no row"
            raise RuntimeError(msg)
        last = int(row["value"])
        return range(last - count + 1, last + 1)

    def raise_number(self, series: str, *, to: int) -> None:
        """Let a series go on behind ``to``, if it has not come so far: numbers that were given before this service."""
        self._tx.changed(_raise(self._tx.dialect), name=f"series:{series}", value=to)

    def without_result(self, *, before: datetime, limit: int) -> Sequence[IssueIntent]:
        """Intents signed before ``before`` whose license was not registered, oldest first."""
        return [self._intent(row) for row in self._tx.rows(_WITHOUT_RESULT, before=before, most=limit)]

    def _row(self, intent: IssueIntent) -> dict[str, Any]:
        return {
            "of_request": intent.request_id,
            "request_id": intent.request_id,
            "version_id": intent.version_id,
            "license_id": intent.license_id,
            "identifier": intent.identifier,
            "root": intent.root,
            "version": intent.version,
            "number": self._tx.seal(intent.number, _NUMBER, intent.request_id),
            "number_blind": self._tx.blind(intent.number, NUMBER_BLIND),
            "printed_token": intent.printed_token,
            "document_id": intent.document_id,
            "issued_on": intent.issued_on,
            "first_issued_on": intent.first_issued_on,
            "signed_at": intent.signed_at,
            "previous_version_id": intent.previous_version_id,
            "registered": False,
        }

    def _intent(self, row: RowMapping) -> IssueIntent:
        return IssueIntent(
            request_id=row["request_id"],
            version_id=row["version_id"],
            license_id=row["license_id"],
            identifier=row["identifier"],
            root=row["root"],
            version=row["version"],
            number=self._tx.open(row["number"], _NUMBER, row["request_id"]),
            printed_token=row["printed_token"],
            document_id=bytes(row["document_id"]),
            issued_on=row["issued_on"],
            first_issued_on=row["first_issued_on"],
            signed_at=row["signed_at"],
            previous_version_id=row["previous_version_id"],
        )
