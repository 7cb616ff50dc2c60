"""An operator's machine in the production profile: its files, commands, people, outside CA and service; for tests."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import csr, pem
from cryptography import x509
from fastapi.testclient import TestClient
from fixtures_city import FONTS
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import text
from typer.testing import CliRunner, Result

from certsvc.app import Service, build, prepare
from certsvc.cli.catalog_start import moved, moved_uscc, write_start
from certsvc.cli.commands import app
from certsvc.cli.samples import sample_body
from certsvc.delivery.loops import drain
from certsvc.errors import CertsvcError
from certsvc.settings import load_settings
from certsvc.signing import certificates
from certsvc.signing.certificates import generate_key, make_issuer, make_leaf, make_root
from certsvc.signing.declaration import KeyDeclaration
from certsvc.signing.primitives import load_public_key

PROVINCE = "33"
ISSUER = moved_uscc("11990000MB00000430", PROVINCE)
MARKET = moved_uscc("11990000MB0000019F", PROVINCE)
BUREAU = moved_uscc("11990000MB0000086D", PROVINCE)
"""Culture and tourism (issues), market supervision (defines the business license), and the bureau that runs it all."""

SLUGS = ("business_license", "tour_guide", "travel_agency")
IDP = "https://login.example.gov.cn"
SELF = "https://zz.example.gov.cn"
ONE_SEAL = '{ role = "issuer_seal", format = "sm2-cms", docmdp = 1 }'
HOLDER = moved("990101198506150020", PROVINCE)
ISSUER_REGION = ISSUER[2:8]
BADGE = "33000000001"
PEOPLE = {
    "proposer-wl": (ISSUER, "catalog_proposer"),
    "proposer-sc": (MARKET, "catalog_proposer"),
    "publisher": (BUREAU, "catalog_publisher"),
    "applicant": (ISSUER, "seal_applicant"),
    "keeper": (ISSUER, "seal_keeper"),
    "approver": (BUREAU, "seal_approver"),
    "maker": (BUREAU, "seal_maker"),
    "officer": (ISSUER, "officer"),
    "registrar": (ISSUER, "officer_registrar"),
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
        asked = csr.CertificationRequest.load(pem.unarmor(request.encode())[2])["certification_request_info"]
        self.serial += 1
        leaf = make_leaf(
            _declared("x"),
            load_public_key(asked["subject_pk_info"].dump()),
            self.issuer,
            self.key,
            serial=self.serial,
            now=self.now,
            subject=x509.load_pem_x509_csr(request.encode()).subject,
        )
        return certificates.pem(leaf, self.issuer)


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
        write_start(self.catalog, PROVINCE, SLUGS)
        file = self.catalog / "types" / "travel_agency.toml"
        content = file.read_text(encoding="utf-8")
        assert ONE_SEAL in content
        file.write_text(content.replace(ONE_SEAL, ONE_SEAL.replace("sm2-cms", "ses-v4")), encoding="utf-8")
        (self.place / "trust").mkdir()
        (self.place / "trust" / "root.pem").write_bytes(certificates.pem(self.ca.root))
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
        """The bare result of a command."""
        return CliRunner().invoke(app, list(args), env={**self.env, "COLUMNS": "200"})

    def person(self, subject: str) -> dict[str, str]:
        """Authorization header with an access token of the identity provider."""
        now = int(time.time())
        claims = {"iss": IDP, "aud": SELF, "sub": subject, "iat": now, "exp": now + 600, "jti": f"{subject}-{now}"}
        token = jwt.encode({"alg": "ES256", "kid": "idp-1", "typ": "at+jwt"}, claims, self.idp)
        return {"Authorization": f"Bearer {token}"}


@dataclass
class Desk:
    """The running service of the office, spoken to by HTTP."""

    office: Office
    service: Service
    http: TestClient
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, client_id: str) -> dict[str, str]:
        """Authorization header of a client system, by its secret."""
        if client_id not in self.tokens:
            form = {
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": self.office.secrets[client_id],
            }
            self.tokens[client_id] = answer(self.http.post("/v1/oauth/token", data=form), 200)["access_token"]
        return {"Authorization": f"Bearer {self.tokens[client_id]}"}

    def post(self, headers: dict[str, str], path: str, body: Any, status: int = 201) -> Any:
        """The answer to a body."""
        return answer(self.http.post(path, headers=headers, json=body), status)

    def get(self, headers: dict[str, str], path: str, status: int = 200) -> Any:
        """The answer to a question."""
        return answer(self.http.get(path, headers=headers), status)

    def issue(self, slug: str, business_no: str, state: str = "issued") -> Any:
        """The request for a type's sample, once it was worked on."""
        body = sample_body(self.service.deps.catalog, slug, business_no, authority_code=ISSUER)
        request_id = self.post(self.client("approval"), "/v1/issuances", body, 202)["request_id"]
        drain(self.service.deps, worker="test")
        done = self.get(self.client("approval"), f"/v1/issuances/{request_id}")
        assert done["state"] == state, done
        return done

    def wait_for(self, request_id: str) -> None:
        """Let a request that waited be due now, and be issued."""
        with self.service.store._engines[0].begin() as connection:
            connection.execute(text("UPDATE requests SET ready_at = created_at WHERE state = 'failed'"))
        drain(self.service.deps, worker="test")
        done = self.get(self.client("approval"), f"/v1/issuances/{request_id}")
        assert done["state"] == "issued", done

    def open_visit(self) -> None:
        """The officer is entered in the register and shows first, without which production gives no data."""
        officer = {
            "badge": BADGE,
            "name": "王示例",
            "subject": "officer",
            "unit": "执法一大队",
            "kinds": ["文化和旅游"],
            "region": ISSUER_REGION,
            "valid_until": "2030-12-31",
        }
        self.post(self.office.person("registrar"), "/v1/officers", {"officers": [officer]})
        visit = {"badge": BADGE, "task_kind": "routine", "task_no": "文旅检〔2026〕1号", "region": ISSUER_REGION}
        self.post(self.office.person("officer"), "/v1/visits", visit)

    def file(self, identifier: str) -> bytes:
        """The PDF of a license."""
        response = self.http.get(f"/v1/licenses/{identifier}/file", headers=self.client("approval"))
        assert response.status_code == 200, response.text
        return bytes(response.content)


def answer(response: Any, status: int) -> Any:
    """The JSON of a response that must have ``status``."""
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
