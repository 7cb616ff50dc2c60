"""A province's endpoint for reports: a real HTTP server on loopback with a quota, delays, outages and rejections."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Province:
    """What it does now, and what it has taken note of; change it at any time.

    Attributes:
        quota: reports that it still takes before it answers 429; None for any number.
        status: answered instead of anything else, when set.
        rejects: a reason for each report that it refuses.
        refuses: whether a body with this report is refused as a whole (422).
        forgets: take note and answer nothing of it, as when the answer is lost.
        taken: the last report of each license in force there, as a register would keep it.
    """

    url: str = ""
    token: str = "province-token"
    quota: int | None = None
    status: int = 0
    delay_s: float = 0.0
    rejects: Callable[[dict[str, Any]], str] = lambda _item: ""
    refuses: Callable[[dict[str, Any]], bool] = lambda _item: False
    forgets: bool = False
    bodies: list[dict[str, Any]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        self.bodies.append(body)
        time.sleep(self.delay_s)
        items = body["items"]
        if self.status:
            return self.status, {}, {}
        if self.quota is not None and self.quota < len(items):
            return 429, {"Retry-After": "7"}, {}
        if any(self.refuses(item) for item in items):
            return 422, {}, {}
        results = [self.take(item) for item in items]
        return (500, {}, {}) if self.forgets else (200, {}, {"results": results})

    def take(self, item: dict[str, Any]) -> dict[str, str]:
        reason = self.rejects(item)
        if reason:
            return {"id": item["id"], "code": "rejected", "reason": reason}
        if self.quota is not None:
            self.quota -= 1
        known = self.taken.get(item["certificateIdentifier"])
        if item["id"] not in self.seen:
            self.seen.append(item["id"])
        if known is None or known["sequence"] <= item["sequence"]:
            self.taken[item["certificateIdentifier"]] = item
        return {"id": item["id"], "code": "accepted"}


@contextmanager
def provincial() -> Iterator[Province]:
    """A province on a free loopback port, until the end of the block."""
    found = Province()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            known = self.headers.get("authorization") == f"Bearer {found.token}"
            status, headers, said = found.answer(body) if known else (401, {}, {})
            data = json.dumps(said, ensure_ascii=False).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/reports"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
