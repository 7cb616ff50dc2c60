"""月度通报: the figures of a month of one body, or of all, as the workbook that offices circulate."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day
from certsvc.commands.page_ports import TextSheet
from certsvc.commands.supervision.figures import Figures, Period, read_figures
from certsvc.commands.supervision.names import line_name
from certsvc.commands.supervision.reach import body_seen
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.license.complaints import COMPLAINT_ZH
from certsvc.license.figures import DEFINITIONS, Definition, rate_of
from certsvc.license.supervision import CARD_ZH, CLOCKS, COLOUR_ZH, CardState, ClockKind, Colour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.supervision import Card

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
MAX_CARDS = 500
"""Cards of one state listed in a sheet; the sums beside them are of all."""
OVERALL = "全部部门"


def month_of(text: str) -> tuple[date, date]:
    """First and last day of ``2026-10``; InvalidInput for anything else."""
    found = _MONTH.fullmatch(text)
    if found is None:
        detail = "月份应写作 2026-10"
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/month", code="invalid", detail=detail),))
    first = date(int(found[1]), int(found[2]), 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def sheet_for(deps: Deps, caller: Principal, *, month: str, authority_code: str) -> tuple[str, bytes]:
    """Name and bytes of the workbook for the caller's body, or for any or all for who supervises.

    Raises:
        Forbidden: another body's.
        InvalidInput: no month.
    """
    return make_sheet(deps, month=month, body=body_seen(caller, authority_code))


def make_sheet(deps: Deps, *, month: str, body: str) -> tuple[str, bytes]:
    """Name and bytes of the workbook; who may have it was asked before."""
    first, last = month_of(month)
    found = read_figures(deps, Period(first=first, last=last, body=body))
    earlier_last = first - timedelta(days=1)
    earlier = read_figures(deps, Period(first=earlier_last.replace(day=1), last=earlier_last, body=body))
    who = _body(deps, body) if body else OVERALL
    sheets = [
        TextSheet(
            title="通报",
            header=("指标", "本月", "上月", "分子", "分母", "口径", "提示"),
            rows=list(_summary(deps, found, earlier, who, month)),
        ),
        TextSheet(title="明细", header=("指标", "项目", "分子", "分母", "比率"), rows=list(_lines(deps, found))),
        TextSheet(
            title="红黄牌",
            header=("部门", "时限事项", "颜色", "承办", "最后一日", "发牌日期", "状态", "整改说明"),
            rows=list(_cards(deps, found)),
        ),
        TextSheet(
            title="计算语句",
            header=("指标", "分子", "分母"),
            rows=[(one.name_zh, one.numerator, one.denominator) for one in DEFINITIONS],
        ),
    ]
    if not body:
        names = tuple(one.name_zh for one in DEFINITIONS)
        sheets.insert(1, TextSheet(title="分部门", header=("部门", *names), rows=list(_bodies(deps, found))))
    return f"电子证照监察通报-{month}-{who}.xlsx", deps.renderer.book_xlsx(sheets)


def _body(deps: Deps, code: str) -> str:
    return deps.catalog.authority(code).name if deps.catalog.has_authority(code) else code


def _said(definition: Definition, numerator: int, denominator: int | None) -> str:
    """The value for people: a share with one digit behind the point, or a count with its unit."""
    if definition.denominator == "":
        return f"{numerator} {definition.unit}"
    rate = rate_of(numerator, denominator)
    return "—" if rate is None else f"{rate:.1%}"


def _summary(deps: Deps, found: Figures, earlier: Figures, who: str, month: str) -> Iterator[tuple[str, ...]]:
    year, number = month.split("-")
    made = local_day(deps.clock.now())
    yield (
        f"{who} {year}年{int(number)}月电子证照监察通报",
        f"制表：{made.year}年{made.month}月{made.day}日",
        *[""] * 5,
    )
    for one, before in zip(found.figures, earlier.figures, strict=True):
        what = one.definition
        yield (
            what.name_zh,
            _said(what, one.numerator, one.denominator),
            _said(what, before.numerator, before.denominator),
            str(one.numerator),
            "" if one.denominator is None else str(one.denominator),
            what.definition_zh,
            one.note,
        )
    for colour in Colour:
        now = sum(card.value for card in found.cards if card.colour == colour)
        then = sum(card.value for card in earlier.cards if card.colour == colour)
        yield (COLOUR_ZH[colour], f"{now} 张", f"{then} 张", str(now), "", "期内发出的张数，含已并入红牌的", "")
    for state, name in COMPLAINT_ZH.items():
        now, then = found.complaints.get(state.value, 0), earlier.complaints.get(state.value, 0)
        yield (f"投诉：{name}", f"{now} 件", f"{then} 件", str(now), "", "期内到达此环节的件次", "")


def _lines(deps: Deps, found: Figures) -> Iterator[tuple[str, ...]]:
    for one in found.figures:
        for line in one.lines:
            rate = rate_of(line.numerator, line.denominator)
            yield (
                one.definition.name_zh,
                line_name(deps, one.definition.by, line.key),
                str(line.numerator),
                "" if line.denominator is None else str(line.denominator),
                "" if rate is None else f"{rate:.1%}",
            )


def _bodies(deps: Deps, found: Figures) -> Iterator[tuple[str, ...]]:
    for code, figures in found.bodies.items():
        values = (_said(one.definition, one.numerator, one.denominator) for one in figures)
        yield (_body(deps, code), *values)


def _cards(deps: Deps, found: Figures) -> Iterator[tuple[str, ...]]:
    period = found.period
    end = end_of_day(period.last)
    cards: list[Card] = []
    with deps.uow.read() as tx:
        for state in CardState:
            # Behind the end of the month: newest first from there.
            cards += tx.cards.of(period.body, state, limit=MAX_CARDS, behind=(end, ""))
    for one in sorted(cards, key=lambda card: (card.department, card.raised_at, card.card_id)):
        if period.first <= local_day(one.raised_at) <= period.last:
            yield (
                _body(deps, one.department),
                CLOCKS[ClockKind(one.clock)].name_zh,
                COLOUR_ZH[one.colour],
                one.handler or "尚未受理",
                one.due_on.isoformat(),
                local_day(one.raised_at).isoformat(),
                CARD_ZH[one.state],
                one.answer,
            )
