"""Moves over HTTP: who may decide what from which state, once; and every door says how the license stands."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from fixtures_city import ServedCity
from sqlalchemy import text
from test_bad_input import problem

from certsvc.commands.access.seed_sandbox import using_client_id
from certsvc.license.states import MOVES, State
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Reason

SLUG = "food_operation"
ISSUER = "11990000MB0000019F"
OTHER_ISSUER = "11990100MB00010113"
DEFINER = "11990000MB0000019F"
ELSEWHERE = "11990000MB0000078J"
STRANGER = "11990000MB0000999X"
CULTURE = "11990000MB00000430"
CITY_CULTURE = "11990100MB0001046M"
CULTURE_PENALISER = "11990100MB0012108C"
CITY_GOVERNMENT = "11990100MB0011703P"
CITY_COURT = "11990100MB001180XX"
DISTRICT_COURT = "11990101MB0022007R"
PROVINCE_COURT = "11990000MB00009244"

WAYS: dict[State, tuple[str, ...]] = {
    State.VALID: (),
    State.SUSPENDED: ("suspend",),
    State.RESCINDED: ("rescind",),
    State.WITHDRAWN: ("withdraw",),
    State.REVOKED: ("revoke",),
    State.CANCELLED: ("cancel",),
    State.VOIDED: ("void",),
}
"""How a valid license gets into each state."""

ENDINGS = {
    "rescind": Reason.LICENSE_RESCINDED,
    "withdraw": Reason.LICENSE_WITHDRAWN,
    "revoke": Reason.LICENSE_REVOKED,
    "cancel": Reason.LICENSE_CANCELLED,
    "void": Reason.LICENSE_VOIDED,
}
ASKED = list(dict.fromkeys(move.name for move in MOVES if not move.by_link))


@pytest.mark.parametrize("state", list(WAYS))
def test_from_this_state_every_move_of_the_table_works_and_every_other_is_refused(
    small_city: ServedCity, state: State
) -> None:
    for name in ASKED:
        done = small_city.issue(SLUG, f"M-{name}")
        for step in WAYS[state]:
            small_city.answer(small_city.move(done["identifier"], step, slug=SLUG, document_no="先决〔2026〕1号"), 201)
        before = small_city.rows("SELECT count(*) FROM moves")
        response = small_city.move(done["identifier"], name, slug=SLUG)
        move = next(move for move in MOVES if move.name == name)
        if state in move.sources:
            found = small_city.answer(response, 201)
            assert (found["from_state"], found["to_state"]) == (state.value, move.target.value)
            after = move.target
        else:
            refusal = problem(response, 409)
            assert refusal["code"] == "illegal_move"
            assert move.name_zh in refusal["detail"]
            assert small_city.rows("SELECT count(*) FROM moves") == before
            after = state
        stored = small_city.rows(f"SELECT state FROM licenses WHERE identifier = '{done['identifier']}'")
        assert stored == [(after.value,)]


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("cancel", (ISSUER,), (OTHER_ISSUER, ELSEWHERE, STRANGER)),
        ("void", (ISSUER,), (OTHER_ISSUER, ELSEWHERE, STRANGER)),
        ("rescind", (ISSUER,), (OTHER_ISSUER, ELSEWHERE, STRANGER)),
        ("withdraw", (ISSUER,), (OTHER_ISSUER, ELSEWHERE, STRANGER)),
        ("revoke", (ISSUER,), (OTHER_ISSUER, ELSEWHERE, STRANGER)),
        ("suspend", (ISSUER,), (OTHER_ISSUER, ELSEWHERE, STRANGER)),
    ],
)
def test_only_the_bodies_that_the_law_names_decide(
    small_city: ServedCity, name: str, allowed: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    for index, code in enumerate(refused):
        done = small_city.issue(SLUG, f"R-{index}")
        found = problem(small_city.move(done["identifier"], name, slug=SLUG, authority_code=code), 404)
        assert found["code"] == "not_found"
        assert small_city.rows("SELECT count(*) FROM moves") == [(0,)]
    for index, code in enumerate(allowed):
        done = small_city.issue(SLUG, f"A-{index}")
        moved = small_city.answer(small_city.move(done["identifier"], name, slug=SLUG, authority_code=code), 201)
        assert moved["authority_code"] == code


def test_the_definer_decides_about_a_license_of_a_lower_authority(small_city: ServedCity) -> None:
    """The lower authorities of the sandbox have no seal, so the license is handed to one in the register."""
    for name, state in (("rescind", "rescinded"), ("withdraw", "withdrawn"), ("revoke", "revoked")):
        done = small_city.issue(SLUG, f"L-{name}")
        with small_city.service.store._engines[0].begin() as connection:
            connection.execute(text("UPDATE licenses SET issuer_code = :code"), {"code": OTHER_ISSUER})
        response = small_city.move(done["identifier"], name, slug=SLUG, authority_code=DEFINER)
        assert small_city.answer(response, 201)["to_state"] == state
        assert small_city.move(done["identifier"], "cancel", slug=SLUG, authority_code=DEFINER).status_code == 404


def test_a_suspension_is_lifted_by_the_body_that_imposed_it_or_its_superior(small_city: ServedCity) -> None:
    for imposed, lifted, status in (
        (OTHER_ISSUER, OTHER_ISSUER, 201),
        (OTHER_ISSUER, DEFINER, 201),
        (DEFINER, OTHER_ISSUER, 404),
        (OTHER_ISSUER, ELSEWHERE, 404),
    ):
        done = small_city.issue(SLUG, f"L-{imposed}-{lifted}")
        with small_city.service.store._engines[0].begin() as connection:
            connection.execute(text("UPDATE licenses SET issuer_code = :code"), {"code": OTHER_ISSUER})
        response = small_city.move(done["identifier"], "suspend", slug=SLUG, authority_code=imposed)
        small_city.answer(response, 201)
        response = small_city.move(done["identifier"], "resume", slug=SLUG, authority_code=lifted)
        assert response.status_code == status, (imposed, lifted)


def test_the_body_that_penalises_in_a_trade_revokes_in_its_region_and_ends_nothing_otherwise(
    small_city: ServedCity,
) -> None:
    for issuer, name, status in (
        (CITY_CULTURE, "revoke", 201),
        (CITY_CULTURE, "suspend", 201),
        (CITY_CULTURE, "rescind", 404),
        (CITY_CULTURE, "cancel", 404),
        (CULTURE, "revoke", 404),
    ):
        done = small_city.issue("tour_guide", f"P-{issuer}-{name}", authority_code=issuer)
        response = small_city.move(done["identifier"], name, slug="tour_guide", authority_code=CULTURE_PENALISER)
        assert response.status_code == status, (issuer, name, response.text)
    food = small_city.issue(SLUG, "P-food")
    response = small_city.move(food["identifier"], "revoke", slug=SLUG, authority_code=CULTURE_PENALISER)
    assert response.status_code == 404, "another trade"


def test_a_government_or_court_of_the_region_reinstates_and_no_other(small_city: ServedCity) -> None:
    for issuer, reviewer, status in (
        (CITY_CULTURE, CITY_GOVERNMENT, 201),
        (CITY_CULTURE, CITY_COURT, 201),
        (CITY_CULTURE, PROVINCE_COURT, 201),
        (CITY_CULTURE, DISTRICT_COURT, 404),
        (CITY_CULTURE, CULTURE_PENALISER, 404),
        (CULTURE, CITY_GOVERNMENT, 404),
    ):
        done = small_city.issue("tour_guide", f"C-{issuer}-{reviewer}", authority_code=issuer)
        ended = small_city.move(done["identifier"], "revoke", slug="tour_guide", authority_code=issuer)
        small_city.answer(ended, 201)
        response = small_city.move(done["identifier"], "reinstate", slug="tour_guide", authority_code=reviewer)
        assert response.status_code == status, (issuer, reviewer, response.text)


def test_the_same_decision_again_returns_the_same_move_and_says_nothing_twice(city: ServedCity) -> None:
    done = city.issue(SLUG, "S-1")
    first = city.answer(city.move(done["identifier"], "revoke", slug=SLUG), 201)
    assert city.answer(city.move(done["identifier"], "revoke", slug=SLUG), 201) == first
    other = city.move(done["identifier"], "revoke", slug=SLUG, document_no="另决〔2026〕2号")
    assert problem(other, 409)["code"] == "illegal_move"
    changed = city.move(done["identifier"], "revoke", slug=SLUG, basis="《行政处罚法》")
    assert problem(changed, 409)["code"] == "conflict"
    city.answer(city.move(done["identifier"], "reinstate", slug=SLUG), 201)
    assert city.answer(city.move(done["identifier"], "revoke", slug=SLUG), 201) == first, "also after other moves"
    city.drain()
    assert Counter(event["type"].split(".")[-2] for event in city.events())["revoked"] == 1
    history = city.client.get(f"/v1/licenses/{done['identifier']}", headers=city.system())
    assert [move["move"] for move in city.answer(history, 200)["moves"]] == ["revoke", "reinstate"]


def decide(city: ServedCity, identifier: str, asked: tuple[str, str]) -> Any:
    return city.move(identifier, asked[0], slug=SLUG, document_no=asked[1])


def test_of_two_parallel_decisions_exactly_one_takes_effect(city: ServedCity) -> None:
    for index in range(4):
        done = city.issue(SLUG, f"P-{index}")
        bodies = [(name, f"并决〔2026〕{nth}号") for nth, name in enumerate(["revoke", "withdraw"] * 4)]
        ask = partial(decide, city, done["identifier"])
        with ThreadPoolExecutor(len(bodies)) as pool:
            answers = list(pool.map(ask, bodies))
        assert sorted(response.status_code for response in answers) == [201] + [409] * 7
        won = next(response.json() for response in answers if response.status_code == 201)
        assert city.rows(f"SELECT state, revision FROM licenses WHERE identifier = '{done['identifier']}'") == [
            (won["to_state"], 2)
        ]
    assert city.rows("SELECT count(*) FROM moves") == [(4,)]


def test_the_same_decision_sent_in_parallel_is_one_move_for_everyone(city: ServedCity) -> None:
    done = city.issue(SLUG, "Q-1")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: city.move(done["identifier"], "revoke", slug=SLUG), range(10)))
    assert [response.status_code for response in answers] == [201] * 10
    assert len({response.text for response in answers}) == 1
    assert city.rows("SELECT count(*) FROM moves") == [(1,)]


def test_a_suspension_carries_its_end_and_a_lifted_one_is_good_again(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "U-1")
    moved = small_city.answer(small_city.move(done["identifier"], "suspend", slug=SLUG, until="2030-12-31"), 201)
    assert moved["until"] == "2030-12-31"
    assert small_city.check(small_city.file(done["identifier"]))["reason"] == "license_suspended"
    small_city.answer(small_city.move(done["identifier"], "resume", slug=SLUG), 201)
    assert small_city.rows("SELECT suspended_until FROM licenses") == [(None,)]
    assert small_city.check(small_city.file(done["identifier"]))["indication"] == "TOTAL-PASSED"


def doors(city: ServedCity, done: dict[str, Any], shown: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """How each door answers: its reason (or state) and its Chinese sentence."""
    sample = city.catalog.sample(SLUG)
    [(token,)] = city.rows(f"SELECT printed_token FROM licenses WHERE identifier = '{done['identifier']}'")
    base = city.service.settings.public_base
    printed = city.public(code=f"{base}/q/{token}")
    number = city.public(type=SLUG, number=done["number"], holder_name=sample["holder_name"])
    looked = city.public(code=shown["code"])
    file = city.check(city.file(done["identifier"]))
    scan = city.scan(city.officer_of(SLUG), shown["code"])
    scan_printed = city.scan(city.officer_of(SLUG), f"{base}/q/{token}")
    matter = next(m for m in city.catalog.matters if SLUG in m.allows and "duty" in m.bases)
    asked = {
        "matter_code": matter.code,
        "case_no": "BJ-1",
        "purpose": "办理事项",
        "operator": "jingban01",
        "basis": "duty",
        "type": SLUG,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
        "fields": ["holder_name"],
    }
    headers = city.system(using_client_id(matter.authority_code))
    fetched = city.answer(city.client.post("/v1/fetches", headers=headers, json=asked), 201)
    assert not fetched["good"]
    assert {file["indication"], printed["indication"], number["indication"]} == {"TOTAL-FAILED"}
    assert {scan["light"], scan_printed["light"]} == {"red"}
    return {
        "file": (file["reason"], file["text"]),
        "printed code": (printed["reason"], printed["text"]),
        "show code looked at": (looked["reason"], looked["text"]),
        "number": (number["reason"], number["text"]),
        "scan": (scan["reasons"][0]["code"], scan["text"]),
        "scan of the page": (scan_printed["reasons"][0]["code"], scan_printed["text"]),
        "fetch": (f"license_{fetched['state']}", ""),
    }


@pytest.mark.parametrize("name", ENDINGS)
def test_after_this_ending_every_door_gives_the_same_reason(small_city: ServedCity, name: str) -> None:
    done = small_city.issue(SLUG, "E-1")
    scene = small_city.catalog.type(SLUG).scenes[0].code
    shown = small_city.show(SLUG, done["identifier"], scene)
    small_city.answer(small_city.move(done["identifier"], name, slug=SLUG), 201)
    reason = ENDINGS[name]
    for door, (code, sentence) in doors(small_city, done, shown).items():
        assert code == reason.value, door
        assert sentence in {"", WORDS[reason].zh}, door
    small_city.drain()
    uses = small_city.client.get("/v1/wallet/uses", headers=small_city.person(small_city.holder_of(SLUG)))
    move = next(move for move in MOVES if move.name == name)
    notices = [use["why"] for use in small_city.answer(uses, 200) if use["kind"] == "notice"]
    assert sum(move.name_zh in why for why in notices) == 1


def test_a_move_can_be_asked_for_by_an_event(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "V-1")
    event = {
        "specversion": "1.0",
        "id": "m-1",
        "source": "https://approval.example",
        "type": "example.certsvc.move.requested.v1",
        "subject": done["identifier"],
        "data": {
            "move": "revoke",
            "authority_code": ISSUER,
            "document_no": "示决〔2026〕9号",
            "decided_on": "2026-01-15",
            "basis": "《食品安全法》",
        },
    }
    headers = {**small_city.system(), "Content-Type": "application/cloudevents+json"}
    first = small_city.answer(small_city.client.post("/v1/events", headers=headers, json=event), 202)
    assert small_city.answer(small_city.client.post("/v1/events", headers=headers, json=event), 202) == first
    assert small_city.rows("SELECT name, to_state FROM moves") == [("revoke", "revoked")]
    event["data"] = {**event["data"], "document_no": ""}
    found = problem(small_city.client.post("/v1/events", headers=headers, json=event), 422)
    assert found["errors"][0]["pointer"] == "/data/document_no"
