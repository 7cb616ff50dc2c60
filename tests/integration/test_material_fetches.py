"""电子材料 by policy: nothing beyond it, once on consent, on record where the holder looks, told when taken back."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from consent_city import bind
from fixtures_city import ServedCity, standing
from matter_city import step
from test_bad_input import problem
from test_materials import register
from upload_documents import letter

from certsvc.catalog.material_file import FETCHED_KEYS
from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import using_client_id
from certsvc.commands.alerting.raise_alerts import spread_some

OWNER, USER = "11990000MB0000019F", "11990000MB00000355"
MATTER = "11990000MB000003552990123001001"
"""医疗机构执业登记, of the body that uses"""
KIND, NAME = "premises_lease", "示例门诊部房屋租赁合同"
CLIENT, STRANGER = using_client_id(USER), using_client_id("11990000MB0000086D")
SLUG = "business_license"
"""whose sample holder the materials are about"""
COPY = "*copy"


def holder(city: ServedCity) -> dict[str, str]:
    return city.person(city.holder_of(SLUG))


def lease(city: ServedCity, case_no: str, data: bytes | None = None, **changes: Any) -> dict[str, Any]:
    sample = city.catalog.sample(SLUG)
    about = {
        "holder_name": sample["holder_name"],
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
    }
    return register(city, data or letter(), case_no=case_no, name=NAME, **{"code": KIND, **about, **changes})


def people(city: ServedCity) -> tuple[dict[str, str], dict[str, str]]:
    asker = bind(city, "mat-asker", "示例", roles=frozenset({roles.POLICY_REQUESTER}), authority_code=USER)
    decider = bind(city, "mat-decider", "示例", roles=frozenset({roles.POLICY_APPROVER}), authority_code=OWNER)
    return asker, decider


def asked(city: ServedCity, status: int = 201, **changes: Any) -> dict[str, Any]:
    body = {
        "matter_code": MATTER,
        "type": f"material:{KIND}",
        "keys": ["name", COPY],
        "bases": ["consent", "duty"],
        "purpose": "核对经营场所，依据示例条例第一条",
        **changes,
    }
    return dict(city.answer(city.client.post("/v1/policies", headers=people(city)[0], json=body), status))


def opened(city: ServedCity, **changes: Any) -> str:
    """A policy all the way to open; what was open before is closed by it."""
    made = asked(city, **changes)["policy_id"]
    city.answer(step(city, people(city)[1], made, "decisions", approve=True), 201)
    city.answer(step(city, city.person("operator-1"), made, "openings"), 201)
    return str(made)


def fetch(city: ServedCity, client: str = CLIENT, **changes: Any) -> Any:
    sample = city.catalog.sample(SLUG)
    body = {
        "matter_code": MATTER,
        "case_no": "YL-2026-1",
        "purpose": "办理医疗机构执业登记",
        "operator": "jingban01",
        "basis": "duty",
        "material": KIND,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
        **changes,
    }
    return city.client.post("/v1/material-fetches", headers=city.system(client), json=body)


def grant(city: ServedCity, material_id: str, status: int = 201, **changes: Any) -> dict[str, Any]:
    body = {"material_id": material_id, "client_id": CLIENT, "matter_code": MATTER, **changes}
    return dict(city.answer(city.client.post("/v1/material-grants", headers=holder(city), json=body), status))


def consented(city: ServedCity, code: str, client: str = CLIENT, **changes: Any) -> Any:
    return fetch(city, client, basis="consent", grant_code=code, holder_code="", holder_code_type="", **changes)


def uses(city: ServedCity) -> list[dict[str, Any]]:
    found = city.answer(city.client.get("/v1/uses", headers=holder(city)), 200)["uses"]
    return [row for row in found if row["kind"] == "fetch"]


@pytest.fixture(scope="module")
def office(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCity]:
    """A city with one lease, for tests that open policies and look."""
    with standing(city_keys, sqlite_template, tmp_path_factory.mktemp("materials")) as city:
        yield city


def test_a_material_is_granted_fetched_once_disputed_and_told_of_when_it_is_taken_back(city: ServedCity) -> None:
    data = letter()
    made = lease(city, "BJ-LEASE-1", data)
    assert made["names_holder"] is True
    problem(fetch(city), 403)
    assert uses(city) == [], "nothing was looked for, so nobody's material was asked for"
    opened(city)
    [mine] = city.answer(city.client.get("/v1/wallet/materials", headers=holder(city)), 200)
    assert (mine["material_id"], mine["kind"], mine["name"]) == (made["material_id"], KIND, NAME)
    made_grant = grant(city, made["material_id"])
    given = city.answer(consented(city, made_grant["code"]), 201)
    assert base64.b64decode(given["file"]) == data
    assert given["file_sha256"] == hashlib.sha256(data).hexdigest() == made["sha256"]
    assert given["fields"] == [{"key": "name", "name": "材料名称", "value": NAME}]
    problem(consented(city, made_grant["code"]), 403)
    again, first = uses(city)
    assert (first["outcome"], [one["key"] for one in first["fields"]]) == ("given", ["name", COPY])
    assert (first["identifier"], first["use_basis"]) == (made["material_id"], "consent")
    assert "经营场所租赁合同" in first["type_name"]
    assert (again["outcome"], again["fields"]) == ("no_lawful_basis", [])
    [listed] = [one for one in city.answer(city.client.get("/v1/grants", headers=holder(city)), 200) if one["used_at"]]
    assert listed["identifier"] == made["material_id"]
    wish = {"identifier": made["material_id"], "about": "fetch", "use_id": first["use_id"], "text": "没有办过这件事"}
    filed = city.answer(city.client.post("/v1/disputes", headers=holder(city), json=wish), 201)
    assert filed["authority_name"] == city.catalog.authority(USER).name
    rows = city.answer(city.client.get("/v1/disputes", headers=holder(city)), 200)["disputes"]
    assert [(one["identifier"], one["type_name"]) for one in rows] == [(made["material_id"], "经营场所租赁合同")]
    path = f"/v1/materials/{made['material_id']}/withdrawals"
    city.answer(city.client.post(path, headers=city.system()), 201)
    city.drain()
    while spread_some(city.service.deps):
        pass
    alerts = city.answer(city.client.get("/v1/alerts", headers=city.system(CLIENT)), 200)["alerts"]
    assert [(one["identifier"], one["change_zh"], one["cases"]) for one in alerts] == [
        (made["material_id"], "材料收回", ["YL-2026-1"])
    ]
    problem(fetch(city), 404)
    events = city.events()
    [told] = [one for one in events if one["type"].endswith("material.fetched.v1")]
    assert (told["subject"], told["data"]["authority_code"]) == (made["material_id"], OWNER)
    assert NAME not in json.dumps(events, ensure_ascii=False)
    kinds = city.rows("SELECT kind FROM evidence WHERE kind LIKE 'fetch.%' ORDER BY row_no")
    assert [kind for (kind,) in kinds] == ["fetch.refused", "fetch.given", "fetch.refused", "fetch.refused"]


MODELLED = "layout_plan"
"""a kind that no other test opens"""
STATES = ("none", "requested", "approved", "open", "closed", "refused")


def may(state: str, client: str, basis: str, bases: tuple[str, ...]) -> bool:
    """The model: the matter's own body, on a basis that the policy lists, while it is open."""
    return state == "open" and client == CLIENT and basis in bases


