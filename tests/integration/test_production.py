"""The production profile from an empty machine to a revoked license, as docs/operations.md tells an operator to go."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from fastapi.testclient import TestClient
from fixtures_city import FONTS
from joserfc import jwt
from joserfc.jwk import ECKey
from moved_catalog import move_catalog, moved, moved_uscc
from typer.testing import CliRunner, Result

from certsvc.app import Service, build, prepare
from certsvc.cli.commands import app
from certsvc.cli.samples import sample_body
from certsvc.delivery.loops import drain
from certsvc.errors import CertsvcError
from certsvc.settings import load_settings
from certsvc.signing.certificates import (
    generate_key,
    make_issuer,
    make_leaf,
    make_root,
    pem,
)
from certsvc.signing.declaration import KeyDeclaration

ISSUER = moved_uscc("11990000MB00000430")
MARKET = moved_uscc("11990000MB0000019F")
BUREAU = moved_uscc("11990000MB0000086D")
"""Culture and tourism (issues), market supervision (defines the business license), and the bureau that runs it all."""

SLUGS = ("business_license", "tour_guide", "travel_agency")
IDP = "https://login.example.gov.cn"
SELF = "https://zz.example.gov.cn"
ONE_SEAL = '{ role = "issuer_seal", format = "pades-b-b", docmdp = 1 }'
HOLDER = moved("990101198506150020")
PEOPLE = {
    "proposer-wl": (ISSUER, "catalog_proposer"),
    "proposer-sc": (MARKET, "catalog_proposer"),
    "publisher": (BUREAU, "catalog_publisher"),
    "applicant": (ISSUER, "seal_applicant"),
    "keeper": (ISSUER, "seal_keeper"),
    "approver": (BUREAU, "seal_approver"),
    "maker": (BUREAU, "seal_maker"),
    "officer": (ISSUER, "officer"),
}


class OutsideCa:
    """An electronic certification service of somebody else: an SM2 root and an issuing CA; our machine has no key."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC) - timedelta(minutes=1)
        root_key, self.key = generate_key("sm2"), generate_key("sm2")
        self.root = make_root(_declared("示例根"), root_key, serial=1, now=self.now)
        self.issuer = make_issuer(_declared("示例签发"), self.key, self.root, root_key, serial=2, now=self.now)
        self.serial = 2

    def answer(self, request: str) -> bytes:
        """The certificate for a request, its subject as asked, and the CA's own."""
        asked = x509.load_pem_x509_csr(request.encode())
        der = asked.tbs_certrequest_bytes
        self.serial += 1
        leaf = make_leaf(
            _declared("x"),
            _public_key(der, asked),
            self.issuer,
            self.key,
            serial=self.serial,
            now=self.now,
            subject=asked.subject,
        )
        return pem(leaf, self.issuer)


def _public_key(der: bytes, asked: x509.CertificateSigningRequest) -> Any:
    from asn1crypto import csr
    from cryptography.hazmat.primitives.serialization import Encoding

    from certsvc.signing.primitives import load_public_key

    parsed = csr.CertificationRequest.load(asked.public_bytes(Encoding.DER))
    return load_public_key(parsed["certification_request_info"]["subject_pk_info"].dump())


def _declared(name: str) -> KeyDeclaration:
    return KeyDeclaration(
        key_id="x",
        algorithm="sm2",
        common_name=name,
        organization="示例电子认证服务机构",
        organization_code="",
        years=5,
        seals=True,
    )


@dataclass
class Office:
    """A machine of an operator: its directories, its environment and the identity provider of its people."""

    place: Path
    ca: OutsideCa = field(default_factory=OutsideCa)
    idp: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "idp-1", "use": "sig"}))
    secrets: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write what an operator brings: configuration, catalog, root of the CA, public keys of the provider."""
        self.catalog = self.place / "catalog"
        move_catalog(self.catalog, SLUGS)
        for slug in SLUGS:
            file = self.catalog / "types" / f"{slug}.toml"
            text = file.read_text(encoding="utf-8")
            plan = "ses-v4" if slug == "travel_agency" else "sm2-cms"
            assert ONE_SEAL in text
            file.write_text(text.replace(ONE_SEAL, ONE_SEAL.replace("pades-b-b", plan)), encoding="utf-8")
        (self.place / "trust").mkdir()
        (self.place / "trust" / "root.pem").write_bytes(pem(self.ca.root))
        (self.place / "idp.json").write_text(json.dumps({"keys": [self.idp.as_dict(private=False)]}), encoding="utf-8")
        self.config = self.place / "certsvc.toml"
        self.config.write_text(
            f"""
