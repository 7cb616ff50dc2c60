"""A process killed at any step of making a copy has given nothing, leaves nothing that passes, and the next one works.

On both databases: the killed process is a real one, which opens the service over the test's database and fetches.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ROOT, ServedCity, sandbox_settings
from killing import kill_at
from test_fetch import CLIENT, COPY, SLUG, asking, fetch

from certsvc.app import build
from certsvc.commands.access.principals import of_client
from certsvc.commands.evidence.sweep import orphans, remove_orphans
from certsvc.commands.seals.use_seal import unanswered_uses
from certsvc.commands.sharing.fetch_license import FetchBody, fetch_license
from certsvc.commands.sharing.make_copy import CopyWish, give_copy, make_copy

POINTS = ("copy.intent_stored", "copy.seal_reserved", "copy.sealed", "copy.object_stored", "copy.given")
"""In the order of the steps; at the last one the copy is given, and only the answer is lost."""


def fetch_until_killed(var: str, database_url: str, body: str) -> None:
    """The program of the killed process."""
    service = build(sandbox_settings(Path(var), database_url))
    with service.deps.uow.read() as tx:
        client = tx.access.client(CLIENT)
    assert client is not None
    fetch_license(service.deps, of_client(client), FetchBody.model_validate_json(body))


def test_the_list_of_points_is_the_list_in_the_code() -> None:
    found = re.compile(r'faults\.reach\("(copy[a-z_.]+)"\)')
    named = [name for path in (ROOT / "certsvc").rglob("*.py") for name in found.findall(path.read_text("utf-8"))]
    assert sorted(named) == sorted(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_this_point_gives_nothing_and_the_next_fetch_works(city: ServedCity, point: str) -> None:
    city.issue(SLUG, "C-1")
    body = asking(city, fields=[COPY])
    settings = city.service.settings
    kill_at(point, fetch_until_killed, str(settings.var_dir), settings.database_url, json.dumps(body))
    given = point == "copy.given"
    stored = list(city.service.deps.objects.names("copies/"))
    assert len(stored) == (1 if point in POINTS[3:] else 0)
    for name in stored:
        passed = check(city, city.service.deps.objects.get(name))["indication"] == "TOTAL-PASSED"
        assert passed is given, "what was not given proves nothing, whoever has it"
    states = city.rows("SELECT state FROM copies")
    assert states == [("given" if given else "making",)]
    assert city.rows("SELECT count(*) FROM fetches") == [(1 if given else 0,)]
    assert list(orphans(city.service.deps, settle_s=0)) == ([] if given else stored)
    open_uses = unanswered_uses(city.service.deps, older_than_s=0)
    assert len(open_uses) == (1 if point in POINTS[1:3] else 0), "a use whose outcome is not known is listed"

    answer: dict[str, Any] = city.answer(fetch(city, fields=[COPY]), 201)
    assert check(city, base64.b64decode(answer["file"]))["reason"] == "ok_copy"
    assert len(remove_orphans(city.service.deps, settle_s=0)) == (0 if given else len(stored))
    again = city.client.get(f"/v1/fetches/{answer['fetch_id']}/copy", headers=city.system(CLIENT))
    assert again.content == base64.b64decode(answer["file"]), "the sweep took nothing that was given"


def test_a_fetch_that_is_made_again_goes_on_from_its_intent(city: ServedCity) -> None:
    city.issue(SLUG, "C-1")
    deps = city.service.deps
    matter = city.catalog.find_matter(asking(city)["matter_code"])
    with deps.uow.read() as tx:
        client = tx.access.client(CLIENT)
        version = tx.licenses.by_identifier(city.rows("SELECT identifier FROM licenses")[0][0])
    assert client is not None
    assert matter is not None
    assert version is not None
    now = deps.clock.now().replace(microsecond=0)
    wanted = CopyWish(
        version=version,
        client=of_client(client),
        matter=matter,
        case_no="BJ-1",
        purpose="办理",
        basis="duty",
        until=now.replace(year=now.year + 1),
        fetch_id="fch_again",
        at=now,
    )
    first = make_copy(deps, wanted)
    second = make_copy(deps, wanted)
    assert (second.copy.copy_id, second.copy.token) == (first.copy.copy_id, first.copy.token)
    with deps.uow() as tx:
        give_copy(deps, tx, second, version, now)
    third = make_copy(deps, wanted)
    assert (third.registered, third.data) == (True, second.data)
    assert city.rows("SELECT count(*) FROM copies") == [(1,)]


def check(city: ServedCity, data: bytes) -> dict[str, Any]:
    upload = {"file": ("copy.pdf", data, "application/pdf")}
    return dict(city.answer(city.client.post("/v1/verifications/file", files=upload), 200))
