"""The door of operators says that the process lives, also while every place at it is taken."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace
from typing import Any

import httpx

from certsvc.api.operations_door import MAX_AT_ONCE, OperationsDoor


def test_a_process_says_that_it_lives_while_all_places_wait() -> None:
    inside, go_on = threading.Semaphore(0), threading.Event()

    def text() -> bytes:
        inside.release()
        assert go_on.wait(20)
        return b"figures\n"

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    unused: Any = None
    board: Any = SimpleNamespace(text=text)
    door = OperationsDoor(unused, unused, board, host="127.0.0.1", port=port)
    url = f"http://127.0.0.1:{door.port}"
    scrapes = [threading.Thread(target=lambda: httpx.get(f"{url}/metrics", timeout=30)) for _ in range(MAX_AT_ONCE)]
    try:
        for one in scrapes:
            one.start()
        for _ in scrapes:
            assert inside.acquire(timeout=20)
        assert httpx.get(f"{url}/metrics", timeout=20).status_code == 503
        alive = httpx.get(f"{url}/healthz", timeout=20)
        assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    finally:
        go_on.set()
        for one in scrapes:
            one.join(20)
        door.close()
