"""Moments as they are given on the command line."""

from __future__ import annotations

from datetime import datetime

from certsvc.clock import parse_rfc3339
from certsvc.errors import InvalidInput


def moment(text: str) -> datetime | None:
    """The moment of ``--at``; None when none was given, InvalidInput for one without offset."""
    if not text:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise InvalidInput("--at 应带时区，如 2026-01-01T00:00:00Z 或 2026-01-01T08:00:00+08:00") from error
