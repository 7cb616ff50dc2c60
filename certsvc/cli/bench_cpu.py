"""Processor time of processes, as Linux counts it in ``/proc``: worth something on a machine that others use too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROC = Path("/proc")
_PARENT, _TIMES = 1, slice(11, 15)
"""Of the fields behind the name in ``stat`` (proc(5)): ppid; utime, stime, and both of the children waited for."""


def cpu_s(roots: Iterable[int]) -> float:
    """Seconds of processor time of these processes and of all they started; 0 where there is no ``/proc``.

    Processes that ended count with their parents, so of two looks the difference is what was spent in between.
    """
    stats = {int(entry.name): fields for entry in _PROC.glob("[0-9]*") if (fields := _stat(entry))}
    children: dict[int, list[int]] = {}
    for pid, fields in stats.items():
        children.setdefault(int(fields[_PARENT]), []).append(pid)
    waiting, ticks = [pid for pid in roots if pid in stats], 0
    while waiting:
        pid = waiting.pop()
        ticks += sum(map(int, stats[pid][_TIMES]))
        waiting += children.get(pid, ())
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(entry: Path) -> list[str]:
    """The fields behind the name, which may have blanks and brackets; none of a process that has just ended."""
    try:
        return (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
    except OSError:
        return []
