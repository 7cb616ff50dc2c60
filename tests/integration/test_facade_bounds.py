"""What a facade holds to whoever asks: the account's types, the policy of the moment, the ledger, a failure's way back.

One city for what ends nothing, cities of their own for what closes a policy, ends a matter or uses up sign-ins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from facade_city import (
    CLIENT,
    LOGIN,
    MARKET,
    RENEWAL,
    SECRET,
    SHARE_ID,
    SHARE_TOKEN,
    FacadeCity,
    facade_city,
)
from fastapi.testclient import TestClient
from matter_city import as_csv, publish, rows_of
from test_facade_app import BASE, SLUG, USE, code, grant, login, use

from certsvc.commands.facades import ask
from certsvc.commands.sharing.fetch_license import fetch_license
from certsvc.errors import InvalidInput, OperatorUnknown, Unavailable
from certsvc.license.facades import FacadeName
from certsvc.license.uses import NO_BASIS, WHY_NOT

OTHER = "business_license"
GB_BASE = "/rest/v1.0/zzgx"
NEW = "11990000MB0000019F2990131009001"

REASONS = {*WHY_NOT, NO_BASIS}


@pytest.fixture(scope="module")
def app(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FacadeCity]:
    with facade_city(city_keys, sqlite_template, tmp_path_factory.mktemp("bounds")) as found:
        found.account(FacadeName.APP, LOGIN, SECRET)
        found.account(FacadeName.GB_36906, CLIENT, "")
        found.account(FacadeName.CERT_SHARE, SHARE_ID, SHARE_TOKEN)
        narrow: dict[str, Any] = {"types": (SLUG,), "matter_code": ""}
        found.account(FacadeName.APP, "issuer", "issuer-secret", f"approval-{MARKET.lower()}", **narrow)
        found.city.one_of(SLUG)
        found.city.one_of(OTHER)
        yield found


def newest(app: FacadeCity, before: int) -> list[tuple[Any, ...]]:
    """Rows that the ledger got since it had ``before``."""
    return app.uses()[before:]


def test_the_issue_side_reaches_no_license_beyond_the_types_of_the_account(app: FacadeCity) -> None:
    """The path names a type of the account, ``license_code`` one of another: nothing is given, nothing moves."""
    token, other = login(app, "issuer", "issuer-secret"), app.city.one_of(OTHER)
    path = f"license/{app.city.catalog.type(SLUG).type_code}"
    [(request_id,)] = app.city.rows(
        "SELECT request_id FROM requests WHERE version_id ="
        f" (SELECT version_id FROM licenses WHERE identifier = '{other['identifier']}')"
    )
    ending = {
        "license_code": other["identifier"],
        "document_no": "示例决〔2026〕1号",
        "decided_on": "20260115",
        "abolish_reason": "签发错误",
        "abolish_type": "2",
    }
    assert use(app, f"{path}/get_attachment", token, data=ending) == ("LICENSE_NOT_FOUND", None)
    assert use(app, f"{path}/abolish", token, data=ending) == ("LICENSE_NOT_FOUND", None)
    app.city.execute(f"UPDATE requests SET caller = 'approval-{MARKET.lower()}' WHERE request_id = '{request_id}'")
    for verb in ("issue", "sign"):
        found = use(app, f"{path}/{verb}", token, data={"license_code": request_id})
        assert found == ("LICENSE_NOT_FOUND", None), verb
    assert app.city.rows(f"SELECT state FROM licenses WHERE identifier = '{other['identifier']}'") == [("valid",)]
    own = {**ending, "license_code": app.city.one_of(SLUG)["identifier"]}
    assert use(app, f"{path}/get_attachment", token, data=own)[0] == "", "its own type is open"


@pytest.mark.parametrize("facade", [FacadeName.GB_36906, FacadeName.APP])
def test_tokens_of_strangers_keep_no_client_out(
    city_keys: Path, sqlite_template: Path, tmp_path: Path, facade: FacadeName
) -> None:
    with facade_city(city_keys, sqlite_template, tmp_path, rate_limit_per_minute=100) as app:
        app.account(facade, CLIENT, "" if facade is FacadeName.GB_36906 else SECRET)
        application: Any = app.city.client.__dict__["app"]

        def heard(token: str, address: str) -> int:
            bodies = {
                FacadeName.GB_36906: (f"{GB_BASE}/zzjs", {"head": {"token": token}}),
                FacadeName.APP: (f"{BASE}/service_item/list", {"access_token": token}),
            }
            path, body = bodies[facade]
            caller = TestClient(application, client=(address, 40000))
            return int(caller.post(path, json=body).status_code)

        good = app.token() if facade is FacadeName.GB_36906 else login(app, CLIENT, SECRET)
        for number in range(11):
            assert heard("junk", f"203.0.113.{number + 1}") == 200
        assert heard(good, "198.51.100.1") == 200, "others guessed, from elsewhere"
        for _ in range(10):
            heard("junk", "203.0.113.99")
        assert heard("junk", "203.0.113.99") == 429, "who guesses is counted still"


@pytest.mark.parametrize("door", ["share", "app", "token"])
def test_wrong_secrets_of_strangers_keep_no_client_out(
    city_keys: Path, sqlite_template: Path, tmp_path: Path, door: str
) -> None:
    """A login is no secret: neither one address nor many that guess at it stop the client, whose secret is right."""
    with facade_city(city_keys, sqlite_template, tmp_path, rate_limit_per_minute=40) as app:
        app.account(FacadeName.CERT_SHARE, SHARE_ID, SHARE_TOKEN)
        app.account(FacadeName.APP, LOGIN, SECRET)
        application: Any = app.city.client.__dict__["app"]

        def asked(address: str, wrong: str = "") -> str:
            """``in``, ``refused`` or ``unheard``."""
            caller = TestClient(application, client=(address, 40000))
            if door == "token":
                form = {"grant_type": "client_credentials", "client_id": CLIENT}
                secret = wrong or app.city.secrets[CLIENT]
                found = caller.post("/v1/oauth/token", data={**form, "client_secret": secret})
                known = found.status_code == 200
            elif door == "app":
                found = caller.post(f"{BASE}/security/login", json={"app_key": LOGIN, "app_secret": wrong or SECRET})
                known = found.json()["ack_code"] == "SUCCESS"
            else:
                head = {"accessId": SHARE_ID, "accessToken": wrong or SHARE_TOKEN}
                found = caller.post("/zzgxpt/queryCertInfo", json={"head": head, "data": {}})
                known = found.json()["head"]["status"] == 12
            return "unheard" if found.status_code == 429 else "in" if known else "refused"

        own, stranger = "198.51.100.1", "203.0.113.99"
        alone = [asked(stranger, "junk") for _ in range(6)]
        assert alone == ["refused"] * 4 + ["unheard"] * 2, "the address is counted"
        assert asked(own) == "in", "one stranger"
        many = [asked(f"203.0.113.{number}", "junk") for number in range(1, 38)]
        assert many == ["refused"] * 37, "each is heard once"
        assert asked("203.0.113.1", "junk") == "unheard", "and not twice, once they are many"
        assert asked("203.0.113.1") == "unheard", "whatever it found"
        assert asked(own) == "in", "many strangers"


def test_a_closed_policy_gives_no_code_on_consent(city_keys: Path, sqlite_template: Path, tmp_path: Path) -> None:
    with facade_city(city_keys, sqlite_template, tmp_path) as app:
        app.account(FacadeName.APP, LOGIN, SECRET)
        token, credential = login(app), grant(app, app.city.one_of(SLUG)["identifier"])
        assert use(app, "license/holder", token, credential=credential, **USE)[0] == ""
        assert newest(app, 0) == [("given", "consent", RENEWAL, "BJ-1", "[]")], "a look is on the ledger"
        path = f"/v1/policies/seed:{RENEWAL}:{SLUG}/closings"
        body = {"reason": "停止使用"}
        app.city.answer(app.city.client.post(path, headers=app.city.person("operator-1"), json=body), 201)
        assert use(app, "license/holder", token, credential=credential, **USE) == ("NO_AUTHORIZATION", None)
        [(reason, *rest)] = newest(app, 1)
        assert reason in REASONS
        assert rest == ["consent", RENEWAL, "BJ-1", "[]"]


def test_consent_holds_to_operator_account_and_what_it_rests_on_and_refusals_are_on_the_ledger(app: FacadeCity) -> None:
    token, identifier = login(app), app.city.one_of(SLUG)["identifier"]
    rests = grant(app, identifier)
    [*_, (granted,)] = app.city.rows("SELECT grant_id FROM grants ORDER BY grant_id")
    app.city.execute(f"UPDATE grants SET basis = 'guardian', basis_id = 'gone' WHERE grant_id = '{granted}'")
    before = len(app.uses())
    for credential in (rests, "unknown"):
        assert use(app, "license/holder", token, credential=credential, **USE) == ("NO_AUTHORIZATION", None)
    rows = newest(app, before)
    assert [row[1] for row in rows] == ["consent"] * 2
    assert {row[0] for row in rows} <= REASONS
    app.city.execute(f"UPDATE clients SET staff_required = 1 WHERE client_id = '{CLIENT}'")
    try:
        found = use(app, "license/holder", token, credential=grant(app, identifier), **USE)
    finally:
        app.city.execute(f"UPDATE clients SET staff_required = 0 WHERE client_id = '{CLIENT}'")
    assert found == ("OPERATOR_UNKNOWN", None)
    assert app.uses()[-1][0] == OperatorUnknown.code


def test_what_the_matter_may_not_see_is_refused_on_the_ledger(app: FacadeCity) -> None:
    """A type beyond the policy, and a matter that nobody opened, in each facade."""
    catalog, why = app.city.catalog, {"bjbh": "BJ-3", "jbr": "jingban01"}
    guide, number = catalog.type("tour_guide").type_code, catalog.sample(SLUG)["holder_code"]
    token = login(app)
    share = {"head": {"accessId": SHARE_ID, "accessToken": SHARE_TOKEN}}
    of = {"holderCode": number, "bizNum": "BJ-3", "operator": "jingban01", "useCause": "核对"}
    gb = {"head": {"token": app.token()}, "data": {**why, "czztdm": number, "zzlxdm": guide}}
    barred = {**USE, "service_item_code": "11990000MB0000019F2990131001001"}
    asked: list[Callable[[], Any]] = [
        lambda: app.post(f"{GB_BASE}/zzjs", gb)["head"]["code"],
        lambda: app.post(f"{GB_BASE}/zzcx", gb)["head"]["code"],
        lambda: use(app, "license/auth", token, identity_number=number, license_item_code=guide, **USE)[0],
        lambda: use(app, "license/auth", token, identity_number=number, **barred)[0],
        lambda: app.post(
            "/zzgxpt/queryCertInfoByHolderCode",
            {**share, "data": {**of, "itemCode": "11990000MB0000019F2990131001001"}},
        )["head"]["status"],
    ]
    expectations = ["1", "1", "NO_AUTHORIZATION", "NO_AUTHORIZATION", 100]
    for place, (call, expected) in enumerate(zip(asked, expectations, strict=True)):
        before = len(app.uses())
        assert call() == expected, place
        assert [(row[0] in REASONS, row[1]) for row in newest(app, before)] == [(True, "duty")], place


def test_a_code_whose_policy_closed_is_refused_on_the_ledger(app: FacadeCity) -> None:
    mine, token, before = code(app, login(app)), login(app), len(app.uses())
    app.city.execute("UPDATE facade_codes SET matter_code = '11990000MB0000019F2990131001001'")
    assert use(app, "license/get_license", token, auth_code=mine)[0] == "NO_AUTHORIZATION"
    [row] = newest(app, before)
    assert row[0] in REASONS
    assert row[1:3] == ("duty", "11990000MB0000019F2990131001001")


def failing_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next fetch does not reach a dependency; those behind it do."""
    left = [Unavailable("印章服务没有应答")]

    def fetch(*values: Any, **named: Any) -> Any:
        if left:
            raise left.pop()
        return fetch_license(*values, **named)

    monkeypatch.setattr(ask, "fetch_license", fetch)


