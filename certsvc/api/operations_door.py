"""The door of operators: figures and health on a port of its own, which no proxy leads to.

It stands in every process, ``worker`` and ``relay`` too, and needs nothing of the public API: that may be full while
this still answers. Figures tell how much is issued and refused, so they are not public (ADR 83).
"""

from __future__ import annotations

import hmac
import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import structlog

from certsvc.commands.operations.readiness import readiness
from certsvc.errors import ConfigurationError
from certsvc.meters import CONTENT_TYPE

if TYPE_CHECKING:
    from certsvc.commands.operations.metrics import Dashboard
    from certsvc.commands.operations.readiness import Probes
    from certsvc.commands.ports import Deps

log = structlog.get_logger("certsvc.operations")

IDLE_S = 5
"""How long a connection may say nothing: a slow one must not hold a thread."""

MAX_AT_ONCE = 8
"""Scrapes answered at one time; the next is told to come back, so that a flood here does not load the database."""


class OperationsDoor:
    """A small HTTP server in threads of this process."""

    def __init__(
        self, deps: Deps, probes: Probes, dashboard: Dashboard, *, host: str, port: int, token: str = ""
    ) -> None:
        """Take the port; with ``token`` figures are given to whoever carries it as a bearer token.

        Raises:
            ConfigurationError: the port cannot be taken.
        """
        places = threading.BoundedSemaphore(MAX_AT_ONCE)

        class Handler(BaseHTTPRequestHandler):
            timeout = IDLE_S
            server_version, sys_version = "certsvc", ""
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                if self.path == "/healthz":  # asks nothing, so it tells the truth also when all places wait
                    self._answer(HTTPStatus.OK, _json({"status": "alive"}), "application/json")
                    return
                if not places.acquire(blocking=False):
                    self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"busy\n", "text/plain")
                    return
                try:
                    self._answer(
                        *_found(deps, probes, dashboard, self.path, self.headers.get("authorization", ""), token)
                    )
                finally:
                    places.release()

            def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                if status is HTTPStatus.UNAUTHORIZED:
                    self.send_header("WWW-Authenticate", 'Bearer realm="certsvc-metrics"')
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Nothing: a line per scrape is no news."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise ConfigurationError(
                f"运行指标的端口 {host}:{port} 不能使用；请用 metrics_port 换一个，每个进程各用一个"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="operations-door", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(IDLE_S)


def _found(
    deps: Deps, probes: Probes, dashboard: Dashboard, path: str, authorization: str, token: str
) -> tuple[HTTPStatus, bytes, str]:
    """Status, body and type of an answer; an error of ours or of anybody's is a plain 500 and a line in the log."""
    try:
        match path:
            case "/metrics" if token and not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
                return HTTPStatus.UNAUTHORIZED, b"bearer token required\n", "text/plain"
            case "/metrics":
                return HTTPStatus.OK, dashboard.text(), CONTENT_TYPE
            case "/readyz":
                found = readiness(deps, probes)
                status = HTTPStatus.OK if found.ready else HTTPStatus.SERVICE_UNAVAILABLE
                return status, _json({"ready": found.ready, **found.parts}), "application/json"
            case _:
                return HTTPStatus.NOT_FOUND, b"/metrics, /healthz, /readyz\n", "text/plain"
    except Exception as error:
        log.exception("operations door", action="operations.crashed", exc_info=error)
        return HTTPStatus.INTERNAL_SERVER_ERROR, b"see the log\n", "text/plain"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"
