"""一业一证 derives from its members each time, and replaces none of them (DOMAIN.md 1.7)."""

from __future__ import annotations

from typing import Any

from fixtures_city import ServedCity


def restaurant(city: ServedCity) -> dict[str, Any]:
    holder = city.person(city.holder_of("business_license"))
    rows = city.answer(city.client.get("/v1/wallet/bundles", headers=holder), 200)
    return next((dict(row) for row in rows if row["code"] == "restaurant"), {})


def test_a_bundle_follows_its_members(city: ServedCity) -> None:
    samples = {slug: city.catalog.sample(slug)["holder_code"] for slug in ("business_license", "food_operation")}
    assert len(set(samples.values())) == 1, "the two samples are of one firm"
    assert restaurant(city) == {}
    company = city.issue("business_license", "B-1")
    assert (restaurant(city)["state"], restaurant(city)["missing"]) == ("incomplete", ["food_operation"])
    shop = city.issue("food_operation", "B-2")
    found = restaurant(city)
    assert (found["state"], found["state_zh"]) == ("complete", "齐备")
    held = {member["type"]: member["identifier"] for member in found["members"]}
    assert (held["business_license"], held["food_operation"]) == (company["identifier"], shop["identifier"])
    city.answer(city.move(shop["identifier"], "suspend", slug="food_operation"), 201)
    assert (restaurant(city)["state"], restaurant(city)["ended"]) == ("impaired", ["food_operation"])
    second = city.issue("food_operation", "B-3")
    assert restaurant(city)["state"] == "complete", "another shop that is open counts"
    city.answer(city.move(second["identifier"], "revoke", slug="food_operation"), 201)
    assert restaurant(city)["state"] == "impaired"
    card = city.client.get(f"/v1/licenses/{company['identifier']}", headers=city.system()).json()["license"]
    assert card["good"] is True, "a bundle changes none of its members"


def test_the_public_catalog_says_what_a_type_absorbs_and_hangs_on(small_city: ServedCity) -> None:
    rows = {row["type"]: row for row in small_city.client.get("/v1/catalog/types").json()}
    assert "business_license" in rows["food_operation"]["depends_on"]
    absorbed = {filing["code"] for filing in rows["business_license"]["satisfies"]}
    assert {"tax_registration", "organisation_code"} <= absorbed
    assert rows["medical_institution"]["periodic_checks"] == [{"name": "校验", "months": 12}]
