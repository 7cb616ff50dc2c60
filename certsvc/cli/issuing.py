"""How a serving process has its requests issued: in threads of its own, or in processes beside it."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from certsvc.app import build
from certsvc.cli.logs import configure_logs
from certsvc.cli.memory import settle_memory
from certsvc.delivery.issuers import Issuers

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from certsvc.app import Service
    from certsvc.commands.issuance.process_request import Processed
    from certsvc.settings import Settings

WAKES = 4096
"""Bytes read at once: wakes that came together are one."""


def start_issuing(service: Service, *, threads: int | None = None) -> Issuers | None:
    """Start all loops of a service that does everything; the processes that issue, where there are any."""
    settings = service.settings
    threads = threads or settings.worker_threads
    beside = settings.issuing_processes
    issuers = Issuers(partial(issue_beside, settings, threads), beside) if beside else None
    service.loops.start(workers=0 if issuers else threads, relay=True, issuers=issuers)
    return issuers


def issue_beside(settings: Settings, threads: int, wakes: socket.socket, tells: Connection) -> None:
    """What such a process does: issue until the one that serves closes the line, or is gone."""
    # Whoever stops the service signals its whole group: the batch at hand is finished all the same.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    configure_logs(settings.log_level)
    service = build(settings)
    guard = threading.Lock()

    def tell(done: Sequence[Processed]) -> None:
        if done:
            with guard, suppress(OSError):  # nobody listens any more: the line to here has ended too
                tells.send(list(done))

    try:
        settle_memory()
        service.loops.issue(workers=threads, tell=tell)
        while wakes.recv(WAKES):
            service.loops.wake()
    finally:
        service.close()
