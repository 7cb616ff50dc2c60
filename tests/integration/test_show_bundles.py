"""一业一证 under one code: redeemed once, each license with its own scene, state and record; the state is derived."""

from __future__ import annotations

from typing import Any

from consent_city import holder
from fixtures_city import ServedCity
from test_bad_input import problem

COMPANY, SHOP = "business_license", "food_operation"


def ask(city: ServedCity, reader: str = "officer", **changes: Any) -> Any:
    body = {"bundle": "restaurant", "reader": reader, **changes}
    return city.client.post("/v1/shows/bundles", headers=holder(city, COMPANY), json=body)


def test_one_code_gives_every_license_of_a_bundle_once(city: ServedCity) -> None:
    firm, shop = city.issue(COMPANY, "B-1"), city.issue(SHOP, "B-2")
    me, officer = holder(city, COMPANY), city.officer_of(SHOP)
    path = "/v1/wallet/bundles/restaurant/scenes"
    seen = city.answer(city.client.get(path, params={"reader": "officer"}, headers=me), 200)
    shown = city.answer(ask(city), 201)
    assert shown["preview"] == seen
    assert city.public(code=shown["code"])["reason"] == "ok", "a look does not use the code up"
    scan = city.scan(officer, shown["code"])
    assert (scan["light"], scan["bundle"]["state"], scan["bundle"]["state_zh"]) == ("green", "complete", "齐备")
    members = {row["type"]: row for row in scan["bundle"]["members"]}
    assert {slug: row["license"]["identifier"] for slug, row in members.items()} == {
        COMPANY: firm["identifier"],
        SHOP: shop["identifier"],
    }
    for row in seen["members"]:
        assert members[row["type"]]["fields"] == row["seen"]["fields"] != []
        assert bool(members[row["type"]]["photo"]) == row["seen"]["photo"]
    again = city.scan(officer, shown["code"])
    assert (again["light"], again["reasons"][0]["code"]) == ("amber", "code_used")
    assert not any(row["fields"] or row["photo"] for row in again["bundle"]["members"])
    uses = city.answer(city.client.get("/v1/uses", headers=me), 200)["uses"]
    given = {use["identifier"]: len(use["fields"]) for use in uses if use["kind"] == "scan" and use["fields"]}
    assert given == {row["license"]["identifier"]: len(row["fields"]) for row in members.values()}
    assert city.rows("SELECT count(*) FROM scans") == [(4,)]


def test_the_worst_license_is_told_first_and_the_public_look_says_it_too(small_city: ServedCity) -> None:
    city = small_city
    city.issue(COMPANY, "B-1")
    code = city.answer(ask(city), 201)["code"]
    scan = city.scan(city.officer_of(SHOP), code)
    assert (scan["light"], scan["bundle"]["state"], scan["bundle"]["missing"]) == ("amber", "incomplete", [SHOP])
    shop = city.issue(SHOP, "B-2")
    code = city.answer(ask(city), 201)["code"]
    city.answer(city.move(shop["identifier"], "suspend", slug=SHOP), 201)
    assert city.public(code=code)["reason"] == "license_suspended", "not the good one of the two"
    scan = city.scan(city.officer_of(SHOP), code)
    assert (scan["light"], scan["bundle"]["state"]) == ("red", "impaired")
    assert scan["reasons"][0]["code"] == "license_suspended"
    lights = {row["type"]: row["light"] for row in scan["bundle"]["members"]}
    assert lights == {COMPANY: "green", SHOP: "red"}


def test_scenes_are_for_the_chosen_reader_and_others_get_state_only(small_city: ServedCity) -> None:
    city = small_city
    city.issue(COMPANY, "B-1")
    city.issue(SHOP, "B-2")
    shown = city.answer(ask(city), 201)
    audiences = {row["seen"]["scene"]["audience"] for row in shown["preview"]["members"]}
    assert audiences == {"officer"}
    scan = city.scan("clerk-1", shown["code"])
    assert scan["reasons"][0]["code"] == "scene_not_for_you"
    assert not any(row["fields"] or row["photo"] for row in scan["bundle"]["members"])
    assert city.scan(city.officer_of(SHOP), shown["code"])["light"] == "green", "it was not used up by that"
    found = problem(ask(city, scenes={SHOP: "no_such"}), 422)
    assert found["errors"][0]["pointer"] == f"/scenes/{SHOP}"
    chosen = city.answer(ask(city, reader="clerk", scenes={SHOP: "shop_display"}), 201)
    picked = {row["type"]: row["seen"]["scene"]["code"] for row in chosen["preview"]["members"]}
    assert picked[SHOP] == "shop_display"
    asked = {"bundle": "hotel", "reader": "officer"}
    city.answer(city.client.post("/v1/shows/bundles", headers=holder(city, COMPANY), json=asked), 201)
    asked = {"bundle": "restaurant", "reader": "officer"}
    problem(city.client.post("/v1/shows/bundles", headers=holder(city, "tour_guide"), json=asked), 404)