@pytest.mark.parametrize("bases", [("duty",), ("consent",), ("consent", "duty")])
def test_a_policy_opens_what_it_lists_to_its_body_on_its_basis_while_it_is_open(
    office: ServedCity, bases: tuple[str, ...]
) -> None:
    city, case = office, "BJ-MODEL-" + "-".join(bases)
    made = lease(city, case, code=MODELLED)
    asker, decider = people(city)
    operator = city.person("operator-1")
    policy_id = ""
    for state in STATES:
        if state in {"requested", "refused"}:
            policy_id = asked(city, type=f"material:{MODELLED}", bases=list(bases), keys=["name"])["policy_id"]
        if state == "approved":
            stranger = bind(city, "mat-no", "示例", roles=frozenset({roles.POLICY_APPROVER}), authority_code=USER)
            problem(step(city, stranger, policy_id, "decisions", approve=True), 404)
            city.answer(step(city, decider, policy_id, "decisions", approve=True), 201)
        elif state == "refused":
            city.answer(step(city, decider, policy_id, "decisions", approve=False, reason="不需要"), 201)
        elif state == "open":
            city.answer(step(city, operator, policy_id, "openings"), 201)
        elif state == "closed":
            city.answer(step(city, asker, policy_id, "closings", reason="不再需要"), 201)
        for client, basis in itertools.product((CLIENT, STRANGER), ("duty", "consent")):
            if basis == "duty":
                answer = fetch(city, client, material=MODELLED, fields=["name"], material_id=made["material_id"])
            else:
                status = 201 if may(state, CLIENT, "consent", bases) else 403
                code = grant(city, made["material_id"], status).get("code", "none")
                answer = consented(city, code, client, material=MODELLED, fields=["name"])
            expected = may(state, client, basis, bases)
            assert answer.status_code == (201 if expected else 403), (state, client, basis, answer.text)


