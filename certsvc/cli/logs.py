"""Structured logs: one JSON line per event on standard error, without personal data.

Code logs facts by key (``action``, ids, reason codes), never bodies. Of an exception it logs kinds and places, never
the message: messages of libraries quote the data that they stumbled over. As a second line of defence a processor
masks what looks like an ID number, a phone number or a bearer token in any value.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

import orjson
import structlog

from certsvc.events.trace import current_trace, trace_id

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{6}(?:19|20)\d{9}[\dXx](?![0-9A-Za-z])|(?<!\d)\d{15}(?!\d)")
"""18-digit citizen ids, and the 15-digit ones of old."""

PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
TOKEN = re.compile(r"(?i)bearer\s+[\w.~+/=-]+|eyJ[\w-]{8,}\.[\w-]+\.[\w-]+")
CAPABILITY = re.compile(r"(?i)([?&](?:id|fid|access_token|token|auth_code)=)[^&\s\"']+")
"""Addresses that give a file once, and tokens that somebody put into a URL, whoever logs the URL."""
UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What some reader takes for the end of a line, or that makes a line read otherwise than it is written."""
MASK = "<masked>"
MAX_CHAIN, MAX_FRAMES = 5, 30
"""Causes, and frames of each, that one line may name."""


def redact(text: str) -> str:
    """The text with ID numbers, phone numbers and tokens masked, on one line."""
    for pattern in (ID_NUMBER, PHONE, TOKEN):
        text = pattern.sub(MASK, text)
    text = CAPABILITY.sub(rf"\1{MASK}", text)
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    return UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _redact_all(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {key: _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _with_trace_id(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Name the caller's trace that the line belongs to, if it has one."""
    found = trace_id(current_trace())
    return {**event, "trace_id": found} if found else event


def _trace_only(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace ``exc_info`` by the kinds of the exceptions and where they passed, innermost cause first."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else (given[1] if isinstance(given, tuple) else None)
    if given is True:
        error = sys.exc_info()[1]
    if error is not None:
        event["exception"] = [_trace(one) for one in reversed(_chain(error))]
    return event


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found and len(found) < MAX_CHAIN:
        found.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return found


def _trace(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__, limit=-MAX_FRAMES)
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return {"kind": kind, "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]}


def _dumps(event: dict[str, Any], **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


class _Stderr:
    """Standard error as it is when a line is written: whoever redirects it for a while may close what it was then.

    A line that cannot be written (a file on a full disk, a pipe whose reader has gone) is lost and nothing else: the
    work that wanted to tell of its trouble goes on.
    """

    def write(self, text: str) -> int:
        """Write to what standard error is now."""
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what standard error is now."""
        with suppress(OSError):
            sys.stderr.flush()


def configure_logs(level: str) -> None:
    """Set up structlog and the standard library's loggers alike."""
    numeric = logging.getLevelNamesMapping()[level]
    stderr = _Stderr()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _with_trace_id,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _trace_only,
        _redact_all,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_dumps)],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(file=cast("TextIO", stderr)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(serializer=_dumps), foreign_pre_chain=shared
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(numeric, logging.WARNING))
