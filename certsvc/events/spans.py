"""Spans: what was done within a trace, how long it took, how it ended (OpenTelemetry, W3C Trace Context).

A span's name and words are the program's: declared routes, outcomes, codes, names of types. Never ids of people, never
what a body or a path holds: a trace stands in a monitoring system that is not ours.
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from certsvc.events.trace import current_trace, tracing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_LINKS = 64
"""Links of one span: a batch is made of many traces; more would be bytes that nobody reads."""


class Kind(Enum):
    """What a span is to the one before it (OpenTelemetry, *SpanKind*)."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Span(Protocol):
    """One span while it lasts."""

    @property
    def traceparent(self) -> str:
        """What those after it name as the one before them; empty where there is no trace."""
        ...

    def rename(self, name: str) -> None:
        """Call it otherwise: a route is known only when it was found."""
        ...

    def note(self, **words: str | int) -> None:
        """Add words to it; ``__`` in a name is written as ``.``."""
        ...

    def fail(self, code: str) -> None:
        """Mark it as failed, with a word of ours."""
        ...

    def end(self) -> None:
        """It lasted until now."""
        ...


class Tracer(Protocol):
    """Makes spans."""

    def begin(
        self, name: str, kind: Kind = Kind.INTERNAL, *, parent: str = "", links: Sequence[str] = (), **words: str | int
    ) -> Span:
        """Begin a span, which its maker ends.

        Args:
            name: of the span, a word of the program.
            kind: what it is.
            parent: traceparent of the one before it; empty takes the trace of what is done now.
            links: traceparents of others that it works for.
            words: what else is said of it.
        """
        ...

    def close(self) -> None:
        """Hand on what waits, for a few seconds at most."""
        ...


@contextmanager
def spanning(
    tracer: Tracer,
    name: str,
    kind: Kind = Kind.INTERNAL,
    *,
    parent: str = "",
    links: Sequence[str] = (),
    **words: str | int,
) -> Iterator[Span]:
    """Do the block as one span (:meth:`Tracer.begin`): what is done inside belongs to it, and an error fails it."""
    span = tracer.begin(name, kind, parent=parent, links=links, **words)
    try:
        with tracing(span.traceparent):
            yield span
    except BaseException as error:
        # The kind alone: what an error says may quote what somebody sent.
        span.fail(type(error).__name__)
        raise
    finally:
        span.end()


class _Unrecorded:
    """A span that nobody keeps: the trace that was there goes on unchanged (Trace Context §3.3)."""

    __slots__ = ("traceparent",)

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def rename(self, name: str) -> None:
        """Nothing."""

    def note(self, **words: str | int) -> None:
        """Nothing."""

    def fail(self, code: str) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class NoSpans:
    """Makes none, and passes on the traces of callers: where no collector is set."""

    def begin(
        self,
        name: str,  # noqa: ARG002
        kind: Kind = Kind.INTERNAL,  # noqa: ARG002
        *,
        parent: str = "",
        links: Sequence[str] = (),  # noqa: ARG002
        **words: str | int,  # noqa: ARG002
    ) -> Span:
        """The trace of ``parent``, or of what is done now."""
        return _Unrecorded(parent or current_trace())

    def close(self) -> None:
        """Nothing."""


NO_SPANS = NoSpans()
