"""Shapes that several bodies share: one line of text, and a day."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from certsvc.catalog.validation import check_text

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _one_line(text: str) -> str:
    if text == "":
        return text  # whether it may be empty is the field's own rule
    fault = check_text(text, max_length=len(text), is_name=False)
    if fault:
        raise PydanticCustomError("text", "{fault}", {"fault": fault})
    return text


def _written_day(value: object) -> object:
    """Only ``2026-01-01``: pydantic alone would take a count of seconds for a day in 1970."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise PydanticCustomError("date_parsing", "{fault}", {"fault": "日期应写作 2026-01-01"})
    if not isinstance(value, str | date):
        raise PydanticCustomError("date_type", "{fault}", {"fault": "日期应写作 2026-01-01"})
    return value


Line = Annotated[str, AfterValidator(_one_line)]
"""Text without control characters, line breaks or characters that cannot be shown; it goes into ledgers and events."""

Day = Annotated[date, BeforeValidator(_written_day)]
"""A calendar day as ``2026-01-01``."""
