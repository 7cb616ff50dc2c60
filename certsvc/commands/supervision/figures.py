"""Figures of a period: each with its definition, numerator, denominator, lines, and the query behind it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day
from certsvc.commands.supervision.reach import body_seen
from certsvc.errors import InvalidInput
from certsvc.license.figures import DEFINITIONS, By, DayCount, Definition, Figure, FigureKey, Line, Measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.counter import CounterTally
    from certsvc.license.figures import QualityCount
    from certsvc.license.supervision import CardCount

MAX_DAYS = 366
"""A longer period would add up every day that a city ever had in one answer."""
MAX_LINES = 200
"""Lines of one figure, the largest first; a fetch may name any matter."""
LOWEST_GOOD = 3
FIRST_DAY = date(1970, 1, 2)
"""Nothing was counted before; stops days whose beginning no calendar has (``0001-01-01``)."""

NOT_REPORTED = "审批系统没有报送期内的办结件，不能计算；请先报送（POST /v1/supervision/finished-cases）"
MORE_THAN_ALL = "分子大于分母：报送的办结件不全，请核对"
NOT_LOOKED = "还没有完成过全库检查"


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """What was asked for: days, both counted, and a body, or empty for all."""

    first: date
    last: date
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The answer.

    Attributes:
        bodies: by USCC, the figures of each body that has any; empty when one body was asked for.
        days: issued, shown, used and replaced per day, for the chart.
        looked_on: day of the look through the register behind :attr:`FigureKey.QUALITY`, or None.
    """

    period: Period
    figures: tuple[Figure, ...]
    bodies: Mapping[str, tuple[Figure, ...]]
    days: Sequence[DayCount]
    cards: Sequence[CardCount]
    complaints: Mapping[str, int]
    looked_on: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What was read for the period: every figure is made of it."""

    counts: Sequence[DayCount]
    tallies: Sequence[CounterTally]
    quality: Sequence[QualityCount]
    looked: bool

    def of(self, body: str) -> _Read:
        """What of it is one body's."""
        return _Read(
            counts=[one for one in self.counts if one.department == body],
            tallies=[one for one in self.tallies if one.authority_code == body],
            quality=[one for one in self.quality if one.department == body],
            looked=self.looked,
        )


def figures_of(deps: Deps, caller: Principal, *, authority_code: str, first: date, last: date) -> Figures:
    """The figures of the caller's body, or of any or all for who supervises.

    Raises:
        Forbidden: another body's.
        InvalidInput: the last day before the first, or more than a year.
    """
    body = body_seen(caller, authority_code)
    if last < first or (last - first).days >= MAX_DAYS:
        raise InvalidInput(f"起止日期有误：结束日不能早于起始日，最多 {MAX_DAYS} 天")
    tomorrow = local_day(deps.clock.now()) + timedelta(days=1)
    first, last = (min(max(day, FIRST_DAY), tomorrow) for day in (first, last))
    return read_figures(deps, Period(first=first, last=last, body=body))


def read_figures(deps: Deps, period: Period) -> Figures:
    """The figures of a period; who may see them was asked before."""
    begin, end = end_of_day(period.first - timedelta(days=1)), end_of_day(period.last)
    body = period.body
    with deps.uow.read() as tx:
        tallies = [one for one in tx.counter.tallies(begin=begin, end=end) if body in {"", one.authority_code}]
        looked_on, quality = tx.day_counts.quality(department=body)
        found = _Read(
            counts=tx.day_counts.sums(first=period.first, last=period.last, department=body),
            tallies=tallies,
            quality=quality,
            looked=looked_on is not None,
        )
        days = tx.day_counts.daily(first=period.first, last=period.last, department=body)
        cards = tx.cards.tally(begin=begin, end=end, department=body)
    bodies = (
        {one.department for one in found.counts}
        | {one.authority_code for one in tallies}
        | {one.department for one in quality}
    )
    complaints = Counter({one.about: 0 for one in found.counts if one.measure == Measure.COMPLAINED})
    for one in found.counts:
        if one.measure == Measure.COMPLAINED:
            complaints[one.about] += one.value
    return Figures(
        period=period,
        figures=_all(found),
        bodies={} if body else {one: _all(found.of(one)) for one in sorted(bodies - {""})},
        days=days,
        cards=cards,
        complaints=complaints,
        looked_on=looked_on,
    )


def _all(found: _Read) -> tuple[Figure, ...]:
    return tuple(_MAKERS.get(one.key, _of_counts)(one, found) for one in DEFINITIONS)


