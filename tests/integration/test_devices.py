"""Devices: a key counts once it was proven, one key is one device, and a blocked one comes back never."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fixtures_city import ServedCity
from offline_city import CarriedPhone, holders_phone, officers_phone
from offline_phone import Phone, b64
from test_bad_input import problem

from certsvc.clock import FixedClock, SystemClock

SLUG = "tour_guide"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(SystemClock().now())


@pytest.fixture
def town(make_city: Callable[..., ServedCity], sqlite_url: str, clock: FixedClock) -> ServedCity:
    return make_city(sqlite_url, clock=clock)


def test_a_device_is_claimed_proven_listed_and_blocked(town: ServedCity) -> None:
    holder = town.holder_of(SLUG)
    carried = CarriedPhone(town, holder)
    begun = town.answer(carried.claim(), 201)
    assert begun["state"] == "pending"
    assert begun["sign_text"] == f"certsvc-device-v1\n{begun['device_id']}\n{begun['challenge']}"
    carried.device_id = begun["device_id"]
    refused = problem(carried.ask("x"), 404)
    assert "登记" in refused["detail"], "a claimed key shows nothing"
    town.answer(carried.prove(begun["sign_text"]), 200)
    (listed,) = town.answer(town.client.get("/v1/devices", headers=town.person(holder)), 200)
    assert (listed["device_id"], listed["state"], listed["name"]) == (carried.device_id, "active", "我的手机")
    blocked = town.answer(carried.block(), 200)
    assert blocked["state"] == "blocked"
    assert town.answer(carried.block(), 200)["blocked_at"] == blocked["blocked_at"], "once"
    assert problem(carried.ask("x"), 403)["code"] == "forbidden"
    assert problem(carried.claim(), 409)["code"] == "conflict", "its key is never taken again"
    kinds = [row[0] for row in town.rows("SELECT kind FROM evidence WHERE kind LIKE 'device.%' ORDER BY row_no")]
    assert kinds == ["device.enrolled", "device.blocked"]
    assert "我的手机" not in str(town.rows("SELECT * FROM devices"))


def test_a_proof_is_of_this_key_over_this_challenge_by_this_person_and_in_time(
    town: ServedCity, clock: FixedClock
) -> None:
    carried = CarriedPhone(town, town.holder_of(SLUG))
    begun = town.answer(carried.claim(), 201)
    device_id, text = begun["device_id"], begun["sign_text"]
    wrong = CarriedPhone(town, carried.subject, phone=Phone())
    assert problem(wrong.prove(text, device_id), 422)["code"] == "invalid_input"
    assert problem(carried.prove(text + "\n", device_id), 422)["code"] == "invalid_input"
    stranger = CarriedPhone(town, "clerk-1", phone=carried.phone)
    assert problem(stranger.prove(text, device_id), 404)["code"] == "not_found"
    clock.advance(timedelta(minutes=10, seconds=1))
    assert problem(carried.prove(text, device_id), 409)["code"] == "conflict"
    again = town.answer(carried.claim(), 201)
    assert again["device_id"] != device_id
    town.answer(carried.prove(again["sign_text"], again["device_id"]), 200)
    assert problem(carried.prove(again["sign_text"], again["device_id"]), 404)["code"] == "not_found"
    assert town.rows("SELECT count(*) FROM devices") == [(1,)], "what was never proven is forgotten"


def test_a_key_that_others_claimed_can_still_be_proven_by_its_owner_once(town: ServedCity) -> None:
    phone = Phone()
    squatter, owner = (CarriedPhone(town, town.holder_of(slug), phone=phone) for slug in (SLUG, "food_operation"))
    claims = [town.answer(one.claim(), 201) for one in (squatter, owner)]
    town.answer(owner.prove(claims[1]["sign_text"], claims[1]["device_id"]), 200)
    assert problem(squatter.prove(claims[0]["sign_text"], claims[0]["device_id"]), 409)["code"] == "conflict"


def test_the_roles_decide_which_kind_of_device(town: ServedCity) -> None:
    assert problem(CarriedPhone(town, town.officer_of(SLUG), kind="holder").claim(), 403)["code"] == "forbidden"
    assert problem(CarriedPhone(town, town.holder_of(SLUG), kind="officer").claim(), 403)["code"] == "forbidden"
    gate = CarriedPhone(town, "clerk-1", kind="officer").enrol()
    assert gate.bundle().status_code == 200
    assert problem(CarriedPhone(town, "clerk-1", kind="gate").claim(), 422)["code"] == "invalid_input"
    private = {**Phone().jwk, "d": b64(bytes(32))}
    assert "私钥" in problem(gate.claim(public_key=private), 422)["detail"]


def test_people_have_so_many_devices_also_when_they_prove_them_at_once(city: ServedCity) -> None:
    holder = city.holder_of(SLUG)
    city.person(holder)
    for _ in range(3):
        CarriedPhone(city, holder).enrol()
    waiting = [CarriedPhone(city, holder) for _ in range(4)]
    begun = [city.answer(one.claim(), 201) for one in waiting]
    with ThreadPoolExecutor(4) as pool:
        pairs = zip(waiting, begun, strict=True)
        proven = list(pool.map(lambda pair: pair[0].prove(pair[1]["sign_text"], pair[1]["device_id"]), pairs))
    assert sorted(answer.status_code for answer in proven) == [200, 200, 409, 409]
    refused = problem(CarriedPhone(city, holder).claim(), 409)
    assert "5 台" in refused["detail"]


def test_an_officers_device_is_blocked_by_the_security_officer_of_the_region_and_by_no_other(town: ServedCity) -> None:
    carried = officers_phone(town, SLUG)
    others = [f"officer-{n}" for n in (1, 2)]
    for subject in ("clerk-1", town.holder_of(SLUG), *(one for one in others if one != carried.subject)):
        assert problem(carried.block(subject), 404)["code"] == "not_found"
    seen = town.answer(town.client.get("/v1/devices", headers=town.person("security-1")), 200)
    assert [one["owner"] for one in seen] == [carried.subject]
    assert town.answer(carried.block("security-1"), 200)["state"] == "blocked"
    mine = holders_phone(town, SLUG)
    assert problem(mine.block("security-1"), 404)["code"] == "not_found", "a holder's is the holder's affair"
    assert problem(carried.bundle(), 403)["code"] == "forbidden"
