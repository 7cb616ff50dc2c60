"""Facade C, ``license-app/v1``: every verb in its recorded shape; codes are one-time, bound and short-lived."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from facade_city import CLIENT, LOGIN, MARKET, NEIGHBOUR, RENEWAL, SECRET, FacadeCity, facade_city, recorded, same_shape

from certsvc.clock import FixedClock, SystemClock
from certsvc.license.facades import FacadeName

BASE = "/license-app/v1"
SLUG = "food_operation"
EXCHANGES = recorded("facade_app.json")
USE = {
    "service_item_code": RENEWAL,
    "service_item_name": "食品经营许可（延续）",
    "biz_num": "BJ-1",
    "operator": {"account": "jingban01"},
}


def login(app: FacadeCity, key: str = LOGIN, secret: str = SECRET) -> str:
    found = app.post(f"{BASE}/security/login", {"app_key": key, "app_secret": secret})
    assert found["ack_code"] == "SUCCESS", found
    return str(found["data"]["access_token"])


def code(app: FacadeCity, token: str, **changes: Any) -> str:
    body = {
        "access_token": token,
        "identity_number": app.city.catalog.sample(SLUG)["holder_code"],
        "license_item_code": app.city.catalog.type(SLUG).type_code,
        **USE,
        **changes,
    }
    found = app.post(f"{BASE}/license/auth", body)
    assert found["ack_code"] == "SUCCESS", found
    return str(found["data"]["auth_codes"][0])


def grant(app: FacadeCity, identifier: str, **changes: Any) -> str:
    body = {"identifier": identifier, "client_id": CLIENT, "matter_code": RENEWAL, **changes}
    holder = app.city.person(app.city.holder_of(SLUG))
    return str(app.city.answer(app.city.client.post("/v1/grants", headers=holder, json=body), 201)["code"])


def use(app: FacadeCity, verb: str, token: str, **body: Any) -> tuple[str, Any]:
    found = app.post(f"{BASE}/{verb}", {"access_token": token, **body})
    return (found["errors"][0]["code"] if found["errors"] else "", found["data"])


@pytest.fixture(scope="module")
def app(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FacadeCity]:
    with facade_city(city_keys, sqlite_template, tmp_path_factory.mktemp("app")) as found:
        found.account(FacadeName.APP, LOGIN, SECRET, purpose="")
        found.city.one_of(SLUG)
        yield found


def test_every_verb_answers_in_its_recorded_shape(app: FacadeCity) -> None:
    """In their order: codes are used up."""
    city = app.city
    token, identifier = login(app), city.one_of(SLUG)["identifier"]
    type_code = city.catalog.type(SLUG).type_code
    app.names = {
        "app_key": LOGIN,
        "app_secret": SECRET,
        "org": MARKET,
        "token": token,
        "matter": RENEWAL,
        "type_code": type_code,
        "holder_code": city.catalog.sample(SLUG)["holder_code"],
        "nobody": "91990000MA0000023K",
        "holder_grant": grant(app, identifier),
        "code_data": code(app, token),
        "code_token": code(app, token),
    }
    for number, exchange in enumerate(EXCHANGES):
        path = exchange["verb"].replace("{type}", type_code)
        found = app.post(f"{BASE}/{path}", app.filled(exchange["request"]))
        same_shape(exchange["response"], found, f"{number} {path}")


def test_every_verb_is_recorded_or_tried_below() -> None:
    from certsvc.api.facades.license_app import VERBS
    from certsvc.api.facades.license_app_issue import ISSUE_VERBS

    heard = {one["verb"].replace("/{type}", "") for one in EXCHANGES}
    below = {"license/create", "license/sign", "license/abolish", "license/get_attachment", "service_item/list"}
    assert {verb.name for verb in (*VERBS, *ISSUE_VERBS)} <= heard | below


def test_the_list_of_matters_is_that_of_the_own_body(app: FacadeCity) -> None:
    fault, rows = use(app, "service_item/list", login(app))
    assert fault == ""
    assert {row["service_item_code"][:18] for row in rows} == {MARKET}
    [renewal] = [row for row in rows if row["service_item_code"] == RENEWAL]
    assert set(renewal) == {"service_item_code", "service_item_name", "license_items"}
    assert [item["license_item_name"] for item in renewal["license_items"]] == ["营业执照", "食品经营许可证"]


def test_a_code_belongs_to_its_client_and_gives_each_thing_once_also_in_a_race(app: FacadeCity) -> None:
    app.account(FacadeName.APP, "neighbour", "another-secret", NEIGHBOUR, matter_code="")
    token, other = login(app), login(app, "neighbour", "another-secret")
    mine = code(app, token)
    assert len(bytes.fromhex(mine[17:])) * 8 >= 128
    assert use(app, "license/get_license", other, auth_code=mine)[0] == "NO_AUTHORIZATION"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: use(app, "license/get_license", token, auth_code=mine)[0], range(8)))
    assert sorted(answers) == ["", *["NO_AUTHORIZATION"] * 7]
    exchanged = use(app, "license/token", token, auth_code=code(app, token))[1]["license_access_token"]
    assert use(app, "license/archive", token, license_access_token=exchanged)[0] == ""
    assert use(app, "license/token", token, auth_code=exchanged)[0] == "NO_AUTHORIZATION", (
        "used codes are not exchanged"
    )


def test_consent_gives_what_the_holder_granted_and_whoever_acts_for_the_holder_comes_by_the_other_door(
    app: FacadeCity,
) -> None:
    token, identifier = login(app), app.city.one_of(SLUG)["identifier"]
    only = grant(app, identifier, fields=["holder_name", "business_form"])
    fault, made = use(app, "license/holder", token, credential=only, **USE)
    assert fault == ""
    assert use(app, "license/archive", token, auth_code=made["auth_codes"][0])[0] == "NO_AUTHORIZATION", "no copy"
    fault, made = use(app, "license/holder", token, credential=only, **USE)
    fault, given = use(app, "license/get_license", token, auth_code=made["auth_codes"][0])
    assert (fault, sorted(given["data_fields"])) == ("", ["CZZT", "KZ_ZTYT"])
    assert use(app, "license/holder", token, credential=only, **USE)[0] == "NO_AUTHORIZATION", "used"
    other_case = grant(app, identifier, case_no="BJ-9")
    assert use(app, "license/holder", token, credential=other_case, **USE)[0] == "NO_AUTHORIZATION"
    answers = grant(app, identifier, fields=["?valid"])
    found = app.post(f"{BASE}/license/holder", {"access_token": token, "credential": answers, **USE})
    assert (found["errors"][0]["code"], "/v1/answers" in str(found["errors"])) == ("NO_AUTHORIZATION", True)
    bearer = app.city.person(app.city.holder_of(SLUG))["Authorization"].removeprefix("Bearer ")
    assert use(app, "license/holder", token, credential=bearer, **USE)[0] == "NO_AUTHORIZATION", "no token of people"
    delegated = grant(app, identifier)
    app.city.execute("UPDATE grants SET holder_subject = 'holder-2' WHERE used_at IS NULL AND case_no = ''")
    assert app.city.holder_of(SLUG) != "holder-2"
    assert use(app, "license/holder", token, credential=delegated, **USE)[0] == "NO_AUTHORIZATION"
    fault, made = use(app, "license/entrust", token, credential=delegated, **USE)
    assert fault == ""
    assert use(app, "license/get_license", token, auth_code=made["auth_codes"][0])[0] == ""
    rows = [row for row in app.uses() if row[0] == "given" and row[1] == "consent"]
    assert {row[2:4] for row in rows} == {(RENEWAL, "BJ-1")}


def test_codes_and_sessions_end_and_follow_the_account(city_keys: Path, sqlite_template: Path, tmp_path: Path) -> None:
    clock = FixedClock(SystemClock().now())
    with facade_city(city_keys, sqlite_template, tmp_path, clock=clock) as app:
        account = app.account(FacadeName.APP, LOGIN, SECRET)
        identifier = app.city.issue(SLUG, "A-1")["identifier"]
        token = login(app)
        first, second = code(app, token), code(app, token)
        clock.advance(timedelta(seconds=599))
        assert use(app, "license/get_license", token, auth_code=first)[0] == ""
        clock.advance(timedelta(seconds=1))
        assert use(app, "license/get_license", token, auth_code=second)[0] == "NO_AUTHORIZATION"
        third = code(app, token)
        app.city.answer(app.city.move(identifier, "revoke", slug=SLUG), 201)
        assert use(app, "license/archive", token, auth_code=third)[0] == "LICENSE_NOT_IN_FORCE"
        fault, given = use(app, "license/get_license", token, auth_code=third)
        assert (fault, given["license_status"], given["license_status_name"]) == ("", "07", "吊销")
        bearer = {"Authorization": f"Bearer {token}"}
        assert app.city.client.get("/v1/me", headers=bearer).status_code == 401, "the session opens nothing else"
        answer = app.city.client.post(f"{BASE}/license/webpage?access_token={token}", json={})
        assert answer.json()["errors"][0]["code"] == "NO_PERMISSION", "no tokens in addresses"
        app.city.execute(f"UPDATE facade_accounts SET active = 0 WHERE account_id = '{account}'")
        assert use(app, "license/webpage", token)[0] == "ACCESS_TOKEN_INVALID"
        app.city.execute("UPDATE facade_accounts SET active = 1")
        clock.advance(timedelta(seconds=1800))
        assert use(app, "license/webpage", token)[0] == "ACCESS_TOKEN_INVALID"


def test_no_code_secret_or_number_is_in_the_database_or_in_events(app: FacadeCity) -> None:
    token = login(app)
    mine, granted = code(app, token), grant(app, app.city.one_of(SLUG)["identifier"])
    use(app, "license/holder", token, credential=granted, **USE)
    use(app, "license/get_license", token, auth_code=mine)
    app.city.drain()
    files = [path.read_bytes() for path in app.city.out.rglob("*") if path.is_file()]
    assert any(b"facade.called" in data for data in files)
    for planted in (mine, granted, token, SECRET):
        assert not [data for data in files if planted.encode() in data]


def test_the_issue_side_runs_on_the_commands_of_issuance(app: FacadeCity) -> None:
    city = app.city
    approval = f"approval-{MARKET.lower()}"
    app.account(FacadeName.APP, "approval", "approval-secret", approval, matter_code="", purpose="")
    token, sample = login(app, "approval", "approval-secret"), city.catalog.sample(SLUG)
    kind = city.catalog.type(SLUG)
    fields = {spec.element: sample["data"][spec.key] for spec in kind.fields if spec.key in sample["data"]}
    fields |= {
        "CZZT": sample["holder_name"],
        "CZZTDM": sample["holder_code"],
        "CZZTDMLXDM": sample["holder_code_type"],
        "ZZYXQQSRQ": "20260101",
        "ZZYXQJZRQ": "20301231",
        "ZZBFJGDM": sample["issuer_code"],
    }
    data = {"service_item_code": RENEWAL, "biz_num": "SP-1", "data_fields": fields}
    fault, made = use(app, f"license/{kind.type_code}/create", token, data=data)
    assert (fault, set(made)) == ("", {"license_code", "auth_code"})
    assert use(app, f"license/{kind.type_code}/create", token, data=data)[1] == made, "once per biz_num"
    assert use(app, f"license/{kind.type_code}/issue", token, data=made)[0] == "STATE_CONFLICT", "not yet"
    city.drain()
    fault, done = use(app, f"license/{kind.type_code}/sign", token, data=made)
    assert fault == "", fault
    assert set(done) == {"license_code", "auth_code", "license_status", "license_status_name"}
    fault, file = use(app, f"license/{kind.type_code}/get_attachment", token, data=done)
    assert (fault, base64.b64decode(file["file_data"])[:4]) == ("", b"%PDF")
    ending = {"license_code": done["license_code"], "abolish_reason": "当事人申请注销", "decided_on": "20260115"}
    assert use(app, f"license/{kind.type_code}/abolish", token, data=ending)[0] == "PARAM_MISSING"
    ended = {**ending, "document_no": "示市监注〔2026〕1号"}
    fault, moved = use(app, f"license/{kind.type_code}/abolish", token, data=ended)
    assert (fault, moved["license_status"]) == ("", "04")
