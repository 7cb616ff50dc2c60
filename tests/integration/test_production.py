"""The production profile from an empty machine to a revoked license, as docs/operations.md tells an operator to go."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from fixtures_city import ROOT
from production_office import BUREAU, HOLDER, IDP, ISSUER, PEOPLE, PROVINCE, SELF, SLUGS, Desk, Office, answer, started

from certsvc.catalog.loader import load_catalog
from certsvc.cli.catalog_start import write_start
from certsvc.delivery.loops import drain
from certsvc.signing.certificates import pem


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A machine after its first day: keys, parties and a catalog that two people published."""
    office = Office(tmp_path_factory.mktemp("office"))
    make_keys(office)
    register_parties(office)
    publish_catalog(office)
    return office


def make_keys(office: Office) -> None:
    master = office.place / "secrets" / "master.key"
    assert f"certsvc keys master {master}" in office.refused("keys", "create", "token-1")
    assert not master.exists(), "a wrong path must not make a second master key"
    office.run("keys", "master", str(master))
    assert stat.S_IMODE(master.stat().st_mode) == 0o600
    before = master.read_bytes()
    assert "不会覆盖" in office.refused("keys", "master", str(master))
    assert master.read_bytes() == before
    office.run("db", "upgrade")
    assert "certsvc keys create token-1" in office.refused("catalog", "status")
    office.run("keys", "create", "receipt-1")
    assert "certsvc keys create token-1" in office.refused("catalog", "status")
    office.run("keys", "create", "token-1")
    office.run("keys", "create", "maker-1", "--algorithm", "sm2", "--name", "示例印章制作管理单位")
    request, answer = office.place / "maker.csr", office.place / "maker.pem"
    office.run("keys", "request", "maker-1", "--out", str(request))
    answer.write_bytes(office.ca.answer(request.read_text(encoding="ascii")))
    office.run("keys", "accept", "maker-1", str(answer))
    assert "没有到期" in office.run("keys", "expiring", "--days", "30")


def register_parties(office: Office) -> None:
    for subject, (authority, role) in PEOPLE.items():
        office.run(
            "people", "bind", subject, "--issuer", IDP, "--name", subject, "--authority", authority, "--role", role
        )
    holder = ("--holder-code", HOLDER, "--holder-code-type", "111")
    office.run("people", "bind", "holder", "--issuer", IDP, "--name", "李示例", "--role", "holder", *holder)
    for client, authority, role in (("approval", ISSUER, "approval"), ("watch", BUREAU, "events")):
        said = office.run("clients", "add", client, "--name", client, "--authority", authority, "--role", role)
        office.secrets[client] = said.strip().removeprefix("client_secret=")


def publish_catalog(office: Office) -> None:
    assert "catalog propose" in office.refused("requests", "stuck")
    office.run("catalog", "check")
    office.run("catalog", "propose", "--seeds", "--by", "proposer-wl")
    assert "tour_guide" in office.run("catalog", "status")
    office.run("catalog", "propose", "--seeds", "--by", "proposer-sc")
    office.refused("catalog", "publish", "--all", "--by", "proposer-wl")
    said = office.run("catalog", "publish", "--all", "--by", "publisher")
    assert sorted(line.split("\t")[0] for line in said.splitlines()) == sorted(SLUGS)


@pytest.fixture(scope="module")
def desk(office: Office) -> Iterator[Desk]:
    """The service after the first seal was made and named in the catalog; what waited for the seal is issued then."""
    with started(office) as first:
        seal_id = first_seal(first)
        waiting = first.issue("tour_guide", "TOO-EARLY", state="failed")
        assert "authorities.toml" in waiting["detail"], waiting
    authorities = office.catalog / "authorities.toml"
    text = authorities.read_text(encoding="utf-8")
    assert f'seal_id = "seal_{ISSUER}"' in text
    authorities.write_text(text.replace(f'"seal_{ISSUER}"', f'"{seal_id}"'), encoding="utf-8")
    with started(office) as second:
        second.wait_for(waiting["request_id"])
        yield second


