"""Licenses made elsewhere: taken in untouched or not at all, good at every door, and red at all of them at once."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from elsewhere import (
    HERE,
    OTHER_SOURCE,
    SLUG,
    SOURCE,
    SOURCE_BODY,
    SOURCE_NAME,
    Elsewhere,
    identifier,
    register,
    registration,
    report,
)
from fixtures_city import ServedCity
from signing_strangers import make_stranger
from test_bad_input import problem
from upload_documents import letter

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.access.seed_sandbox import PLATFORM, source_client_id, using_client_id
from certsvc.commands.issuance.remind import remind
from certsvc.commands.registrations.body import RegistrationBody, check_body
from certsvc.errors import InvalidInput
from certsvc.events.payloads import REPORTED_STATE

MATTER = "11990000MB0000019F2990131002001"
"""食品经营许可（新办）: the business license on duty, with its copy"""
SENTENCE = f"来源：{SOURCE_NAME}登记，非本机关签发"
OWN_SYSTEM = f"approval-{HERE.lower()}"
OTHER_SYSTEM = "approval-11990000mb0000027a"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "elsewhere")


@pytest.fixture
def town(database_url: str, make_city: Callable[..., ServedCity], elsewhere: Elsewhere) -> ServedCity:
    """A city that trusts the root of the source."""
    return make_city(database_url, trust_dir=elsewhere.trust_dir)


@pytest.fixture
def small_town(sqlite_url: str, make_city: Callable[..., ServedCity], elsewhere: Elsewhere) -> ServedCity:
    return make_city(sqlite_url, trust_dir=elsewhere.trust_dir)


def fetch(city: ServedCity) -> dict[str, Any]:
    sample = city.catalog.sample(SLUG)
    body = {
        "matter_code": MATTER,
        "case_no": "BJ-2026-1",
        "purpose": "办理食品经营许可",
        "operator": "jingban01",
        "basis": "duty",
        "type": SLUG,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
    }
    response = city.client.post("/v1/fetches", headers=city.system(using_client_id(HERE)), json=body)
    return dict(city.answer(response, 201)) if response.status_code == 201 else problem(response, 403)


def origin_of(facts: dict[str, Any]) -> tuple[str, str, str]:
    return facts["origin"], facts["source_name"], facts["origin_text"]


REGISTERED = ("registered", SOURCE_NAME, SENTENCE)


def test_a_registered_license_is_good_at_every_door_until_its_source_ends_it(
    town: ServedCity, elsewhere: Elsewhere
) -> None:
    data = elsewhere.file()
    done = town.answer(register(town, data), 201)
    which = done["identifier"]
    assert (done["origin"], done["source"], done["state"]) == ("registered", SOURCE, "valid")
    assert town.file(which) == data, "byte for byte"

    holder = town.person(town.holder_of(SLUG))
    (card,) = town.answer(town.client.get("/v1/wallet", headers=holder), 200)
    assert (origin_of(card), card["light"], card["issuer_name"]) == (REGISTERED, "green", "示例国家市场监督管理机关")
    assert town.client.get(f"/v1/wallet/{which}/file", headers=holder).content == data

    shown = town.show(SLUG, which, "law_enforcement")
    assert shown["good"]
    scan = town.scan(town.officer_of(SLUG), shown["code"])
    assert (scan["light"], origin_of(scan["license"]), scan["seal"]) == ("green", REGISTERED, None)
    assert SENTENCE in scan["notes"]
    assert scan["fields"]

    got = fetch(town)
    assert (got["good"], origin_of(got["license"])) == (True, REGISTERED)
    copied = town.check(base64.b64decode(got["file"]))
    assert (copied["reason"], copied["license"]["identifier"]) == ("ok_copy", which), "never the original"

    verdict = town.check(data)
    assert (verdict["indication"], verdict["reason"]) == ("TOTAL-PASSED", "ok")
    assert (verdict["registry_match"], verdict["status"], verdict["time_basis"]) == ("exact", "good", "registered")
    assert origin_of(verdict["license"]) == REGISTERED

    shown = town.show(SLUG, which, "law_enforcement")
    moved = town.answer(report(town, which), 201)
    assert (moved["move"], moved["document_no"], moved["authority_code"]) == (
        "revoke",
        "国示吊〔2026〕1号",
        SOURCE_BODY,
    )
    scan = town.scan(town.officer_of(SLUG), shown["code"])
    assert (scan["light"], scan["reasons"][0]["code"]) == ("red", "license_revoked")
    verdict = town.check(data)
    assert (verdict["indication"], verdict["reason"], verdict["status"]) == ("TOTAL-FAILED", "license_revoked", "bad")
    assert origin_of(verdict["license"]) == REGISTERED
    for asked in (
        {"sha256": done["sha256"]},
        {"type": SLUG, "number": done["number"], "holder_name": card["holder_name"]},
    ):
        assert town.public(**asked)["reason"] == "license_revoked"
    (card,) = town.answer(town.client.get("/v1/wallet", headers=holder), 200)
    assert (card["state"], card["light"]) == ("revoked", "red")
    assert fetch(town)["code"] == "no_lawful_basis", "no copy of what has ended"
    assert town.file(which) == data


def test_events_evidence_and_notices_say_where_it_came_from(small_town: ServedCity, elsewhere: Elsewhere) -> None:
    town = small_town
    which = town.answer(register(town, elsewhere.file()), 201)["identifier"]
    town.answer(report(town, which), 201)
    town.drain()
    found = {event["type"].removeprefix("example.certsvc."): event for event in town.events()}
    born, ended = found["license.registered.v1"], found["license.revoked.v1"]
    assert (born["subject"], born["data"]["source"], born["data"]["origin"]) == (which, SOURCE, "registered")
    assert (ended["data"]["origin"], ended["data"]["deciding_authority"]) == ("registered", SOURCE_BODY)
    kinds = {row[0] for row in town.rows("SELECT kind FROM evidence")}
    assert {"license.registered", "license.revoked"} <= kinds
    uses = town.answer(town.client.get("/v1/wallet/uses", headers=town.person(town.holder_of(SLUG))), 200)
    notices = [use["why"] for use in uses if use["kind"] == "notice"]
    assert any(SENTENCE in text for text in notices)
    assert any("吊销" in text and "国示吊" in text for text in notices)


def test_an_issued_license_says_that_it_was_issued_here(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "R-1")
    verdict = small_city.check(small_city.file(done["identifier"]))
    assert origin_of(verdict["license"]) == ("issued", "", "")
    assert small_city.client.get("/v1/events", headers=small_city.system(source_client_id(SOURCE))).status_code == 403


def test_registration_proves_that_the_file_was_there_before_its_certificate_ended(
    make_city: Callable[..., ServedCity], sqlite_url: str, elsewhere: Elsewhere
) -> None:
    clock = FixedClock(SystemClock().now())
    town = make_city(sqlite_url, clock=clock, trust_dir=elsewhere.trust_dir)
    data, late = elsewhere.file(), elsewhere.file("Another page")
    town.answer(register(town, data), 201)
    clock.advance(timedelta(days=400))
    town.tokens.clear()
    assert (town.check(data)["indication"], town.check(late)["reason"]) == ("TOTAL-PASSED", "cert_expired")


def test_periodic_checks_of_the_type_are_the_affair_of_the_source(
    make_city: Callable[..., ServedCity], sqlite_url: str, elsewhere: Elsewhere
) -> None:
    """Nobody here is told that one was passed, so nobody here may say that one is overdue."""
    clock = FixedClock(SystemClock().now())
    town = make_city(sqlite_url, clock=clock, trust_dir=elsewhere.trust_dir)
    slug = "driving_license"
    sample = town.catalog.sample(slug)
    holder = {"name": sample["holder_name"], "code": sample["holder_code"], "code_type": sample["holder_code_type"]}
    body = registration(
        town,
        authority_code=sample["issuer_code"],
        source=OTHER_SOURCE,
        type=slug,
        identifier=identifier(town, slug=slug),
        number=sample["number"],
        holder=holder,
        data=dict(sample["data"]),
    )
    data = elsewhere.file()
    town.answer(register(town, data, body), 201)
    clock.advance(timedelta(days=1200))
    assert town.check(data)["license"]["light"] == "green"
    assert town.check(data)["license"]["flags"] == []
    assert remind(town.service.deps).announced == 0


# What is refused, and that nothing of it is kept --------------------------------------------------------------------


def refused(city: ServedCity, data: bytes, code: str, **changes: Any) -> None:
    before = (city.rows("SELECT count(*) FROM licenses"), city.service.deps.objects.names("licenses/"))
    found = problem(register(city, data, registration(city, **changes)), 422)
    assert found["code"] == "registration_refused"
    (fault,) = found["errors"]
    assert (fault["pointer"], fault["code"]) == ("/file", code)
    assert len(fault["detail"]) > 10, "says why and what to do"
    assert (city.rows("SELECT count(*) FROM licenses"), city.service.deps.objects.names("licenses/")) == before


def test_only_a_file_that_passed_in_every_respect_is_registered(small_town: ServedCity, elsewhere: Elsewhere) -> None:
    town, now = small_town, SystemClock().now()
    good = elsewhere.file()
    over = elsewhere.leaf(begins=now - timedelta(days=90), ends=now - timedelta(days=1))
    stranger = make_stranger(begins=now - timedelta(days=9), ends=now + timedelta(days=9))
    refused(town, b"not a file", "not_a_pdf")
    refused(town, letter(), "no_signature")
    refused(town, good.replace(b"license 001", b"license 002"), "digest_mismatch")
    refused(town, good + b"%%more\n", "not_fully_covered")
    refused(town, elsewhere.file(sealer=stranger), "untrusted_chain")
    refused(town, elsewhere.file(sealer=over), "cert_expired")
    said = [row[0] for row in town.rows("SELECT kind FROM evidence WHERE kind = 'registration.refused'")]
    assert len(said) == 6


def test_a_license_of_ours_is_never_registered_as_foreign(small_town: ServedCity, elsewhere: Elsewhere) -> None:
    town = small_town
    done = town.issue(SLUG, "R-1")
    data = town.file(done["identifier"])
    number = {"number": done["number"]}
    refused(town, data, "issued_here", **number)
    refused(town, data.replace(b"%%EOF\n", b"%%EOF \n"), "issued_here", **number)
    taken = registration(town, identifier=done["identifier"], issuer_code=HERE)
    assert "本系统签发" in problem(register(town, elsewhere.file(), taken), 409)["detail"]
    in_force = problem(register(town, elsewhere.file(), registration(town)), 409)
    assert "编号" in in_force["detail"], "the same number is in force already"


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "another type": ({"type": "tour_guide"}, "/type", "not_of_source"),
    "no such type": ({"type": "moon"}, "/type", "unknown_license_type"),
    "no such source": ({"source": "moon_base"}, "/source", "unknown_source"),
    "another authority": ({"authority_code": "11990000MB0000027A"}, "/authority_code", "not_responsible"),
    "a mistyped identifier": ({"identifier": "1.2.156.3005.2.X"}, "/identifier", "invalid_identifier"),
    "an issuer that the identifier denies": ({"issuer_code": HERE}, "/issuer_code", "other_issuer"),
    "a mistyped issuer": ({"issuer_code": "11990000MB0003017X"}, "/issuer_code", "invalid_identifier"),
    "a number that is not the holder's": ({"number": "91990000MA0000023K"}, "/number", ""),
    "a missing field": ({"data": {}}, "/data/address", "missing"),
    "a holder of another kind": (
        {"holder": {"name": "示例", "code": "1", "code_type": "111"}},
        "/holder/code_type",
        "holder_code_type",
    ),
    "an end before the start": ({"valid_until": "2025-01-01"}, "/valid_until", "before_start"),
    "a slip of the year": ({"issued_on": "0206-01-01"}, "/issued_on", "out_of_range"),
    "a photo that the type has not": ({"photo": "AAAA"}, "/photo", "extra_forbidden"),
    "an unknown member": ({"colour": "red"}, "/colour", "extra_forbidden"),
    "nothing of the holder": ({"holder": None}, "/holder", "missing"),
}


def test_wrong_data_are_named_before_the_file_is_looked_at(small_town: ServedCity) -> None:
    for name, (changes, pointer, code) in FAULTS.items():
        found = problem(register(small_town, b"never read", registration(small_town, **changes)), 422)
        faults = {fault["pointer"]: fault["code"] for fault in found["errors"]}
        assert pointer in faults, (name, faults)
        assert code in {"", faults[pointer]}, (name, faults)


def test_production_takes_no_license_of_the_sandbox_region(small_town: ServedCity) -> None:
    deps = small_town.service.deps
    body = RegistrationBody.model_validate(registration(small_town))
    check_body(deps, body)
    with pytest.raises(InvalidInput) as caught:
        check_body(replace(deps, policy=replace(deps.policy, sandbox=False)), body)
    assert [fault.code for fault in caught.value.problems] == ["sandbox_region"]


def test_who_may_register(small_town: ServedCity, elsewhere: Elsewhere) -> None:
    data = elsewhere.file()
    problem(register(small_town, data, client=OTHER_SYSTEM), 403)
    problem(register(small_town, data, client=source_client_id(SOURCE)), 403)
    small_town.answer(register(small_town, data, client=OWN_SYSTEM), 201)


# Once ---------------------------------------------------------------------------------------------------------------


def test_the_same_again_is_the_same_and_anything_else_is_a_conflict(town: ServedCity, elsewhere: Elsewhere) -> None:
    data = elsewhere.file()
    first = town.answer(register(town, data, key="k-1"), 201)
    counts = town.counts()
    for key in ("k-1", "", "k-2"):
        assert town.answer(register(town, data, key=key), 201) == first
    assert town.counts() == counts
    other = registration(town, issued_on="2026-01-02")
    assert problem(register(town, data, other, key="k-1"), 422)["code"] == "idempotency_mismatch"
    assert problem(register(town, data, other, key="k-2"), 422)["code"] == "idempotency_mismatch"
    assert "此文件" in problem(register(town, data, other), 409)["detail"]
    assert "此证照标识" in problem(register(town, elsewhere.file("Another page")), 409)["detail"]
    assert town.counts() == counts


def test_many_at_once_are_one(town: ServedCity, elsewhere: Elsewhere) -> None:
    data = elsewhere.file()
    town.system()
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(register, town, data, key=f"k-{n % 2}") for n in range(3)]
        done = [town.answer(answer.result(), 201) for answer in answers]
    assert done[0] == done[1] == done[2]
    which = done[0]["identifier"]
    town.system(source_client_id(SOURCE))
    with ThreadPoolExecutor(3) as pool:
        moves = [town.answer(answer.result(), 201) for answer in [pool.submit(report, town, which) for _ in range(3)]]
    assert moves[0] == moves[1] == moves[2]
    for table in ("licenses", "registered_licenses", "moves", "source_reports"):
        assert town.rows(f"SELECT count(*) FROM {table}") == [(1,)], table


def test_a_report_is_carried_out_once_and_never_overtakes_a_later_one(town: ServedCity, elsewhere: Elsewhere) -> None:
    which = town.answer(register(town, elsewhere.file()), 201)["identifier"]
    suspended = {"state": "suspended", "reference": "扣1", "until": "2030-01-01", "happened_at": "2026-02-01T09:00:00Z"}
    first = town.answer(report(town, which, key="r-1", **suspended), 201)
    assert town.answer(report(town, which, key="r-1", **suspended), 201) == first
    assert town.answer(report(town, which, **suspended), 201) == first
    assert problem(report(town, which, key="r-1", reference="扣2"), 422)["code"] == "idempotency_mismatch"
    assert problem(report(town, which, **{**suspended, "until": "2030-01-02"}), 409)["code"] == "conflict"
    late = {"state": "valid", "reference": "还1", "happened_at": "2026-01-31T09:00:00Z"}
    assert "更晚" in problem(report(town, which, **late), 409)["detail"]
    back = {"state": "valid", "reference": "还2", "happened_at": "2026-03-01T09:00:00Z"}
    assert town.answer(report(town, which, **back), 201)["move"] == "resume"
    assert town.answer(report(town, which, **suspended), 201) == first, "a repeat, however late"
    ended = {"reference": "销1", "happened_at": "2026-04-01T09:00:00Z"}
    town.answer(report(town, which, **{**ended, "state": "superseded"}), 201)
    refusal = problem(report(town, which, state="valid", reference="复1", happened_at="2026-05-01T09:00:00Z"), 409)
    assert refusal["code"] == "illegal_move"
    assert town.rows("SELECT count(*) FROM moves") == town.rows("SELECT count(*) FROM source_reports") == [(3,)]


BAD_REPORTS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown state": ({"state": "asleep"}, "/state"),
    "provisional": ({"state": "provisional"}, "/state"),
    "a suspension without end": ({"state": "suspended"}, "/until"),
    "an end where none belongs": ({"until": "2030-01-01"}, "/until"),
    "a time to come": ({"happened_at": "2999-01-01T00:00:00Z"}, "/happened_at"),
    "a time without a zone": ({"happened_at": "2026-01-01T00:00:00"}, "/happened_at"),
    "no reference": ({"reference": ""}, "/reference"),
}


def test_a_report_of_another_shape_is_refused_by_name(small_town: ServedCity) -> None:
    which = identifier(small_town)
    for name, (changes, pointer) in BAD_REPORTS.items():
        found = problem(report(small_town, which, **changes), 422)
        assert pointer in {fault["pointer"] for fault in found["errors"]}, name


# Whose state it is --------------------------------------------------------------------------------------------------


def test_nobody_but_its_source_moves_it(small_town: ServedCity, elsewhere: Elsewhere) -> None:
    town = small_town
    which = town.answer(register(town, elsewhere.file()), 201)["identifier"]
    for client in (PLATFORM, OWN_SYSTEM):
        problem(report(town, which, client=client), 403)
    assert problem(report(town, which, client=source_client_id(OTHER_SOURCE)), 404)["code"] == "not_found"
    refusal = problem(town.move(which, "revoke", slug=SLUG), 409)
    assert refusal["code"] == "state_of_source"
    assert SOURCE_NAME in refusal["detail"]
    assert f"/v1/registrations/{which}/states" in refusal["detail"]
    note = {"fact": "check_passed", "code": "年报", "authority_code": HERE, "happened_on": "2026-01-15"}
    response = town.client.post(f"/v1/licenses/{which}/facts", headers=town.system(), json=note)
    assert problem(response, 409)["code"] == "state_of_source"
    stranger = town.move(which, "revoke", slug=SLUG, authority_code="11990000MB0000078J")
    assert problem(stranger, 404)["code"] == "not_found"
    assert town.rows("SELECT state FROM licenses") == [("valid",)]


def test_a_source_moves_nothing_that_was_issued_here(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "R-1")
    assert problem(report(small_city, done["identifier"]), 404)["code"] == "not_found"


def test_no_license_of_ours_follows_one_of_elsewhere(small_town: ServedCity, elsewhere: Elsewhere) -> None:
    """The source's issuer may be a body of the city: it still changes its license there."""
    town = small_town
    body = registration(town, issuer_code=HERE, identifier=identifier(town, issuer=HERE))
    which = town.answer(register(town, elsewhere.file(), body), 201)["identifier"]
    asked = town.body(SLUG, "R-2", action="change", previous=which, valid_from=None, valid_until=None)
    sent = {key: value for key, value in asked.items() if value is not None}
    response = town.client.post("/v1/issuances", headers=town.system(), json=sent)
    request_id = town.answer(response, 202)["request_id"]
    town.drain()
    ended = town.answer(town.client.get(f"/v1/issuances/{request_id}", headers=town.system()), 200)
    assert ended["state"] == "refused"
    assert SOURCE_NAME in ended["detail"]


