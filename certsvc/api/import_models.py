"""Shapes of imports (存量): progress, rows, samples, and what is sent to judge and decide."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field

from certsvc.api.models import Model
from certsvc.commands.imports.read import MAX_PAGE
from certsvc.commands.shapes import Line
from certsvc.license.imports import (
    IMPORT_STATE_ZH,
    MOST_SAMPLE,
    ROW_STATE_ZH,
    Fault,
    ImportBatch,
    ImportRow,
    ImportState,
    Judgement,
    Progress,
    RowState,
)
from certsvc.license.stock import Trust


class Asked(Model):
    """Base of what is sent: a name nobody knows is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SampleIn(Asked):
    """How many rows are to be drawn in all."""

    size: int = Field(
        default=0, ge=0, le=MOST_SAMPLE, description="样本行数，0 为按规则（百分之一，至少 20 行）；再抽只增不减"
    )


class JudgementIn(Asked):
    """What the comparison with the original found."""

    outcome: Judgement = Field(description="confirmed 与原件一致 · refused 不一致")
    reason: Line = Field(default="", max_length=500, description="不一致的写明哪一项与原件不符")


class DecisionIn(Asked):
    """The department's decision about a whole import."""

    agrees: bool = Field(description="true 批准，开始制证 · false 不予批准，不制发任何一张")
    reason: Line = Field(min_length=2, max_length=500, description="意见")


class DropIn(Asked):
    """Why something is taken back before it takes effect."""

    reason: Line = Field(min_length=2, max_length=500, description="原因")


class FaultOut(Model):
    """One thing that is wrong."""

    column: str = Field(description="列名，整个文件的问题为空")
    code: str
    detail: str

    @staticmethod
    def many(faults: tuple[Fault, ...]) -> list[FaultOut]:
        """All of them."""
        return [FaultOut(column=one.column, code=one.code, detail=one.detail) for one in faults]


class ImportOut(Model):
    """One import, without its rows."""

    import_id: str
    authority_code: str
    type: str
    trust: Trust = Field(description="可信等级：" + "；".join(f"{level.value} {level.zh}" for level in Trust))
    state: ImportState
    state_zh: str
    form: str = Field(description="csv、xlsx 或 zip")
    sha256: str
    total: int = Field(description="已读取的数据行数，检查结束后为总行数")
    problems: list[FaultOut] = Field(description="整个文件的问题，文件无法读取时填写")
    uploaded_by: str
    uploaded_at: datetime
    seed: str = Field(description="抽样种子：按 SHA-256(“种子:行号”) 从小到大取前若干行，可自行复核；未抽样为空")
    sample_size: int
    decided_by: str
    decided_at: datetime | None
    reason: str
    waits_for: str = Field(description="暂时不制证的原因，没有为空")

    @staticmethod
    def of(batch: ImportBatch) -> ImportOut:
        """From an import."""
        return ImportOut(
            import_id=batch.import_id,
            authority_code=batch.authority_code,
            type=batch.type_slug,
            trust=batch.trust,
            state=batch.state,
            state_zh=IMPORT_STATE_ZH[batch.state],
            form=batch.form,
            sha256=batch.sha256,
            total=batch.total,
            problems=FaultOut.many(batch.problems),
            uploaded_by=batch.uploaded_by,
            uploaded_at=batch.uploaded_at,
            seed=batch.seed,
            sample_size=batch.sample_size,
            decided_by=batch.decided_by,
            decided_at=batch.decided_at,
            reason=batch.reason,
            waits_for=batch.waits_for,
        )


class RowCounts(Model):
    """Rows by state."""

    faulty: int = Field(description="有误，不会制证")
    passed: int = Field(description="通过检查：待核实，或已批准而未轮到")
    queued: int = Field(description="制证中")
    issued: int
    refused: int = Field(description="批准后未能制证，原因见该行")


class ProgressOut(Model):
    """How far an import is."""

    batch: ImportOut
    rows: RowCounts
    done: int = Field(description="已有结果的行数")
    confirmed: int = Field(description="样本中核对一致的行数")
    refused: int = Field(description="样本中核对不一致的行数")

    @staticmethod
    def of(progress: Progress) -> ProgressOut:
        """From the command's."""
        return ProgressOut(
            batch=ImportOut.of(progress.batch),
            rows=RowCounts.model_validate({state.value: count for state, count in progress.rows.items()}),
            done=progress.done,
            confirmed=progress.judged[Judgement.CONFIRMED],
            refused=progress.judged[Judgement.REFUSED],
        )


class ImportPage(Model):
    """Imports of the own department, newest first; ask again with ``next`` as ``before``, unless it is empty."""

    imports: list[ImportOut]
    next: str

    @staticmethod
    def of(batches: list[ImportBatch], *, full: int) -> ImportPage:
        """A page, whose next one begins behind its last when it is full."""
        last = batches[-1].import_id if len(batches) == full else ""
        return ImportPage(imports=[ImportOut.of(batch) for batch in batches], next=last)


class RowOut(Model):
    """One row."""

    row: int = Field(description="表中行号，列名为第 1 行")
    state: RowState
    state_zh: str
    cells: dict[str, str] = Field(description="按列的键；已清除的为空")
    faults: list[FaultOut]
    identifier: str = Field(description="制成的证照标识")
    sampled: bool
    outcome: str = Field(description="抽样核对的结果，未核对为空")
    judged_by: str
    judge_reason: str
    has_photo: bool

    @staticmethod
    def of(row: ImportRow) -> RowOut:
        """From a row."""
        return RowOut(
            row=row.row_no,
            state=row.state,
            state_zh=ROW_STATE_ZH[row.state],
            cells=dict(row.cells),
            faults=FaultOut.many(row.faults),
            identifier=row.identifier,
            sampled=row.sampled,
            outcome=row.judged.value if row.judged else "",
            judged_by=row.judged_by,
            judge_reason=row.judge_reason,
            has_photo=row.photo is not None,
        )


class RowPage(Model):
    """Rows behind ``after``; ask again with ``next`` as ``after``, unless it is 0."""

    rows: list[RowOut] = Field(max_length=MAX_PAGE)
    next: int

    @staticmethod
    def of(rows: list[ImportRow], *, full: int) -> RowPage:
        """A page, whose next one begins behind its last when it is full."""
        return RowPage(rows=[RowOut.of(row) for row in rows], next=rows[-1].row_no if len(rows) == full else 0)
