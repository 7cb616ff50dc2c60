"""Approve, refuse or drop an import: only what was approved is ever issued."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.imports.read import own_import
from certsvc.commands.imports.sample import require_verifier
from certsvc.errors import Conflict
from certsvc.events.import_payloads import ImportApproved
from certsvc.license.imports import ImportState, Judgement, RowState

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.imports import ImportBatch

OVERTAKEN = "批次刚刚被其他人办理，请重新读取"


def approve(deps: Deps, caller: Principal, import_id: str, *, reason: str) -> ImportBatch:
    """Let everything that passed be issued; approved again by the same person, the same import.

    Raises:
        Forbidden, NotFound: see :func:`~certsvc.commands.imports.sample.require_verifier`.
        Conflict: no sample, a row of it that nobody judged, or one that was refused.
    """
    batch = require_verifier(deps, caller, import_id)
    if batch.state in {ImportState.APPROVED, ImportState.FINISHED} and batch.decided_by == caller.subject:
        return batch
    now = deps.clock.now()
    with deps.uow() as tx:
        judged = tx.import_rows.judged(import_id)
        done = sum(judged.values())
        if batch.sample_size == 0:
            raise Conflict("尚未抽样核对，请先抽取样本并逐行核对")
        if done < batch.sample_size:
            raise Conflict(f"样本 {batch.sample_size} 行中还有 {batch.sample_size - done} 行没有核对")
        if judged[Judgement.REFUSED]:
            raise Conflict(f"样本中有 {judged[Judgement.REFUSED]} 行与原件不符，不能批准；请不予批准，更正后重新上传")
        if not tx.imports.decide(
            import_id,
            source=ImportState.CHECKED,
            target=ImportState.APPROVED,
            by=caller.subject,
            reason=reason,
            now=now,
        ):
            raise Conflict(OVERTAKEN)
        passed = tx.import_rows.counts(import_id)[RowState.PASSED]
        event = ImportApproved(
            import_id=import_id,
            authority_code=batch.authority_code,
            license_type=batch.type_slug,
            trust=batch.trust.value,
            passed=passed,
            sampled=batch.sample_size,
        )
        source = deps.policy.event_source
        tx.outbox.add(event.event(event_id=deps.ids.new("evt"), source=source, subject=import_id, at=now))
        content = {"passed": passed, "sampled": batch.sample_size, "seed": batch.seed, "reason": reason}
        record(tx, deps, kind="import.approved", subject=import_id, actor=caller.subject, content=content, at=now)
    return _again(deps, import_id)


def refuse(deps: Deps, caller: Principal, import_id: str, *, reason: str) -> ImportBatch:
    """Issue nothing of it; what its rows say is erased at once, the uploader has the file.

    Raises:
        Forbidden, NotFound: see :func:`~certsvc.commands.imports.sample.require_verifier`.
        Conflict: not checked yet, or decided already.
    """
    require_verifier(deps, caller, import_id)
    return _end(deps, caller, import_id, ImportState.CHECKED, ImportState.REFUSED, reason)


def drop(deps: Deps, caller: Principal, import_id: str, *, reason: str = "") -> ImportBatch:
    """The department's clerks take an import back before it is approved; what its rows say is erased.

    Raises:
        Forbidden: no 批量经办人.
        NotFound: an import of another department.
        Conflict: decided already.
    """
    roles.require(caller, roles.BATCH_CLERK)
    batch = own_import(deps, caller, import_id)
    source = ImportState.UPLOADED if batch.state is ImportState.UPLOADED else ImportState.CHECKED
    return _end(deps, caller, import_id, source, ImportState.DROPPED, reason)


def _end(
    deps: Deps, caller: Principal, import_id: str, source: ImportState, target: ImportState, reason: str
) -> ImportBatch:
    now = deps.clock.now()
    with deps.uow() as tx:
        batch = tx.imports.by_id(import_id)
        if not tx.imports.decide(import_id, source=source, target=target, by=caller.subject, reason=reason, now=now):
            raise Conflict("批次已经办理，不能再更改")
        tx.imports.forget(import_id)
        kind = f"import.{target.value}"
        content = {"reason": reason}
        record(tx, deps, kind=kind, subject=import_id, actor=caller.subject, content=content, at=now)
    if batch is not None and batch.upload:
        deps.objects.delete(batch.upload)
    return _again(deps, import_id)


def _again(deps: Deps, import_id: str) -> ImportBatch:
    with deps.uow.read() as tx:
        batch = tx.imports.by_id(import_id)
    if batch is None:
        msg = "an import vanished"
        raise RuntimeError(msg)
    return batch
