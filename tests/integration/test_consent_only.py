"""Bodies that act on the holder's consent alone: at no door does duty open anything to them, and nobody lets it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from consent_city import bind
from fixtures_city import ServedCity
from test_bad_input import problem
from test_fetch import SLUG, asking, grant, uses

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.access.register_party import register_client
from certsvc.commands.access.seed_sandbox import NOTARY, SERVICE_BUREAU, using_client_id
from certsvc.commands.matters.reading import list_orphans
from certsvc.commands.ports import Principal
from certsvc.commands.sharing.withhold import WithholdBody, ask_withholding
from certsvc.errors import ConsentOnly, Forbidden
from certsvc.license.policies import Policy, PolicyState

MATTER = "32990100MB0001273M3992012101001"
CLIENT = using_client_id(NOTARY)
KEEPER = "notary-1"
FOOD = "food_operation"
STRANGER = "91990000MA00001037"
"""A company without licenses."""
OPERATOR = Principal(subject="o", kind="person", roles=frozenset({roles.OPERATOR}), authority_code="a")


def post(city: ServedCity, path: str, **changes: Any) -> Any:
    body = asking(city, matter_code=MATTER, purpose="办理公证事项", **changes)
    return city.client.post(path, headers=city.system(CLIENT), json=body)


def wish(city: ServedCity, *bases: str) -> Any:
    body = {"matter_code": MATTER, "type": SLUG, "keys": ["number"], "bases": bases, "purpose": "核对企业资格"}
    return city.client.post("/v1/policies", headers=city.person(KEEPER), json=body)


def force(city: ServedCity, matter: str = MATTER, slug: str = FOOD) -> None:
    """A policy on duty that no door lets in: as if a body became a notary after it was opened."""
    now = city.service.deps.clock.now()
    made = Policy(
        policy_id="pol_forced",
        matter_code=matter,
        authority_code=NOTARY,
        type_slug=slug,
        keys=("number",),
        bases=("consent", "duty"),
        quota=None,
        purpose="示例",
        state=PolicyState.OPEN,
        requested_by="a",
        requested_at=now,
        decided_by="b",
        decided_at=now,
        opened_by="c",
        opened_at=now,
        opened_on=local_day(now),
    )
    with city.service.deps.uow() as tx:
        assert tx.policies.request(made)
        tx.policies.set_mark("mrk_forced")


def test_no_door_opens_on_duty_and_each_refusal_is_on_record(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "N-1")
    force(city)
    sample = city.catalog.sample(SLUG)
    member = {"code": sample["holder_code"], "code_type": sample["holder_code_type"]}
    cohort = {
        "matter_code": MATTER,
        "case_no": "GZ-1",
        "purpose": "成批核验",
        "operator": "jingban01",
        "type": SLUG,
        "ask": "valid",
        "holders": [member],
    }
    refused = [
        post(city, "/v1/fetches"),
        post(city, "/v1/fetches", type=FOOD),
        post(city, "/v1/answers", ask="valid"),
        post(city, "/v1/fetches", withholding_id="wth_00000000000000000000000000"),
        city.client.post("/v1/cohorts", headers=city.system(CLIENT), json=cohort),
        wish(city, "duty"),
        wish(city, "consent", "duty"),
    ]
    told = [problem(one, 403) for one in refused]
    assert {(one["code"], one["title"]) for one in told} == {("consent_only", "只能凭持证人授权用证")}
    assert all("公证机构" in one["detail"] and "持证人授权" in one["detail"] for one in told)
    assert city.rows("SELECT outcome FROM fetches") == [("consent_only",)] * 5
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'consent_only.refused'") == [(2,)]
    assert city.rows("SELECT count(*) FROM policies WHERE policy_id <> 'pol_forced'") == [(0,)]
    # Nothing was looked for, so no license is named whose holder could read of it; the body reads why.
    assert city.rows("SELECT version_id FROM fetches WHERE outcome = 'consent_only'") == [("",)] * 5
    assert uses(city) == []
    numbers = city.client.get("/v1/departments/overview", headers=city.person(KEEPER)).json()
    assert numbers["consent_only"] is True
    assert [(one["refusal"]["code"], one["uses"]) for one in numbers["refusals"]] == [("consent_only", 5)]
    assert [one["bases"] for one in numbers["policies"]] == [["consent"]]
    [orphan] = [one for one in list_orphans(city.service.deps, OPERATOR) if one.policy_id == "pol_forced"]
    assert orphan.opens_nothing
    # On the holder's consent the same matter is answered, and a policy may be asked for.
    assert wish(city, "consent").status_code == 201
    code = grant(city, done["identifier"], client_id=CLIENT, matter_code=MATTER, fields=["number"])["code"]
    bare = {"basis": "consent", "grant_code": code, "holder_code": None, "holder_code_type": None, "fields": ["number"]}
    assert city.answer(post(city, "/v1/fetches", **bare), 201)["fields"][0]["key"] == "number"


def test_preview_and_list_say_what_the_body_is(shared_city: ServedCity) -> None:
    city = shared_city
    query = {"matter": MATTER, "authority": NOTARY, "type": SLUG}
    seen = city.client.get("/v1/policies/preview", headers=city.person(KEEPER), params=query).json()
    assert (seen["consent_only"], seen["bases"]) == (True, ["consent"])
    [system] = city.client.get("/v1/departments/systems", headers=city.person(KEEPER)).json()
    assert (system["client_id"], system["consent_only"]) == (CLIENT, True)
    other = city.client.get("/v1/departments/overview", headers=city.person("policy-clerk-1")).json()
    assert other["consent_only"] is False


def test_nobody_of_it_is_given_a_role_that_acts_on_duty(shared_city: ServedCity) -> None:
    deps = shared_city.service.deps
    for role in sorted(roles.ALL - roles.ON_CONSENT):
        with pytest.raises(Forbidden, match="只能凭持证人授权"):
            bind(shared_city, "notary-x", "示例", roles=frozenset({role}), authority_code=NOTARY)
    with deps.uow.read() as tx:
        client = tx.access.client(CLIENT)
    assert client is not None
    with pytest.raises(Forbidden, match="regulator"):
        register_client(deps, replace(client, client_id="n", roles=frozenset({roles.REGULATOR})), actor="t")
    # Somebody who has the role all the same, from an earlier day, is refused where it acts.
    clerk = Principal(subject="n", kind="person", roles=frozenset({roles.USE_CLERK}), authority_code=NOTARY)
    until = deps.clock.now() + timedelta(days=9)
    body = WithholdBody(matter_code=MATTER, case_no="GZ-1", until=until, legal_basis="《示例办法》第十条第二款")
    with pytest.raises(ConsentOnly):
        ask_withholding(deps, clerk, body)


def test_a_counter_looks_for_what_the_holder_showed_and_for_nothing_else(shared_city: ServedCity) -> None:
    """The sample company has the license; without its code the sheet is that of a company nobody knows."""
    city = shared_city
    identifier = city.one_of(SLUG)["identifier"]
    clerk = bind(city, "clerk-notary", "示例窗口", roles=frozenset({roles.CLERK}), authority_code=SERVICE_BUREAU)

    def row(holder: str, **changes: Any) -> dict[str, Any]:
        body = {"matter_code": MATTER, "case_no": f"GZ-{uuid4().hex}", "holder_code_type": "001", "holder_code": holder}
        check = city.client.post("/v1/counter/checks", headers=clerk, json={**body, **changes})
        [found] = [one for one in city.answer(check, 201)["sheet"]["rows"] if one["material"] == SLUG]
        return dict(found)

    company = city.catalog.sample(SLUG)["holder_code"]
    unshown = row(company)
    assert unshown["answer"] == "bring"
    assert "须凭持证人授权" in unshown["why"]
    assert unshown == row(STRANGER)
    code = grant(city, identifier, client_id=CLIENT, matter_code=MATTER, fields=["number"])["code"]
    assert row(company, code=code)["answer"] == "exempt_license"
    matters = city.client.get("/v1/counter/matters", headers=clerk).json()
    assert [one["code"] for one in matters if one["consent_only"]] == [MATTER]
