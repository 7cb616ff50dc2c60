"""What the loops do about imports: check uploads, carry out approvals, forget what need not be kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.imports.check_file import FileChecker, LostImport
from certsvc.commands.imports.issue_rows import issue_some
from certsvc.commands.imports.upload import UPLOADS
from certsvc.license.imports import ImportState

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps

log = structlog.get_logger("certsvc.imports")

LEFT = timedelta(hours=24)
"""Uploads that no import needs are deleted when they are older than any request takes to store its import."""
FORGOTTEN_AT_ONCE = 20


def advance_import(deps: Deps, *, lease_s: int) -> bool:
    """Take one import a step further; False when there is nothing to do, or nothing can be done right now."""
    now = deps.clock.now()
    with deps.uow() as tx:
        claimed = tx.imports.claim(token=deps.ids.new("clm"), now=now, until=now + timedelta(seconds=lease_s))
    if claimed is None:
        return False
    deps = deps.pinned()
    deps.faults.reach("import.claimed")
    if claimed.batch.state is ImportState.APPROVED:
        return issue_some(deps, claimed)
    try:
        FileChecker(deps, claimed, lease_s=lease_s).run()
    except LostImport:
        log.warning("import lost", action="import.lost", import_id=claimed.batch.import_id)
    return True


def forget_imports(deps: Deps) -> int:
    """Erase what the rows of ended or abandoned imports say, and uploads that nobody needs; how many imports."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        over = tx.imports.over(now=now, limit=FORGOTTEN_AT_ONCE)
    for batch in over:
        with deps.uow() as tx:
            if batch.state in {ImportState.UPLOADED, ImportState.CHECKED}:
                tx.imports.decide(
                    batch.import_id,
                    source=batch.state,
                    target=ImportState.DROPPED,
                    by="certsvc",
                    reason="超过保存期限未办理",
                    now=now,
                )
            if not tx.imports.forget(batch.import_id):
                continue  # another process was faster
            content = {"state": batch.state.value}
            subject = batch.import_id
            record(tx, deps, kind="import.forgotten", subject=subject, actor="certsvc", content=content, at=now)
    for name in deps.objects.names(UPLOADS, before=now - LEFT):
        with deps.uow.read() as tx:
            found = tx.imports.by_id(name.removeprefix(UPLOADS))
        if found is None or found.state is not ImportState.UPLOADED:
            deps.objects.delete(name)
    return len(over)
