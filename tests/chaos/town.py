"""A service of several real processes, a load upon it, and the history of what its clients were told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
from fixtures_city import ROOT, sandbox_settings
from postgres_process import _die_with_parent, _free_port
from sqlalchemy import text

from certsvc.app import Service, build
from certsvc.cli.samples import sample_body
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox

START_S = 180
"""A process reads fonts, catalog and keys before it listens: on a machine that others use too it takes its time."""
SETTLE_S = 60.0
"""R1: nothing that was acknowledged is stuck for longer."""
SLUG = "tour_guide"
CLEAN = frozenset({202, 503})
"""What a client may be answered while something is broken: accepted, or come again."""


@dataclass
class Node:
    """One process; ``start`` after ``stop`` or ``kill`` runs it anew at the same address."""

    role: str
    var: Path
    database_url: str
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start and wait until it works."""
        self.port = self.port or _free_port()
        log = (self.var / f"{self.role}-{self.port}.log").open("a", encoding="utf-8")
        with log:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("node.py")), *self._arguments()],
                env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
                stdout=subprocess.PIPE if not self._listens else log,
                stderr=log,
                text=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (a system call only)
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """End it in good order, as a rolling update does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    @property
    def _listens(self) -> bool:
        return self.role in {"all", "api"}

    def _arguments(self) -> list[str]:
        return [self.role, str(self.var), self.database_url, str(self.port)]

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(START_S)
            if self.process.stdout is not None:
                self.process.stdout.close()
            self.process = None

    def _wait_until_ready(self) -> None:
        process = self.process
        assert process is not None
        if not self._listens:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", "the process did not start"
            return
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        msg = f"the process did not start: {process.returncode}"
        raise RuntimeError(msg)


@dataclass
class Town:
    """The nodes over one database, and a service of this process that looks at what they did."""

    var: Path
    database_url: str
    watcher: Service
    secret: str
    nodes: list[Node] = field(default_factory=list)

    @classmethod
    def found(cls, keys: Path, place: Path, database_url: str) -> Town:
        """A town whose parties are registered; no node runs yet."""
        var = place / "var"
        shutil.copytree(keys, var, ignore=shutil.ignore_patterns("*.sqlite3*", "objects"))
        watcher = build(sandbox_settings(var, database_url))
        return cls(var, database_url, watcher, seed_sandbox(watcher.deps).secrets[PLATFORM])

    def node(self, role: str) -> Node:
        """One more process."""
        node = Node(role, self.var, self.database_url)
        self.nodes.append(node)
        node.start()
        return node

    def close(self) -> None:
        """End everything."""
        for node in self.nodes:
            node.kill()
        self.watcher.close()

    def forget_connections(self) -> None:
        """Those of the watcher ended with the database that was restarted."""
        for engine in self.watcher.store._engines:
            engine.dispose()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a plain SELECT finds."""
        with self.watcher.store._engines[-1].connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]


@dataclass
class Load:
    """Clients that ask for licenses, one after the other, and ask again until they are acknowledged.

    Attributes:
        acknowledged: request id by business number.
        answers: how often each status was answered; ``0`` stands for a lost connection.
        history: every answer with its moment, for the file that a failing run leaves.
    """

    town: Town
    per_client_s: float
    clients: int = 2
    acknowledged: dict[str, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    history: list[dict[str, Any]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _wrong: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin."""
        for number in range(self.clients):
            thread = threading.Thread(target=self._client, args=(number,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let each client finish its last request, and end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(SETTLE_S)
        (self.town.var / "history.json").write_text(json.dumps(self.history), encoding="utf-8")
        assert not self._wrong, self._wrong[:3]

    def wait_for(self, count: int, *, within_s: float) -> None:
        """Return when so many more requests were acknowledged; AssertionError after ``within_s``."""
        goal, deadline = len(self.acknowledged) + count, time.monotonic() + within_s
        while len(self.acknowledged) < goal:
            assert time.monotonic() < deadline, f"{goal - len(self.acknowledged)} of {count} not acknowledged in time"
            time.sleep(0.02)

    def _client(self, number: int) -> None:
        doors = [node for node in self.town.nodes if node.role in {"all", "api"}]
        token, count = "", 0
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                business_no, tries = f"C{number}-{count}", 0
                body = self._body(business_no)
                while True:
                    base = f"http://127.0.0.1:{doors[(number + tries) % len(doors)].port}"
                    token = token or self._token(client, base)
                    if token and self._ask(client, base, token, business_no, body):
                        break
                    tries += 1
                    time.sleep(0.1)
                    if self._stop.is_set() and tries > SETTLE_S * 10:
                        self._wrong.append(f"{business_no} was never acknowledged")
                        return
                count += 1
                self._stop.wait(self.per_client_s)

    def _body(self, business_no: str) -> dict[str, Any]:
        return sample_body(self.town.watcher.deps.catalog, SLUG, business_no)

    def _token(self, client: httpx.Client, base: str) -> str:
        form = {"grant_type": "client_credentials", "client_id": PLATFORM, "client_secret": self.town.secret}
        status, answer = self._send("token", lambda: client.post(f"{base}/v1/oauth/token", data=form))
        return str(answer["access_token"]) if status == httpx.codes.OK else ""

    def _ask(self, client: httpx.Client, base: str, token: str, business_no: str, body: dict[str, Any]) -> bool:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"key-{business_no}"}
        url = f"{base}/v1/issuances"
        status, answer = self._send(business_no, lambda: client.post(url, headers=headers, json=body))
        self.answers[status] += 1
        if status == httpx.codes.ACCEPTED:
            self.acknowledged[business_no] = answer["request_id"]
            return True
        if status and status not in CLEAN:
            self._wrong.append(f"{business_no}: {status} {answer}")
        return False

    def _send(self, what: str, send: Callable[[], httpx.Response]) -> tuple[int, Any]:
        try:
            response = send()
            status, answer = response.status_code, response.json()
        except (httpx.TransportError, ValueError):
            status, answer = 0, {}
        self.history.append({"at": round(time.monotonic(), 3), "what": what, "status": status})
        return status, answer
