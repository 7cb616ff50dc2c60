"""Requests a second over HTTP against PostgreSQL; wall clock: what ``scan.server`` and ``fetch.server`` share.

The servers are ``certsvc serve`` processes of their own, as a city runs them; database, servers and load share the
machine's cores. What a request costs of each in processor time stands next to the rate, which depends on what else
the machine does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from certsvc.app import build, prepare
from certsvc.cli.bench_cpu import cpu_s
from certsvc.cli.bench_postgres import free_port, postgres, wait_for
from certsvc.cli.samples import sample_body
from certsvc.commands.access.principals import of_client
from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.delivery.loops import drain
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from certsvc.app import Service
    from certsvc.commands.ports import Deps
    from certsvc.settings import Settings

RATE_GOAL, P99_GOAL = 800, 100.0
LICENSES = 40
ASKED = 2400
WARM_UP = 240
SERVERS = 2
CONNECTIONS = 48
"""Who waits for an answer at one time, over all servers."""

Requests = list[list[str]]
"""Token and body of each."""


def measure(
    place: Path,
    path: str,
    make: Callable[[Service, int], Requests],
    *,
    rate: str,
    p99: str,
    goals: tuple[float, float] = (RATE_GOAL, P99_GOAL),
    status: int = 201,
) -> list[dict[str, object]]:
    """The two figures of one run, under these names; ``make`` gives so many requests, each of which is answered so."""
    rate_goal, p99_goal = goals
    with postgres() as database:
        settings = load_settings(
            {
                "profile": "sandbox",
                "var_dir": place / "var",
                "database_url": database.url,
                "rate_limit_per_minute": 10_000_000,
            }
        )
        prepare(settings)
        service = build(settings)
        try:
            requests = make(service, WARM_UP + ASKED)
        finally:
            service.close()
        with _servers(settings, place) as servers:
            _load(servers, requests[:WARM_UP], path)
            before = cpu_s(servers.values()), cpu_s([database.pid])
            done = _load(servers, requests[WARM_UP:], path)
            after = cpu_s(servers.values()), cpu_s([database.pid])
        if done["statuses"] != {str(status): ASKED}:
            msg = f"not every request was answered: {done['statuses']}"
            raise RuntimeError(msg)
    taken = sorted(done["latencies_ms"])
    reached, worst = ASKED / done["wall_s"], taken[int(0.99 * len(taken))]
    parts = {"p50_ms": round(taken[len(taken) // 2], 1), "p99_ms": round(worst, 1), "servers": SERVERS}
    parts |= {"connections": CONNECTIONS, "cores": os.cpu_count() or 0}
    spent = {"server": after[0] - before[0], "database": after[1] - before[1], "load": done["cpu_s"]}
    parts |= {f"{who}_cpu_ms": round(1000 * seconds / ASKED, 3) for who, seconds in spent.items()}
    first: dict[str, object] = {"name": rate, "value": round(reached, 1), "unit": "1/s wall", "goal": rate_goal}
    second: dict[str, object] = {"name": p99, "value": round(worst, 1), "unit": "ms wall", "goal": p99_goal}
    return [{**first, "reached": reached >= rate_goal, "parts": parts}, {**second, "reached": worst < p99_goal}]


def issue_some(deps: Deps, type_slug: str) -> Sequence[str]:
    """Issue :data:`LICENSES` samples of a type in the seeded sandbox; their version ids."""
    with deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
    if client is None:
        msg = "the sandbox was not seeded"
        raise RuntimeError(msg)
    for number in range(LICENSES):
        body = parse_issuance(sample_body(deps.catalog, type_slug, f"BENCH-{number}"))
        accept_issuance(deps, of_client(client), body, Origin())
    drain(deps, worker="bench")
    with deps.uow.read() as tx:
        return [version.version_id for version in tx.licenses.not_ended_after("", limit=LICENSES)]


@contextmanager
def _servers(settings: Settings, place: Path) -> Iterator[dict[int, int]]:
    """Serving processes, which only answer, by the port of each."""
    ports = [free_port() for _ in range(SERVERS)]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for port in ports:
            config = place / f"serve-{port}.toml"
            values: dict[str, Any] = {
                "profile": "sandbox",
                "var_dir": str(settings.var_dir),
                "database_url": settings.database_url,
                "rate_limit_per_minute": settings.rate_limit_per_minute,
                "serve_loops": False,
                "port": port,
                "log_level": "ERROR",
            }
            config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()), "utf-8")
            command = ["/usr/bin/env", f"CERTSVC_CONFIG={config}", sys.executable, "-m", "certsvc", "serve"]
            started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))  # noqa: S603  (fixed command)
        for port in ports:
            wait_for(port)
        yield {port: server.pid for port, server in zip(ports, started, strict=True)}
    finally:
        for server in started:
            server.terminate()
        for server in started:
            server.wait(60)


def _load(ports: Iterable[int], requests: list[list[str]], path: str) -> Any:
    """What the load's own process saw."""
    asked = {"ports": list(ports), "connections": CONNECTIONS, "path": path, "requests": requests}
    run = subprocess.run(
        [sys.executable, "-m", "certsvc.cli.bench_load"],
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
    )
    return json.loads(run.stdout)
