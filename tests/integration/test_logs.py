"""Logs carry no personal data and no secrets: planted ones are looked for in everything the process writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures_city import ROOT, lay_keys

pytestmark = pytest.mark.xdist_group("logs")

PLANTED = {
    "name": "欧阳植入",
    "rare name": "王𠮷𬀩",
    "id number": "990101198304170074",
    "phone": "13800138000",
    "address": "示例省示例市植入路99号",
    "case": "植入办件九十九号",
}

PROGRAM = """
import json, sys
from pathlib import Path
from certsvc.cli.logs import configure_logs
configure_logs("DEBUG")
from fastapi.testclient import TestClient
from fixtures_city import sandbox_settings
from certsvc.app import build
from certsvc.cli.demo_city import City
from certsvc.commands.access.seed_sandbox import seed_sandbox, using_client_id
from certsvc.delivery.loops import drain
from certsvc.delivery import relay

var, url, planted = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
service = build(sandbox_settings(var, url, facades=("license_app", "gb_36906", "cert_share")))
parties = seed_sandbox(service.deps)
secrets = list(parties.secrets.values())
with TestClient(service.application(), raise_server_exceptions=False) as client:
    city = City(client=client, out=var, secrets=dict(parties.secrets), people=parties.people,
                catalog=service.deps.catalog, anchor=service.settings.keys)
    slug = "road_transport_worker"
    body = city.body(slug, "LOG-1")
    body["holder"]["name"] = planted["name"]
    body["data"]["address"] = planted["address"]
    request_id = city.answer(client.post("/v1/issuances", headers=city.system(), json=body), 202)["request_id"]
    drain(service.deps, worker="w")
    done = city.answer(client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
    assert done["state"] == "issued", done
    holder, officer = city.person(city.holder_of(slug)), city.person(city.officer_of(slug))
    shown = city.answer(client.post("/v1/shows", headers=holder,
        json={"identifier": done["identifier"], "scene": "road_inspection"}), 201)
    secrets.append(shown["code"].rsplit("/", 1)[1])
    city.answer(client.post("/v1/scans", headers=officer, json={"code": shown["code"]}), 201)
    # What fails is what gets logged: refusals, wrong bodies, a lost seal, a broken consumer, an unexpected error.
    client.post("/v1/issuances", headers=city.system(), json={**body, "holder": {"name": planted["rare name"] + "?"}})
    client.post("/v1/issuances", headers=city.system(), content=json.dumps(body)[:-2] + planted["phone"])
    asked = {"type": slug, "number": planted["id number"], "holder_name": planted["name"]}
    client.post("/v1/verifications", json=asked)
    client.post("/v1/scans", headers=officer, json={"code": planted["id number"]})
    client.post("/v1/fetches", headers=city.system(using_client_id("11990000MB0000051T")), json={
        "matter_code": "x", "case_no": planted["case"], "purpose": planted["address"], "operator": planted["phone"],
        "basis": "duty", "type": slug, "holder_code": planted["id number"], "holder_code_type": "111"})
    client.post("/v1/oauth/token", data={"grant_type": "client_credentials", "client_id": planted["id number"],
        "client_secret": secrets[0] + "x"})
    body = city.body("tour_guide", "LOG-2")
    body["holder"]["name"] = planted["name"]
    with service.deps.uow() as tx:
        from certsvc.seal.model import SealState
        seal = service.deps.catalog.authority(body["authority_code"]).seal_id
        assert tx.seals.set_state(seal, source=SealState.ACTIVE, target=SealState.STOPPED)
    city.answer(client.post("/v1/issuances", headers=city.system(), json=body), 202)
    drain(service.deps, worker="w")

    # The older interfaces: their secrets, tokens, codes and addresses.
    from datetime import timedelta
    from certsvc.commands.facades.accounts import register_account
    from certsvc.license.facades import FacadeAccount, FacadeName
    user, matter = using_client_id("11990000MB0000051T"), "11990000MB0000051T2990118001003"
    for name, secret in ((FacadeName.APP, "planted-app-secret"), (FacadeName.CERT_SHARE, "planted-access-token")):
        register_account(service.deps, FacadeAccount(account_id=service.deps.ids.new("fac"), facade=name,
            login="login-" + name.value, secret_sha256="", client_id=user, verbs=("*",), types=("*",),
            matter_code=matter, purpose=planted["address"], active=True,
            expires_at=service.deps.clock.now() + timedelta(days=9), created_at=service.deps.clock.now()),
            actor="test", secret=secret)
        secrets.append(secret)
    app = "/license-app/v1/"
    session = client.post(app + "security/login", json={"app_key": "login-license_app",
        "app_secret": "planted-app-secret"}).json()["data"]["access_token"]
    number = service.deps.catalog.sample(slug)["holder_code"]
    asked = {"access_token": session, "identity_number": number, "service_item_code": matter,
        "biz_num": "LOG-3", "operator": {"account": planted["phone"]}}
    [code] = client.post(app + "license/auth", json=asked).json()["data"]["auth_codes"]
    answers = [client.post(app + verb, json={"access_token": session, "auth_code": code}).json()["ack_code"]
        for verb in ("license/get_license", "license/get_license", "license/archive")]
    assert answers == ["SUCCESS", "FAILURE", "SUCCESS"], answers
    head = {"accessId": "login-cert_share", "accessToken": "planted-access-token"}
    data = {"certIdentifier": done["identifier"], "bizNum": "LOG-4", "operator": planted["name"]}
    address = client.post("/zzgxpt/downloadUrl", json={"head": head, "data": data}).json()["data"]["content"]
    capability = address.rpartition("=")[2]
    secrets += [session, code, capability]
    assert client.get("/zzgxpt/download?id=" + capability).status_code == 200
    assert client.get("/zzgxpt/download?id=" + capability).status_code == 404
    import logging as plain_logging
    plain_logging.getLogger("uvicorn.access").warning("GET /zzgxpt/download?id=%s HTTP/1.1", capability)
    import certsvc.commands.facades.downloads as inner
    def lost(*a, **k):
        raise KeyError(capability, planted["name"])
    inner.token_sha256 = lost
    assert client.get("/zzgxpt/download?id=" + capability).status_code == 500

    def broken(deps, tx, event):
        raise ValueError(f"{planted['name']} {planted['id number']} {planted['phone']} Bearer {secrets[0]}")

    relay.CONSUMERS = (("broken", broken),)
    relay.Relay(service.deps, owner="test").once()
    import certsvc.api.verifications as door
    def crash(*a, **k):
        raise KeyError(planted["name"], planted["id number"])
    door.verify_code = crash
    response = client.post("/v1/verifications", json={"code": "x"})
    assert response.status_code == 500 and planted["name"] not in response.text
    import logging
    try:
        try:
            {}[planted["name"]]
        except KeyError as error:
            raise ValueError(planted["case"]) from error
    except ValueError:
        logging.getLogger("uvicorn.error").exception("a library speaks")
    secrets += [value.removeprefix("Bearer ") for value in city.tokens.values()]
service.close()
print(json.dumps(secrets))
"""


@pytest.fixture(scope="module")
def written(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """What a real process wrote to standard error while all this happened, and its secrets."""
    from certsvc.store import migrate

    var = tmp_path_factory.mktemp("logs") / "var"
    lay_keys(city_keys, var)
    url = f"sqlite:///{var / 'logs.sqlite3'}"
    migrate.upgrade(url)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(var), url, json.dumps(PLANTED)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stderr, json.loads(run.stdout.splitlines()[-1])


def test_what_went_wrong_was_logged_at_all(written: tuple[str, list[str]]) -> None:
    lines = [json.loads(line) for line in written[0].splitlines()]
    actions = {line.get("action") for line in lines}
    assert {"issue.failed", "relay.failed", "api.crashed"} <= actions
    assert all(line["timestamp"].endswith("Z") for line in lines)
    for action, kind, place in (
        ("api.crashed", "builtins.KeyError", "api/verifications.py"),
        ("api.crashed", "builtins.KeyError", "api/facades/"),
        ("relay.failed", "builtins.ValueError", "delivery/relay.py"),
    ):
        traces = [trace for line in lines if line.get("action") == action for trace in line["exception"]]
        assert {trace["kind"] for trace in traces} == {kind}
        told = [frame for trace in traces for frame in trace["frames"]]
        assert any(place in frame for frame in told), "where it happened is told"
    [foreign] = [line for line in lines if line["event"] == "a library speaks"]
    assert [trace["kind"] for trace in foreign["exception"]] == ["builtins.KeyError", "builtins.ValueError"]


@pytest.mark.parametrize("what", PLANTED)
def test_nothing_planted_is_in_the_logs(written: tuple[str, list[str]], what: str) -> None:
    text, _ = written
    plain = PLANTED[what]
    assert plain not in text
    assert json.dumps(plain).strip('"') not in text, "nor in escapes"


def test_no_secret_and_no_token_is_in_the_logs(written: tuple[str, list[str]]) -> None:
    text, secrets = written
    assert len(secrets) > 10
    assert not [secret for secret in secrets if secret in text]


def test_every_log_line_is_one_line_of_json(written: tuple[str, list[str]]) -> None:
    for line in written[0].splitlines():
        assert set(json.loads(line)) >= {"event", "level", "timestamp"}
