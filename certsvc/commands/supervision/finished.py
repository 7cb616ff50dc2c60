"""办结件 of approval systems per day: the denominator of 电子证照生产率, also those that never asked for a license."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Day, Line
from certsvc.commands.supervision.reach import REPORTERS, check_reporter
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.license.figures import DayCount, Measure

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal

MAX_ROWS = 2000
"""Rows of one day: as many matters as a body has, and bounds one request."""
MAX_COUNT = 1_000_000
"""Cases of one matter on one day; more are a slip of a program."""
OLDEST_DAYS = 366


class FinishedRow(BaseModel):
    """一个事项当日办结、按规定应当产生证照的件数."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matter_code: Line = Field(min_length=1, max_length=33, description="事项实施编码")
    type: Line = Field(min_length=1, max_length=64, description="应当产生的证照类型")
    count: int = Field(ge=0, le=MAX_COUNT, description="办结且应出证的件数，含未申请电子证照的")


class FinishedBody(BaseModel):
    """一个机关一天的办结件；同一天再次报送，以最后一次为准."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    authority_code: Line = Field(min_length=18, max_length=18, description="办理机关统一社会信用代码")
    day: Day = Field(description="办结日期（北京）")
    rows: list[FinishedRow] = Field(max_length=MAX_ROWS, description="没有办结件的日子报送空列表")


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedDay:
    """What stands for the day now."""

    authority_code: str
    day: date
    rows: int
    total: int


def report_finished(deps: Deps, caller: Principal, body: FinishedBody) -> FinishedDay:
    """Put one day of a body in the place of what was reported for it before.

    Raises:
        Forbidden: another body.
        InvalidInput: a day to come or long past, a type that the catalog has not, a row twice.
    """
    roles.require(caller, *REPORTERS)
    check_reporter(caller, body.authority_code)
    now = deps.clock.now()
    _check(deps, body, local_day(now))
    counts = [
        DayCount(
            day=body.day,
            measure=Measure.FINISHED.value,
            department=body.authority_code,
            type_slug=row.type,
            about=row.matter_code,
            value=row.count,
        )
        for row in body.rows
    ]
    total = sum(row.count for row in body.rows)
    with deps.uow() as tx:
        tx.day_counts.replace(body.day, Measure.FINISHED.value, body.authority_code, counts)
        content = {"day": body.day.isoformat(), "rows": len(counts), "total": total}
        subject = f"{body.authority_code}:{body.day.isoformat()}"
        kind = "supervision.finished_reported"
        record(tx, deps, kind=kind, subject=subject, actor=caller.subject, content=content, at=now)
    return FinishedDay(authority_code=body.authority_code, day=body.day, rows=len(counts), total=total)


def _check(deps: Deps, body: FinishedBody, today: date) -> None:
    problems = []
    if not today - timedelta(days=OLDEST_DAYS) <= body.day <= today:
        problems.append(FieldProblem(pointer="/day", code="range", detail="办结日期不能晚于今天，也不能早于一年前"))
    known, seen = {kind.slug for kind in deps.catalog.types}, set()
    for index, row in enumerate(body.rows):
        if row.type not in known:
            detail = f"第 {index + 1} 行：证照目录中没有这种类型"
            problems.append(FieldProblem(pointer=f"/rows/{index}/type", code="enum", detail=detail))
        if (row.matter_code, row.type) in seen:
            detail = f"第 {index + 1} 行：同一事项和类型重复，请合并"
            problems.append(FieldProblem(pointer=f"/rows/{index}", code="repeated", detail=detail))
        seen.add((row.matter_code, row.type))
    if problems:
        raise InvalidInput("办结数据有误，当日未更新；请按提示更正后整日重报", problems=tuple(problems))
