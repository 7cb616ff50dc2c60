"""The trace that what is done now belongs to (W3C Trace Context, level 1): from a caller's request to its events.

What the caller sent is passed on: a request keeps it while it waits, and every event that it leads to carries it as the
CloudEvents extension ``traceparent``. Where no collector is set it goes on unchanged (§3.3: who takes no part
forwards); else each step is a span of its own (``spans.py``).
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = "traceparent"
"""Name of the HTTP header, of the broker's header and of the CloudEvents attribute."""
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
MAX_LENGTH = 256
"""Characters of what a caller sends; longer ones are no trace. Stops names that bloat rows and logs."""

_current: ContextVar[str] = ContextVar("traceparent", default="")


def read_traceparent(text: object) -> str:
    """What a caller sent, in the form of version 00; empty for anything that the standard has ignored (§3.2.2)."""
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        return ""
    found = _FORM.fullmatch(text)
    if found is None:
        return ""
    version, trace_id, parent_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not (int(trace_id, 16) and int(parent_id, 16)):
        return ""
    return f"00-{trace_id}-{parent_id}-{flags}"


def current_trace() -> str:
    """The trace of what is done now, or empty."""
    return _current.get()


def trace_id(traceparent: str) -> str:
    """The part that all of one trace share; empty of an empty one."""
    return traceparent[3:35]


def trace_header(traceparent: str) -> dict[str, str]:
    """The header that hands a trace on; none for an empty one."""
    return {HEADER: traceparent} if traceparent else {}


@contextmanager
def tracing(traceparent: str) -> Iterator[None]:
    """Do the block in this trace; an empty one leaves the trace that was there."""
    token = _current.set(traceparent or _current.get())
    try:
        yield
    finally:
        _current.reset(token)
