"""One decision once, one number in force once, periods as the law counts them, and times that are true."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity

from certsvc.clock import FixedClock, SystemClock
from certsvc.events.payloads import REQUESTED_MOVE
from certsvc.seal.model import SealState

SLUG = "tour_guide"


def decision(city: ServedCity, move: str, number: str, **more: Any) -> dict[str, Any]:
    return {
        "move": move,
        "authority_code": city.catalog.sample(SLUG)["issuer_code"],
        "document_no": number,
        "decided_on": "2026-01-15",
        "basis": "《行政许可法》",
        **more,
    }


def decide(city: ServedCity, done: dict[str, Any], body: dict[str, Any]) -> Any:
    path = f"/v1/licenses/{done['identifier']}/moves"
    return city.client.post(path, headers=city.system(), json=body)


def test_a_decision_sent_again_after_others_changes_nothing(city: ServedCity) -> None:
    done = city.issue(SLUG, "D-1")
    suspend = decision(city, "suspend", "示文旅扣〔2026〕1号", until="2030-12-31")
    assert decide(city, done, suspend).status_code == 201
    assert decide(city, done, decision(city, "resume", "示文旅复〔2026〕1号")).status_code == 201
    again = decide(city, done, suspend)
    assert again.status_code == 201
    assert city.rows("SELECT state FROM licenses") == [("valid",)]
    assert city.rows("SELECT count(*) FROM moves") == [(2,)]
    other = decide(city, done, {**suspend, "until": "2031-06-30"})
    assert other.status_code == 409
    assert "文书号" in other.json()["detail"]


def test_a_move_event_replayed_with_another_body_is_refused(city: ServedCity) -> None:
    done = city.issue(SLUG, "D-1")
    event = {
        "specversion": "1.0",
        "id": "m-1",
        "source": "https://approval.example",
        "type": REQUESTED_MOVE,
        "subject": done["identifier"],
        "data": decision(city, "suspend", "示文旅扣〔2026〕1号", until="2030-12-31"),
    }
    headers = {**city.system(), "Content-Type": "application/cloudevents+json"}
    assert city.client.post("/v1/events", headers=headers, json=event).status_code == 202
    assert city.client.post("/v1/events", headers=headers, json=event).status_code == 202
    replay = {**event, "data": decision(city, "revoke", "示文旅罚〔2026〕9号")}
    answer = city.client.post("/v1/events", headers=headers, json=replay)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert city.rows("SELECT state FROM licenses") == [("suspended",)]


def test_a_further_key_for_the_same_content_binds_that_key_too(city: ServedCity) -> None:
    body = city.body(SLUG, "K-1")
    other = {**body, "business_no": "K-2"}
    answers = [
        city.client.post("/v1/issuances", headers={**city.system(), "Idempotency-Key": key}, json=sent)
        for key, sent in (("K1", body), ("K2", body), ("K2", other))
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 422]
    assert answers[0].json()["request_id"] == answers[1].json()["request_id"]
    assert answers[2].json()["code"] == "idempotency_mismatch"


def test_a_number_in_force_is_given_once_and_that_of_a_voided_license_again(city: ServedCity) -> None:
    first = city.issue("business_license", "N-1")
    second = city.client.post("/v1/issuances", headers=city.system(), json=city.body("business_license", "N-2"))
    request_id = city.answer(second, 202)["request_id"]
    city.drain()
    refused = city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
    assert refused["state"] == "refused"
    assert "编号" in refused["detail"]
    void = {**decision(city, "void", "示市监废〔2026〕1号"), "authority_code": first["identifier"].split(".")[6]}
    assert decide(city, first, void).status_code == 201
    third = city.issue("business_license", "N-3")
    assert third["number"] == first["number"]
    assert third["identifier"] != first["identifier"]


def test_a_refused_change_does_not_burn_the_next_version(city: ServedCity) -> None:
    old = city.issue(SLUG, "C-1")
    body = city.body(SLUG, "C-2", action="change", previous=old["identifier"])
    for name in ("valid_from", "valid_until"):
        body.pop(name, None)
    stopped = city.catalog.authority(old["identifier"].split(".")[6]).seal_id
    with city.service.deps.uow() as tx:
        assert tx.seals.set_state(stopped, source=SealState.ACTIVE, target=SealState.STOPPED)
    waiting = city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)["request_id"]
    city.drain()
    assert city.rows("SELECT version FROM intents WHERE registered IS NOT TRUE") == [(2,)]
    assert decide(city, old, decision(city, "suspend", "示文旅扣〔2026〕1号", until="2030-12-31")).status_code == 201
    with city.service.deps.uow() as tx:
        assert tx.seals.set_state(stopped, source=SealState.STOPPED, target=SealState.ACTIVE)
    city.make_due()
    city.drain()
    assert city.answer(city.client.get(f"/v1/issuances/{waiting}", headers=city.system()), 200)["state"] == "refused"
    assert decide(city, old, decision(city, "resume", "示文旅复〔2026〕1号")).status_code == 201
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json={**body, "business_no": "C-3"}), 202)
    city.drain()
    versions = city.rows("SELECT version, state FROM licenses ORDER BY version")
    assert versions == [(1, "superseded"), (2, "valid")]


@pytest.mark.parametrize("action", ["change", "replace"])
def test_a_change_may_not_move_the_period(small_city: ServedCity, action: str) -> None:
    old = small_city.issue(SLUG, "P-1")
    body = small_city.body(SLUG, "P-2", action=action, previous=old["identifier"], valid_until="2030-05-31")
    answer = small_city.client.post("/v1/issuances", headers=small_city.system(), json=body)
    assert answer.status_code == 422
    assert "/valid_until" in {error["pointer"] for error in answer.json()["errors"]}


def test_a_renewal_is_in_force_at_once_and_moves_only_the_end(small_city: ServedCity) -> None:
    old = small_city.issue(SLUG, "R-1")
    body = small_city.body(SLUG, "R-2", action="renew", previous=old["identifier"])
    for name in ("valid_from", "valid_until"):
        body.pop(name, None)
    small_city.answer(small_city.client.post("/v1/issuances", headers=small_city.system(), json=body), 202)
    small_city.drain()
    rows = small_city.rows("SELECT valid_from, valid_until, state FROM licenses ORDER BY version")
    assert [str(row[0]) for row in rows] == ["2026-01-01", "2026-01-01"]
    assert [str(row[1]) for row in rows] == ["2028-12-31", "2031-12-31"]
    assert [row[2] for row in rows] == ["superseded", "valid"]


def test_a_request_accepted_before_midnight_and_issued_after_is_not_a_day_short(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    tomorrow = SystemClock().now() + timedelta(days=1)  # the seals' certificates begin today
    start = tomorrow.replace(hour=15, minute=59, second=50, microsecond=0)  # 23:59:50 in Shanghai
    clock = FixedClock(start)
    city = make_city(sqlite_url, clock=clock)
    body = city.body(SLUG, "M-1")
    for name in ("issued_on", "valid_from", "valid_until"):
        body.pop(name, None)
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    clock.advance(timedelta(seconds=20))
    city.drain()
    [(first, last)] = city.rows("SELECT valid_from, valid_until FROM licenses")
    begun, ended = datetime.fromisoformat(str(first)), datetime.fromisoformat(str(last))
    assert begun.date() == (start + timedelta(days=1)).date()
    assert ended + timedelta(days=1) == begun.replace(year=begun.year + 3)


def test_a_request_that_waited_is_sealed_with_the_time_of_sealing(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    seal_id = city.catalog.authority(city.catalog.sample(SLUG)["issuer_code"]).seal_id
    with city.service.deps.uow() as tx:
        assert tx.seals.set_state(seal_id, source=SealState.ACTIVE, target=SealState.STOPPED)
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=city.body(SLUG, "T-1")), 202)
    city.drain()
    with city.service.deps.uow() as tx:
        assert tx.seals.set_state(seal_id, source=SealState.STOPPED, target=SealState.ACTIVE)
    clock.advance(timedelta(days=10))
    city.tokens.clear()
    city.drain()
    [(identifier,)] = city.rows("SELECT identifier FROM licenses")
    verdict = city.check(city.file(identifier))
    assert datetime.fromisoformat(verdict["signatures"][0]["claimed_time"]) == clock.now().replace(microsecond=0)


def test_our_seal_over_bytes_we_did_not_register_is_not_good(small_city: ServedCity) -> None:
    """Sealed, verified, and lost before registration: the orphan of a crash, or worse."""
    done = small_city.issue(SLUG, "O-1")
    data = small_city.file(done["identifier"])
    small_city.execute("DELETE FROM artifact_signatures")
    small_city.execute("DELETE FROM artifacts")
    verdict = small_city.check(data)
    assert (verdict["indication"], verdict["reason"]) == ("TOTAL-FAILED", "not_our_bytes")
    assert (verdict["registry_match"], verdict["integrity"]) == ("other_bytes", "good")


def test_a_registered_file_outlives_the_certificate_of_its_seal(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    done = city.issue("teacher_qualification", "L-1")
    data = city.file(done["identifier"])
    clock.advance(timedelta(days=3 * 366))
    city.tokens.clear()
    verdict = city.check(data)
    assert (verdict["indication"], verdict["status"]) == ("TOTAL-PASSED", "good")


def test_too_many_calls_are_told_to_wait_and_guesses_count_against_the_address(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    city = make_city(sqlite_url, rate_limit_per_minute=30)
    token = city.system()
    for _ in range(30):
        city.client.get("/v1/events", headers=token)
    limited = city.client.get("/v1/events", headers=token)
    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert int(limited.headers["Retry-After"]) > 0
    for number in range(4):
        answer = city.client.get("/v1/events", headers={"Authorization": f"Bearer guess-{number}"})
    assert answer.status_code == 429, "another token each time does not help"
