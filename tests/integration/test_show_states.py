"""What an app of a holder is told: where a show stands, who would use a license, names in both languages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from consent_city import GUIDE, holder, show
from fixtures_city import ServedCity
from test_bad_input import problem

from certsvc.clock import FixedClock, SystemClock

SCENE = "tour_inspection"


def test_who_made_a_show_reads_whether_it_waits_was_scanned_or_is_over(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    identifier, me = city.issue(GUIDE, "S-1")["identifier"], holder(city, GUIDE)
    first, second = (city.answer(show(city, me, identifier, SCENE), 201) for _ in range(2))

    def state(made: dict[str, str]) -> tuple[str, bool]:
        read = city.answer(city.client.get(f"/v1/shows/{made['show_id']}", headers=me), 200)
        assert read["expires_at"] == made["expires_at"]
        return read["state"], read["scanned_at"] is not None

    assert [state(first), state(second)] == [("waiting", False), ("waiting", False)]
    assert city.scan("clerk-1", first["code"])["fields"] == []
    assert state(first) == ("waiting", False), "who may not see anything has not scanned it"
    assert city.scan(city.officer_of(GUIDE), first["code"])["fields"]
    clock.advance(timedelta(seconds=61))
    assert [state(first), state(second)] == [("scanned", True), ("over", False)]

    stranger = city.person(city.holder_of("food_operation"))
    answers = [
        problem(city.client.get(f"/v1/shows/{which}", headers=who), 404)
        for which, who in ((first["show_id"], stranger), ("shw_01JUNKNOWN", stranger), ("shw_01JUNKNOWN", me))
    ]
    assert len({(one["title"], one["detail"]) for one in answers}) == 1, "another's is as unknown as none"


def test_a_holder_reads_who_would_use_a_license_before_granting(shared_city: ServedCity) -> None:
    city = shared_city
    me = holder(city, GUIDE)
    matters = city.answer(city.client.get("/v1/catalog/matters"), 200)
    matter = next(one for one in matters if "consent" in one["bases"] and GUIDE in one["allows"])
    path = "/v1/grants/receivers"
    found = city.answer(city.client.get(path, headers=me, params={"matter_code": matter["code"]}), 200)
    assert found
    assert {one["authority_code"] for one in found} == {matter["authority_code"]}
    body = city.catalog.authority(matter["authority_code"]).name
    assert {one["authority_name"] for one in found} == {body}
    assert all(one["name"] for one in found)
    ask = {"identifier": city.one_of(GUIDE)["identifier"], "matter_code": matter["code"]}
    ask["client_id"] = found[0]["client_id"]
    made = city.answer(city.client.post("/v1/grants", headers=me, json=ask), 201)
    assert (made["client_id"], made["client_name"]) == (found[0]["client_id"], body), "what is named can be granted to"
    none = city.answer(
        city.client.get(path, headers=me, params={"matter_code": "990000000000000000000000000000000"}), 200
    )
    assert none == []
    assert city.client.get(path, headers=city.system(), params={"matter_code": matter["code"]}).status_code in {
        403,
        404,
    }


def test_types_and_scenes_have_names_in_both_languages(shared_city: ServedCity) -> None:
    city = shared_city
    identifier, me = city.one_of(GUIDE)["identifier"], holder(city, GUIDE)
    [card] = [
        one for one in city.answer(city.client.get("/v1/wallet", headers=me), 200) if one["identifier"] == identifier
    ]
    assert (card["type_name"], card["type_name_en"]) == ("导游证", "Tour guide")
    names = {one["code"]: (one["name"], one["name_en"]) for one in card["scenes"]}
    assert names[SCENE] == ("旅游执法检查", "Tour inspection")
    made = city.answer(show(city, me, identifier, SCENE), 201)
    scan = city.scan(city.officer_of(GUIDE), made["code"])
    assert (made["scene"]["name_en"], scan["scene_name_en"]) == ("Tour inspection", "Tour inspection")
    assert (made["type_name_en"], scan["license"]["type_name_en"]) == ("Tour guide", "Tour guide")
