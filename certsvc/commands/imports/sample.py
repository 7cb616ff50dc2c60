"""Sampling (抽样核对): rows drawn by us, each judged against the original by the department, not by the uploader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.imports.read import own_import
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from certsvc.license.imports import MOST_SAMPLE, ImportState, Judgement, draw_sample, least_sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.imports import ImportBatch, ImportRow


def require_verifier(deps: Deps, caller: Principal, import_id: str) -> ImportBatch:
    """The import, for a person of its department who may verify it.

    Raises:
        Forbidden: no 批量核实人, no person, or the uploader.
        NotFound: an import of another department, in the same words as for none.
    """
    roles.require(caller, roles.BATCH_VERIFIER)
    if caller.kind != "person":
        raise Forbidden("核实须由本单位人员本人办理，系统账号不能核实")
    batch = own_import(deps, caller, import_id)
    if batch.uploaded_by == caller.subject:
        raise Forbidden("上传人不能核实自己上传的批次，请由本单位其他人员办理")
    return batch


def draw(deps: Deps, caller: Principal, import_id: str, *, size: int = 0) -> Sequence[ImportRow]:
    """Draw a sample, or more of it: ``size`` rows in all, at least as many as the rule wants (0: exactly those).

    The seed is made once and recorded; a larger sample holds the smaller one.

    Raises:
        Forbidden, NotFound: see :func:`require_verifier`.
        Conflict: not checked yet, decided already, or nothing passed.
        InvalidInput: more rows than people can judge.
    """
    batch = require_verifier(deps, caller, import_id)
    _must_wait(batch)
    if size > MOST_SAMPLE:
        detail = f"一次最多抽取 {MOST_SAMPLE} 行"
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/size", code="too_many", detail=detail),))
    now = deps.clock.now()
    with deps.uow() as tx:
        passed = tx.import_rows.passed_numbers(import_id)
        if not passed:
            raise Conflict("没有通过检查的行，不需要核实；请按原因更正后重新上传")
        wanted = min(max(size, least_sample(len(passed))), len(passed))
        if wanted > batch.sample_size:
            seed = batch.seed or deps.ids.salt().hex()
            rows = draw_sample(seed, passed, wanted)
            if not tx.imports.draw(import_id, seed=seed, size=wanted):
                raise Conflict("批次刚刚被其他人抽样或办理，请重新读取")
            tx.import_rows.sample(import_id, rows)
            content = {"seed": seed, "size": wanted, "passed": len(passed)}
            record(tx, deps, kind="import.sampled", subject=import_id, actor=caller.subject, content=content, at=now)
        return tx.import_rows.sampled(import_id)


def judge(
    deps: Deps, caller: Principal, import_id: str, row_no: int, judgement: Judgement, reason: str = ""
) -> ImportRow:
    """Say of a row of the sample that it agrees with the original, or that it does not, and why.

    Raises:
        Forbidden, NotFound: see :func:`require_verifier`; also a row that was not drawn.
        Conflict: the import was decided.
        InvalidInput: a refusal without a reason.
    """
    batch = require_verifier(deps, caller, import_id)
    _must_wait(batch)
    if judgement is Judgement.REFUSED and not reason:
        detail = "不一致的行请写明哪一项与原件不符"
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/reason", code="missing", detail=detail),))
    now = deps.clock.now()
    with deps.uow() as tx:
        if not tx.import_rows.judge(import_id, row_no, judgement=judgement, by=caller.subject, reason=reason, now=now):
            raise NotFound("这一行不在样本中，请核对行号")
        content = {"row_no": row_no, "judgement": judgement.value}
        record(tx, deps, kind="import.judged", subject=import_id, actor=caller.subject, content=content, at=now)
        row = tx.import_rows.row(import_id, row_no)
    if row is None:
        msg = "a row vanished within its own transaction"
        raise RuntimeError(msg)
    return row


def _must_wait(batch: ImportBatch) -> None:
    if batch.state is ImportState.UPLOADED:
        raise Conflict("批次还在检查，请等检查结束后抽样")
    if batch.state is not ImportState.CHECKED:
        raise Conflict("批次已经办理，不能再抽样或核对")


def read_sample(deps: Deps, caller: Principal, import_id: str) -> Sequence[ImportRow]:
    """The rows that were drawn, with their photos.

    Raises:
        Forbidden, NotFound: see :func:`require_verifier`.
    """
    require_verifier(deps, caller, import_id)
    with deps.uow.read() as tx:
        return tx.import_rows.sampled(import_id)


def sample_photo(deps: Deps, caller: Principal, import_id: str, row_no: int) -> bytes:
    """The JPEG of a row that was drawn; NotFound when it was not, or has none."""
    require_verifier(deps, caller, import_id)
    with deps.uow.read() as tx:
        row = tx.import_rows.row(import_id, row_no)
    if row is None or not row.sampled or row.photo is None:
        raise NotFound("样本中没有这一行，或这一行没有照片")
    return row.photo