def first_seal(desk: Desk) -> str:
    who, ca = desk.office.person, desk.office.ca
    wanted = {
        "name": "示例省文化和旅游厅电子证照专用章",
        "kind": "99",
        "stamp": {"ring_text": "示例省文化和旅游厅", "second_line": "电子证照专用章"},
        "daily_budget": 500,
        "keepers": ["keeper"],
    }
    row = desk.post(who("applicant"), "/v1/seals", {"document_no": "文旅发〔2026〕1号", "seal": wanted})
    path = f"/v1/seals/{row['seal_id']}"
    desk.post(who("approver"), f"{path}/moves", {"move": "approve", "document_no": "政务批〔2026〕2号"})
    asked = desk.post(who("maker"), f"{path}/making", {})
    assert asked["state"] == "approved", "production has no CA of its own"
    desk.post(who("maker"), f"{path}/certificate", {"certificate": ca.answer(asked["request"]).decode()})
    assert desk.post(who("keeper"), f"{path}/moves", {"move": "activate"})["state"] == "active"
    seal_object = desk.http.get(f"{path}/object", headers=who("keeper"))
    files = {"file": ("seal.esl", seal_object.content)}
    judged = answer(desk.http.post("/v1/seal-objects/verifications", headers=who("maker"), files=files), 200)
    assert (judged["reason"], judged["own"]) == ("ok", True), judged
    return str(row["seal_id"])


def test_a_license_is_issued_shown_scanned_verified_and_revoked(desk: Desk, tmp_path: Path) -> None:
    who = desk.office.person
    done = desk.issue("tour_guide", "NO-1")
    identifier = done["identifier"]
    file = desk.file(identifier)
    path = tmp_path / "license.pdf"
    path.write_bytes(file)
    check = "/v1/verifications/file?receipt=true"
    verdict = answer(desk.http.post(check, files={"file": ("a.pdf", file)}), 200)
    assert (verdict["indication"], verdict["registry_match"]) == ("TOTAL-PASSED", "exact"), verdict
    assert [one["format"] for one in verdict["signatures"]] == ["adbe.pkcs7.detached"]
    read = desk.post({}, "/v1/verifications/receipts", {"receipt": verdict["receipt"]}, 200)
    assert read["claims"]["iss"] == SELF
    shown = desk.post(who("holder"), "/v1/shows", {"identifier": identifier, "scene": "tour_inspection"})
    unseen = desk.post(who("officer"), "/v1/scans", {"code": shown["code"]})
    assert (unseen["light"], unseen["fields"]) == ("amber", []), unseen
    assert "先登记检查任务" in "".join(unseen["notes"])
    desk.open_visit()
    scan = desk.post(who("officer"), "/v1/scans", {"code": shown["code"]})
    assert (scan["light"], bool(scan["fields"])) == ("green", True), scan
    receipts = tmp_path / "receipts"
    assert "通过" in desk.office.run("verify", str(path), "--receipts", str(receipts))
    (receipt,) = receipts.iterdir()
    assert "属实" in desk.office.run("receipt", str(receipt), "--of", str(path))
    move = {
        "move": "revoke",
        "authority_code": ISSUER,
        "document_no": "文旅罚〔2026〕1号",
        "decided_on": "2026-01-15",
        "basis": "《导游管理办法》",
    }
    desk.post(desk.client("approval"), f"/v1/licenses/{identifier}/moves", move)
    verdict = answer(desk.http.post(check, files={"file": ("a.pdf", file)}), 200)
    assert (verdict["indication"], verdict["reason"]) == ("TOTAL-FAILED", "license_revoked"), verdict
    assert "吊销" in desk.office.run("verify", str(path), code=1)
    drain(desk.service.deps, worker="test")
    told = [event["type"] for event in desk.get(desk.client("watch"), "/v1/events")["events"]]
    assert any("license.revoked" in one for one in told), told


