"""Confirm a bulk decision, which starts its window, or drop it before it takes effect; and read how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.errors import Conflict, Forbidden, NotFound
from certsvc.license.bulk import BulkProgress, BulkRowState, BulkState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.bulk import BulkBatch, BulkRow

READERS = (roles.BATCH_CLERK, roles.BATCH_VERIFIER, roles.AUDITOR)
MAX_PAGE = 500
MAX_LISTED = 50
OVERTAKEN = "这一批刚刚被其他人办理，请重新读取"


def confirm_bulk(deps: Deps, caller: Principal, bulk_id: str, *, count: int) -> BulkBatch:
    """A second person confirms what the preview allows; ``count`` says how many licenses that are.

    Raises:
        Forbidden: no 批量核实人, no person, or the one who asked for it.
        NotFound: a bulk decision of another authority.
        Conflict: no preview any more, another number of licenses, or none at all.
    """
    roles.require(caller, roles.BATCH_VERIFIER)
    if caller.kind != "person":
        raise Forbidden("确认须由本单位人员本人办理，系统账号不能确认")
    batch = own_bulk(deps, caller, bulk_id)
    if batch.asked_by == caller.subject:
        raise Forbidden("经办人不能确认自己提出的批量办理，请由本单位其他人员确认")
    if batch.confirmed_by == caller.subject and batch.state is not BulkState.DROPPED:
        return batch
    now = deps.clock.now()
    with deps.uow() as tx:
        ready = tx.bulks.counts(bulk_id)[BulkRowState.READY]
        if ready == 0:
            raise Conflict("没有可以办理的证照，请核对名单后重新提交")
        if ready != count:
            raise Conflict(f"可以办理的证照为 {ready} 张，与确认的 {count} 张不一致，请重新查看预览")
        effect_at = now + batch.order.window
        if not tx.bulks.confirm(bulk_id, by=caller.subject, effect_at=effect_at):
            raise Conflict(OVERTAKEN)
        content = {
            "action": batch.order.action,
            "document_no": batch.order.document_no,
            "count": count,
            "window_s": int(batch.order.window.total_seconds()),
            "why_short": batch.order.why_short,
        }
        record(tx, deps, kind="bulk.confirmed", subject=bulk_id, actor=caller.subject, content=content, at=now)
    return own_bulk(deps, caller, bulk_id)


def drop_bulk(deps: Deps, caller: Principal, bulk_id: str, *, reason: str) -> BulkBatch:
    """取消办理: clerks and verifiers of the authority, before it takes effect.

    Raises:
        Forbidden: neither of the two.
        NotFound: a bulk decision of another authority.
        Conflict: its window is over, or it was dropped before.
    """
    roles.require(caller, roles.BATCH_CLERK, roles.BATCH_VERIFIER)
    batch = own_bulk(deps, caller, bulk_id)
    now = deps.clock.now()
    over = batch.effect_at is not None and now >= batch.effect_at
    if batch.state not in {BulkState.PREVIEW, BulkState.CONFIRMED} or over:
        raise Conflict("已经生效或办结，不能取消；需要更正的请另行作出决定")
    with deps.uow() as tx:
        if not tx.bulks.drop(bulk_id, source=batch.state, by=caller.subject, reason=reason, now=now):
            raise Conflict(OVERTAKEN)
        content = {"reason": reason, "from": batch.state.value}
        record(tx, deps, kind="bulk.dropped", subject=bulk_id, actor=caller.subject, content=content, at=now)
    return own_bulk(deps, caller, bulk_id)


def own_bulk(deps: Deps, caller: Principal, bulk_id: str) -> BulkBatch:
    """The bulk decision, when it is one of the caller's authority; NotFound in the same words as for none."""
    with deps.uow.read() as tx:
        batch = tx.bulks.by_id(bulk_id)
    own = batch is not None and caller.authority_code == batch.authority_code and caller.authority_code
    if batch is None or not (own or roles.AUDITOR in caller.roles):
        raise NotFound("没有这一批办理，请核对编号")
    return batch


def read_bulk(deps: Deps, caller: Principal, bulk_id: str) -> BulkProgress:
    """How far it is."""
    roles.require(caller, *READERS)
    batch = own_bulk(deps, caller, bulk_id)
    with deps.uow.read() as tx:
        return BulkProgress(batch=batch, rows=tx.bulks.counts(bulk_id))


def read_bulk_rows(
    deps: Deps, caller: Principal, bulk_id: str, *, after: int, limit: int, state: BulkRowState | None = None
) -> Sequence[BulkRow]:
    """Its rows behind ``after``, at most :data:`MAX_PAGE`."""
    roles.require(caller, *READERS)
    own_bulk(deps, caller, bulk_id)
    with deps.uow.read() as tx:
        return tx.bulks.rows(bulk_id, after=after, limit=min(limit, MAX_PAGE), state=state)


def list_bulks(deps: Deps, caller: Principal, *, before: str = "") -> Sequence[BulkBatch]:
    """The newest ones of the own authority."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return tx.bulks.of_authority(caller.authority_code, before=before, limit=MAX_LISTED)
