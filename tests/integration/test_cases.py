"""One case (联办件) asks for several licenses, of several authorities and systems; each has its status."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures_city import ServedCity

CASE = "联办-2026-0001"
SLUGS = ("tour_guide", "food_operation", "business_license")


def ask(city: ServedCity, slug: str, business_no: str, *, status: int = 202, **changes: Any) -> Any:
    body = city.body(slug, business_no, **changes)
    who = f"approval-{body['authority_code'].lower()}"
    return city.answer(city.client.post("/v1/issuances", headers=city.system(who), json=body), status)


def read(city: ServedCity, headers: dict[str, str], status: int = 200, case_no: str = CASE, **query: Any) -> Any:
    return city.answer(city.client.get(f"/v1/cases/{case_no}", headers=headers, params=query), status)


def test_every_license_of_a_case_has_its_status(city: ServedCity) -> None:
    for slug in SLUGS:
        ask(city, slug, f"CASE-{slug}", case_no=CASE)
    ask(city, "tour_guide", "OTHER-1", case_no="联办-2026-0002")
    ask(city, "tour_guide", "ALONE-1")
    first = city.client.get(f"/v1/cases/{CASE}", headers=city.system())
    assert first.headers["Retry-After"] == "1"
    begun = city.answer(first, 200)
    assert (begun["done"], begun["counts"]) == (False, {"accepted": 3})
    city.drain()
    found = read(city, city.system())
    assert (found["done"], found["counts"]) == (True, {"issued": 3})
    assert [item["request"]["type"] for item in found["items"]] == list(SLUGS), "in the order of asking"
    for item in found["items"]:
        assert item["request"]["identifier"]
        assert (item["license_state"], item["license_state_zh"], item["action"]) == ("valid", "正常", "issue")
    pages, after = [], ""
    while (page := read(city, city.system(), after=after, limit=2))["items"]:
        pages += page["items"]
        after = page["next"]
    assert pages == found["items"]
    moved = found["items"][0]["request"]["identifier"]
    city.answer(city.move(moved, "suspend", slug=SLUGS[0]), 201)
    assert read(city, city.system())["items"][0]["license_state"] == "suspended"


@pytest.mark.parametrize("slug", SLUGS[:2])
def test_a_departments_system_sees_what_it_sent_itself(small_city: ServedCity, slug: str) -> None:
    for one in SLUGS[:2]:
        ask(small_city, one, f"CASE-{one}", case_no=CASE)
    issuer = small_city.catalog.sample(slug)["issuer_code"]
    found = read(small_city, small_city.system(f"approval-{issuer.lower()}"))
    assert [item["request"]["type"] for item in found["items"]] == [slug]
    assert found["counts"] == {"accepted": 1}
    for headers in (small_city.system(f"approval-{issuer.lower()}"), small_city.system()):
        read(small_city, headers, 404, case_no="no-such-case")
    assert small_city.client.get(f"/v1/cases/{CASE}", headers=small_city.person("officer-1")).status_code == 403
