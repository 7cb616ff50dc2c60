"""Stamp several files in one way: accepted as rows, worked by the loops, each with its own answer.

A person confirms the rule and not each page: what a batch may do is therefore the same as one preview each, made and
sealed at once by the worker, with the same refusals.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.stamping.archive import files_of, packed
from certsvc.commands.stamping.place import place
from certsvc.commands.stamping.sealing import SealJob, seal_and_register
from certsvc.commands.stamping.uploads import PDF, judged, own_seal, require_case, require_stamper, upload_name
from certsvc.errors import CertsvcError, Conflict, NotFound, SealUnavailable
from certsvc.seal.stamp_retries import INTERNAL, KEPT, MAX_TRIES, SEAL, may_run_again, passes, wait_after
from certsvc.seal.stampings import BatchItem, ItemState, StampBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.stampings import ClaimedItem, StampCase, Stamping, StampWish

log = structlog.get_logger("certsvc.stamping")

CRASHED = "内部错误，此份文件未盖章，可对这一批重新办理，仍不成功请联系运维"


def accept_batch(
    deps: Deps,
    caller: Principal,
    seal_id: str,
    given: Sequence[tuple[str, bytes]],
    *,
    wish: StampWish,
    case: StampCase,
) -> StampBatch:
    """Store the files as waiting items; they are judged and stamped by the loops.

    Raises:
        NotFound: no such seal for this caller.
        Forbidden: neither keeper nor system, and no 首席代表 in term.
        InvalidInput, TooLarge: see :func:`~certsvc.commands.stamping.archive.files_of`.
    """
    require_case(deps, caller, case)
    own_seal(deps, caller, seal_id)
    files = files_of(given, each=deps.policy.max_upload_bytes)
    now = deps.clock.now()
    batch = StampBatch(
        batch_id=deps.ids.new("bat"),
        seal_id=seal_id,
        authority_code=caller.authority_code,
        operator=caller.subject,
        case=case,
        wish=wish,
        total=len(files),
        created_at=now,
    )
    items = []
    # Bytes before rows, so that no half batch is ever worked on; what a crash leaves is swept (``uploads.LEFT``).
    for number, (name, data) in enumerate(files, start=1):
        item_id = deps.ids.new("itm")
        upload = upload_name(item_id)
        deps.objects.put(upload, data, content_type=PDF)
        items.append(BatchItem(item_id=item_id, batch_id=batch.batch_id, number=number, file_name=name, upload=upload))
    with deps.uow() as tx:
        tx.stampings.insert_batch(batch, items)
        content = {"seal_id": seal_id, "total": batch.total, "purpose": case.purpose, "case_no": case.case_no}
        record(tx, deps, kind="stamping.batch", subject=batch.batch_id, actor=caller.subject, content=content, at=now)
    return batch


def read_batch(deps: Deps, caller: Principal, batch_id: str) -> tuple[StampBatch, Sequence[BatchItem]]:
    """A batch of the caller's own and how far it is; NotFound otherwise."""
    require_stamper(deps, caller)
    with deps.uow.read() as tx:
        batch = tx.stampings.batch(batch_id)
        items = tx.stampings.items(batch_id) if batch is not None else ()
    if batch is None or batch.operator != caller.subject:
        raise NotFound("没有这一批盖章任务")
    return batch, items


def batch_files(deps: Deps, caller: Principal, batch_id: str) -> bytes:
    """The sealed files of a finished batch as a ZIP.

    Raises:
        NotFound: no such batch of this caller, or none of its files was stamped.
        Conflict: some files wait still.
    """
    _, items = read_batch(deps, caller, batch_id)
    if any(item.state is ItemState.WAITING for item in items):
        raise Conflict("这一批还没有办完，请等进度到头后再下载")
    files = []
    with deps.uow.read() as tx:
        made = [(item, tx.stampings.by_id(item.stamping_id)) for item in items if item.stamping_id]
    for item, stamping in made:
        if stamping is not None:
            files.append((item.file_name, deps.objects.get(stamping.object_name)))
    if not files:
        raise NotFound("这一批没有盖成章的文件，原因见各文件的说明")
    return packed(files)