@pytest.mark.parametrize("verb", ["license/get_license", "license/archive"])
def test_a_code_is_not_used_up_by_a_failure_that_passes(
    app: FacadeCity, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    token = login(app)
    mine = code(app, token)
    failing_once(monkeypatch)
    assert use(app, verb, token, auth_code=mine)[0] == "SYSTEM_BUSY"
    assert use(app, verb, token, auth_code=mine)[0] == "", "again with the same code"
    assert use(app, verb, token, auth_code=mine)[0] == "NO_AUTHORIZATION", "and once"


def test_an_address_is_not_used_up_by_a_failure_that_passes(app: FacadeCity, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"zzbs": app.city.one_of(SLUG)["identifier"], "bjbh": "BJ-3", "jbr": "jingban01"}
    made = app.post(f"{GB_BASE}/zzdzxz", {"head": {"token": app.token()}, "data": data})
    path = "/rest" + str(made["data"]["content"]).partition("/rest")[2]
    failing_once(monkeypatch)
    assert app.city.client.get(path).json()["head"]["code"] == "16"
    assert app.city.client.get(path).content.startswith(b"%PDF")
    assert app.city.client.get(path).status_code == 404


@pytest.mark.parametrize("door", ["address", "verb"])
def test_a_call_that_cannot_be_noted_gives_nothing_and_its_answer_stays_in_the_envelope(
    app: FacadeCity, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    """The evidence comes before the file; the address of a file that did not leave gives it at the next try."""
    data = {"zzbs": app.city.one_of(SLUG)["identifier"], "bjbh": "BJ-3", "jbr": "jingban01"}
    body = {"head": {"token": app.token()}, "data": data}
    made = app.post(f"{GB_BASE}/zzdzxz", body)
    path = "/rest" + str(made["data"]["content"]).partition("/rest")[2]

    def away(*_: Any, **__: Any) -> None:
        raise Unavailable("数据库没有应答")

    with monkeypatch.context() as broken:
        broken.setattr("certsvc.commands.facades.accounts.record", away)
        if door == "address":
            found = app.city.client.get(path)
            assert (found.status_code, found.json()["head"]["code"]) == (404, "16")
        else:
            found = app.city.client.post(f"{GB_BASE}/zzcx", json=body)
            assert (found.status_code, found.json()["head"], found.json()["data"]) == (
                200,
                {"status": "1", "code": "16", "message": found.json()["head"]["message"]},
                None,
            )
    noted = "SELECT count(*) FROM evidence WHERE kind = 'facade.called'"
    [(before,)] = app.city.rows(noted)
    assert app.city.client.get(path).content.startswith(b"%PDF")
    assert app.city.rows(noted) == [(before + 1,)]
    assert app.city.client.get(path).status_code == 404


def test_an_account_is_for_a_matter_of_the_list_that_counts(
    city_keys: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    with facade_city(city_keys, sqlite_template, tmp_path) as app:
        rows = rows_of(app.city.catalog)
        rows[NEW] = [NEW, "新的事项", "", ""]
        del rows[RENEWAL]
        publish(app.city, as_csv(rows.values()))
        app.account(FacadeName.APP, LOGIN, SECRET, matter_code=NEW)
        with pytest.raises(InvalidInput) as refused:
            app.account(FacadeName.APP, "ended", SECRET, matter_code=RENEWAL)
        assert [one.pointer for one in refused.value.problems] == ["/matter_code"]


def test_a_second_license_of_a_type_is_found_by_every_search(
    city_keys: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    """A firm with two 食品经营许可证: each is a row, with the good ones before all others, and a use of its own."""
    with facade_city(city_keys, sqlite_template, tmp_path) as app:
        app.account(FacadeName.APP, LOGIN, SECRET)
        app.account(FacadeName.GB_36906, CLIENT, "")
        app.account(FacadeName.CERT_SHARE, SHARE_ID, SHARE_TOKEN)
        city, token = app.city, login(app)
        shops = [city.issue(SLUG, f"A-{number}")["identifier"] for number in (1, 2, 3)]
        number, kind = city.catalog.sample(SLUG)["holder_code"], city.catalog.type(SLUG).type_code
        why = {"bjbh": "BJ-3", "jbr": "jingban01"}

        def searched() -> list[list[str]]:
            gb = app.post(
                f"{GB_BASE}/zzjs", {"head": {"token": app.token()}, "data": {**why, "czztdm": number, "zzlxdm": kind}}
            )
            share = {"head": {"accessId": SHARE_ID, "accessToken": SHARE_TOKEN}}
            of = {"holderCode": number, "bizNum": "BJ-3", "operator": "jingban01", "useCause": "核对"}
            known = app.post("/zzgxpt/queryCertInfoByHolderCode", {**share, "data": of})
            urls = app.post("/zzgxpt/downloadUrlsByHolderCode", {**share, "data": {**of, "certTypeCode": kind}})
            coded = app.post(f"{BASE}/license/auth", {"access_token": token, "identity_number": number, **USE})
            return [
                [row["zzbs"] for row in gb["data"]],
                [row["certIdentifier"] for row in known["data"]],
                [row["certIdentifier"] for row in urls["data"]],
                [row["license_code"] for row in coded["data"]["licenses"]],
            ]

        before = len(app.uses())
        assert [sorted(one) for one in searched()] == [sorted(shops)] * 4
        given = [row for row in newest(app, before) if row[0] == "given"]
        assert len(given) == 4 * 3, "each is a use"
        addressed = {"head": {"accessId": SHARE_ID, "accessToken": SHARE_TOKEN}}
        of = {"holderCode": number, "certTypeCode": kind, "bizNum": "B", "operator": "j", "useCause": "核对"}
        urls = app.post("/zzgxpt/downloadUrlsByHolderCode", {**addressed, "data": of})["data"]
        files = [city.client.get("/zzgxpt" + str(row["content"]).partition("/zzgxpt")[2]) for row in urls]
        for row, file in zip(urls, files, strict=True):
            assert row["certIdentifier"] in file.headers["content-disposition"], "the file of that license"
        city.answer(city.move(shops[0], "revoke", slug=SLUG), 201)
        assert [sorted(one) for one in searched()] == [sorted(shops[1:])] * 4, "those in force"
        before = len(app.uses())
        city.execute(f"UPDATE clients SET staff_required = 1 WHERE client_id = '{CLIENT}'")
        assert use(app, "license/auth", token, identity_number=number, license_item_code=kind, **USE)[1] is None
        assert len(newest(app, before)) == 1, "what bars all is refused once"
