"""Writes the monthly sheets of 电子监察."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.app import build
from certsvc.commands.supervision.figures import Period, read_figures
from certsvc.commands.supervision.sheet import make_sheet, month_of
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_sheets(month: str, department: str, out: Path) -> Iterator[Path]:
    """One workbook for ``department``, or one for all and one for each body with figures; their paths."""
    first, last = month_of(month)
    service = build(load_settings())
    try:
        deps = service.deps
        bodies = [department]
        if not department:
            bodies += read_figures(deps, Period(first=first, last=last, body="")).bodies
        out.mkdir(parents=True, exist_ok=True)
        for body in bodies:
            name, data = make_sheet(deps, month=month, body=body)
            path = out / name
            path.write_bytes(data)
            yield path
    finally:
        service.close()
