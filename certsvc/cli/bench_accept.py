"""``accept.server``: requests for issuance accepted a second over HTTP, PostgreSQL; wall clock.

Each is a new request of a business number of its own, acknowledged when it is stored. The servers only answer, as
``certsvc serve`` without loops does; database, servers and load share the machine's cores. Objects and broker take no
part in accepting.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from certsvc.cli.bench_server import Requests, measure
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.cli.samples import sample_body
from certsvc.commands.access.principals import claims_of, of_client
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.app import Service

ACCEPT_RATE = "accept.server.requests_per_s"
ACCEPT_P99 = "accept.server.p99_ms"
GOALS = (1000.0, 60.0)


def accept_server(place: Path) -> list[dict[str, object]]:
    """The two figures of one run."""
    return measure(place, "/v1/issuances", _requests, rate=ACCEPT_RATE, p99=ACCEPT_P99, goals=GOALS, status=202)


def _requests(service: Service, count: int) -> Requests:
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
