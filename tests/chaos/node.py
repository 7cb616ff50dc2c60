"""One process of a service under fault, run as a program: the application and the loops as ``certsvc serve`` runs them.

Only the sandbox's samples are left out. ``python node.py ROLE VAR DATABASE_URL PORT``; roles: ``all`` (application and
loops), ``api`` (application alone), ``worker`` (issuing alone), ``relay`` (sequencer and relay alone).
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import uvicorn
from fixtures_city import sandbox_settings
from set_clock import FileClock

from certsvc.app import Service, build
from certsvc.cli.http_server import StreamingServer
from certsvc.cli.logs import configure_logs

CLOCK_FILE = "clock-offset"
"""In ``var``: how far the clock of every node is off, where a test sets it."""
WORKERS = {"all": 2, "api": 0, "worker": 1, "relay": 0}


def run(role: str, var: str, database_url: str, port: int) -> None:
    """Run until SIGTERM, then end in good order."""
    configure_logs("WARNING")
    offset = Path(var) / CLOCK_FILE
    clock = FileClock(offset) if offset.exists() else None
    service = build(sandbox_settings(Path(var), database_url, host="127.0.0.1", port=port), clock=clock)
    try:
        if role in {"all", "worker", "relay"}:
            service.loops.start(workers=WORKERS[role], relay=role in {"all", "relay"})
        if role in {"all", "api"}:
            _serve(service, port)
        else:
            _wait()
    finally:
        service.close()


def _serve(service: Service, port: int) -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn sends it again when it has stopped
    app = service.application()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    StreamingServer(app, config).run()


def _wait() -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    print("ready", flush=True)
    ended.wait()


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
