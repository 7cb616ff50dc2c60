"""Annotated copies (加注件)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, text, update

from certsvc.license.copies import AnnotatedCopy, CopyState
from certsvc.store.columns import text_sha256
from certsvc.store.tables_copies import BEING_MADE, WAS_SEALED, copies
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_C = copies.c
_CIRCUMSTANCES = "copies.circumstances"
_HIDDEN = ("purpose", "token", "document_id")
_GIVEN = text(WAS_SEALED)

_BY_FETCH = select(*_C).where(_C.fetch_id == bindparam("which"))
_OF_FETCHES = select(*_C).where(_C.fetch_id.in_(bindparam("these", expanding=True)), _GIVEN)
_BY_ID = select(*_C).where(_C.copy_id == bindparam("which"), _GIVEN)
_BY_SHA256 = select(*_C).where(_C.sha256 == bindparam("digest"), _GIVEN)
_BY_TOKEN = select(*_C).where(_C.token_sha256 == bindparam("digest"), _GIVEN)
_GIVE = (
    update(copies)
    .where(_C.copy_id == bindparam("which"), _C.state == CopyState.MAKING.value)
    .values(
        state=CopyState.GIVEN.value,
        sha256=bindparam("digest"),
        size=bindparam("length"),
        object_name=bindparam("place"),
        given_at=bindparam("now"),
    )
)
_WITHDRAW = (
    update(copies)
    .where(_C.copy_id == bindparam("which"), _C.state == CopyState.GIVEN.value)
    .values(state=CopyState.WITHDRAWN.value, withdrawn_at=bindparam("now"))
)
_OLD = (
    select(_C.copy_id)
    .where(text(BEING_MADE), _C.signed_at < bindparam("before"))
    .order_by(_C.signed_at)
    .limit(bindparam("most"))
)
_FORGET = delete(copies).where(_C.copy_id.in_(bindparam("these", expanding=True)), text(BEING_MADE))


@cache
def _insert(dialect: str) -> Any:
    made: Insert = insert_into(dialect, copies)
    return made.on_conflict_do_nothing(index_elements=[_C.fetch_id])


class CopyRows:
    """Implements ``copy_ports.Copies``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, copy: AnnotatedCopy) -> bool:
        """Store the intent of a copy; False when its fetch has one already."""
        hidden = {key: getattr(copy, key) for key in _HIDDEN}
        done = self._tx.changed(
            _insert(self._tx.dialect),
            copy_id=copy.copy_id,
            fetch_id=copy.fetch_id,
            version_id=copy.version_id,
            client_id=copy.client_id,
            authority_code=copy.authority_code,
            matter_code=copy.matter_code,
            matter_name=copy.matter_name,
            case_no=copy.case_no,
            token_sha256=text_sha256(copy.token),
            circumstances=self._tx.seal_json(hidden, _CIRCUMSTANCES, copy.copy_id),
            basis=copy.basis,
            until=copy.until,
            signed_at=copy.signed_at,
            state=copy.state.value,
            sha256=copy.sha256,
            size=copy.size,
            object_name=copy.object_name,
            given_at=copy.given_at,
            withdrawn_at=copy.withdrawn_at,
        )
        return done == 1

    def by_fetch(self, fetch_id: str) -> AnnotatedCopy | None:
        """The copy of a fetch, in whatever state."""
        return self._first(self._tx.row(_BY_FETCH, which=fetch_id))

    def of_fetches(self, fetch_ids: Sequence[str]) -> Mapping[str, AnnotatedCopy]:
        """The copies of these fetches that were handed out, by fetch."""
        if not fetch_ids:
            return {}
        found = [self._copy(row) for row in self._tx.rows(_OF_FETCHES, these=list(fetch_ids))]
        return {copy.fetch_id: copy for copy in found}

    def by_id(self, copy_id: str) -> AnnotatedCopy | None:
        """The copy, if it was handed out."""
        return self._first(self._tx.row(_BY_ID, which=copy_id))

    def by_sha256(self, sha256: str) -> AnnotatedCopy | None:
        """The copy whose bytes these are, if it was handed out."""
        return self._first(self._tx.row(_BY_SHA256, digest=sha256))

    def by_token(self, token_sha256: str) -> AnnotatedCopy | None:
        """The copy to which a printed code leads, if it was handed out."""
        return self._first(self._tx.row(_BY_TOKEN, digest=token_sha256))

    def give(self, copy_id: str, *, sha256: str, size: int, object_name: str, now: datetime) -> bool:
        """Register the sealed file of one that is being made; False when it is not."""
        return self._tx.changed(_GIVE, which=copy_id, digest=sha256, length=size, place=object_name, now=now) == 1

    def withdraw(self, copy_id: str, *, now: datetime) -> bool:
        """Withdraw one that was handed out; False when it is not, or was withdrawn before."""
        return self._tx.changed(_WITHDRAW, which=copy_id, now=now) == 1

    def forget_unmade(self, *, before: datetime, limit: int) -> int:
        """Delete intents from before that moment that led to nothing; how many."""
        old = [row["copy_id"] for row in self._tx.rows(_OLD, before=before, most=limit)]
        return self._tx.changed(_FORGET, these=old) if old else 0

    def _first(self, row: RowMapping | None) -> AnnotatedCopy | None:
        return None if row is None else self._copy(row)

    def _copy(self, row: RowMapping) -> AnnotatedCopy:
        values: dict[str, Any] = dict(row)
        values.pop("token_sha256")
        values.update(self._tx.open_json(values.pop("circumstances"), _CIRCUMSTANCES, row["copy_id"]))
        values["state"] = as_word(CopyState, row["state"])
        return AnnotatedCopy(**values)
