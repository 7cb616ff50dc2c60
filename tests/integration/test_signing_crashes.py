"""A process killed at any step of a person's signature loses nothing, signs nothing twice, and is told of.

The killed process is a real one: it opens the service over the test's database with ``CERTSVC_FAULT_POINT`` set,
confirms for the person, and dies by SIGKILL.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from fixtures_city import ROOT, ServedCity, sandbox_settings
from killing import kill_at
from people_city import PEOPLE, PIN, SEAL, SEAL_PLACE, PeopleCity

from certsvc.app import build
from certsvc.commands.access.principals import of_person
from certsvc.commands.evidence.sweep import orphans, remove_orphans
from certsvc.commands.signings.confirm import ConfirmationBody, confirm
from certsvc.commands.signings.maintain import unanswered_signer_uses

POINTS = ("signing.reserved", "signing.signed", "signing.stored")
"""In the order of a confirmation."""

WHO = PEOPLE[0]


def sign_until_killed(var: str, database_url: str, round_id: str, body: str) -> None:
    """The program of the killed process: one confirmation."""
    service = build(sandbox_settings(Path(var), database_url))
    with service.deps.uow.read() as tx:
        person = tx.access.person(WHO)
    assert person is not None
    confirm(service.deps, of_person(person), round_id, ConfirmationBody.model_validate_json(body))


def test_the_list_of_points_is_the_list_in_the_code() -> None:
    found = re.compile(r'faults\.reach\("(signing[a-z_.]+)"\)')
    named = [name for path in (ROOT / "certsvc").rglob("*.py") for name in found.findall(path.read_text("utf-8"))]
    assert sorted(named) == sorted(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_this_point_loses_nothing_and_signs_nothing_twice(city: ServedCity, point: str) -> None:
    people = PeopleCity(city)
    deps = city.service.deps
    people.signer(WHO)
    asked = people.round((WHO,), (1,), seal={"seal_id": SEAL, "place": SEAL_PLACE})
    round_id, digest = asked["round_id"], asked["sha256"]
    body = {"document_sha256": digest, "pin": PIN, "code": people.code(WHO, round_id, digest)}
    settings = city.service.settings
    kill_at(point, sign_until_killed, str(settings.var_dir), settings.database_url, round_id, json.dumps(body))

    # Nothing was registered, nobody is told of a signature, and the document is the one before.
    assert city.rows("SELECT max(number) FROM signing_revisions") == [(0,)]
    assert city.rows("SELECT state FROM signing_steps") == [("waiting",)]
    assert people.seen(WHO, round_id).json()["sha256"] == digest
    assert city.rows("SELECT pin_tries FROM signers") == [(0,)], "the PIN was right"
    left_behind = set(deps.objects.names("signings/")) - {name_of(digest)}
    assert len(left_behind) == int(point == "signing.stored")

    # The dead one's claim holds the document until its lease has run out; then a fresh code signs.
    assert people.confirm(WHO, round_id, **body).status_code == 503
    city.execute("UPDATE signing_rounds SET claim_until = created_at")
    assert people.confirm(WHO, round_id, **body).json()["code"] == "code_refused", "a code that was used up stays so"
    people.later()
    done = people.sign(WHO, round_id)
    assert done["state"] == "complete"
    assert city.check(people.file(round_id))["reason"] == "ok_signed_document"

    check_uses(city, point)
    check_events_and_evidence(city, round_id)
    assert city.rows("SELECT number FROM signing_revisions ORDER BY number") == [(0,), (1,), (2,)]
    assert set(orphans(deps, settle_s=-1)) == left_behind
    assert set(remove_orphans(deps, settle_s=-1)) == left_behind
    assert people.file(round_id).startswith(b"%PDF")


def name_of(digest: str) -> str:
    return f"signings/{digest[:2]}/{digest}.pdf"


def check_uses(city: ServedCity, point: str) -> None:
    """Every key operation has a reservation; of the one that nobody answered nothing is claimed, and it is listed."""
    results = Counter(result for (result,) in city.rows("SELECT result FROM signer_uses"))
    unknown = int(point != "signing.stored")
    assert results == Counter({"used": 2 - unknown, "unknown": unknown})
    listed = unanswered_signer_uses(city.service.deps, older_than_s=-1)
    assert len(listed) == unknown


def check_events_and_evidence(city: ServedCity, round_id: str) -> None:
    city.drain()
    kinds = Counter(event["type"].split(".")[-2] for event in city.events() if event["subject"] == round_id)
    assert kinds == {"requested": 1, "signed": 1, "completed": 1}
    with city.service.deps.uow.read() as tx:
        evidence = tx.outbox.evidence_after(0, limit=1000)
    told = Counter(row.kind for row in evidence if json.loads(row.details)["subject"] == round_id)
    assert (told["signing.signed"], told["signing.completed"]) == (1, 1)
