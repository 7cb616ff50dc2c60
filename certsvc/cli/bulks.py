"""``certsvc bulk``: one decision about many licenses, on this machine, with the same checks as over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from rich.table import Table

from certsvc.cli.callers import person_of, working_service
from certsvc.cli.consoles import answers
from certsvc.cli.imports import HINT
from certsvc.clock import SHANGHAI
from certsvc.commands.bulk.body import BulkBody
from certsvc.commands.bulk.decide import MAX_PAGE, confirm_bulk, drop_bulk, read_bulk, read_bulk_rows
from certsvc.commands.bulk.preview import preview_bulk
from certsvc.commands.issuance.body import shape_problems
from certsvc.errors import InvalidInput
from certsvc.license.bulk import BULK_ROW_ZH, BULK_STATE_ZH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from certsvc.commands.ports import Deps, Principal


def preview(licenses: Path, asked: Mapping[str, object], *, by: str) -> None:
    """Preview, and print every license."""
    lines = [line.strip() for line in licenses.read_text(encoding="utf-8-sig").splitlines()]
    try:
        body = BulkBody.model_validate({**asked, "licenses": [line for line in lines if line]})
    except ValidationError as error:
        raise InvalidInput("批量办理的内容有误，请按提示更正", problems=shape_problems(error)) from error
    with working_service() as service:
        caller = person_of(service.deps, by, HINT)
        batch = preview_bulk(service.deps, caller, body)
        _print(service.deps, caller, batch.bulk_id)


def confirm(bulk_id: str, *, by: str, count: int) -> str:
    """Confirm; a sentence on when it takes effect."""
    with working_service() as service:
        batch = confirm_bulk(service.deps, person_of(service.deps, by, HINT), bulk_id, count=count)
    at = f"：{batch.effect_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} 起办理" if batch.effect_at else ""
    return BULK_STATE_ZH[batch.state] + at


def take_back(bulk_id: str, *, by: str, reason: str) -> str:
    """Drop it before it takes effect; the state afterwards."""
    with working_service() as service:
        batch = drop_bulk(service.deps, person_of(service.deps, by, HINT), bulk_id, reason=reason)
    return BULK_STATE_ZH[batch.state]


def show(bulk_id: str, *, by: str) -> None:
    """Print how far it is."""
    with working_service() as service:
        _print(service.deps, person_of(service.deps, by, HINT), bulk_id)


def _print(deps: Deps, caller: Principal, bulk_id: str) -> None:
    found = read_bulk(deps, caller, bulk_id)
    counts = "，".join(f"{BULK_ROW_ZH[state]} {count}" for state, count in found.rows.items() if count)
    console = answers()
    console.print(f"{bulk_id} {BULK_STATE_ZH[found.batch.state]}：共 {found.batch.total} 张，{counts}")
    table = Table("序号", "证照", "状态", "说明")
    after = 0
    while rows := read_bulk_rows(deps, caller, bulk_id, after=after, limit=MAX_PAGE):
        for row in rows:
            table.add_row(str(row.row_no), row.given, BULK_ROW_ZH[row.state], row.detail)
        after = rows[-1].row_no
    console.print(table)
