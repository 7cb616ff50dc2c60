"""``fetch.server``: fetches a second over HTTP, PostgreSQL, grant checked and used, ledger row written; wall clock.

Every fetch has its own 用证码 and gives three fields. The servers are those of ``scan.server``, on the same machine as
database and load.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.app import build, prepare
from certsvc.cli.bench_postgres import postgres
from certsvc.cli.bench_scan import CONNECTIONS, SERVERS, load, servers_of
from certsvc.cli.samples import sample_body
from certsvc.commands.access.principals import claims_of, of_client
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox, using_client_id
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.commands.showing.codes import token_sha256
from certsvc.delivery.loops import drain
from certsvc.license.uses import Grant
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.app import Service

FETCH_RATE = "fetch.server.requests_per_s"
FETCH_P99 = "fetch.server.p99_ms"
RATE_GOAL, P99_GOAL = 800, 100
TYPE = "business_license"
MATTER = "11990000MB0000019F2990131002001"
"""食品经营许可（新办）"""
FIELDS = ("holder_name", "number", "address")
LICENSES = 40
FETCHES = 2400
WARM_UP = 240


def fetch_server(place: Path) -> list[dict[str, object]]:
    """The two figures of one run."""
    with postgres() as url:
        settings = load_settings(
            {"profile": "sandbox", "var_dir": place / "var", "database_url": url, "rate_limit_per_minute": 10_000_000}
        )
        prepare(settings)
        service = build(settings)
        try:
            requests = _requests(service, WARM_UP + FETCHES)
        finally:
            service.close()
        with servers_of(settings, place) as ports:
            load(ports, requests[:WARM_UP], "/v1/fetches")
            done = load(ports, requests[WARM_UP:], "/v1/fetches")
        if done["statuses"] != {"201": FETCHES}:
            msg = f"not every fetch was answered: {done['statuses']}"
            raise RuntimeError(msg)
    taken = sorted(done["latencies_ms"])
    rate, p99 = FETCHES / done["wall_s"], taken[int(0.99 * len(taken))]
    parts = {"p50_ms": round(taken[len(taken) // 2], 1), "p99_ms": round(p99, 1), "servers": SERVERS}
    parts |= {"connections": CONNECTIONS, "cores": os.cpu_count() or 0}
    first: dict[str, object] = {"name": FETCH_RATE, "value": round(rate, 1), "unit": "1/s wall", "goal": RATE_GOAL}
    second: dict[str, object] = {"name": FETCH_P99, "value": round(p99, 1), "unit": "ms wall", "goal": P99_GOAL}
    return [{**first, "reached": rate >= RATE_GOAL, "parts": parts}, {**second, "reached": p99 < P99_GOAL}]


def _requests(service: Service, count: int) -> list[list[str]]:
    """Token and body of so many fetches, each with a code of its own, by the system of the matter's body."""
    deps = service.deps
    seed_sandbox(deps)
    with deps.uow.read() as tx:
        platform = tx.access.client(PLATFORM)
        client = tx.access.client(using_client_id(MATTER[:18]))
    if platform is None or client is None:
        msg = "the sandbox was not seeded"
        raise RuntimeError(msg)
    for number in range(LICENSES):
        body = parse_issuance(sample_body(deps.catalog, TYPE, f"FETCH-{number}"))
        accept_issuance(deps, of_client(platform), body, Origin())
    drain(deps, worker="bench")
    now = deps.clock.now()
    token = deps.tokens.issue(claims_of(of_client(client)), now=now, lifetime_s=3600)
    requests: list[list[str]] = []
    with deps.uow() as tx:
        versions = [version.version_id for version in tx.licenses.not_ended_after("", limit=LICENSES)]
        for number in range(count):
            secret = deps.ids.token()
            tx.sharing.insert_grant(
                Grant(
                    grant_id=deps.ids.new("grt"),
                    token_sha256=token_sha256(secret),
                    version_id=versions[number % len(versions)],
                    holder_subject="bench",
                    client_id=client.client_id,
                    matter_code=MATTER,
                    case_no="",
                    fields=FIELDS,
                    created_at=now,
                    expires_at=now + timedelta(hours=1),
                )
            )
            asked = {
                "matter_code": MATTER,
                "case_no": f"BJ-{number}",
                "purpose": "办理食品经营许可",
                "operator": "bench",
                "basis": "consent",
                "type": TYPE,
                "grant_code": secret,
                "fields": list(FIELDS),
            }
            requests.append([token, json.dumps(asked)])
    return requests
