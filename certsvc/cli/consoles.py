"""Where commands print what they were asked for."""

from __future__ import annotations

from rich.console import Console

LINE_OF_A_FILE = 400
"""Columns where nobody looks at a terminal: a row is one line, and the number in it can be searched and cut out."""


def answers() -> Console:
    """Standard output: as wide as the terminal, or of whole lines for files and other programs."""
    console = Console()
    if not console.is_terminal:
        console.width = LINE_OF_A_FILE
    return console
