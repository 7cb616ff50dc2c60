"""The issue spine on real databases: once, durably, and the same for everyone who asks again."""

from __future__ import annotations

import hashlib
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fixtures_city import ServedCity

PARALLEL = 50


@pytest.mark.parametrize(
    "slug",
    [
        "business_license",
        "food_operation",
        "teacher_qualification",
        "tour_guide",
        "road_transport_worker",
        "medical_institution",
    ],
)
def test_every_type_is_issued_and_accepted_by_three_independent_tools(
    small_city: ServedCity, slug: str, tmp_path: Path
) -> None:
    done = small_city.issue(slug, f"T-{slug}")
    data = small_city.file(done["identifier"])
    assert hashlib.sha256(data).hexdigest() == done["sha256"]
    path = tmp_path / "license.pdf"
    path.write_bytes(data)
    assert subprocess.run(["qpdf", "--check", str(path)], capture_output=True, check=False).returncode == 0
    assert small_city.pdfsig(path) == "valid"
    verdict = small_city.check(data)
    assert verdict["indication"] == "TOTAL-PASSED"
    assert (verdict["registry_match"], verdict["integrity"], verdict["status"]) == ("exact", "good", "good")
    assert verdict["license"]["identifier"] == done["identifier"]


def test_fifty_parallel_requests_give_one_license_the_same_bytes_and_one_event(city: ServedCity) -> None:
    body = city.body("tour_guide", "P-1")
    headers = {**city.system(), "Idempotency-Key": "parallel"}
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(
            pool.map(lambda _: city.client.post("/v1/issuances", headers=headers, json=body), range(PARALLEL))
        )
    assert Counter(response.status_code for response in answers) == {202: PARALLEL}
    assert len({response.json()["request_id"] for response in answers}) == 1
    city.drain()
    request_id = answers[0].json()["request_id"]
    done = city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
    files = {hashlib.sha256(city.file(done["identifier"])).hexdigest() for _ in range(3)}
    assert files == {done["sha256"]}
    events = city.answer(city.client.get("/v1/events", headers=city.system()), 200)["events"]
    assert Counter(event["type"] for event in events) == {
        "example.certsvc.issuance.accepted.v1": 1,
        "example.certsvc.license.issued.v1": 1,
    }


def test_the_same_event_and_the_same_business_number_lead_to_the_same_request(city: ServedCity) -> None:
    body = city.body("tour_guide", "B-1")
    event = city.event("e-1", body)
    headers = {**city.system(), "Content-Type": "application/cloudevents+json"}
    first = city.answer(city.client.post("/v1/events", headers=headers, json=event), 202)["request_id"]
    assert city.answer(city.client.post("/v1/events", headers=headers, json=event), 202)["request_id"] == first
    by_api = city.client.post("/v1/issuances", headers=city.system(), json=body)
    assert city.answer(by_api, 202)["request_id"] == first
    changed = {**body, "data": {**body["data"], "languages": "英语"}}
    assert city.client.post("/v1/issuances", headers=city.system(), json=changed).status_code == 409
    replay = city.client.post("/v1/events", headers=headers, json=city.event("e-1", changed))
    assert replay.status_code == 422
    assert replay.json()["code"] == "idempotency_mismatch"


def test_a_change_links_the_versions_and_keeps_the_number_and_the_end_date(city: ServedCity) -> None:
    old = city.issue("medical_institution", "C-1")
    body = city.body("medical_institution", "C-2", action="change", previous=old["identifier"])
    body.pop("valid_from", None)
    body.pop("valid_until", None)
    response = city.client.post("/v1/issuances", headers=city.system(), json=body)
    request_id = city.answer(response, 202)["request_id"]
    city.drain()
    new = city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
    assert new["state"] == "issued", new
    assert new["number"] == old["number"]
    assert new["identifier"].split(".")[:-2] == old["identifier"].split(".")[:-2]
    assert (old["identifier"].split(".")[-2], new["identifier"].split(".")[-2]) == ("001", "002")
    cards = [
        city.answer(city.client.get(f"/v1/licenses/{row['identifier']}", headers=city.system()), 200)["license"]
        for row in (old, new)
    ]
    assert [card["state"] for card in cards] == ["superseded", "valid"]
    assert cards[0]["valid_until"] == cards[1]["valid_until"]


def test_a_change_of_an_ended_license_is_refused_on_record(city: ServedCity) -> None:
    old = city.issue("medical_institution", "R-1")
    decision = {
        "move": "cancel",
        "authority_code": city.catalog.sample("medical_institution")["issuer_code"],
        "document_no": "示卫注〔2026〕1号",
        "decided_on": "2026-01-15",
        "basis": "《行政许可法》第七十条",
    }
    city.answer(city.client.post(f"/v1/licenses/{old['identifier']}/moves", headers=city.system(), json=decision), 201)
    body = city.body("medical_institution", "R-2", action="change", previous=old["identifier"])
    body.pop("valid_from", None)
    body.pop("valid_until", None)
    request_id = city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)["request_id"]
    city.drain()
    refused = city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
    assert refused["state"] == "refused"
    assert "注销" in refused["detail"]
    events = city.answer(city.client.get("/v1/events", headers=city.system()), 200)["events"]
    assert [event["data"]["request_id"] for event in events if event["type"].endswith("issuance.refused.v1")] == [
        request_id
    ]


def test_every_seal_use_has_a_reservation_with_an_answer(city: ServedCity) -> None:
    city.issue("tour_guide", "S-1")
    deps = city.service.deps
    seal_id = deps.catalog.authority(city.catalog.sample("tour_guide")["issuer_code"]).seal_id
    assert city.rows(f"SELECT result FROM reservations WHERE seal_id = '{seal_id}'") == [("used",)]
    with deps.uow.read() as tx:
        assert not tx.seals.unanswered(before=deps.clock.now(), limit=10)


def test_a_stopped_seal_signs_nothing_and_the_request_waits_for_it(city: ServedCity) -> None:
    issuer = city.catalog.sample("tour_guide")["issuer_code"]
    seal_id = city.catalog.authority(issuer).seal_id
    from certsvc.seal.model import SealState

    with city.service.deps.uow() as tx:
        assert tx.seals.set_state(seal_id, source=SealState.ACTIVE, target=SealState.STOPPED)
    request_id = city.answer(
        city.client.post("/v1/issuances", headers=city.system(), json=city.body("tour_guide", "W-1")), 202
    )["request_id"]
    city.drain()
    waiting = city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
    assert waiting["state"] == "failed"
    assert waiting["reason"] == "seal_unavailable"
    assert "停用" in waiting["detail"]
    assert city.service.deps.objects.names("licenses/") == ()
