"""A collector of spans: takes OTLP over HTTP and reads it with the protocol's own messages."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """One span as it came; ids in hexadecimal."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    """trace ids"""
    words: dict[str, str | int]
    failed: bool

    @property
    def traceparent(self) -> str:
        """Without the flags."""
        return f"00-{self.trace_id}-{self.span_id}"


@dataclass
class Collector:
    """What came so far."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def spans(self) -> list[Seen]:
        """All of them."""
        found = []
        for body in self.bodies:
            request = ExportTraceServiceRequest()
            request.ParseFromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    found += [_seen(span) for span in scope.spans]
        return found

    def named(self, name: str) -> list[Seen]:
        """Those of one name."""
        return [span for span in self.spans() if span.name == name]


def _seen(span: object) -> Seen:
    words = {
        one.key: one.value.int_value if one.value.HasField("int_value") else one.value.string_value
        for one in span.attributes  # type: ignore[attr-defined]
    }
    return Seen(
        name=span.name,  # type: ignore[attr-defined]
        kind=span.kind,  # type: ignore[attr-defined]
        trace_id=span.trace_id.hex(),  # type: ignore[attr-defined]
        span_id=span.span_id.hex(),  # type: ignore[attr-defined]
        parent_id=span.parent_span_id.hex(),  # type: ignore[attr-defined]
        links=tuple(link.trace_id.hex() for link in span.links),  # type: ignore[attr-defined]
        words=words,
        failed=span.status.code == 2,  # type: ignore[attr-defined]
    )


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free loopback port, until the end of the block."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            found.tokens.add(self.headers.get("authorization", ""))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