def test_no_field_leaves_that_the_policy_does_not_list(office: ServedCity) -> None:
    city = office
    made = lease(city, "BJ-LEAK-7319")
    sample = city.catalog.sample(SLUG)
    secrets = {
        "name": NAME,
        "holder_name": sample["holder_name"],
        "case_no": "BJ-LEAK-7319",
        "issuer_name": city.catalog.authority(OWNER).name,
        "sha256": made["sha256"],
    }
    assert set(secrets) <= set(FETCHED_KEYS)
    for keys in (["pages"], ["name"], ["case_no", "sha256"], ["holder_name", "issuer_name", "registered_on"]):
        opened(city, keys=keys)
        text = fetch(city, material_id=made["material_id"]).text
        given = json.loads(text)
        assert [one["key"] for one in given["fields"]] == keys
        assert given["file"] == ""
        assert [key for key, value in secrets.items() if key not in keys and value in text] == []
        for beyond in sorted({*FETCHED_KEYS, COPY} - set(keys)):
            found = problem(fetch(city, material_id=made["material_id"], fields=[beyond]), 403)
            assert [key for key, value in secrets.items() if value in json.dumps(found, ensure_ascii=False)] == []
    for wrong in (["holder_code"], ["?valid"], ["name", "colour"]):
        asked(city, 422, keys=wrong)
    asked(city, 422, type="material:nothing_known")


def test_quota_and_withholding_hold_and_the_unknown_is_answered_like_the_forbidden(office: ServedCity) -> None:
    city = office
    made = lease(city, "BJ-QUOTA")
    opened(city, keys=["name"], quota=2)

    def told() -> list[str]:
        return [row["outcome"] for row in uses(city) if row["identifier"] == made["material_id"]]

    wish = {
        "matter_code": MATTER,
        "case_no": "YL-QUIET",
        "until": (city.service.deps.clock.now() + timedelta(days=3)).isoformat(),
        "legal_basis": "《示例监察条例》第十条第二款",
    }
    clerk = bind(city, "mat-clerk", "示例", roles=frozenset({roles.USE_CLERK}), authority_code=USER)
    second = bind(city, "mat-second", "示例", roles=frozenset({roles.USE_APPROVER}), authority_code=USER)
    quiet = city.answer(city.client.post("/v1/withholdings", headers=clerk, json=wish), 201)["withholding_id"]
    path = f"/v1/withholdings/{quiet}/decisions"
    city.answer(city.client.post(path, headers=second, json={"agrees": True}), 201)
    city.answer(fetch(city, withholding_id=quiet, case_no="YL-QUIET", material_id=made["material_id"]), 201)
    assert told() == []
    city.answer(fetch(city, material_id=made["material_id"]), 201)
    assert told() == ["given"]
    assert "上限" in problem(fetch(city, material_id=made["material_id"]), 403)["detail"]
    opened(city, keys=["name"])
    unknown = [
        problem(fetch(city, material_id="mat_00000000000000000000000000"), 404),
        problem(fetch(city, holder_code=city.catalog.authority(OWNER).code), 404),
        problem(fetch(city, holder_code="", holder_code_type=""), 404),
    ]
    assert len({one["detail"] for one in unknown}) == 1
    closed = [problem(fetch(city, material=kind), 403) for kind in ("nothing_known", "house_survey")]
    assert len({one["detail"] for one in closed}) == 1
    other = city.person(
        next(one.subject for one in city.people if one.holder_code and one.subject != city.holder_of(SLUG))
    )
    body = {"material_id": made["material_id"], "client_id": CLIENT, "matter_code": MATTER}
    foreign = problem(city.client.post("/v1/material-grants", headers=other, json=body), 404)
    nothing = problem(
        city.client.post("/v1/material-grants", headers=other, json={**body, "material_id": "mat_1"}), 404
    )
    assert foreign["detail"] == nothing["detail"]


def test_only_what_the_owner_of_the_kind_registered_is_of_the_kind(office: ServedCity) -> None:
    city = office
    opened(city, keys=["name", "pages"])
    person = next(one for one in city.people if one.holder_code and one.subject != city.holder_of(SLUG))
    about: dict[str, Any] = {
        "holder_code": person.holder_code,
        "holder_code_type": person.holder_code_type,
        "holder_name": "示例",
    }
    asked_for = {name: about[name] for name in ("holder_code", "holder_code_type")}
    lease(city, "BJ-OTHER-KIND", code="layout_plan", **about)
    lease(city, "BJ-OTHER-BODY", authority_code=USER, matter_code=MATTER, **about)
    register(city, letter(), case_no="BJ-NOBODY", code=KIND)
    problem(fetch(city, **asked_for), 404)
    lease(city, "BJ-OWNER", **about)
    city.answer(fetch(city, **asked_for), 201)
    found = register(city, letter(), 422, case_no="BJ-BAD", holder_code="1", holder_code_type="111", holder_name="示例")
    assert found["errors"][0]["pointer"] == "/holder_code"
    found = register(city, letter(), 422, case_no="BJ-BAD", holder_code=person.holder_code, holder_code_type="111")
    assert found["errors"][0]["pointer"] == "/holder_name"
    lease(city, "BJ-OWNER", **about)
    other = {**about, "holder_name": "示例另一人"}
    register(city, letter(), 409, case_no="BJ-OWNER", name=NAME, code=KIND, **other)
