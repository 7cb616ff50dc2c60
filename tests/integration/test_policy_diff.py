"""What leaves by challenges, cohorts and counters is no more than the policy of the matter lists, value by value."""

from __future__ import annotations

from typing import Any

from consent_city import holder
from fixtures_city import ServedCity
from test_challenges import collect, reply
from test_counter import FOOD_NEW, FOOD_RENEWAL
from test_counter import ask as check
from test_fetch import COPY, SLUG, plain
from test_matter_challenges import asking
from test_use_answers import cohort
from test_use_bases import FOOD, HOUSE, SUBSIDY

from certsvc.catalog.loader import load_catalog
from certsvc.commands.access.seed_sandbox import using_client_id
from certsvc.identifiers.policy_key import is_question

TYPES = (SLUG, FOOD, HOUSE)
FACTS = ("number", "issuer_name", "valid_from", "valid_until")
MIN_LENGTH = 5
"""Shorter values stand in other words by chance."""


def fields_of(keys: tuple[str, ...]) -> list[str]:
    """Those under which data leave; a file leaves by a fetch alone."""
    return [key for key in keys if not is_question(key) and key != COPY]


def left(city: ServedCity, slug: str, answer: Any, allowed: list[str], *, known: tuple[str, ...] = ()) -> list[str]:
    """Keys whose values stand in an answer though the policy does not list them; ``known`` is what the asker said."""
    values = plain(city, slug)
    within = [values[key] for key in allowed if key in values] + list(known)
    text = str(answer)
    return [
        key
        for key, value in values.items()
        if key not in allowed and len(value) >= MIN_LENGTH and value in text and not any(value in one for one in within)
    ]


def number_in(answer: Any) -> tuple[str, ...]:
    """The number, where it is given: that of a 营业执照 is the holder's code."""
    return tuple(field["value"] for field in answer["fields"] if field["key"] == "number")


def test_a_challenge_of_any_matter_gives_what_its_policy_lists(shared_city: ServedCity) -> None:
    city, asked = shared_city, 0
    for matter in load_catalog().matters:
        for slug in TYPES:
            allowed = fields_of(matter.allows.get(slug, ()))
            if "consent" not in matter.bases or not allowed:
                continue
            done, client = city.one_of(slug), using_client_id(matter.authority_code)
            made = asking(city, matter.code, client, type=slug)
            city.answer(reply(city, holder(city, slug), made["code"], done["identifier"]), 201)
            answer = city.answer(collect(city, city.system(client), made), 201)
            assert [field["key"] for field in answer["fields"]] == allowed, (matter.code, slug)
            assert answer["file"] == ""
            facts = {**answer["license"], "identifier": ""}
            assert not [key for key in FACTS if facts[key] and key not in allowed], (matter.code, slug)
            assert bool(facts["holder_masked"]) <= ("holder_name" in allowed), (matter.code, slug)
            assert left(city, slug, {**answer, "license": facts}, allowed, known=number_in(answer)) == [], (
                matter.code,
                slug,
            )
            asked += 1
    assert asked > 20


def test_a_cohort_gives_yes_or_no_and_nothing_of_a_license(shared_city: ServedCity) -> None:
    city = shared_city
    done, sample = city.one_of(FOOD), city.catalog.sample(FOOD)
    holders = [{"code": sample["holder_code"], "code_type": sample["holder_code_type"]}]
    for changes in ({"field": "business_items", "term": "热食"}, {"ask": "valid", "field": "", "term": ""}):
        answer = city.answer(cohort(city, holders, matter_code=SUBSIDY, **changes), 201)
        assert answer["answers"][0]["answer"] in {"yes", "no"}
        bare = {**answer, "statement": ""}
        assert left(city, FOOD, bare, [], known=(sample["holder_code"], "热食")) == []
        assert done["identifier"] not in str(bare)


def test_a_counter_gets_of_a_grant_what_the_policy_lists(shared_city: ServedCity) -> None:
    city, given = shared_city, 0
    for code in (FOOD_NEW, FOOD_RENEWAL):
        matter = next(one for one in city.catalog.matters if one.code == code)
        for slug in (SLUG, FOOD):
            allowed = fields_of(matter.allows.get(slug, ()))
            if not allowed:
                continue
            body = {"identifier": city.one_of(slug)["identifier"], "client_id": using_client_id(code[:18])}
            grants = city.client.post("/v1/grants", headers=holder(city, slug), json={**body, "matter_code": code})
            answer = city.answer(check(city, code, code=city.answer(grants, 201)["code"]), 201)["consented"]
            assert answer["note"] == ""
            assert [field["key"] for field in answer["fields"]] == allowed
            assert left(city, slug, answer, allowed, known=number_in(answer)) == []
            given += 1
    assert given > 1
