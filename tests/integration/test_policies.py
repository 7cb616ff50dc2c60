"""Policies: nobody opens alone, what counts is what was opened, and what was closed answers no more."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from consent_city import bind
from fixtures_city import ServedCity
from matter_city import (
    BARE,
    CLIENT,
    GUIDE,
    MATTER,
    OTHER,
    SLUG,
    USER,
    as_csv,
    asked,
    fetched,
    officers,
    opened,
    publish,
    rows_of,
    step,
    wish,
)
from test_bad_input import problem

from certsvc.clock import FixedClock, SystemClock, local_day
from certsvc.commands.access import roles

SEED = f"seed:{MATTER}:{SLUG}"


def keys_of(response: Any) -> list[str]:
    assert response.status_code == 201, response.text
    return [field["key"] for field in response.json()["fields"]]


def test_a_policy_goes_from_the_user_over_the_issuer_and_the_operator_to_a_fetch(city: ServedCity) -> None:
    city.issue(GUIDE, "P-1")
    problem(fetched(city, GUIDE), 403)
    asker, decider = officers(city, GUIDE)
    made = asked(city, asker)
    assert (made["state"], made["authority_code"], made["opened_on"]) == ("requested", USER, None)
    problem(fetched(city, GUIDE), 403)
    city.answer(step(city, decider, made["policy_id"], "decisions", approve=True), 201)
    problem(fetched(city, GUIDE), 403)
    done = city.answer(step(city, city.person("operator-1"), made["policy_id"], "openings"), 201)
    assert (done["state"], done["decided_by"], done["opened_by"]) == ("open", f"decider-{GUIDE}", "operator-1")
    assert keys_of(fetched(city, GUIDE)) == ["holder_name", "number"]
    problem(fetched(city, GUIDE, fields=["level"]), 403)
    problem(fetched(city, GUIDE, OTHER), 403)
    problem(fetched(city, GUIDE, basis="consent", grant_code="x"), 403)
    city.answer(step(city, asker, made["policy_id"], "closings", reason="不再需要"), 201)
    problem(fetched(city, GUIDE), 403)
    city.drain()
    kinds = [e["type"].split(".")[-2] for e in city.events() if e["subject"] == made["policy_id"]]
    assert kinds == ["requested", "approved", "opened", "closed"]
    evidence = city.rows("SELECT kind FROM evidence WHERE kind LIKE 'policy.%' ORDER BY position")
    assert [kind for (kind,) in evidence] == ["policy.requested", "policy.approved", "policy.open", "policy.closed"]


def test_nobody_decides_over_the_own_request_and_no_stranger_at_all(small_city: ServedCity) -> None:
    asker, decider = officers(small_city, GUIDE)
    _, stranger = officers(small_city, "birth_record")
    issuer = small_city.catalog.type(SLUG).issuers[0]
    both = frozenset({roles.POLICY_REQUESTER, roles.POLICY_APPROVER})
    twofold = bind(small_city, "twofold", "示例", roles=both, authority_code=USER)
    made = asked(small_city, asker)
    policy_id = made["policy_id"]
    overseer = bind(
        small_city,
        "overseer",
        "示例",
        roles=frozenset({roles.POLICY_REQUESTER, roles.CATALOG_PUBLISHER}),
        authority_code="11990000MB00000355",
    )
    small_city.answer(small_city.client.get(f"/v1/policies/{policy_id}", headers=overseer), 200)
    for which in (policy_id, SEED):
        assert problem(step(small_city, overseer, which, "closings", reason="越权关闭"), 404)
    assert problem(step(small_city, stranger, policy_id, "decisions", approve=True), 404)
    assert problem(step(small_city, asker, policy_id, "decisions", approve=True), 403)
    assert problem(step(small_city, small_city.person("operator-1"), policy_id, "openings"), 409)
    if USER in {issuer, small_city.catalog.type(SLUG).definer_code}:
        own = asked(small_city, twofold, type=SLUG, matter_code=BARE)
        assert problem(step(small_city, twofold, own["policy_id"], "decisions", approve=True), 403)
    found = problem(step(small_city, decider, policy_id, "decisions", approve=False), 422)
    assert found["errors"][0]["pointer"] == "/reason"
    refused = step(small_city, decider, policy_id, "decisions", approve=False, reason="超出办理所需")
    assert small_city.answer(refused, 201)["state"] == "refused"
    assert problem(step(small_city, decider, policy_id, "decisions", approve=True), 409)
    assert problem(step(small_city, small_city.person("operator-1"), policy_id, "openings"), 409)
    assert problem(step(small_city, asker, policy_id, "closings", reason="撤回申请"), 409)
    for headers in (stranger, small_city.system(OTHER)):
        for path in (policy_id, "pol_unknown"):
            answer = small_city.client.get(f"/v1/policies/{path}", headers=headers)
            assert problem(answer, 404)["detail"] == "没有这条用证策略"
    page = small_city.answer(small_city.client.get("/v1/policies", headers=stranger), 200)
    assert page["policies"] == []
    mine = small_city.answer(small_city.client.get("/v1/policies", headers=small_city.system(CLIENT)), 200)
    assert policy_id in [one["policy_id"] for one in mine["policies"]]


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"matter_code": "11990000MB00000355990123001001"}, 404, ""),
        ({"matter_code": "11990000MB000003552990123001001"}, 404, ""),
        ({"type": "nothing"}, 422, ""),
        ({"keys": []}, 422, "/keys"),
        ({"keys": ["holder_name", "colour"]}, 422, "/keys/1"),
        ({"keys": ["?scope:colour"]}, 422, "/keys/0"),
        ({"keys": ["?age"]}, 422, "/keys/0"),
        ({"keys": ["number", "number"]}, 422, "/keys"),
        ({"bases": ["curiosity"]}, 422, "/bases/0"),
        ({"quota": 0}, 422, "/quota"),
        ({"purpose": None}, 422, "/purpose"),
    ],
)
def test_a_request_at_fault_says_where(
    shared_city: ServedCity, changes: dict[str, Any], status: int, pointer: str
) -> None:
    headers = shared_city.system(CLIENT)
    found = problem(shared_city.client.post("/v1/policies", headers=headers, json=wish(**changes)), status)
    assert not pointer or pointer in [item["pointer"] for item in found["errors"]]


def test_one_request_for_a_matter_and_type_is_in_hand_at_a_time(city: ServedCity) -> None:
    asker, decider = officers(city, GUIDE)
    first = asked(city, asker)
    assert problem(city.client.post("/v1/policies", headers=asker, json=wish()), 409)
    assert asked(city, city.system(CLIENT), type="drug_retail")["requested_by"] == CLIENT
    city.answer(step(city, decider, first["policy_id"], "decisions", approve=True), 201)
    assert problem(city.client.post("/v1/policies", headers=asker, json=wish()), 409)
    city.answer(step(city, decider, first["policy_id"], "closings", reason="另行申请"), 201)
    assert asked(city, asker, keys=["number"])["state"] == "requested"


def test_what_was_asked_for_counts_instead_of_the_seed_and_closing_leaves_nothing(small_city: ServedCity) -> None:
    small_city.issue(SLUG, "P-1")
    before = keys_of(fetched(small_city, SLUG))
    made = opened(small_city, SLUG, keys=["number", "?holder", "?scope:business_scope"], bases=["duty"])
    assert before != ["number"]
    assert keys_of(fetched(small_city, SLUG)) == ["number"]
    problem(fetched(small_city, SLUG, fields=["holder_name"]), 403)
    problem(fetched(small_city, SLUG, fields=["?holder"]), 403)
    found = problem(step(small_city, small_city.person("operator-1"), SEED, "closings", reason="不再需要"), 409)
    assert "已由登记的策略取代" in found["detail"]
    newer = opened(small_city, SLUG, keys=["holder_name"], bases=["duty"])
    assert keys_of(fetched(small_city, SLUG)) == ["holder_name"]
    operator = small_city.person("operator-1")
    old = small_city.answer(small_city.client.get(f"/v1/policies/{made['policy_id']}", headers=operator), 200)
    assert (old["state"], old["close_reason"]) == ("closed", "由新的用证策略取代")
    small_city.answer(step(small_city, operator, newer["policy_id"], "closings", reason="核查中止"), 201)
    problem(fetched(small_city, SLUG), 403)


def test_a_policy_of_the_seed_is_closed_like_any_other(small_city: ServedCity) -> None:
    small_city.issue(SLUG, "P-1")
    assert keys_of(fetched(small_city, SLUG))
    _, stranger = officers(small_city, "birth_record")
    assert problem(step(small_city, stranger, SEED, "closings", reason="示例"), 404)
    assert problem(step(small_city, small_city.system(OTHER), SEED, "closings", reason="示例"), 404)
    assert problem(step(small_city, small_city.system(CLIENT), f"{SEED}x", "closings", reason="示例"), 404)
    closed = small_city.answer(step(small_city, small_city.system(CLIENT), SEED, "closings", reason="不再需要"), 201)
    assert closed["state"] == "closed"
    problem(fetched(small_city, SLUG), 403)
    assert problem(step(small_city, small_city.system(CLIENT), SEED, "closings", reason="不再需要"), 409)
    detail = small_city.client.get(f"/v1/matters/{MATTER}", headers=small_city.system(CLIENT)).json()
    assert SLUG not in detail["allows"]


def test_a_policy_opens_on_its_day_and_not_before(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    city.issue(SLUG, "P-1")
    asker, decider = officers(city, SLUG)
    made = asked(city, asker, type=SLUG, keys=["number"], bases=["duty"])
    city.answer(step(city, decider, made["policy_id"], "decisions", approve=True), 201)
    today = local_day(clock.now())
    operator = city.person("operator-1")
    for day in (today - timedelta(days=1), today + timedelta(days=367)):
        found = problem(step(city, operator, made["policy_id"], "openings", opened_on=day.isoformat()), 422)
        assert found["errors"][0]["pointer"] == "/opened_on"
    day = today + timedelta(days=2)
    city.answer(step(city, operator, made["policy_id"], "openings", opened_on=day.isoformat()), 201)
    assert len(keys_of(fetched(city, SLUG))) > 1, "until then the seed counts"
    city.tokens.clear()
    clock.advance(timedelta(days=2))
    assert keys_of(fetched(city, SLUG)) == ["number"]


def test_a_quota_ends_with_its_last_use_and_begins_again_the_next_day(
    make_city: Callable[..., ServedCity], database_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(database_url, clock=clock)
    city.issue(GUIDE, "P-1")
    opened(city, quota=2)
    for _ in range(2):
        keys_of(fetched(city, GUIDE))
    problem(fetched(city, GUIDE, fields=["level"]), 403)
    found = problem(fetched(city, GUIDE), 403)
    assert "上限" in found["detail"]
    params = {"matter": MATTER, "authority": USER, "type": GUIDE}
    seen = city.client.get("/v1/policies/preview", params=params, headers=city.system(CLIENT)).json()
    assert (seen["quota"], seen["used_today"]) == (2, 2)
    city.tokens.clear()
    clock.advance(timedelta(days=1))
    keys_of(fetched(city, GUIDE))


def test_a_refused_fetch_uses_nothing_of_the_quota(small_city: ServedCity) -> None:
    small_city.issue(GUIDE, "P-1")
    opened(small_city, quota=1)
    for _ in range(3):
        problem(fetched(small_city, GUIDE, fields=["level"]), 403)
    keys_of(fetched(small_city, GUIDE))
    problem(fetched(small_city, GUIDE), 403)


def test_the_preview_says_what_a_fetch_gives_and_why_nothing(small_city: ServedCity) -> None:
    """Random matters, bodies and types: the preview and a fetch of a license agree."""
    chance = random.Random(8)
    slugs = [SLUG, GUIDE, "drug_retail"]
    for slug in slugs:
        small_city.issue(slug, f"P-{slug}")
    headers = small_city.person("operator-1")
    matters = list(small_city.catalog.matters)
    agreed = 0
    for _ in range(60):
        matter, slug = chance.choice(matters), chance.choice(slugs)
        authority = matter.authority_code if chance.random() < 0.8 else "11990000MB00000355"
        params = {"matter": matter.code, "authority": authority, "type": slug}
        seen = small_city.answer(small_city.client.get("/v1/policies/preview", params=params, headers=headers), 200)
        given = [key["key"] for key in seen["keys"] if key["allowed"] and not key["key"].startswith(("?", "*"))]
        assert bool(seen["why_not"]) == (not given)
        client = f"using-{authority.lower()}"
        answer = fetched(small_city, slug, client, matter_code=matter.code)
        if "duty" in seen["bases"]:
            assert sorted(keys_of(answer)) == sorted(given)
            agreed += 1
        else:
            problem(answer, 403)
    assert agreed > 3
    params = {"matter": "x", "authority": USER, "type": SLUG}
    unknown = small_city.client.get("/v1/policies/preview", params=params, headers=headers).json()
    assert (unknown["why_not"], unknown["matter_name"]) == ("事项不在事项清单中", "")


def test_policies_that_point_to_nothing_are_listed_and_open_nothing(small_city: ServedCity) -> None:
    small_city.issue(GUIDE, "P-1")
    made = opened(small_city)
    keys_of(fetched(small_city, GUIDE))
    operator = small_city.person("operator-1")
    assert small_city.client.get("/v1/policies/orphans", headers=operator).json() == []
    rows = rows_of(small_city.catalog)
    rows[MATTER][3] = "2026-01-01"
    publish(small_city, as_csv(rows.values()))
    found = small_city.client.get("/v1/policies/orphans", headers=operator).json()
    assert made["policy_id"] in [one["policy_id"] for one in found]
    assert {one["matter_code"] for one in found} == {MATTER}
    assert all(one["opens_nothing"] and "已终止" in one["reasons"][0] for one in found)
    problem(fetched(small_city, GUIDE), 403)
    problem(fetched(small_city, SLUG), 403)
    theirs = small_city.client.get("/v1/policies/orphans", headers=small_city.system(OTHER)).json()
    assert theirs == []
    rows[MATTER][3] = ""
    rows[MATTER][2] = "11990000MB00000355"
    publish(small_city, as_csv(rows.values()))
    reasons = {one["reasons"][0] for one in small_city.client.get("/v1/policies/orphans", headers=operator).json()}
    assert reasons == {"事项已由其他单位实施，须由该单位重新申请"}
    problem(fetched(small_city, GUIDE), 403)
    problem(fetched(small_city, GUIDE, OTHER), 403)
    rows[MATTER][2] = USER
    publish(small_city, as_csv(rows.values()))
    keys_of(fetched(small_city, GUIDE))


def test_a_key_that_is_gone_opens_nothing_while_the_others_go_on(small_city: ServedCity) -> None:
    small_city.issue(GUIDE, "P-1")
    made = opened(small_city, keys=["number", "level"])
    assert keys_of(fetched(small_city, GUIDE)) == ["number", "level"]
    small_city.execute(f"UPDATE policies SET keys = '[\"number\",\"gone\"]' WHERE policy_id = '{made['policy_id']}'")
    small_city.execute("UPDATE policy_marks SET mark = 'changed by the test'")
    assert keys_of(fetched(small_city, GUIDE)) == ["number"]
    operator = small_city.person("operator-1")
    [orphan] = small_city.client.get("/v1/policies/orphans", headers=operator).json()
    assert (orphan["policy_id"], orphan["opens_nothing"]) == (made["policy_id"], False)
    assert "gone" in orphan["reasons"][0]


def test_what_one_process_closes_is_closed_in_the_other_at_once(
    make_city: Callable[..., ServedCity], database_url: str
) -> None:
    one, two = make_city(database_url), make_city(database_url)
    one.secrets = two.secrets
    two.issue(SLUG, "P-1")
    for city in (one, two):
        assert len(keys_of(fetched(city, SLUG))) > 1
    one.answer(step(one, one.system(CLIENT), SEED, "closings", reason="不再需要"), 201)
    for city in (two, one):
        problem(fetched(city, SLUG), 403)
    opened(two, SLUG, keys=["number"], bases=["duty"])
    for city in (one, two):
        assert keys_of(fetched(city, SLUG)) == ["number"]
