"""Imports for the department that they belong to, and for auditors: how far, which rows, why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.errors import NotFound
from certsvc.license.imports import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.imports import ImportBatch, ImportRow, RowState

READERS = (roles.BATCH_CLERK, roles.BATCH_VERIFIER, roles.AUDITOR)
MAX_PAGE = 500
MAX_LISTED = 50


def own_import(deps: Deps, caller: Principal, import_id: str) -> ImportBatch:
    """The import, when it is one of the caller's department; NotFound otherwise, in the same words as for none."""
    with deps.uow.read() as tx:
        batch = tx.imports.by_id(import_id)
    own = batch is not None and caller.authority_code == batch.authority_code and caller.authority_code
    if batch is None or not (own or roles.AUDITOR in caller.roles):
        raise NotFound("没有这个批次，请核对批次编号")
    return batch


def read_import(deps: Deps, caller: Principal, import_id: str) -> Progress:
    """How far an import is."""
    roles.require(caller, *READERS)
    batch = own_import(deps, caller, import_id)
    with deps.uow.read() as tx:
        return Progress(
            batch=tx.imports.by_id(import_id) or batch,
            rows=tx.import_rows.counts(import_id),
            judged=tx.import_rows.judged(import_id),
        )


def read_rows(
    deps: Deps, caller: Principal, import_id: str, *, after: int, limit: int, state: RowState | None = None
) -> Sequence[ImportRow]:
    """Rows behind ``after``, at most :data:`MAX_PAGE`; auditors see what became of them, not what they say."""
    roles.require(caller, *READERS)
    own_import(deps, caller, import_id)
    with deps.uow.read() as tx:
        rows = tx.import_rows.some(import_id, after=after, limit=min(limit, MAX_PAGE), state=state)
    if caller.roles & {roles.BATCH_CLERK, roles.BATCH_VERIFIER}:
        return rows
    return [replace(row, cells={}, faults=tuple(replace(one, detail="") for one in row.faults)) for row in rows]


def list_imports(deps: Deps, caller: Principal, *, before: str = "") -> Sequence[ImportBatch]:
    """The newest imports of the own department."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return tx.imports.of_authority(caller.authority_code, before=before, limit=MAX_LISTED)
