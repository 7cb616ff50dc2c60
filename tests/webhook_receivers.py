"""Receivers of webhooks for tests: real HTTP servers on loopback, and one without a network for long runs."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from standardwebhooks import Webhook

from certsvc.catalog.loader import load_catalog
from certsvc.clock import Clock
from certsvc.commands.catalog.fixed import FixedCatalog
from certsvc.commands.ports import Deps, Policy
from certsvc.commands.webhook_ports import Receivers, Reply
from certsvc.ids import SystemIds
from certsvc.store.engine import Store


@dataclass
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def checked(self, secret: str) -> dict[str, Any]:
        """The event, after the library of the standard took the signature."""
        return dict(Webhook(secret).verify(self.body, self.headers))

    def is_signed(self, secret: str) -> bool:
        """Whether the library of the standard makes one of the signatures, whatever the time is."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        made = Webhook(secret).sign(self.headers["webhook-id"], at, self.body.decode())
        return made in self.headers["webhook-signature"].split(" ")


Answer = Callable[[Got], "tuple[int, Mapping[str, str]]"]


def take(_got: Got) -> tuple[int, Mapping[str, str]]:
    """Take everything."""
    return 204, {}


@dataclass
class Receiver:
    """A listening receiver; change ``answer`` at any time."""

    base: str
    answer: Answer = take
    got: list[Got] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.base}/hook"

    def events(self) -> list[dict[str, Any]]:
        return [one.event for one in self.got]


@contextmanager
def receiving(answer: Answer = take) -> Iterator[Receiver]:
    """A receiver on a free loopback port, until the end of the block."""
    found = Receiver(base="", answer=answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            status, headers = found.answer(got)
            found.got.append(got)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    found.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


class Scripted:
    """Receivers without a network: what is sent is kept, and ``answer`` says what comes back or raises."""

    def __init__(self, answer: Callable[[Got], Reply]) -> None:
        self.answer = answer
        self.got: list[Got] = []
        self.times: list[datetime] = []

    def check(self, url: str) -> None:
        """Every URL may be called."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Reply:
        got = Got(url, dict(headers), body)
        self.got.append(got)
        self.times.append(now)
        return self.answer(got)


class NoFaults:
    """Nothing happens at any step (the service's own comes with all its rooms)."""

    def reach(self, name: str) -> None:
        """Do nothing."""


seed_catalog = cache(load_catalog)


def sender_deps(store: Store, clock: Clock, receivers: Receivers, **changes: Any) -> Deps:
    """What sending needs, over a bare store; everything else is missing and breaks whoever touches it."""
    given: dict[str, Any] = {
        "uow": store.uow,
        "clock": clock,
        "ids": SystemIds(),
        "faults": NoFaults(),
        "policy": Policy(sandbox=True, public_base="https://zz.example", event_source="https://certsvc.example"),
        "receivers": receivers,
        "catalogs": FixedCatalog(seed_catalog()),  # which bodies act on consent alone
    }
    missing = {one.name: None for one in dataclasses.fields(Deps) if one.default is dataclasses.MISSING}
    return Deps(**cast("Any", {**missing, **given, **changes}))
