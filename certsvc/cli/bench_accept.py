"""``accept.server``: requests for issuance accepted a second over HTTP, PostgreSQL; wall clock.

Each is a new request of a business number of its own, acknowledged when it is stored. The servers only answer, as
``certsvc serve`` without loops does; database, servers and load share the machine's cores. Objects and broker take no
part in accepting.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from certsvc.app import build, prepare
from certsvc.cli.bench_postgres import postgres
from certsvc.cli.bench_scan import CONNECTIONS, SERVERS, send, servers
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.cli.samples import sample_body
from certsvc.commands.access.principals import claims_of, of_client
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.app import Service

ACCEPT_RATE = "accept.server.requests_per_s"
ACCEPT_P99 = "accept.server.p99_ms"
RATE_GOAL, P99_GOAL = 1000, 60
REQUESTS = 3000
WARM_UP = 300


def accept_server(place: Path) -> list[dict[str, object]]:
    """The two figures of one run."""
    with postgres() as url:
        settings = load_settings(
            {"profile": "sandbox", "var_dir": place / "var", "database_url": url, "rate_limit_per_minute": 10_000_000}
        )
        prepare(settings)
        service = build(settings)
        try:
            requests = _requests(service, WARM_UP + REQUESTS)
        finally:
            service.close()
        with servers(settings, place) as ports:
            send(ports, "/v1/issuances", requests[:WARM_UP])
            done = send(ports, "/v1/issuances", requests[WARM_UP:])
    if done["statuses"] != {"202": REQUESTS}:
        msg = f"not every request was accepted: {done['statuses']}"
        raise RuntimeError(msg)
    taken = sorted(done["latencies_ms"])
    rate, p99 = REQUESTS / done["wall_s"], taken[int(0.99 * len(taken))]
    parts = {"p50_ms": round(taken[len(taken) // 2], 1), "p99_ms": round(p99, 1), "servers": SERVERS}
    parts |= {"connections": CONNECTIONS, "cores": os.cpu_count() or 0}
    first: dict[str, object] = {"name": ACCEPT_RATE, "value": round(rate, 1), "unit": "1/s wall", "goal": RATE_GOAL}
    second: dict[str, object] = {"name": ACCEPT_P99, "value": round(p99, 1), "unit": "ms wall", "goal": P99_GOAL}
    return [
        {**first, "reached": rate >= RATE_GOAL, "parts": parts},
        {**second, "reached": p99 < P99_GOAL},
    ]


def _requests(service: Service, count: int) -> list[list[str]]:
    """Token and body of so many requests."""
    deps = service.deps
    seed_sandbox(deps)
    with deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
    if client is None:
        msg = "the sandbox was not seeded"
        raise RuntimeError(msg)
    token = deps.tokens.issue(claims_of(of_client(client)), now=deps.clock.now(), lifetime_s=3600)
    numbers = (f"ACCEPT-{number}" for number in range(count))
    return [[token, json.dumps(sample_body(deps.catalog, SAMPLE_TYPE, number))] for number in numbers]
