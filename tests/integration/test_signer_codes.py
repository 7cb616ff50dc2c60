"""A session alone makes no e-signature, gives none another PIN, and signs with no new one: that takes a code."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from people_city import PEOPLE, PIN, PeopleCity

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.signers.one_time import CODES_PER_HOUR
from certsvc.seal.signer import FIRST_DAY, MAX_CODE_TRIES

WHO = PEOPLE[0]
OTHER = "913570"


@pytest.fixture
def people(small_city: ServedCity) -> PeopleCity:
    return PeopleCity(small_city)


def ask(people: PeopleCity, act: str) -> Any:
    return people.client.post("/v1/signers/codes", headers=people.city.person(WHO), json={"act": act})


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_stolen_session_withdraws_and_gets_no_further(people: PeopleCity) -> None:
    """The whole attack: end the e-signature, make another with an own PIN, sign where a PIN is enough."""
    signer = people.signer(WHO)
    asked = people.round((WHO,), (1,), needs_code=False)
    path = f"/v1/signers/{signer['signer_id']}/withdrawal"
    assert people.client.post(path, headers=people.city.person(WHO), json={}).status_code == 201
    bare = people.apply(WHO, pin=OTHER)
    assert problem(bare) == (422, "invalid_input")
    assert bare.json()["errors"][0]["pointer"] == "/code"
    assert "/v1/signers/codes" in bare.json()["errors"][0]["detail"]
    people.later()
    assert ask(people, "apply").status_code == 201, "the message goes to the person, not to the session"
    assert problem(people.apply(WHO, pin=OTHER, code="000000")) == (403, "code_refused")
    late = people.confirm(WHO, asked["round_id"], document_sha256=asked["sha256"], pin=OTHER)
    assert problem(late) == (409, "signer_unavailable")
    assert people.city.rows("SELECT state FROM signers") == [("withdrawn",)]


def test_in_its_first_day_a_signature_needs_a_code_though_the_round_asks_for_none(
    sqlite_url: str, make_city: Any
) -> None:
    clock = FixedClock(SystemClock().now())
    people = PeopleCity(make_city(sqlite_url, clock=clock))
    people.signer(WHO, new=True)
    asked = people.round((WHO,), (1,), needs_code=False)
    again = people.round((WHO,), (1,), needs_code=False)
    seen = people.city.answer(people.seen(WHO, asked["round_id"]), 200)
    assert (seen["needs_code"], seen["new_signer"]) == (True, True)
    creator = people.client.get(f"/v1/signings/{asked['round_id']}", headers=people.city.system()).json()
    assert (creator["needs_code"], creator["new_signer"]) == (False, False)
    bare = people.confirm(WHO, asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
    assert problem(bare) == (422, "invalid_input")
    assert "未满一天" in bare.json()["errors"][0]["detail"]
    wrong = people.confirm(WHO, asked["round_id"], document_sha256=asked["sha256"], pin=PIN, code="000000")
    assert problem(wrong) == (403, "code_refused")
    assert people.city.rows("SELECT count(*) FROM signer_uses") == [(0,)]
    people.sign(WHO, asked["round_id"])
    clock.advance(FIRST_DAY)
    people.city.tokens.clear()
    listed = people.client.get("/v1/signings", headers=people.city.person(WHO)).json()
    assert [one["needs_code"] for one in listed] == [False, False]
    answer = people.confirm(WHO, again["round_id"], document_sha256=again["sha256"], pin=PIN)
    assert answer.status_code == 201


def test_another_pin_needs_its_own_code_and_a_wrong_code_takes_no_try_of_the_pin(people: PeopleCity) -> None:
    signer = people.signer(WHO)
    path, headers = f"/v1/signers/{signer['signer_id']}/pin", people.city.person(WHO)

    def change(pin: str, code: str) -> tuple[int, str]:
        answer = people.client.post(path, headers=headers, json={"pin": pin, "new_pin": OTHER, "code": code})
        return answer.status_code, answer.json().get("code", "")

    assert change(PIN, "") == (422, "invalid_input")
    assert change(PIN, "000000") == (403, "code_refused")
    code = people.act_code(WHO, "pin")
    assert change("111222", "000000") == (403, "code_refused")
    assert people.city.rows("SELECT pin_tries FROM signers") == [(0,)]
    assert change("111222", code) == (403, "pin_refused")
    assert change(PIN, code) == (201, ""), "a wrong PIN does not use up the code"
    assert change(OTHER, code) == (403, "code_refused"), "once"


def test_a_code_is_for_its_act_and_its_person_and_dies_after_five_looks(people: PeopleCity) -> None:
    code = people.act_code(WHO, "apply")
    assert problem(people.apply(PEOPLE[1], code=code)) == (403, "code_refused")
    for n in range(MAX_CODE_TRIES):
        assert problem(people.apply(WHO, code=f"{(int(code) + n + 1) % 10**6:06d}")) == (403, "code_refused")
    assert problem(people.apply(WHO, code=code)) == (403, "code_refused")
    assert problem(ask(people, "apply")) == (429, "rate_limited")
    people.signer(WHO)
    assert problem(ask(people, "apply")) == (409, "conflict"), "who has one applies for none"
    applied = people.city.rows("SELECT count(*) FROM signer_codes WHERE matter LIKE 'apply%'")
    people.act_code(WHO, "pin")
    assert people.city.rows("SELECT count(*) FROM signer_codes WHERE matter LIKE 'apply%'") == applied


def test_who_has_no_e_signature_gets_no_code_for_another_pin(people: PeopleCity) -> None:
    assert problem(ask(people, "pin")) == (409, "signer_unavailable")


def test_of_many_applications_with_one_code_one_is_made(city: ServedCity) -> None:
    people = PeopleCity(city)
    code = people.act_code(WHO, "apply")
    headers = people.city.person(WHO)
    assert headers
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: people.apply(WHO, code=code).status_code, range(5)))
    assert answers.count(201) == 1
    assert set(answers) <= {201, 403, 409}
    assert city.rows("SELECT count(*) FROM signers") == [(1,)]


def test_the_limits_of_codes_hold_when_many_are_asked_for_at_once(city: ServedCity) -> None:
    """Of both kinds, on both databases: one code per pause, and so many in an hour."""
    people = PeopleCity(city)
    people.signer(WHO)
    asked = people.round((WHO,), (1,))
    headers = people.city.person(WHO)
    step = {"document_sha256": asked["sha256"]}
    tables = {"signing_codes": (f"/v1/signings/{asked['round_id']}/codes", step)}
    tables["signer_codes"] = ("/v1/signers/codes", {"act": "pin"})
    for table, (path, body) in tables.items():
        where = "WHERE matter LIKE 'pin%'" if table == "signer_codes" else ""

        def send(_: int, path: str = path, body: dict[str, str] = body) -> int:
            return int(people.client.post(path, headers=headers, json=body).status_code)

        with ThreadPoolExecutor(16) as pool:
            assert Counter(pool.map(send, range(40))) == {201: 1, 429: 39}
        for _ in range(CODES_PER_HOUR + 3):
            people.later()
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(send, range(4)))
        assert city.rows(f"SELECT count(*) FROM {table} {where}") == [(CODES_PER_HOUR,)]


def test_the_message_names_the_act_and_no_person(people: PeopleCity) -> None:
    people.act_code(WHO, "apply")
    (message,) = people.client.get("/v1/sandbox/messages", headers=people.city.person(WHO)).json()
    assert "申请电子签名" in message["text"]
    assert "示例" not in message["text"]


def test_a_code_that_is_too_old_makes_nothing(sqlite_url: str, make_city: Any) -> None:
    clock = FixedClock(SystemClock().now())
    people = PeopleCity(make_city(sqlite_url, clock=clock))
    code = people.act_code(WHO, "apply")
    clock.advance(timedelta(minutes=5))
    assert problem(people.apply(WHO, code=code)) == (403, "code_refused")
