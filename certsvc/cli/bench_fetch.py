"""``fetch.server``: fetches a second over HTTP, PostgreSQL, grant checked and used, ledger row written; wall clock.

Every fetch has its own 用证码 and gives three fields.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.cli.bench_server import issue_some, measure
from certsvc.commands.access.principals import claims_of, of_client
from certsvc.commands.access.seed_sandbox import seed_sandbox, using_client_id
from certsvc.commands.showing.codes import token_sha256
from certsvc.license.uses import Grant

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.app import Service

FETCH_RATE = "fetch.server.requests_per_s"
FETCH_P99 = "fetch.server.p99_ms"
TYPE = "business_license"
MATTER = "11990000MB0000019F2990131002001"
"""食品经营许可（新办）"""
FIELDS = ("holder_name", "number", "address")


def fetch_server(place: Path) -> list[dict[str, object]]:
    """The two figures of one run."""
    return measure(place, "/v1/fetches", _requests, rate=FETCH_RATE, p99=FETCH_P99)


def _requests(service: Service, count: int) -> list[list[str]]:
    """Token and body of so many fetches, each with a code of its own, by the system of the matter's body."""
    deps = service.deps
    seed_sandbox(deps)
    versions = issue_some(deps, TYPE)
    with deps.uow.read() as tx:
        client = tx.access.client(using_client_id(MATTER[:18]))
    if client is None:
        msg = "the sandbox was not seeded"
        raise RuntimeError(msg)
    now = deps.clock.now()
    token = deps.tokens.issue(claims_of(of_client(client)), now=now, lifetime_s=3600)
    requests: list[list[str]] = []
    with deps.uow() as tx:
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
