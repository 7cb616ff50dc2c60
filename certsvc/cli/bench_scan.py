"""``scan.server``: scans a second over HTTP, PostgreSQL, live state, data given, inspection recorded; wall clock.

Every scan has its own show code and gives data.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.cli.bench_server import issue_some, measure
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.commands.access.principals import claims_of, of_person
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.showing.codes import show_text, token_sha256
from certsvc.license.uses import Show

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.app import Service

SCAN_RATE = "scan.server.requests_per_s"
SCAN_P99 = "scan.server.p99_ms"


def scan_server(place: Path) -> list[dict[str, object]]:
    """The two figures of one run."""
    return measure(place, "/v1/scans", _requests, rate=SCAN_RATE, p99=SCAN_P99)


def _requests(service: Service, count: int) -> list[list[str]]:
    """Token and body of so many scans, each of a code of its own, by the officer of the type's issuer."""
    deps = service.deps
    seeded = seed_sandbox(deps)
    versions = issue_some(deps, SAMPLE_TYPE)
    issuer = deps.catalog.sample(SAMPLE_TYPE)["issuer_code"]
    officer = next(one for one in seeded.people if one.subject.startswith("officer-") and one.authority_code == issuer)
    now = deps.clock.now()
    token = deps.tokens.issue(claims_of(of_person(officer)), now=now, lifetime_s=3600)
    scene = next(one for one in deps.catalog.type(SAMPLE_TYPE).scenes if one.audience == "officer")
    requests: list[list[str]] = []
    with deps.uow() as tx:
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