def _figure(
    definition: Definition, numerators: Mapping[str, int], denominators: Mapping[str, int] | None, note: str = ""
) -> Figure:
    keys = set(numerators) | set(denominators or {})
    lines = [
        Line(
            key=key,
            numerator=numerators.get(key, 0),
            denominator=None if denominators is None else denominators.get(key, 0),
        )
        for key in keys
    ]
    lines.sort(key=lambda line: (-(line.denominator or 0), -line.numerator, line.key))
    return Figure(
        definition=definition,
        numerator=sum(numerators.values()),
        denominator=None if denominators is None else sum(denominators.values()),
        lines=tuple(lines[:MAX_LINES]),
        note=note,
    )


def _summed(
    counts: Iterable[DayCount], measure: Measure, by: By, fits: Callable[[str], bool] = lambda _: True
) -> dict[str, int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for one in counts:
        if one.measure == measure and fits(one.about):
            sums[one.type_slug if by is By.TYPE else one.about] += one.value
    return dict(sums)


def _of_counts(definition: Definition, found: _Read) -> Figure:
    """A figure whose lines are sums of one measure."""
    measure, fits = {
        FigureKey.SHOWS: (Measure.SCANNED, bool),
        FigureKey.PRINTED: (Measure.SCANNED, lambda about: not about),
        FigureKey.FETCHES: (Measure.FETCHED, lambda _: True),
        FigureKey.REPLACED: (Measure.REPLACED, lambda _: True),
    }[definition.key]
    return _figure(definition, _summed(found.counts, measure, definition.by, fits), None)


def _production(definition: Definition, found: _Read) -> Figure:
    issued = _summed(found.counts, Measure.ISSUED, definition.by)
    finished = _summed(found.counts, Measure.FINISHED, definition.by)
    note = ""
    if not sum(finished.values()):
        note = NOT_REPORTED if issued else ""
    elif any(issued.get(key, 0) > finished.get(key, 0) for key in issued):
        note = MORE_THAN_ALL
    return _figure(definition, issued, finished, note)


def _sealing(definition: Definition, found: _Read) -> Figure:
    accepted = Counter(_summed(found.counts, Measure.ACCEPTED, definition.by))
    accepted.subtract(_summed(found.counts, Measure.REFUSED, definition.by))
    return _figure(definition, _summed(found.counts, Measure.SEALED, definition.by), dict(accepted))


def _paper_taken(definition: Definition, found: _Read) -> Figure:
    taken: defaultdict[str, int] = defaultdict(int)
    exempt: defaultdict[str, int] = defaultdict(int)
    for one in found.tallies:
        taken[one.matter_code] += one.taken
        exempt[one.matter_code] += one.exempt
    return _figure(definition, taken, exempt)


def _quality(definition: Definition, found: _Read) -> Figure:
    """By type and defect (``type:defect``); the denominator of a line is the licenses of its type."""
    looked: defaultdict[str, int] = defaultdict(int)
    defects: defaultdict[tuple[str, str], int] = defaultdict(int)
    for one in found.quality:
        if one.defect:
            defects[one.type_slug, one.defect] += one.value
        else:
            looked[one.type_slug] += one.value
    lines = [
        Line(key=f"{slug}:{defect}", numerator=value, denominator=looked[slug])
        for (slug, defect), value in sorted(defects.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Figure(
        definition=definition,
        numerator=sum(defects.values()),
        denominator=sum(looked.values()),
        lines=tuple(lines[:MAX_LINES]),
        note="" if found.looked else NOT_LOOKED,
    )


def _content(definition: Definition, found: _Read) -> Figure:
    marks = _summed(found.counts, Measure.MARKED, definition.by)
    good = sum(value for mark, value in marks.items() if int(mark) >= LOWEST_GOOD)
    lines = tuple(Line(key=mark, numerator=marks[mark]) for mark in sorted(marks, reverse=True))
    return Figure(definition=definition, numerator=good, denominator=sum(marks.values()), lines=lines)


def _taking_part(definition: Definition, found: _Read) -> Figure:
    served = _summed(found.counts, Measure.SERVED, definition.by)
    marked = sum(_summed(found.counts, Measure.MARKED, By.MARK).values())
    lines = tuple(Line(key=key, numerator=served[key]) for key in sorted(served, key=lambda key: (-served[key], key)))
    return Figure(definition=definition, numerator=marked, denominator=sum(served.values()), lines=lines[:MAX_LINES])


_MAKERS: Mapping[FigureKey, Callable[[Definition, _Read], Figure]] = {
    FigureKey.PRODUCTION: _production,
    FigureKey.SEALING: _sealing,
    FigureKey.PAPER_TAKEN: _paper_taken,
    FigureKey.QUALITY: _quality,
    FigureKey.CONTENT: _content,
    FigureKey.TAKING_PART: _taking_part,
}