def stamp_next(deps: Deps, *, worker: str, lease_s: int) -> bool:
    """Work on the next waiting file of any batch; False when there is none."""
    with deps.uow() as tx:
        claimed = tx.stampings.claim_item(
            worker=worker, token=deps.ids.new("clm"), now=deps.clock.sure(), lease_s=lease_s
        )
    if claimed is None:
        return False
    deps.faults.reach("batch.claimed")
    try:
        stamping = _stamped(deps, claimed)
    except CertsvcError as error:
        _end_or_wait(deps, claimed, _code_of(error), error.detail)
    except Exception:
        log.exception("unexpected failure", action="batch.crashed", item_id=claimed.item.item_id)
        _end_or_wait(deps, claimed, INTERNAL, CRASHED)
    else:
        _finish(deps, claimed, stamping.stamping_id, "", "")
    return True


def run_again(deps: Deps, caller: Principal, batch_id: str) -> int:
    """Let the files of a batch wait once more that may succeed now (``seal/stamp_retries.py``); how many.

    Raises:
        NotFound: no such batch of this caller.
        Conflict: none of its files can be run again.
    """
    read_batch(deps, caller, batch_id)
    now = deps.clock.now()
    with deps.uow() as tx:
        count = tx.stampings.run_again(batch_id, now=now)
        if count:
            content = {"count": count}
            kind = "stamping.batch_again"
            record(tx, deps, kind=kind, subject=batch_id, actor=caller.subject, content=content, at=now)
    if not count:
        days = KEPT.days
        raise Conflict(f"没有可以重新办理的文件：文件本身有问题或已超过 {days} 天的，请更正后另行上传盖章")
    return count


def _code_of(error: CertsvcError) -> str:
    if isinstance(error, SealUnavailable) and error.against:
        return SEAL + error.against
    return error.problems[0].code if error.problems else error.code


def _stamped(deps: Deps, claimed: ClaimedItem) -> Stamping:
    item = claimed.item
    with deps.uow.read() as tx:
        batch = tx.stampings.batch(item.batch_id)
        made = tx.stampings.by_work(item.item_id)
        seal = tx.seals.by_id(batch.seal_id) if batch is not None else None
    if made is not None:
        return made
    if batch is None or seal is None:
        msg = "an item without batch or seal"
        raise RuntimeError(msg)
    data = deps.objects.get(item.upload)
    report = judged(deps, data)
    marks = place(deps, data, report.pages, seal, batch.wish)
    job = SealJob(
        work_id=item.item_id,
        operator=batch.operator,
        case=batch.case,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        marks=marks,
        lock=batch.wish.lock,
    )
    return seal_and_register(deps, seal, job)


def _end_or_wait(deps: Deps, claimed: ClaimedItem, code: str, detail: str) -> None:
    """A file that was not stamped waits when the reason passes by itself and tries are left; else it ends."""
    if not passes(code):
        _finish(deps, claimed, "", code, detail)
        return
    item_id = claimed.item.item_id
    with deps.uow() as tx:
        tries = tx.stampings.count_try(item_id)
        if tries < MAX_TRIES:
            ready_at = deps.clock.now() + wait_after(tries)
            tx.stampings.defer_item(
                item_id, claim_token=claimed.claim_token, ready_at=ready_at, code=code, detail=detail
            )
    if tries < MAX_TRIES:
        log.info("file of a batch waits", action="batch.deferred", item_id=item_id, reason=code, tries=tries)
        return
    _finish(deps, claimed, "", code, f"{detail}（已自动重试 {tries} 次，可对这一批重新办理）")


def _finish(deps: Deps, claimed: ClaimedItem, stamping_id: str, code: str, detail: str) -> None:
    item = claimed.item
    kept = may_run_again(code)
    with deps.uow() as tx:
        held = tx.stampings.finish_item(
            item.item_id,
            claim_token=claimed.claim_token,
            stamping_id=stamping_id,
            code=code,
            detail=detail,
            kept_from=deps.clock.now() if kept else None,
        )
    if held and not kept:
        deps.objects.delete(item.upload)
    log.info("file of a batch ended", action="batch.item", item_id=item.item_id, reason=code or "done", held=held)