def test_the_seal_can_be_checked_without_us(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = desk.office.place / "trust" / "root.pem"
    file = desk.file(desk.issue("tour_guide", "NO-2")["identifier"])
    path = tmp_path / "license.pdf"
    path.write_bytes(file)
    text = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout
    assert "样本" not in text, "nothing of the sandbox is printed"
    monkeypatch.chdir(tmp_path)
    desk.office.env.pop("CERTSVC_CONFIG")
    try:
        assert "通过" in desk.office.run("verify", "--trust", str(root), str(path))
    finally:
        desk.office.env["CERTSVC_CONFIG"] = str(desk.office.config)
    (chain,) = (desk.office.place / "var" / "keys" / "certs").glob("seal_*.pem")
    leaf, above = x509.load_pem_x509_certificates(chain.read_bytes())
    for name, certificate in (("leaf", leaf), ("above", above)):
        (tmp_path / f"{name}.pem").write_bytes(pem(certificate))
    # Link by link: OpenSSL gives the ID of SM2 to the first link only (docs/signing.md).
    for below, trusted in (("leaf", tmp_path / "above.pem"), ("above", root)):
        command = ["openssl", "verify", "-partial_chain", "-vfyopt", "distid:1234567812345678", "-CAfile", str(trusted)]
        judged = subprocess.run([*command, f"{below}.pem"], capture_output=True, text=True, check=False)
        assert judged.stdout.strip() == f"{below}.pem: OK", judged


def test_an_ses_seal_passes_when_the_issuing_ca_is_known(desk: Desk) -> None:
    done = desk.issue("travel_agency", "SES-1")
    file = desk.file(done["identifier"])
    verdict = answer(desk.http.post("/v1/verifications/file", files={"file": ("a.pdf", file)}), 200)
    assert (verdict["indication"], verdict["registry_match"]) == ("TOTAL-PASSED", "exact"), verdict
    assert [one["format"] for one in verdict["signatures"]] == ["GM.sm2seal"]


def test_production_refuses_what_belongs_to_the_sandbox(desk: Desk, tmp_path: Path) -> None:
    office = desk.office
    assert desk.http.post("/v1/sandbox/login", json={"subject": "holder-1"}).status_code == 404
    assert desk.http.get("/v1/sandbox/people").status_code == 404
    assert "只能用于沙箱" in office.refused("keys", "init")
    seed = {"CERTSVC_CATALOG_DIR": str(tmp_path / "seed")}
    (tmp_path / "seed").symlink_to(ROOT / "certsvc" / "catalog")
    office.env.update(seed)
    try:
        client = ("clients", "add", "x", "--name", "x", "--role", "approval", "--authority", "11990000MB0000019F")
        assert "示例机构" in office.refused(*client)
    finally:
        office.env.pop("CERTSVC_CATALOG_DIR")


def test_people_are_bound_to_an_issuer_and_an_authority_that_exist(office: Office) -> None:
    def bind(issuer: str, authority: str) -> str:
        who = ("people", "bind", "new", "--name", "new", "--role", "officer")
        return office.refused(*who, "--issuer", issuer, "--authority", authority)

    assert IDP in bind(f"{IDP}/", ISSUER), "a slash too many would lock the person out"
    assert "authorities.toml" in bind(IDP, "11330000MB0000999X")


def test_a_stranger_of_the_identity_provider_has_no_access(desk: Desk) -> None:
    desk.get(desk.office.person("nobody"), "/v1/me", 401)
    assert desk.get(desk.office.person("officer"), "/v1/me")["roles"] == ["officer"]


def test_serve_runs_in_production(office: Office) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "certsvc", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **office.env}, stderr=subprocess.PIPE) as process:
        try:
            deadline, ready = time.monotonic() + 60, 0
            while ready != 200 and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.2)
                try:
                    ready = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code
                except httpx.TransportError:
                    continue
            assert ready == 200, process.stderr
            page = httpx.get(f"http://127.0.0.1:{port}/").text
            assert 'data-profile="production"' in page
        finally:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_the_whole_catalog_can_be_moved_to_another_region(tmp_path: Path) -> None:
    write_start(tmp_path / "catalog", PROVINCE)
    catalog = load_catalog(tmp_path / "catalog")
    assert len(catalog.types) == len(load_catalog().types)
    assert {one.region[:2] for one in catalog.authorities} == {"33"}
    assert {code[2:4] for kind in catalog.types for code in (kind.definer_code, *kind.issuers)} == {"33"}
