"""Imports of 存量: a queue of uploads to check and of approvals to carry out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, text, update

from certsvc.license.imports import ClaimedImport, Fault, ImportBatch, ImportState
from certsvc.license.stock import Trust
from certsvc.store.tables_imports import KEPT_IMPORT, OPEN_IMPORT, WORKING_IMPORT, import_rows, imports
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_C = imports.c
_PROBLEMS, _REASON = "imports.problems", "imports.reason"

_BY_ID = select(*_C).where(_C.import_id == bindparam("which"))
_OPEN_FILE = select(*_C).where(
    text(OPEN_IMPORT),
    _C.authority_code == bindparam("authority"),
    _C.type_slug == bindparam("slug"),
    _C.sha256 == bindparam("digest"),
)
_NEWEST = (
    select(*_C)
    .where(_C.authority_code == bindparam("authority"))
    .order_by(_C.import_id.desc())
    .limit(bindparam("most"))
)
_OLDER = _NEWEST.where(_C.import_id < bindparam("before"))
_QUEUE = imports.alias("queue")
_OLDEST = (
    select(_QUEUE.c.import_id)
    .where(text(f"queue.{WORKING_IMPORT}"), _QUEUE.c.ready_at <= bindparam("now"))
    .order_by(_QUEUE.c.ready_at, _QUEUE.c.import_id)
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CLAIM = (
    update(imports)
    .where(_C.import_id == _OLDEST)
    .values(claim_token=bindparam("token"), ready_at=bindparam("until"), tries=_C.tries + 1)
    .returning(*_C)
)


def _held(**values: Any) -> Any:
    """An UPDATE that only the holder of the claim may make."""
    return (
        update(imports).where(_C.import_id == bindparam("which"), _C.claim_token == bindparam("token")).values(**values)
    )


_KEEP = _held(tries=0, ready_at=bindparam("ready"), total=bindparam("rows"), waits_for=bindparam("why"))
_HEADING = _held(columns=bindparam("heading"))
_END_CHECK = _held(
    state=bindparam("target"), problems=bindparam("wrong"), total=bindparam("rows"), upload="", claim_token=""
).where(_C.state == ImportState.UPLOADED.value)
_FINISH = _held(state=ImportState.FINISHED.value, waits_for="", claim_token="", keep_until=bindparam("kept")).where(
    _C.state == ImportState.APPROVED.value
)
_DRAW = (
    update(imports)
    .where(
        _C.import_id == bindparam("which"),
        _C.state == ImportState.CHECKED.value,
        _C.sample_size < bindparam("size"),
        _C.seed.in_(["", bindparam("drawn")]),
    )
    .values(seed=bindparam("drawn"), sample_size=bindparam("size"))
)
_DECIDE = (
    update(imports)
    .where(_C.import_id == bindparam("which"), _C.state == bindparam("source"))
    .values(
        state=bindparam("target"),
        decided_by=bindparam("who"),
        decided_at=bindparam("now"),
        reason=bindparam("said"),
        ready_at=bindparam("now"),
        claim_token="",
    )
)
_OVER = (
    select(*_C)
    .where(text(KEPT_IMPORT), _C.keep_until < bindparam("now"), _C.state != ImportState.APPROVED.value)
    .order_by(_C.keep_until)
    .limit(bindparam("most"))
)
_FORGET = (
    update(imports)
    .where(_C.import_id == bindparam("which"), text(KEPT_IMPORT))
    .values(forgotten=True, upload="", problems=None)
)
_FORGET_ROWS = (
    update(import_rows)
    .where(import_rows.c.import_id == bindparam("which"))
    .values(content=None, photo=None, faults=None, number_blind=None, judge_reason=None)
)


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, imports).on_conflict_do_nothing()


class ImportStore:
    """Implements ``import_ports.Imports``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, batch: ImportBatch) -> bool:
        """Store; False when an open import of this department has the same file for the same type."""
        changed = self._tx.changed(
            _insert(self._tx.dialect),
            import_id=batch.import_id,
            authority_code=batch.authority_code,
            type_slug=batch.type_slug,
            trust=batch.trust.value,
            state=batch.state.value,
            sha256=batch.sha256,
            form=batch.form,
            upload=batch.upload,
            columns=to_json([list(pair) for pair in batch.columns]),
            problems=self._faults(batch.problems, batch.import_id),
            total=batch.total,
            uploaded_by=batch.uploaded_by,
            uploaded_at=batch.uploaded_at,
            seed=batch.seed,
            sample_size=batch.sample_size,
            decided_by=batch.decided_by,
            decided_at=batch.decided_at,
            reason=self._said(batch.reason, batch.import_id),
            waits_for=batch.waits_for,
            claim_token="",
            tries=batch.tries,
            ready_at=batch.uploaded_at,
            keep_until=batch.keep_until,
            forgotten=batch.forgotten,
        )
        return changed == 1

    def by_id(self, import_id: str) -> ImportBatch | None:
        """The import."""
        return self._first(self._tx.row(_BY_ID, which=import_id))

    def open_file(self, authority_code: str, type_slug: str, sha256: str) -> ImportBatch | None:
        """The open import of this file."""
        return self._first(self._tx.row(_OPEN_FILE, authority=authority_code, slug=type_slug, digest=sha256))

    def of_authority(self, authority_code: str, *, before: str, limit: int) -> Sequence[ImportBatch]:
        """Imports of a department, newest first, older than the one with the id ``before`` (empty: from the newest)."""
        if before:
            rows = self._tx.rows(_OLDER, authority=authority_code, before=before, most=limit)
        else:
            rows = self._tx.rows(_NEWEST, authority=authority_code, most=limit)
        return [self._batch(row) for row in rows]

    def claim(self, *, token: str, now: datetime, until: datetime) -> ClaimedImport | None:
        """Take the import that has been ready longest, of those to check and those to issue."""
        row = self._tx.row(_CLAIM, token=token, now=now, until=until)
        return None if row is None else ClaimedImport(batch=self._batch(row), claim_token=token)

    def keep(self, import_id: str, *, claim_token: str, ready_at: datetime, total: int, waits_for: str) -> bool:
        """Keep or give back a claim (``ready_at`` says which) and note how far it is; False when it was lost."""
        changed = self._tx.changed(_KEEP, which=import_id, token=claim_token, ready=ready_at, rows=total, why=waits_for)
        return changed == 1

    def read_heading(self, import_id: str, *, claim_token: str, columns: Sequence[tuple[str, str]]) -> bool:
        """Note the columns of the upload; False when the claim was lost."""
        heading = to_json([list(pair) for pair in columns])
        return self._tx.changed(_HEADING, which=import_id, token=claim_token, heading=heading) == 1

    def end_check(
        self, import_id: str, *, claim_token: str, state: ImportState, problems: Sequence[Fault], total: int
    ) -> bool:
        """To ``checked`` or ``unreadable``; the upload is forgotten. False when the claim was lost."""
        wrong = self._faults(problems, import_id)
        changed = self._tx.changed(
            _END_CHECK, which=import_id, token=claim_token, target=state.value, wrong=wrong, rows=total
        )
        return changed == 1

    def draw(self, import_id: str, *, seed: str, size: int) -> bool:
        """Note seed and size of a sample of a checked import; False when it is not checked, or is not smaller."""
        return self._tx.changed(_DRAW, which=import_id, drawn=seed, size=size) == 1

    def decide(
        self, import_id: str, *, source: ImportState, target: ImportState, by: str, reason: str, now: datetime
    ) -> bool:
        """Approve, refuse or drop, if it still stands at ``source``."""
        changed = self._tx.changed(
            _DECIDE,
            which=import_id,
            source=source.value,
            target=target.value,
            who=by,
            now=now,
            said=self._said(reason, import_id),
        )
        return changed == 1

    def finish(self, import_id: str, *, claim_token: str, keep_until: datetime) -> bool:
        """To ``finished``; False when the claim was lost."""
        return self._tx.changed(_FINISH, which=import_id, token=claim_token, kept=keep_until) == 1

    def over(self, *, now: datetime, limit: int) -> Sequence[ImportBatch]:
        """Imports whose contents need not be kept any longer."""
        return [self._batch(row) for row in self._tx.rows(_OVER, now=now, most=limit)]

    def forget(self, import_id: str) -> bool:
        """Erase what its rows say; counts, states and who decided stay. False when it was done before."""
        if self._tx.changed(_FORGET, which=import_id) == 0:
            return False
        self._tx.changed(_FORGET_ROWS, which=import_id)
        return True

    def _faults(self, faults: Sequence[Fault], import_id: str) -> bytes | None:
        return self._tx.seal_json(faults_out(faults), _PROBLEMS, import_id) if faults else None

    def _said(self, reason: str, import_id: str) -> bytes | None:
        return self._tx.seal(reason, _REASON, import_id) if reason else None

    def _first(self, row: RowMapping | None) -> ImportBatch | None:
        return None if row is None else self._batch(row)

    def _batch(self, row: RowMapping) -> ImportBatch:
        import_id: str = row["import_id"]
        problems, reason = row["problems"], row["reason"]
        plain = ("authority_code", "type_slug", "sha256", "form", "upload", "total", "uploaded_by", "uploaded_at")
        later = ("keep_until", "seed", "sample_size", "decided_by", "decided_at", "waits_for", "tries", "forgotten")
        return ImportBatch(
            import_id=import_id,
            trust=as_word(Trust, row["trust"]),
            state=as_word(ImportState, row["state"]),
            columns=tuple((key, heading) for key, heading in from_json(row["columns"])),
            problems=() if problems is None else faults_in(self._tx.open_json(problems, _PROBLEMS, import_id)),
            reason="" if reason is None else self._tx.open(reason, _REASON, import_id),
            **{name: row[name] for name in (*plain, *later)},
        )


def faults_out(faults: Sequence[Fault]) -> list[list[str]]:
    """Plain JSON values."""
    return [[fault.column, fault.code, fault.detail] for fault in faults]


def faults_in(value: list[list[str]]) -> tuple[Fault, ...]:
    """What :func:`faults_out` described."""
    return tuple(Fault(column=column, code=code, detail=detail) for column, code, detail in value)
