"""Regulators' subscriptions, what they were told, and the inspection results that they send."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from certsvc.license.oversight import (
    InspectionResult,
    Oversight,
    OversightState,
    Push,
    PushKind,
    ResultOutcome,
    Suggestion,
)
from certsvc.store.newest import newest_of
from certsvc.store.tables_facades import inspection_results, oversight_pushes, oversights
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_O, _P, _R = oversights.c, oversight_pushes.c, inspection_results.c
_WORDS = "inspection_results.words"

_BY_ID = select(*_O).where(_O.oversight_id == bindparam("which"))
_CLIENTS_OF = select(_O.oversight_id, _O.client_id).where(_O.oversight_id.in_(bindparam("which", expanding=True)))
_PAGE = select(*_O).where(_O.oversight_id > bindparam("behind")).order_by(_O.oversight_id).limit(bindparam("most"))
_OF_CLIENT = _PAGE.where(_O.client_id == bindparam("owner"))
_ACTIVE = select(*_O).where(_O.state == OversightState.ACTIVE.value).order_by(_O.oversight_id)
_MOVE = (
    update(oversights)
    .where(_O.oversight_id == bindparam("which"), _O.state == bindparam("source"))
    .values(
        state=bindparam("target"),
        reason=bindparam("why"),
        decided_by=bindparam("who"),
        after=bindparam("place"),
        changed_at=bindparam("now"),
    )
)
_PUSHED = select(*_P).where(_P.push_id == bindparam("which"))
_PUSHES = (
    select(*_P)
    .where(_P.oversight_id == bindparam("which"), _P.position > bindparam("place"))
    .order_by(_P.position)
    .limit(bindparam("most"))
)
_BY_NUMBER = select(*_R).where(_R.client_id == bindparam("owner"), _R.result_no == bindparam("number"))
_RESULTS_OF = newest_of(inspection_results, _R.version_id, _R.at, _R.result_id)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    """What stands already is no error: the caller says so."""
    return insert_into(dialect, table).on_conflict_do_nothing()


class OversightRows:
    """Implements ``oversight_ports.Oversights``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, oversight: Oversight) -> None:
        """Store."""
        self._tx.changed(
            insert_into(self._tx.dialect, oversights),
            oversight_id=oversight.oversight_id,
            client_id=oversight.client_id,
            authority_code=oversight.authority_code,
            region=oversight.region,
            kinds=to_json([kind.value for kind in oversight.kinds]),
            fields=to_json({slug: list(keys) for slug, keys in oversight.fields.items()}),
            state=oversight.state.value,
            reason=oversight.reason,
            decided_by=oversight.decided_by,
            after=oversight.after,
            created_at=oversight.created_at,
            changed_at=oversight.changed_at,
        )

    def by_id(self, oversight_id: str) -> Oversight | None:
        """The subscription."""
        row = self._tx.row(_BY_ID, which=oversight_id)
        return None if row is None else _oversight(row)

    def clients_of(self, oversight_ids: Sequence[str]) -> Mapping[str, str]:
        """The client of each of these that there is, by id."""
        rows = self._tx.rows(_CLIENTS_OF, which=sorted(set(oversight_ids))) if oversight_ids else ()
        return {row["oversight_id"]: row["client_id"] for row in rows}

    def of_client(self, client_id: str, *, behind: str, limit: int) -> Sequence[Oversight]:
        """Those of a client, or of all (empty), behind an id in the order of their ids."""
        if not client_id:
            return [_oversight(row) for row in self._tx.rows(_PAGE, behind=behind, most=limit)]
        return [_oversight(row) for row in self._tx.rows(_OF_CLIENT, owner=client_id, behind=behind, most=limit)]

    def active(self) -> Sequence[Oversight]:
        """Every active one, in the order of their ids."""
        return [_oversight(row) for row in self._tx.rows(_ACTIVE)]

    def move(self, changed: Oversight, *, source: OversightState) -> bool:
        """Store state, reason, place and who decided, if it still stands at ``source``; else False."""
        done = self._tx.changed(
            _MOVE,
            which=changed.oversight_id,
            source=source.value,
            target=changed.state.value,
            why=changed.reason,
            who=changed.decided_by,
            place=changed.after,
            now=changed.changed_at,
        )
        return done == 1

    def push(self, push: Push) -> bool:
        """Store; False when this subscription was told of this event already."""
        done = self._tx.changed(
            _insert(self._tx.dialect, oversight_pushes),
            push_id=push.push_id,
            oversight_id=push.oversight_id,
            event_id=push.event_id,
            position=push.position,
            kind=push.kind.value,
            version_id=push.version_id,
            at=push.at,
        )
        return done == 1

    def pushed(self, push_id: str) -> Push | None:
        """The push."""
        row = self._tx.row(_PUSHED, which=push_id)
        return None if row is None else _push(row)

    def pushes(self, oversight_id: str, *, after: int, limit: int) -> Sequence[Push]:
        """Pushes of a subscription behind a position, in order."""
        return [_push(row) for row in self._tx.rows(_PUSHES, which=oversight_id, place=after, most=limit)]


class InspectionResultRows:
    """Implements ``oversight_ports.InspectionResults``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, result: InspectionResult) -> bool:
        """Store; False when the client has a result of this number."""
        words = {
            "task": result.task,
            "document_no": result.document_no,
            "next_step": result.next_step,
            "basis": result.basis,
        }
        done = self._tx.changed(
            _insert(self._tx.dialect, inspection_results),
            result_id=result.result_id,
            client_id=result.client_id,
            result_no=result.result_no,
            body_hash=result.body_hash,
            version_id=result.version_id,
            authority_code=result.authority_code,
            outcome=result.outcome.value,
            checked_on=result.checked_on,
            restricted=result.restricted,
            disclosed_on=result.disclosed_on,
            suggestion=result.suggestion.value,
            words=self._tx.seal_json(words, _WORDS, result.result_id),
            at=result.at,
        )
        return done == 1

    def by_number(self, client_id: str, result_no: str) -> InspectionResult | None:
        """The result."""
        row = self._tx.row(_BY_NUMBER, owner=client_id, number=result_no)
        return None if row is None else self._result(row)

    def of_versions(
        self, version_ids: Sequence[str], *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[InspectionResult]:
        """Results about these versions, newest first."""
        return [self._result(row) for row in _RESULTS_OF.rows(self._tx, version_ids, limit=limit, behind=behind)]

    def _result(self, row: RowMapping) -> InspectionResult:
        values: dict[str, Any] = dict(row)
        values.update(self._tx.open_json(values.pop("words"), _WORDS, row["result_id"]))
        values["outcome"] = as_word(ResultOutcome, row["outcome"])
        values["suggestion"] = as_word(Suggestion, row["suggestion"])
        return InspectionResult(**values)


def _oversight(row: RowMapping) -> Oversight:
    values: dict[str, Any] = dict(row)
    values["kinds"] = tuple(as_word(PushKind, one) for one in from_json(row["kinds"]))
    values["fields"] = {slug: tuple(keys) for slug, keys in from_json(row["fields"]).items()}
    values["state"] = as_word(OversightState, row["state"])
    return Oversight(**values)


def _push(row: RowMapping) -> Push:
    values: dict[str, Any] = dict(row)
    values["kind"] = as_word(PushKind, row["kind"])
    return Push(**values)
