"""How a system proves itself: in its one way, and in no way that somebody else could take."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fastapi.testclient import TestClient
from fixtures_city import ServedCity, sandbox_settings
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import ValidationError
from test_bad_input import problem

from certsvc.app import build
from certsvc.commands.access import roles
from certsvc.commands.access.issue_token import hash_secret
from certsvc.commands.access.register_party import register_client
from certsvc.commands.access.seed_sandbox import SERVICE_BUREAU, seed_sandbox
from certsvc.errors import InvalidInput
from certsvc.license.parties import PRIVATE_KEY_JWT, TLS_CLIENT_AUTH, Client
from certsvc.settings import Settings

PROXY, ELSEWHERE = "10.1.2.3", "10.1.9.9"
HEADER = "Client-Cert"
SECRET = "s" * 43
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SUBJECT = "CN=api.example,O=示例单位,C=CN"
UNKNOWN = "客户端标识或凭据不正确"


def make_client(client_id: str, **changes: Any) -> Client:
    values: dict[str, Any] = {
        "name": "示例系统",
        "authority_code": SERVICE_BUREAU,
        "roles": frozenset({roles.USING}),
        "secret_sha256": "",
        "jwks": "",
        "active": True,
        **changes,
    }
    return Client(client_id=client_id, **values)


@pytest.fixture(scope="module")
def key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"})


def certificate(
    now: datetime, *, common_name: str = "api.example", days: int = 30, usage: Any = ExtendedKeyUsageOID.CLIENT_AUTH
) -> x509.Certificate:
    """A self-signed one: the proxy, not this service, looks at chains."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "示例单位"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    return made.sign(private, hashes.SHA256())


def escaped(one: x509.Certificate) -> str:
    """As nginx passes it (``$ssl_client_escaped_cert``)."""
    return quote(one.public_bytes(serialization.Encoding.PEM).decode(), safe="")


def byte_sequence(one: x509.Certificate) -> str:
    """As RFC 9440 has it."""
    return f":{base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode()}:"


