"""What answers of 电子监察 look like: cards, clocks of cases, figures."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from certsvc.api.counter_models import body_name
from certsvc.api.models import Model
from certsvc.commands.supervision.names import line_name
from certsvc.license.case_clocks import CASE_ZH, STOP_ZH, StopReason
from certsvc.license.figures import rate_of
from certsvc.license.supervision import CARD_ZH, CLOCKS, COLOUR_ZH, ClockKind

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.supervision.figures import Figures
    from certsvc.commands.supervision.finished import FinishedDay
    from certsvc.license.case_clocks import CaseClock
    from certsvc.license.figures import Figure
    from certsvc.license.supervision import Card


class CaseClockOut(Model):
    """The clock of one case."""

    case_id: str
    authority_code: str
    case_no: str
    matter_code: str
    handler: str
    state: str = Field(description="running 计时中 · stopped 中止计时 · finished 已办结")
    state_zh: str
    limit_workdays: int
    used_workdays: int = Field(description="到最近一次中止为止已用的工作日")
    due_on: date | None = Field(description="最后一日；中止期间为空")
    stop_reason: str
    stop_reason_zh: str
    stops: int
    late: bool
    accepted_at: datetime
    said_at: datetime = Field(description="最近一个环节报送的时间")
    counted_at: datetime = Field(description="最近一个环节计时所用的时间；晚报的为收到时间")
    late_reports: int = Field(description="晚报、按收到时间计的环节数")
    finished_at: datetime | None

    @staticmethod
    def of(one: CaseClock, now: datetime) -> CaseClockOut:
        """From a case as it stands at ``now``."""
        return CaseClockOut(
            case_id=one.case_id,
            authority_code=one.authority_code,
            case_no=one.case_no,
            matter_code=one.matter_code,
            handler=one.handler,
            state=one.state.value,
            state_zh=CASE_ZH[one.state],
            limit_workdays=one.limit,
            used_workdays=one.used,
            due_on=one.due_on,
            stop_reason=one.stop_reason,
            stop_reason_zh=STOP_ZH[StopReason(one.stop_reason)] if one.stop_reason else "",
            stops=one.stops,
            late=one.late(now),
            accepted_at=one.accepted_at,
            said_at=one.said_at,
            counted_at=one.last_at,
            late_reports=one.late_reports,
            finished_at=one.finished_at,
        )


class CardOut(Model):
    """One yellow or red card."""

    card_id: str
    clock: str
    clock_zh: str
    span_zh: str
    law: str
    subject: str = Field(description="超期事项的编号")
    colour: str
    colour_zh: str
    department: str
    department_name: str
    handler: str = Field(description="承办人、经办账号或系统；无人受理的为空")
    about: str
    since: datetime
    due_on: date
    raised_at: datetime
    answer_due_on: date
    unanswered: bool = Field(description="已过说明期限仍未说明")
    state: str
    state_zh: str
    answer: str
    answered_at: datetime | None
    ruling: str
    ruled_at: datetime | None

    @staticmethod
    def of(deps: Deps, one: Card) -> CardOut:
        """From a card as it stands now."""
        rule = CLOCKS[one.clock]
        return CardOut(
            card_id=one.card_id,
            clock=one.clock.value,
            clock_zh=rule.name_zh,
            span_zh=rule.span_zh,
            law=rule.law,
            subject=one.subject,
            colour=one.colour.value,
            colour_zh=COLOUR_ZH[one.colour],
            department=one.department,
            department_name=body_name(deps.catalog, one.department),
            handler=one.handler,
            about=one.about,
            since=one.since,
            due_on=one.due_on,
            raised_at=one.raised_at,
            answer_due_on=one.answer_due_on,
            unanswered=one.unanswered(deps.clock.now()),
            state=one.state.value,
            state_zh=CARD_ZH[one.state],
            answer=one.answer,
            answered_at=one.answered_at,
            ruling=one.ruling,
            ruled_at=one.ruled_at,
        )


class CardPageOut(Model):
    """Newest first; ask again with ``next`` as ``cursor``, unless it is empty."""

    cards: list[CardOut]
    next: str


class FinishedOut(Model):
    """What stands for the day now."""

    authority_code: str
    day: date
    rows: int
    total: int

    @staticmethod
    def of(one: FinishedDay) -> FinishedOut:
        """From the day."""
        return FinishedOut(authority_code=one.authority_code, day=one.day, rows=one.rows, total=one.total)


class LineOut(Model):
    """One line of a figure."""

    key: str
    name: str
    numerator: int
    denominator: int | None
    rate: float | None


class FigureOut(Model):
    """One figure: what it says, what it is made of, and the query behind it."""

    key: str
    name: str
    definition: str
    unit: str = Field(description="率 · 次 · 件")
    numerator: int
    denominator: int | None
    rate: float | None = Field(description="分子 ÷ 分母；没有分母的为空")
    note: str
    numerator_query: str
    denominator_query: str
    lines: list[LineOut]

    @staticmethod
    def of(deps: Deps, one: Figure) -> FigureOut:
        """From a figure, with the names of its lines."""
        what = one.definition
        return FigureOut(
            key=what.key.value,
            name=what.name_zh,
            definition=what.definition_zh,
            unit=what.unit,
            numerator=one.numerator,
            denominator=one.denominator,
            rate=one.rate,
            note=one.note,
            numerator_query=what.numerator,
            denominator_query=what.denominator,
            lines=[
                LineOut(
                    key=line.key,
                    name=line_name(deps, what.by, line.key),
                    numerator=line.numerator,
                    denominator=line.denominator,
                    rate=rate_of(line.numerator, line.denominator),
                )
                for line in one.lines
            ],
        )


class ShortOut(Model):
    """One figure of one body."""

    key: str
    numerator: int
    denominator: int | None
    rate: float | None


class BodyOut(Model):
    """The figures of one body, beside those of the others."""

    authority_code: str
    name: str
    figures: list[ShortOut]


class DayOut(Model):
    """One day of the chart."""

    day: date
    measure: str
    value: int


class CardCountOut(Model):
    """Cards raised in the period, counted."""

    department: str
    department_name: str
    clock: str
    clock_zh: str
    colour: str
    state: str
    value: int


class FiguresOut(Model):
    """The figures of a period."""

    first: date
    last: date
    authority_code: str = Field(description="空为全部部门")
    name: str
    figures: list[FigureOut]
    bodies: list[BodyOut] = Field(description="按部门对比；只问一个部门时为空")
    days: list[DayOut]
    cards: list[CardCountOut]
    complaints: dict[str, int] = Field(description="期内投诉到达各环节的件次")
    looked_on: date | None = Field(description="数据问题率所依据的全库检查日期")

    @staticmethod
    def of(deps: Deps, found: Figures) -> FiguresOut:
        """From the figures."""
        catalog, body = deps.catalog, found.period.body
        return FiguresOut(
            first=found.period.first,
            last=found.period.last,
            authority_code=body,
            name=body_name(catalog, body) if body else "全部部门",
            figures=[FigureOut.of(deps, one) for one in found.figures],
            bodies=[
                BodyOut(
                    authority_code=code,
                    name=body_name(catalog, code),
                    figures=[
                        ShortOut(
                            key=one.definition.key.value,
                            numerator=one.numerator,
                            denominator=one.denominator,
                            rate=one.rate,
                        )
                        for one in figures
                    ],
                )
                for code, figures in found.bodies.items()
            ],
            days=[DayOut(day=one.day, measure=one.measure, value=one.value) for one in found.days],
            cards=[
                CardCountOut(
                    department=one.department,
                    department_name=body_name(catalog, one.department),
                    clock=one.clock,
                    clock_zh=CLOCKS[ClockKind(one.clock)].name_zh,
                    colour=one.colour,
                    state=one.state,
                    value=one.value,
                )
                for one in found.cards
            ],
            complaints=dict(found.complaints),
            looked_on=found.looked_on,
        )
