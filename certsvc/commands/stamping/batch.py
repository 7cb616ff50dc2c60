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
from certsvc.commands.stamping.uploads import PDF, judged, own_seal, require_stamper, upload_name
from certsvc.errors import CertsvcError, Conflict, NotFound, Unavailable
from certsvc.seal.stampings import BatchItem, ItemState, StampBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.stampings import ClaimedItem, StampCase, Stamping, StampWish

log = structlog.get_logger("certsvc.stamping")

INTERNAL = ("internal", "内部错误，此份文件未盖章，请单独重试或联系运维")


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
        InvalidInput, TooLarge: see :func:`~certsvc.commands.stamping.archive.files_of`.
    """
    require_stamper(caller)
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
    require_stamper(caller)
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
            worker=worker, token=deps.ids.new("clm"), now=deps.clock.now(), lease_s=lease_s
        )
    if claimed is None:
        return False
    deps.faults.reach("batch.claimed")
    try:
        stamping = _stamped(deps, claimed)
    except Unavailable:
        # Nothing is known about the file; its lease runs out and it is tried again.
        return True
    except CertsvcError as error:
        code = error.problems[0].code if error.problems else error.code
        _finish(deps, claimed, "", code, error.detail)
    except Exception:
        log.exception("unexpected failure", action="batch.crashed", item_id=claimed.item.item_id)
        _finish(deps, claimed, "", *INTERNAL)
    else:
        _finish(deps, claimed, stamping.stamping_id, "", "")
    return True


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


def _finish(deps: Deps, claimed: ClaimedItem, stamping_id: str, code: str, detail: str) -> None:
    item = claimed.item
    with deps.uow() as tx:
        held = tx.stampings.finish_item(
            item.item_id, claim_token=claimed.claim_token, stamping_id=stamping_id, code=code, detail=detail
        )
    if held:
        deps.objects.delete(item.upload)
    log.info("file of a batch ended", action="batch.item", item_id=item.item_id, reason=code or "done", held=held)
