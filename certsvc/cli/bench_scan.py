"""``scan.server``: scans a second over HTTP, PostgreSQL, live state, data given, inspection recorded; wall clock.

Every scan has its own show code and gives data. The servers are ``certsvc serve`` processes of their own, as a city
runs them; database, servers and load share the machine's cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certsvc.app import build, prepare
from certsvc.cli.bench_postgres import free_port, postgres, wait_for
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.cli.samples import sample_body
from certsvc.commands.access.principals import claims_of, of_client, of_person
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.commands.showing.codes import show_text, token_sha256
from certsvc.delivery.loops import drain
from certsvc.license.uses import Show
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.app import Service
    from certsvc.settings import Settings

SCAN_RATE = "scan.server.requests_per_s"
SCAN_P99 = "scan.server.p99_ms"
RATE_GOAL, P99_GOAL = 800, 100
LICENSES = 40
SCANS = 2400
WARM_UP = 240
SERVERS = 2
CONNECTIONS = 48
"""Scanners that wait for their answer at one time, over all servers."""


def scan_server(place: Path) -> list[dict[str, object]]:
    """The two figures of one run."""
    with postgres() as url:
        settings = load_settings(
            {"profile": "sandbox", "var_dir": place / "var", "database_url": url, "rate_limit_per_minute": 10_000_000}
        )
        prepare(settings)
        service = build(settings)
        try:
            requests = _requests(service, WARM_UP + SCANS)
        finally:
            service.close()
        with servers(settings, place) as ports:
            send(ports, "/v1/scans", requests[:WARM_UP])
            done = send(ports, "/v1/scans", requests[WARM_UP:])
        if done["statuses"] != {"201": SCANS}:
            msg = f"not every scan was answered: {done['statuses']}"
            raise RuntimeError(msg)
    taken = sorted(done["latencies_ms"])
    rate, p99 = SCANS / done["wall_s"], taken[int(0.99 * len(taken))]
    parts = {"p50_ms": round(taken[len(taken) // 2], 1), "p99_ms": round(p99, 1), "servers": SERVERS}
    parts |= {"connections": CONNECTIONS, "cores": os.cpu_count() or 0}
    first: dict[str, object] = {"name": SCAN_RATE, "value": round(rate, 1), "unit": "1/s wall", "goal": RATE_GOAL}
    second: dict[str, object] = {"name": SCAN_P99, "value": round(p99, 1), "unit": "ms wall", "goal": P99_GOAL}
    return [
        {**first, "reached": rate >= RATE_GOAL, "parts": parts},
        {**second, "reached": p99 < P99_GOAL},
    ]


def _requests(service: Service, count: int) -> list[list[str]]:
    """Token and body of so many scans, each of a code of its own, by the officer of the type's issuer."""
    deps = service.deps
    seeded = seed_sandbox(deps)
    with deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
    if client is None:
        msg = "the sandbox was not seeded"
        raise RuntimeError(msg)
    for number in range(LICENSES):
        body = parse_issuance(sample_body(deps.catalog, SAMPLE_TYPE, f"SCAN-{number}"))
        accept_issuance(deps, of_client(client), body, Origin())
    drain(deps, worker="bench")
    issuer = deps.catalog.sample(SAMPLE_TYPE)["issuer_code"]
    officer = next(one for one in seeded.people if one.subject.startswith("officer-") and one.authority_code == issuer)
    now = deps.clock.now()
    token = deps.tokens.issue(claims_of(of_person(officer)), now=now, lifetime_s=3600)
    scene = next(one for one in deps.catalog.type(SAMPLE_TYPE).scenes if one.audience == "officer")
    requests: list[list[str]] = []
    with deps.uow() as tx:
        versions = [version.version_id for version in tx.licenses.not_ended_after("", limit=LICENSES)]
        for number in range(count):
            secret = deps.ids.token()
            tx.showing.insert_show(
                Show(
                    show_id=deps.ids.new("shw"),
                    token_sha256=token_sha256(secret),
                    version_id=versions[number % len(versions)],
                    holder_subject="bench",
                    scene=scene.code,
                    created_at=now,
                    expires_at=now + timedelta(hours=1),
                )
            )
            requests.append([token, json.dumps({"code": show_text(deps.policy.public_base, secret)})])
    return requests


@contextmanager
def servers(settings: Settings, place: Path) -> Iterator[list[int]]:
    """Ports of the serving processes, which only answer."""
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
        yield ports
    finally:
        for server in started:
            server.terminate()
        for server in started:
            server.wait(60)


def send(ports: list[int], path: str, requests: list[list[str]]) -> Any:
    """What the load's own process saw."""
    asked = {"ports": ports, "connections": CONNECTIONS, "path": path, "requests": requests}
    run = subprocess.run(
        [sys.executable, "-m", "certsvc.cli.bench_load"],
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
    )
    return json.loads(run.stdout)
