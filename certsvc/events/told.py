"""What a process tells the others when it has committed it, so that they need not look for it all the time."""

from __future__ import annotations

from enum import StrEnum


class Told(StrEnum):
    """What there is to do."""

    WORK = "work"
    """something waits for a worker"""
    EVENTS = "events"
    """events or evidence wait for their positions"""
    NUMBERED = "numbered"
    """events or evidence have been given theirs"""