def test_the_source_reports_by_event_in_the_same_way(small_town: ServedCity, elsewhere: Elsewhere) -> None:
    town = small_town
    which = town.answer(register(town, elsewhere.file()), 201)["identifier"]
    data = {"state": "cancelled", "reference": "国示销〔2026〕1号", "happened_at": "2026-02-01T09:00:00+08:00"}
    event = {
        "specversion": "1.0",
        "id": "evt-1",
        "source": "https://national.example",
        "type": REPORTED_STATE,
        "subject": which,
        "data": data,
    }

    def send(client: str, **changes: Any) -> Any:
        headers = {**town.system(client), "Content-Type": "application/cloudevents+json"}
        return town.client.post("/v1/events", headers=headers, json={**event, **changes})

    source = source_client_id(SOURCE)
    problem(send(PLATFORM), 403)
    first = town.answer(send(source), 202)
    assert town.answer(send(source), 202) == first
    problem(send(source, data={**data, "reference": "x"}), 422)
    faults = problem(send(source, id="evt-2", data={**data, "state": "suspended", "reference": "y"}), 422)["errors"]
    assert [fault["pointer"] for fault in faults] == ["/data/until"]
    assert town.rows("SELECT state FROM licenses") == [("cancelled",)]


def test_no_code_leads_to_a_page_that_was_never_printed(small_town: ServedCity, elsewhere: Elsewhere) -> None:
    town = small_town
    town.answer(register(town, elsewhere.file()), 201)
    ((token,),) = town.rows("SELECT printed_token FROM licenses")
    base = town.service.deps.policy.public_base
    assert town.public(code=f"{base}/q/{token}")["reason"] == "not_ours"


def test_the_body_responsible_here_reads_it_and_another_does_not(small_town: ServedCity, elsewhere: Elsewhere) -> None:
    town = small_town
    which = town.answer(register(town, elsewhere.file()), 201)["identifier"]
    read = town.client.get(f"/v1/licenses/{which}", headers=town.system(OWN_SYSTEM))
    assert origin_of(town.answer(read, 200)["license"]) == REGISTERED
    problem(town.client.get(f"/v1/licenses/{which}", headers=town.system(OTHER_SYSTEM)), 404)