var_dir = "{self.place}/var"
master_key_file = "{self.place}/secrets/master.key"
trust_dir = "{self.place}/trust"
catalog_dir = "{self.catalog}"
font_dirs = ["{FONTS}"]
public_base = "{SELF}"
issuer = "{SELF}"
oidc_issuer = "{IDP}"
oidc_jwks_file = "{self.place}/idp.json"
seal_maker_key = "maker-1"
""",
            encoding="utf-8",
        )
        self.env = {"CERTSVC_CONFIG": str(self.config)}

    def run(self, *args: str, code: int = 0) -> str:
        """Run a command that must end with ``code``; what it printed."""
        result = self.invoke(*args)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code, result.output
        return result.output

    def refused(self, *args: str) -> str:
        """The sentence with which a command refuses."""
        result = self.invoke(*args)
        assert isinstance(result.exception, CertsvcError), (result.exception, result.output)
        return result.exception.detail

    def invoke(self, *args: str) -> Result:
        return CliRunner().invoke(app, list(args), env={**self.env, "COLUMNS": "200"})

    def person(self, subject: str) -> dict[str, str]:
        """Authorization header with an access token of the identity provider."""
        now = int(time.time())
        claims = {"iss": IDP, "aud": SELF, "sub": subject, "iat": now, "exp": now + 600, "jti": f"{subject}-{now}"}
        token = jwt.encode({"alg": "ES256", "kid": "idp-1", "typ": "at+jwt"}, claims, self.idp)
        return {"Authorization": f"Bearer {token}"}


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
    assert "三员" not in office.run("catalog", "check")
    office.run("catalog", "propose", "--seeds", "--by", "proposer-wl")
    assert "tour_guide" in office.run("catalog", "status")
    office.run("catalog", "propose", "--seeds", "--by", "proposer-sc")
    office.refused("catalog", "publish", "--all", "--by", "proposer-wl")
    said = office.run("catalog", "publish", "--all", "--by", "publisher")
    assert sorted(line.split("\t")[0] for line in said.splitlines()) == sorted(SLUGS)


@dataclass
class Desk:
    """The running service of the office, spoken to by HTTP."""

    office: Office
    service: Service
    http: TestClient
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, client_id: str) -> dict[str, str]:
        if client_id not in self.tokens:
            form = {
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": self.office.secrets[client_id],
            }
            self.tokens[client_id] = answer(self.http.post("/v1/oauth/token", data=form), 200)["access_token"]
        return {"Authorization": f"Bearer {self.tokens[client_id]}"}

    def post(self, headers: dict[str, str], path: str, body: Any, status: int = 201) -> Any:
        return answer(self.http.post(path, headers=headers, json=body), status)

    def get(self, headers: dict[str, str], path: str, status: int = 200) -> Any:
        return answer(self.http.get(path, headers=headers), status)

    def issue(self, slug: str, business_no: str, state: str = "issued") -> Any:
        body = sample_body(self.service.deps.catalog, slug, business_no, authority_code=ISSUER)
        request_id = self.post(self.client("approval"), "/v1/issuances", body, 202)["request_id"]
        drain(self.service.deps, worker="test")
        done = self.get(self.client("approval"), f"/v1/issuances/{request_id}")
        assert done["state"] == state, done
        return done


def answer(response: Any, status: int) -> Any:
    assert response.status_code == status, response.text
    return response.json()


@contextmanager
def started(office: Office) -> Iterator[Desk]:
    """The service as ``certsvc serve`` builds it, without its loops."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in office.env.items():
            patch.setenv(name, value)
        settings = load_settings()
    prepare(settings)
    service = build(settings)
    try:
        with TestClient(service.application(), raise_server_exceptions=False) as http:
            yield Desk(office, service, http)
    finally:
        service.close()


@pytest.fixture(scope="module")
def desk(office: Office) -> Iterator[Desk]:
    """The service after the first seal was made and named in the catalog."""
    with started(office) as first:
        seal_id = first_seal(first)
        assert "印章" in first.issue("tour_guide", "TOO-EARLY", state="failed")["detail"]
    authorities = office.catalog / "authorities.toml"
    text = authorities.read_text(encoding="utf-8")
    assert f'seal_id = "seal_{ISSUER}"' in text
    authorities.write_text(text.replace(f'"seal_{ISSUER}"', f'"{seal_id}"'), encoding="utf-8")
    with started(office) as second:
        yield second


def first_seal(desk: Desk) -> str:
    who, ca = desk.office.person, desk.office.ca
    wanted = {
        "name": "浙江示例文化和旅游厅电子证照专用章",
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
    file = desk.http.get(f"/v1/licenses/{identifier}/file", headers=desk.client("approval"))
    path = tmp_path / "license.pdf"
    path.write_bytes(file.content)
    check = "/v1/verifications/file?receipt=true"
    verdict = answer(desk.http.post(check, files={"file": ("a.pdf", file.content)}), 200)
    assert (verdict["indication"], verdict["registry_match"]) == ("TOTAL-PASSED", "exact"), verdict
    assert [one["format"] for one in verdict["signatures"]] == ["adbe.pkcs7.detached"]
    read = desk.post({}, "/v1/verifications/receipts", {"receipt": verdict["receipt"]}, 200)
    assert read["claims"]["iss"] == SELF
    shown = desk.post(who("holder"), "/v1/shows", {"identifier": identifier, "scene": "tour_inspection"})
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
    verdict = answer(desk.http.post(check, files={"file": ("a.pdf", file.content)}), 200)
    assert (verdict["indication"], verdict["reason"]) == ("TOTAL-FAILED", "license_revoked"), verdict
    assert "吊销" in desk.office.run("verify", str(path), code=1)
    drain(desk.service.deps, worker="test")
    told = [event["type"] for event in desk.get(desk.client("watch"), "/v1/events")["events"]]
    assert any("license.revoked" in one for one in told), told


def test_an_ses_seal_passes_when_the_issuing_ca_is_known(desk: Desk) -> None:
    done = desk.issue("travel_agency", "SES-1")
    file = desk.http.get(f"/v1/licenses/{done['identifier']}/file", headers=desk.client("approval"))
    verdict = answer(desk.http.post("/v1/verifications/file", files={"file": ("a.pdf", file.content)}), 200)
    assert (verdict["indication"], verdict["registry_match"]) == ("TOTAL-PASSED", "exact"), verdict
    assert [one["format"] for one in verdict["signatures"]] == ["GM.sm2seal"]