class Desk:
    """A service behind a proxy, spoken to from several addresses."""

    def __init__(self, city: ServedCity) -> None:
        self.city = city
        self.now = city.service.deps.clock.now()
        self.application = city.service.application()

    def ask(self, *headers: tuple[str, str], peer: str = PROXY, **form: str) -> Any:
        """The answer of the token endpoint to a form from an address."""
        with TestClient(self.application, client=(peer, 40000), raise_server_exceptions=False) as client:
            data = {"grant_type": "client_credentials", **form}
            return client.post("/v1/oauth/token", data=data, headers=list(headers))

    def assertion(
        self, key: ECKey, client_id: str = "signer", header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        seconds = int(self.now.timestamp())
        issuer = self.city.service.settings.issuer
        body = {"iss": client_id, "sub": client_id, "aud": issuer, "exp": seconds + 300, "jti": "j1", **claims}
        body = {name: value for name, value in body.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": "k1", **(header or {})}, body, key)


@contextmanager
def desk_over(city: ServedCity, **changes: Any) -> Iterator[Desk]:
    settings = city.service.settings
    again = build(sandbox_settings(settings.var_dir, settings.database_url, **changes))
    try:
        seed_sandbox(again.deps, city.secrets)  # others use the city: their secrets stay
        yield Desk(ServedCity(**{**city.__dict__, "service": again, "tokens": {}, "renew_at": {}}))
    finally:
        again.close()


@pytest.fixture(scope="module")
def desk(shared_city: ServedCity, key: ECKey) -> Iterator[Desk]:
    with desk_over(shared_city, trusted_proxies=(f"{PROXY}/32",), client_certificate_header=HEADER) as desk:
        deps = desk.city.service.deps
        jwks = json.dumps({"keys": [key.as_dict(private=False)]})
        register_client(deps, make_client("secretive", secret_sha256=hash_secret(SECRET)), actor="test")
        register_client(deps, make_client("signer", jwks=jwks, auth_method=PRIVATE_KEY_JWT), actor="test")
        named = make_client("named", auth_method=TLS_CLIENT_AUTH, tls_subject=SUBJECT)
        register_client(deps, named, actor="test")
        yield desk


def token(response: Any) -> str:
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


def refused(response: Any, detail: str = UNKNOWN) -> None:
    assert problem(response, 401)["detail"] == detail


def test_a_certificate_opens_by_its_subject_or_by_its_digest(desk: Desk) -> None:
    good = certificate(desk.now)
    for value in (escaped(good), byte_sequence(good)):
        for peer in (PROXY, f"::ffff:{PROXY}"):
            assert token(desk.ask((HEADER, value), peer=peer, client_id="named"))
    digest = hashlib.sha256(good.public_bytes(serialization.Encoding.DER)).hexdigest()
    pinned = make_client("pinned", auth_method=TLS_CLIENT_AUTH, tls_sha256=digest)
    register_client(desk.city.service.deps, pinned, actor="test")
    assert token(desk.ask((HEADER, escaped(good)), client_id="pinned"))
    refused(desk.ask((HEADER, escaped(certificate(desk.now))), client_id="pinned"))


def test_a_header_of_anybody_but_the_proxy_says_nothing(desk: Desk) -> None:
    good = escaped(certificate(desk.now))
    refused(desk.ask((HEADER, good), peer=ELSEWHERE, client_id="named"))
    refused(desk.ask((HEADER, good), ("X-Forwarded-For", PROXY), peer=ELSEWHERE, client_id="named"))
    refused(desk.ask((HEADER, good), ("X-Forwarded-For", PROXY), peer="127.0.0.1", client_id="named"))
    refused(desk.ask(("X-Client-Cert", good), client_id="named"))
    refused(desk.ask(client_id="named"))


def test_a_service_without_a_configured_header_believes_none(shared_city: ServedCity) -> None:
    with desk_over(shared_city, trusted_proxies=(PROXY,)) as desk:
        named = make_client("named", auth_method=TLS_CLIENT_AUTH, tls_subject=SUBJECT)
        register_client(desk.city.service.deps, named, actor="test")
        refused(desk.ask((HEADER, escaped(certificate(desk.now))), client_id="named"))


def test_a_header_that_comes_twice_was_injected(desk: Desk) -> None:
    good = escaped(certificate(desk.now))
    answer = desk.ask((HEADER, good), (HEADER, good), client_id="named")
    assert "重复" in problem(answer, 401)["detail"]
    for two in (f"{good},{good}", f"{good}{good}", f"{byte_sequence(certificate(desk.now))},:AAAA:"):
        assert "无法读取" in problem(desk.ask((HEADER, two), client_id="named"), 401)["detail"]


@pytest.mark.parametrize(
    "value", ["x", "%", ":::", ":AAAA:", ":AAAA", "A" * 17_000, "%00", "-----BEGIN CERTIFICATE-----"]
)
def test_a_header_that_is_no_certificate_is_refused(desk: Desk, value: str) -> None:
    assert "无法读取" in problem(desk.ask((HEADER, value), client_id="named"), 401)["detail"]


def test_a_certificate_out_of_its_time_or_for_servers_is_refused(desk: Desk) -> None:
    expired = certificate(desk.now, days=-1)
    early = certificate(desk.now + timedelta(days=61))
    server = certificate(desk.now, usage=ExtendedKeyUsageOID.SERVER_AUTH)
    for bad, reason in ((expired, "有效期"), (early, "有效期"), (server, "用途")):
        assert reason in problem(desk.ask((HEADER, escaped(bad)), client_id="named"), 401)["detail"]


def test_a_certificate_of_somebody_else_is_refused(desk: Desk) -> None:
    for name in ("api.example.evil", "API.example", "api.example,O=示例单位,C=CN"):
        refused(desk.ask((HEADER, escaped(certificate(desk.now, common_name=name))), client_id="named"))


def test_a_client_has_one_way_and_no_other_opens_for_it(desk: Desk, key: ECKey) -> None:
    good = (HEADER, escaped(certificate(desk.now)))
    assert token(desk.ask(client_id="secretive", client_secret=SECRET))
    assert token(desk.ask(good, client_id="secretive", client_secret=SECRET)), "a certificate beside it changes nothing"
    refused(desk.ask(good, client_id="secretive"))
    refused(desk.ask(good, client_id="named", client_secret=SECRET))
    refused(desk.ask(good, client_id="signer"))
    refused(desk.ask(client_id="signer", client_secret=SECRET))
    signed = desk.assertion(key, client_id="named", jti="other-way")
    refused(desk.ask(good, client_id="named", client_assertion_type=ASSERTION_TYPE, client_assertion=signed))
    both = {"client_secret": SECRET, "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
    assert problem(desk.ask(client_id="named", **both), 422)
    basic = base64.b64encode(f"secretive:{SECRET}".encode()).decode()
    assert token(desk.ask(("Authorization", f"Basic {basic}")))
    twice = desk.ask(("Authorization", f"Basic {basic}"), client_id="secretive", client_secret=SECRET)
    assert problem(twice, 422)


def test_an_assertion_opens_once(desk: Desk, key: ECKey) -> None:
    issuer = desk.city.service.settings.issuer
    several: list[dict[str, Any]] = [{}, {"aud": f"{issuer}/v1/oauth/token"}, {"aud": [issuer]}]
    for number, changes in enumerate(several):
        signed = desk.assertion(key, jti=f"good-{number}", **changes)
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
        assert token(desk.ask(**form, **({"client_id": "signer"} if number else {})))
        assert "已被使用" in problem(desk.ask(client_id="signer", **form), 401)["detail"]


def test_an_assertion_with_one_fault_opens_nothing(desk: Desk, key: ECKey) -> None:
    seconds = int(desk.now.timestamp())
    issuer = desk.city.service.settings.issuer
    body = {"iss": "signer", "sub": "signer", "aud": issuer, "exp": seconds + 300, "jti": "none"}
    part = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in ({"alg": "none"}, body)]
    stranger = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"})
    bad = {
        "alg none": f"{part[0]}.{part[1]}.",
        "alg none with a signature": f"{part[0]}.{part[1]}.{desk.assertion(key).split('.')[2]}",
        "a stranger's key": desk.assertion(stranger, jti="b1"),
        "another audience": desk.assertion(key, jti="b2", aud="https://other.example"),
        "another audience beside ours": desk.assertion(key, jti="b3", aud=[issuer, "https://other.example"]),
        "another client": desk.assertion(key, client_id="named", jti="b4"),
        "no end": desk.assertion(key, jti="b5", exp=None),
        "an end that is past": desk.assertion(key, jti="b6", exp=seconds - 1),
        "an end too far ahead": desk.assertion(key, jti="b7", exp=seconds + 700),
        "no id": desk.assertion(key, jti=None),
        "not yet": desk.assertion(key, jti="b8", nbf=seconds + 200),
        "another subject": desk.assertion(key, jti="b9", sub="named"),
        "junk": "a.b.c",
    }
    for name, signed in bad.items():
        answer = desk.ask(client_id="signer", client_assertion_type=ASSERTION_TYPE, client_assertion=signed)
        assert answer.status_code == 401, name
    for client_id in ("signer", "nobody"):
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": bad["a stranger's key"]}
        refused(desk.ask(client_id=client_id, **form))


def test_a_client_is_registered_with_one_way_only(desk: Desk, key: ECKey) -> None:
    jwks = json.dumps({"keys": [key.as_dict(private=False)]})
    for changes in (
        {},
        {"secret_sha256": hash_secret(SECRET), "jwks": jwks},
        {"auth_method": TLS_CLIENT_AUTH},
        {"auth_method": TLS_CLIENT_AUTH, "tls_subject": SUBJECT, "tls_sha256": "0" * 64},
        {"auth_method": TLS_CLIENT_AUTH, "tls_subject": SUBJECT, "secret_sha256": hash_secret(SECRET)},
        {"auth_method": TLS_CLIENT_AUTH, "tls_sha256": "0" * 63},
        {"auth_method": TLS_CLIENT_AUTH, "tls_subject": "nonsense"},
        {"auth_method": PRIVATE_KEY_JWT, "secret_sha256": hash_secret(SECRET)},
        {"auth_method": "none", "secret_sha256": hash_secret(SECRET)},
    ):
        with pytest.raises(InvalidInput):
            register_client(desk.city.service.deps, make_client("odd", **changes), actor="test")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"client_certificate_header": HEADER}, "trusted_proxies"),
        ({"client_certificate_header": "Authorization", "trusted_proxies": (PROXY,)}, "不能是"),
        ({"client_certificate_header": "a b", "trusted_proxies": (PROXY,)}, "client_certificate_header"),
        ({"trusted_proxies": ("proxy.example",)}, "不是地址或网段"),
        ({"trusted_proxies": ("10.1.2.3/24",)}, "不是地址或网段"),
        ({"trusted_proxies": ("0.0.0.0/0",)}, "范围过大"),
        ({"trusted_proxies": ("::/0",)}, "范围过大"),
        ({"trusted_proxies": ("10.0.0.0/8",)}, "范围过大"),
    ],
)
def test_production_refuses_settings_that_believe_too_many(changes: dict[str, Any], says: str) -> None:
    values = {"profile": "production", "master_key_file": "/elsewhere/master.key", **changes}
    with pytest.raises(ValidationError, match=says):
        Settings.model_validate(values)
    fine = {**values, "client_certificate_header": HEADER, "trusted_proxies": ("10.1.2.0/24", "fd00::1")}
    assert Settings.model_validate(fine).trusted_proxies


def test_guesses_count_for_who_is_behind_the_proxy(shared_city: ServedCity) -> None:
    """One guesser behind the proxy does not shut out the others behind it, and may not borrow an address."""
    with desk_over(shared_city, trusted_proxies=(PROXY,), rate_limit_per_minute=40) as desk:
        register_client(desk.city.service.deps, make_client("guessed", secret_sha256=hash_secret(SECRET)), actor="test")
        answers = set()
        for number in range(41):
            hops = ("X-Forwarded-For", f"10.9.9.{number}, 10.8.8.8")
            answers.add(desk.ask(hops, client_id=f"x{number}", client_secret="wrong").status_code)
        assert answers == {401, 429}
        others = ("X-Forwarded-For", "10.7.7.7")
        assert token(desk.ask(others, client_id="guessed", client_secret=SECRET))
