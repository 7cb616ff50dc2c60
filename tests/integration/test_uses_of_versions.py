"""谁用过我的证 for who acts for a holder or holds beside one: also uses of versions before the one that counts."""

from __future__ import annotations

import pytest
from consent_city import bind, citizen, holder, party, state, today
from fixtures_city import ServedCity
from life_city import Life
from test_fetch import SLUG, fetch
from test_use_bases import HOUSE, SUBSIDY

from certsvc.commands.showing import seen_versions

NAME = "示例某某"


def used(city: ServedCity, who: dict[str, str]) -> list[str]:
    rows = city.answer(city.client.get("/v1/uses", headers=who), 200)["uses"]
    return [row["identifier"] for row in rows if row["kind"] == "fetch"]


def someone(city: ServedCity) -> tuple[dict[str, str], dict[str, str]]:
    """A new account, as a header and as a party."""
    number = citizen(today(city).replace(year=1985), 7)
    return bind(city, "someone", NAME, code=number), party(NAME, number)


@pytest.mark.parametrize("way", ["representative", "co_holder"])
def test_uses_of_an_earlier_version_stay_in_the_ledger_of_who_may_see_them(city: ServedCity, way: str) -> None:
    slug, matter = (SLUG, {}) if way == "representative" else (HOUSE, {"matter_code": SUBSIDY})
    life = Life(city=city, slug=slug)
    first = life.made("V-1")["identifier"]
    who, other = someone(city)
    if way == "representative":
        sample = city.catalog.sample(slug)
        company = party(sample["holder_name"], sample["holder_code"], sample["holder_code_type"])
        city.answer(state(city, "representative", company, other), 201)
    else:
        path = f"/v1/licenses/{first}/co-holders"
        city.answer(city.client.post(path, headers=city.system(), json={"person": other}), 201)
    city.answer(fetch(city, type=slug, fields=[], **matter), 201)
    assert used(city, who) == [first]

    second = life.made("V-2", "change", previous=first)["identifier"]
    city.answer(fetch(city, type=slug, fields=[], **matter), 201)
    assert used(city, who) == used(city, holder(city, slug)) == [second, first]


def test_uses_of_a_voided_license_stay_in_the_ledger_of_a_guardian(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue("birth_record", "V-1")["identifier"]
    mother = city.person("guardian-1")
    shown = city.show("birth_record", done, city.catalog.type("birth_record").scenes[0].code)
    city.scan("clerk-1", shown["code"])

    def scanned() -> list[str]:
        rows = city.answer(city.client.get("/v1/uses", headers=mother), 200)["uses"]
        return [row["identifier"] for row in rows if row["kind"] == "scan"]

    assert scanned() == [done]
    city.answer(city.move(done, "void", slug="birth_record"), 201)
    assert scanned() == [done]


def test_who_acts_for_many_reads_a_bounded_number_of_versions(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = small_city
    who, other = someone(city)
    sample = city.catalog.sample(SLUG)
    company = party(sample["holder_name"], sample["holder_code"], sample["holder_code_type"])
    city.answer(state(city, "representative", company, other), 201)
    identifiers = [city.issue(slug, f"V-{slug}")["identifier"] for slug in (SLUG, "food_operation")]
    city.answer(fetch(city, fields=["number"]), 201)
    assert used(city, who) == identifiers[:1]
    monkeypatch.setattr(seen_versions, "MAX_SEEN_OF_OTHERS", 1)
    assert used(city, who) == [], "the newest alone"
