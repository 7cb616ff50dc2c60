"""工作日: which days offices work, as data (``workdays.toml``), since 调休 follows no rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from certsvc.catalog.validation import parse_date
from certsvc.errors import InvalidInput

if TYPE_CHECKING:
    from certsvc.catalog.toml_table import Table, TomlFile

SATURDAY = 5
MOST_WORKDAYS = 1000
"""Four years of working days; a longer period is counted in something else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workdays:
    """Days off that would be worked, and worked days that would be off; beyond them Monday to Friday are worked."""

    off: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    def is_worked(self, day: date) -> bool:
        """Whether offices work on ``day``."""
        if day in self.worked:
            return True
        return day.weekday() < SATURDAY and day not in self.off

    def after(self, day: date, count: int) -> date:
        """The working day that is ``count`` of them after ``day``, which itself is not counted."""
        if not 0 < count <= MOST_WORKDAYS:
            msg = "a period of working days has 1 to 1000 of them"
            raise RuntimeError(msg)
        while count:
            day += timedelta(days=1)
            count -= self.is_worked(day)
        return day

    def between(self, day: date, last: date) -> int:
        """How many working days follow ``day`` up to ``last``, which is counted; none when it is not after it."""
        length = (last - day).days
        if length > MOST_WORKDAYS * 2:
            msg = "a period of working days has at most 1000 of them"
            raise RuntimeError(msg)
        return sum(self.is_worked(day + timedelta(days=step)) for step in range(1, length + 1))


def read_workdays(file: TomlFile | None) -> Workdays:
    """The calendar; no file, no exceptions.

    Raises:
        ConfigurationError: not a day, or a day both off and worked, or one that changes nothing.
    """
    if file is None:
        return Workdays()
    root = file.root()
    off, worked = _days(root, "off"), _days(root, "worked")
    for day in off:
        if day.weekday() >= SATURDAY:
            root.refuse("off", f"{day.isoformat()} 本来就是周末，不必列出")
    for day in worked:
        if day.weekday() < SATURDAY:
            root.refuse("worked", f"{day.isoformat()} 不是周末，不必列出")
    root.done()
    return Workdays(off=off, worked=worked)


def _days(root: Table, key: str) -> frozenset[date]:
    found = set()
    for text in root.texts(key):
        try:
            found.add(parse_date(text))
        except InvalidInput as error:
            root.refuse(key, error.detail)
    return frozenset(found)
