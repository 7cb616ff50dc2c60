"""Spans to a collector by OTLP over HTTP (protobuf), through OpenTelemetry's SDK.

The collector is never waited for: spans stand in a queue of bounded length, a thread of the SDK hands them on, and what
does not fit is dropped. The SDK is loaded only where a collector is set.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import requests
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased

import certsvc
from certsvc.events.spans import MAX_LINKS, Kind
from certsvc.events.trace import current_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.events.spans import Span

QUEUE = 4096
"""Spans that wait at most: a dead collector must not fill the memory. More are dropped."""
PER_CALL = 512
EVERY_MS = 2_000
TIMEOUT_S = 5
"""Of one call, and of what is handed on at the end: a silent collector must not hold up a restart."""
MAX_WORD = 200
"""Characters of one value."""

_KINDS = {kind: trace.SpanKind[kind.name] for kind in Kind}


class OtlpTracer:
    """Makes spans and hands the sampled ones to a collector."""

    def __init__(self, url: str, *, ratio: float, process: str, token: str = "") -> None:
        """Hand spans to ``url``.

        Args:
            url: of the collector's traces, such as ``http://collector.example:4318/v1/traces``.
            ratio: of traces that are recorded, 0 to 1, chosen by trace id, so that every process chooses alike. A
                caller's flag can take its trace out, never in: strangers do not decide what is stored.
            process: name of this process.
            token: for ``Authorization: Bearer``; empty sends none.
        """
        chosen = TraceIdRatioBased(ratio)
        self._provider = TracerProvider(
            sampler=ParentBased(chosen, remote_parent_sampled=chosen, remote_parent_not_sampled=ALWAYS_OFF),
            resource=Resource(
                {"service.name": "certsvc", "service.version": certsvc.__version__, "service.instance.id": process}
            ),
            span_limits=SpanLimits(max_links=MAX_LINKS, max_span_attribute_length=MAX_WORD),
            shutdown_on_exit=False,
        )
        headers = {"authorization": f"Bearer {token}"} if token else {}
        session = requests.Session()
        session.trust_env = False  # no proxy and no netrc of the machine: spans go where the setting says
        exporter = OTLPSpanExporter(endpoint=url, headers=headers, timeout=TIMEOUT_S, session=session)
        queue = BatchSpanProcessor(
            exporter,
            max_queue_size=QUEUE,
            schedule_delay_millis=EVERY_MS,
            max_export_batch_size=PER_CALL,
            export_timeout_millis=TIMEOUT_S * 1000,
        )
        self._provider.add_span_processor(queue)
        self._tracer = self._provider.get_tracer("certsvc", certsvc.__version__)

    def begin(
        self, name: str, kind: Kind = Kind.INTERNAL, *, parent: str = "", links: Sequence[str] = (), **words: str | int
    ) -> Span:
        """Begin a span (:class:`certsvc.events.spans.Tracer`)."""
        before = _context_of(parent or current_trace())
        others = [trace.Link(found) for found in map(_span_context, links[:MAX_LINKS]) if found is not None]
        return _Recorded(self._tracer.start_span(name, before, _KINDS[kind], _dotted(words), others))

    def close(self) -> None:
        """Hand on what waits, for a few seconds at most."""
        ending = threading.Thread(target=self._provider.shutdown, name="spans-end", daemon=True)
        ending.start()
        ending.join(TIMEOUT_S)


class _Recorded:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        """What those after it name."""
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def rename(self, name: str) -> None:
        """Call it otherwise."""
        self._span.update_name(name)

    def note(self, **words: str | int) -> None:
        """Add words to it."""
        self._span.set_attributes(_dotted(words))

    def fail(self, code: str) -> None:
        """Mark it as failed."""
        self._span.set_attribute("error.type", code)
        self._span.set_status(trace.StatusCode.ERROR)

    def end(self) -> None:
        """It lasted until now."""
        self._span.end()


def _dotted(words: dict[str, str | int]) -> dict[str, str | int]:
    return {name.replace("__", "."): value for name, value in words.items()}


def _span_context(traceparent: str) -> trace.SpanContext | None:
    if not traceparent:
        return None
    _, trace_id, span_id, flags = traceparent.split("-")
    sampled = trace.TraceFlags(int(flags, 16))
    return trace.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=sampled)


def _context_of(traceparent: str) -> Context:
    found = _span_context(traceparent)
    return Context() if found is None else trace.set_span_in_context(trace.NonRecordingSpan(found), Context())
