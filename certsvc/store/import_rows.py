"""Rows of imports: encrypted cells, keyed digests of numbers, and what became of each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, text, update

from certsvc.license.imports import EndedRequest, ImportRow, Judgement, RowState
from certsvc.license.request import RequestState
from certsvc.store.imports import faults_in, faults_out
from certsvc.store.intents import NUMBER_BLIND
from certsvc.store.requests import RequestRows
from certsvc.store.tables import licenses, requests
from certsvc.store.tables_imports import SAMPLED_ROW, WAITING_ROW, import_rows
from certsvc.store.transaction import Insert, as_word, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Column, Executable, RowMapping, Table

    from certsvc.license.imports import Fault
    from certsvc.store.transaction import Transaction

_C = import_rows.c
_CONTENT, _PHOTO, _FAULTS = "import_rows.content", "import_rows.photo", "import_rows.faults"
_KEY, _NUMBER, _JUDGED = "import_rows.row_key", "import_rows.number", "import_rows.judge_reason"
AT_ONCE = 500
"""Numbers asked for in one statement: well below what either database takes."""

_PLAIN = tuple(column for column in _C if column.name != "photo")
_HERE = _C.import_id == bindparam("which")
_ROW = select(*_C).where(_HERE, _C.row_no == bindparam("row"))
_SOME = select(*_PLAIN).where(_HERE, _C.row_no > bindparam("behind")).order_by(_C.row_no).limit(bindparam("most"))
_SOME_OF = _SOME.where(_C.state == bindparam("at"))
_PASSED = select(*_C).where(_HERE, _C.state == RowState.PASSED.value).order_by(_C.row_no).limit(bindparam("most"))
_PASSED_NUMBERS = select(_C.row_no).where(_HERE, _C.state == RowState.PASSED.value).order_by(_C.row_no)
_LAST = select(func.coalesce(func.max(_C.row_no), 0).label("last")).where(_HERE)
_COUNTS = select(_C.state, func.count().label("value")).where(_HERE).group_by(_C.state)
_SAMPLED = select(*_C).where(_HERE, text(SAMPLED_ROW)).order_by(_C.row_no)
_JUDGED_COUNTS = select(_C.judged, func.count().label("value")).where(_HERE, text(SAMPLED_ROW)).group_by(_C.judged)
_WAITING = select(_C.number_blind, _C.import_id, _C.row_no).where(
    text(WAITING_ROW), _C.number_blind.in_(bindparam("blinds", expanding=True))
)
_REGISTERED = (
    select(licenses.c.number_blind, licenses.c.identifier, licenses.c.state)
    .where(licenses.c.type_slug == bindparam("slug"), licenses.c.number_blind.in_(bindparam("blinds", expanding=True)))
    .order_by(licenses.c.number_blind, licenses.c.created_at)
)
_MARK = update(import_rows).where(_HERE, _C.row_no == bindparam("row")).values(sampled=True)
_JUDGE = (
    update(import_rows)
    .where(_HERE, _C.row_no == bindparam("row"), text(SAMPLED_ROW))
    .values(
        judged=bindparam("found"), judged_by=bindparam("who"), judged_at=bindparam("now"), judge_reason=bindparam("why")
    )
)
_TO_QUEUE = (
    update(import_rows)
    .where(_HERE, _C.row_no == bindparam("row"), _C.state == RowState.PASSED.value)
    .values(state=RowState.QUEUED.value, request_id=bindparam("request"), photo=None)
)
_END = (
    update(import_rows)
    .where(_HERE, _C.row_no == bindparam("row"), _C.state == bindparam("source"))
    .values(state=bindparam("target"), identifier=bindparam("made"), faults=bindparam("wrong"), photo=None)
)


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, import_rows)


@cache
def _ended(table: Table, batch: Column[Any], queued: str) -> Executable:
    """Queued rows of a batch whose request has ended, with the identifier of the license."""
    ended = (RequestState.ISSUED.value, RequestState.REFUSED.value)
    return (
        select(table.c.row_no, table.c.request_id, requests.c.state, licenses.c.identifier.label("made"))
        .join_from(table, requests, requests.c.request_id == table.c.request_id)
        .outerjoin(licenses, licenses.c.version_id == requests.c.version_id)
        .where(batch == bindparam("which"), table.c.state == queued, requests.c.state.in_(ended))
        .order_by(table.c.row_no)
        .limit(bindparam("most"))
    )


def ended_requests(
    tx: Transaction, table: Table, batch: Column[Any], batch_id: str, *, queued: str, limit: int
) -> Sequence[EndedRequest]:
    """Rows of ``table`` that stand at ``queued`` and whose request was issued or refused."""
    found = []
    for row in tx.rows(_ended(table, batch, queued), which=batch_id, most=limit):
        refused = None if row["state"] == RequestState.ISSUED.value else RequestRows(tx).by_id(row["request_id"])
        found.append(
            EndedRequest(
                row_no=row["row_no"],
                identifier=row["made"] or "",
                code=refused.reason_code if refused else "",
                detail=refused.reason_detail if refused else "",
            )
        )
    return found


class ImportRowStore:
    """Implements ``import_ports.ImportRows``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def add(self, import_id: str, type_slug: str, rows: Sequence[ImportRow]) -> None:
        """Store; IntegrityError when one is there."""
        if rows:
            self._tx.changed_all(_insert(self._tx.dialect), [self._out(import_id, type_slug, row) for row in rows])

    def last(self, import_id: str) -> int:
        """The highest row number that is stored, or 0."""
        row = self._tx.row(_LAST, which=import_id)
        return 0 if row is None else int(row["last"])

    def row(self, import_id: str, row_no: int) -> ImportRow | None:
        """One row."""
        found = self._tx.row(_ROW, which=import_id, row=row_no)
        return None if found is None else self._row(found)

    def some(self, import_id: str, *, after: int, limit: int, state: RowState | None = None) -> Sequence[ImportRow]:
        """Rows behind ``after`` in their order, without photos."""
        if state is None:
            found = self._tx.rows(_SOME, which=import_id, behind=after, most=limit)
        else:
            found = self._tx.rows(_SOME_OF, which=import_id, behind=after, most=limit, at=state.value)
        return [self._row(row) for row in found]

    def passed(self, import_id: str, *, limit: int) -> Sequence[ImportRow]:
        """The first rows that wait to be issued, with their photos."""
        return [self._row(row) for row in self._tx.rows(_PASSED, which=import_id, most=limit)]

    def passed_numbers(self, import_id: str) -> Sequence[int]:
        """Row numbers of everything that passed."""
        return [row["row_no"] for row in self._tx.rows(_PASSED_NUMBERS, which=import_id)]

    def counts(self, import_id: str) -> Mapping[RowState, int]:
        """Rows by state; a state without rows has 0."""
        found = dict.fromkeys(RowState, 0)
        found |= {as_word(RowState, row["state"]): row["value"] for row in self._tx.rows(_COUNTS, which=import_id)}
        return found

    def waiting_numbers(self, type_slug: str, numbers: Iterable[str]) -> Mapping[str, tuple[str, int]]:
        """Of these 证照编号 those that wait in an import, and where: import and row."""
        found = {}
        for some in _chunks({self._blind(type_slug, number): number for number in numbers}):
            for row in self._tx.rows(_WAITING, blinds=list(some)):
                found[some[bytes(row["number_blind"])]] = (row["import_id"], row["row_no"])
        return found

    def registered_numbers(self, type_slug: str, numbers: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """Of these 证照编号 those on the register, with identifier and state of the newest version."""
        found = {}
        for some in _chunks({self._tx.blind(number, NUMBER_BLIND): number for number in numbers}):
            for row in self._tx.rows(_REGISTERED, slug=type_slug, blinds=list(some)):
                found[some[bytes(row["number_blind"])]] = (row["identifier"], row["state"])
        return found

    def sample(self, import_id: str, row_nos: Sequence[int]) -> None:
        """Mark rows as drawn."""
        if row_nos:
            self._tx.changed_all(_MARK, [{"which": import_id, "row": row_no} for row_no in row_nos])

    def sampled(self, import_id: str) -> Sequence[ImportRow]:
        """The rows of the sample in their order, with photos."""
        return [self._row(row) for row in self._tx.rows(_SAMPLED, which=import_id)]

    def judged(self, import_id: str) -> Mapping[Judgement, int]:
        """How many rows of the sample were judged how."""
        found = {row["judged"]: row["value"] for row in self._tx.rows(_JUDGED_COUNTS, which=import_id)}
        return {judgement: found.get(judgement.value, 0) for judgement in Judgement}

    def judge(self, import_id: str, row_no: int, *, judgement: Judgement, by: str, reason: str, now: datetime) -> bool:
        """Judge a row of the sample, or judge it anew; False when it is none."""
        why = self._tx.seal(reason, _JUDGED, _id(import_id, row_no)) if reason else None
        changed = self._tx.changed(_JUDGE, which=import_id, row=row_no, found=judgement.value, who=by, now=now, why=why)
        return changed == 1

    def queue(self, import_id: str, row_no: int, *, request_id: str) -> bool:
        """A passed row was asked for; its photo is forgotten. False when it is not ``passed``."""
        return self._tx.changed(_TO_QUEUE, which=import_id, row=row_no, request=request_id) == 1

    def end(
        self,
        import_id: str,
        row_no: int,
        *,
        source: RowState,
        state: RowState,
        identifier: str,
        faults: Sequence[Fault],
    ) -> bool:
        """To ``issued`` or ``refused``, if it still stands at ``source``."""
        wrong = self._faults(faults, _id(import_id, row_no))
        changed = self._tx.changed(
            _END, which=import_id, row=row_no, source=source.value, target=state.value, made=identifier, wrong=wrong
        )
        return changed == 1

    def ended_requests(self, import_id: str, *, limit: int) -> Sequence[EndedRequest]:
        """Queued rows whose request was issued or refused."""
        return ended_requests(self._tx, import_rows, _C.import_id, import_id, queued=RowState.QUEUED.value, limit=limit)

    def _blind(self, type_slug: str, number: str) -> bytes:
        return self._tx.blind(f"{type_slug}\n{number}", _NUMBER)

    def _faults(self, faults: Sequence[Fault], row_id: str) -> bytes | None:
        return self._tx.seal_json(faults_out(faults), _FAULTS, row_id) if faults else None

    def _out(self, import_id: str, type_slug: str, row: ImportRow) -> dict[str, object]:
        row_id = _id(import_id, row.row_no)
        content = to_json(dict(row.cells))
        photo = row.photo.hex() if row.photo is not None else ""
        return {
            "import_id": import_id,
            "row_no": row.row_no,
            "state": row.state.value,
            "content": self._tx.seal(content, _CONTENT, row_id),
            "photo": self._tx.seal(photo, _PHOTO, row_id) if photo else None,
            "number_blind": self._blind(type_slug, row.number) if row.number else None,
            "row_key": self._tx.blind(f"{import_id}\n{content}\n{photo}", _KEY).hex(),
            "faults": self._faults(row.faults, row_id),
            "request_id": "",
            "identifier": "",
            "sampled": False,
            "judged": "",
            "judged_by": "",
            "judged_at": None,
            "judge_reason": None,
        }

    def _row(self, row: RowMapping) -> ImportRow:
        row_id = _id(row["import_id"], row["row_no"])
        content, photo, faults, why = row["content"], row.get("photo"), row["faults"], row["judge_reason"]
        return ImportRow(
            row_no=row["row_no"],
            state=as_word(RowState, row["state"]),
            cells={} if content is None else self._tx.open_json(content, _CONTENT, row_id),
            faults=() if faults is None else faults_in(self._tx.open_json(faults, _FAULTS, row_id)),
            photo=None if photo is None else bytes.fromhex(self._tx.open(photo, _PHOTO, row_id)),
            row_key=row["row_key"],
            request_id=row["request_id"],
            identifier=row["identifier"],
            sampled=row["sampled"],
            judged=as_word(Judgement, row["judged"]) if row["judged"] else None,
            judged_by=row["judged_by"],
            judged_at=row["judged_at"],
            judge_reason="" if why is None else self._tx.open(why, _JUDGED, row_id),
        )


def _id(import_id: str, row_no: int) -> str:
    return f"{import_id}:{row_no}"


def _chunks(blinds: dict[bytes, str]) -> Iterator[dict[bytes, str]]:
    pairs = list(blinds.items())
    for start in range(0, len(pairs), AT_ONCE):
        yield dict(pairs[start : start + AT_ONCE])
