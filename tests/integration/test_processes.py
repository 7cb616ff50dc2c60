"""The server shape with real processes: two that only answer, one worker, one relay, over one PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fixtures_city import FONTS, ROOT, lay_keys, sandbox_settings

from certsvc.app import build
from certsvc.cli.samples import sample_body
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox

SLUG = "tour_guide"
WAIT_S = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(env: dict[str, str], *commands: tuple[str, ...]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes, ended in good order by their ids."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "certsvc", *command], cwd=ROOT, env={**os.environ, **env}, stderr=subprocess.DEVNULL
        )
        for command in commands
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(ask: Any, good: Any) -> Any:
    """The first answer that is good; the last one when none is in time."""
    deadline = time.monotonic() + WAIT_S
    answer = None
    while time.monotonic() < deadline:
        try:
            answer = ask()
        except httpx.TransportError:
            answer = None
        if answer is not None and good(answer):
            return answer
        time.sleep(0.1)
    pytest.fail(f"not in time: {answer}")


class Desk:
    """What the approval platform asks, of whichever process."""

    def __init__(self, bases: list[str], secret: str) -> None:
        form = {"grant_type": "client_credentials", "client_id": PLATFORM, "client_secret": secret}
        token = httpx.post(f"{bases[0]}/v1/oauth/token", data=form, timeout=30).json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, base: str, body: dict[str, Any]) -> str:
        taken = httpx.post(f"{base}/v1/issuances", json=body, headers=self.headers, timeout=30)
        assert taken.status_code == 202, taken.text
        return str(taken.headers["location"])

    def get(self, base: str, path: str) -> dict[str, Any]:
        return dict(httpx.get(base + path, headers=self.headers, timeout=30).json())

    def events(self, base: str, subject: str = "") -> list[str]:
        """Names of the events of the feed, of one subject or all."""
        page = self.get(base, "/v1/events")["events"]
        return [one["type"].rpartition("certsvc.")[2] for one in page if subject in {"", one["subject"]}]


def test_processes_that_only_answer_a_worker_and_a_relay_carry_a_request_through(
    city_keys: Path, postgres_url: str, tmp_path: Path
) -> None:
    var = tmp_path / "var"
    lay_keys(city_keys, var)
    service = build(sandbox_settings(var, postgres_url))
    try:
        secret = seed_sandbox(service.deps).secrets[PLATFORM]
        catalog = service.deps.catalog
    finally:
        service.close()
    env = {
        "CERTSVC_PROFILE": "sandbox",
        "CERTSVC_VAR_DIR": str(var),
        "CERTSVC_DATABASE_URL": postgres_url,
        "CERTSVC_KEYS_FILE": str(ROOT / "keys" / "dev.toml"),
        "CERTSVC_TRUST_DIR": str(ROOT / "keys" / "trust"),
        "CERTSVC_FONT_DIRS": str(FONTS),
    }
    ports = (free_port(), free_port())
    bases = [f"http://127.0.0.1:{port}" for port in ports]
    serve = [("serve", "--no-loops", "--port", str(port)) for port in ports]
    with running(env, *serve) as answering:
        with running(env, ("worker",), ("relay",)) as working:
            for base in bases:
                until(lambda base=base: httpx.get(f"{base}/readyz", timeout=5), lambda got: got.status_code == 200)
            desk = Desk(bases, secret)
            place = desk.ask(bases[0], sample_body(catalog, SLUG, "SHAPE-1"))
            issued = until(lambda: desk.get(bases[1], place), lambda got: got["state"] == "issued")
            identifier = issued["identifier"]
            assert until(lambda: desk.events(bases[1], identifier), bool) == ["license.issued.v1"]
            assert all(process.poll() is None for process in (*answering, *working))
        place = desk.ask(bases[1], sample_body(catalog, SLUG, "SHAPE-2"))
        fed = len(desk.events(bases[0]))
        time.sleep(1.0)
        assert desk.get(bases[0], place)["state"] == "accepted", "these two only answer"
        assert len(desk.events(bases[0])) == fed
        file = httpx.get(f"{bases[0]}/v1/licenses/{identifier}/file", headers=desk.headers, timeout=30)
        assert file.content.startswith(b"%PDF")
    assert [process.returncode for process in (*answering, *working)] == [0] * 4
