"""Tokens: ours, those of an identity provider, client assertions; and the JWS rules under Wycheproof's vectors."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from signing_pages import NOW, PROJECT, Workshop, open_workshop

from certsvc.errors import ConfigurationError, Unauthenticated
from certsvc.ids import SystemIds
from certsvc.signing.jws import ASYMMETRIC, load_public_keys, verify_jws
from certsvc.signing.tokens import JwtTokenService, OidcIssuer

ISSUER = "https://zz.example.gov.cn"
AUDIENCE = "https://zz.example.gov.cn/v1"
OIDC = "https://login.example.gov.cn"
CLIENT = "cl_approval"
WYCHEPROOF = PROJECT.parent / "shared" / "vectors" / "wycheproof-subset" / "json_web_signature_test.json"

PROVIDER_KEY = ECKey.generate_key("P-256", {"kid": "provider-1", "use": "sig"})
CLIENT_KEY = RSAKey.generate_key(2048, {"kid": "client-1", "use": "sig"})


def jwks_of(*keys: ECKey | RSAKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def seconds(offset: int = 0) -> int:
    return int(NOW.timestamp()) + offset


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


@pytest.fixture(scope="module")
def tokens(workshop: Workshop) -> JwtTokenService:
    return JwtTokenService(
        workshop.ring,
        key_id="token-1",
        issuer=ISSUER,
        audience=AUDIENCE,
        ids=SystemIds(),
        oidc=(OidcIssuer(issuer=OIDC, audience="certsvc", jwks=jwks_of(PROVIDER_KEY)),),
        assertion_audiences=(f"{ISSUER}/v1/token",),
    )


@pytest.fixture(scope="module")
def token(tokens: JwtTokenService) -> str:
    return tokens.issue({"sub": CLIENT, "scope": "issue", "name": "示例审批系统"}, now=NOW, lifetime_s=600)


def header_of(token: str) -> dict[str, Any]:
    text = token.partition(".")[0]
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


def segment(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_token_of_ours_comes_back_as_its_claims(tokens: JwtTokenService, token: str) -> None:
    claims = tokens.check(token, now=NOW + timedelta(seconds=599))
    assert claims["sub"] == CLIENT
    assert claims["name"] == "示例审批系统"
    assert claims["iss"] == ISSUER
    assert claims["aud"] == AUDIENCE
    assert (claims["iat"], claims["exp"]) == (seconds(), seconds(600))
    assert isinstance(claims["jti"], str)
    assert len(claims["jti"]) == 22
    assert header_of(token) == {"alg": "ES256", "kid": header_of(token)["kid"], "typ": "at+jwt"}


def test_another_library_verifies_our_token_under_the_published_key(tokens: JwtTokenService, token: str) -> None:
    keys = KeySet.import_key_set(json.loads(tokens.public_jwks()))
    assert jwt.decode(token, keys, algorithms=["ES256"]).claims["sub"] == CLIENT
    assert "d" not in json.loads(tokens.public_jwks())["keys"][0]


def test_a_token_ends_with_its_last_second(tokens: JwtTokenService, token: str) -> None:
    with pytest.raises(Unauthenticated, match="已过期"):
        tokens.check(token, now=NOW + timedelta(seconds=600))


def test_a_token_from_the_future_is_refused(tokens: JwtTokenService, token: str) -> None:
    tokens.check(token, now=NOW - timedelta(seconds=60))
    with pytest.raises(Unauthenticated, match="尚未生效"):
        tokens.check(token, now=NOW - timedelta(seconds=62))


def test_a_token_for_another_audience_or_issuer_is_refused(workshop: Workshop, tokens: JwtTokenService) -> None:
    def service(issuer: str, audience: str) -> JwtTokenService:
        return JwtTokenService(workshop.ring, key_id="token-1", issuer=issuer, audience=audience, ids=SystemIds())

    elsewhere = service(ISSUER, "https://other.example.gov.cn").issue({}, now=NOW, lifetime_s=60)
    with pytest.raises(Unauthenticated, match="不是发给本服务"):
        tokens.check(elsewhere, now=NOW)
    stranger = service("https://other.example.gov.cn", AUDIENCE).issue({}, now=NOW, lifetime_s=60)
    with pytest.raises(Unauthenticated, match="签发方不受信任"):
        tokens.check(stranger, now=NOW)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=300)
def test_any_changed_character_is_refused(tokens: JwtTokenService, token: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(token) - 1))
    new = data.draw(st.sampled_from("ABCDxyz0189-_.=+ \n\x00é"))
    changed = token[:place] + new + token[place + 1 :]
    if changed != token:
        with pytest.raises(Unauthenticated):
            tokens.check(changed, now=NOW)


@given(st.text(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_text_is_refused_and_nothing_else_is_raised(tokens: JwtTokenService, text: str) -> None:
    for token in (text, f"{segment(text.encode())}.{segment(text.encode())}.{segment(b'x')}", f"{text}..", f"..{text}"):
        with pytest.raises(Unauthenticated):
            tokens.check(token, now=NOW)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": ["ES256"]},
        {"alg": None},
        {},
        {"typ": "JWT"},
        {"typ": "logout+jwt"},
        {"typ": None},
        {"kid": "another"},
        {"jwk": {"kty": "EC"}},
        {"jku": "https://attacker.example/jwks"},
        {"x5u": "https://attacker.example/cert"},
        {"crit": ["exp"], "exp": 1},
        {"b64": False},
    ],
    ids=json.dumps,
)
def test_a_header_that_tries_something_is_refused(
    tokens: JwtTokenService, token: str, header: dict[str, object]
) -> None:
    base = {} if not header else header_of(token)
    parts = token.split(".")
    for signature in (parts[2], segment(b"\x00" * 64)):
        forged = f"{segment({**base, **header})}.{parts[1]}.{signature}"
        with pytest.raises(Unauthenticated):
            tokens.check(forged, now=NOW)
    with pytest.raises(Unauthenticated):
        tokens.check(f"{segment({**base, **header})}.{parts[1]}.", now=NOW)


def test_our_public_key_as_a_shared_secret_signs_nothing(tokens: JwtTokenService, token: str) -> None:
    secret = OctKey.import_key(tokens.public_jwks())
    payload = base64.urlsafe_b64decode(token.split(".")[1] + "==")
    header = {"alg": "HS256", "typ": "at+jwt", "kid": header_of(token)["kid"]}
    forged = jws.serialize_compact(header, payload, secret, algorithms=["HS256"])
    with pytest.raises(Unauthenticated, match="算法"):
        tokens.check(forged, now=NOW)


def test_repeated_names_and_huge_tokens_are_refused(tokens: JwtTokenService, token: str) -> None:
    parts = token.split(".")
    twice = segment(b'{"iss":"https://zz.example.gov.cn","iss":"x"}')
    with pytest.raises(Unauthenticated):
        tokens.check(f"{parts[0]}.{twice}.{parts[2]}", now=NOW)
    with pytest.raises(Unauthenticated, match="格式"):
        tokens.check("A" * 9000 + "." + parts[1] + "." + parts[2], now=NOW)
    nested = segment(b"[" * 3000 + b"]" * 3000)
    with pytest.raises(Unauthenticated):
        tokens.check(f"{parts[0]}.{nested}.{parts[2]}", now=NOW)


def test_issuing_refuses_our_own_mistakes(tokens: JwtTokenService) -> None:
    for name in ("iss", "aud", "exp", "iat", "nbf", "jti"):
        with pytest.raises(RuntimeError):
            tokens.issue({name: 1}, now=NOW, lifetime_s=60)
    for lifetime in (0, -1, 24 * 3600 + 1):
        with pytest.raises(RuntimeError):
            tokens.issue({}, now=NOW, lifetime_s=lifetime)


def provider_token(key: ECKey = PROVIDER_KEY, typ: str = "at+jwt", **claims: object) -> str:
    body = {"iss": OIDC, "aud": "certsvc", "sub": "person-1", "iat": seconds(), "exp": seconds(300)}
    return jwt.encode({"alg": "ES256", "typ": typ, "kid": str(key.kid)}, {**body, **claims}, key)


def test_a_token_of_the_configured_provider_is_accepted(tokens: JwtTokenService) -> None:
    assert tokens.check(provider_token(), now=NOW)["sub"] == "person-1"
    assert tokens.check(provider_token(aud=["other", "certsvc"]), now=NOW)["sub"] == "person-1"
    assert tokens.check(provider_token(typ="application/at+jwt"), now=NOW)["sub"] == "person-1"


@pytest.mark.parametrize(
    "make",
    [
        lambda: provider_token(exp=seconds(-1)),
        lambda: provider_token(exp=seconds()),
        lambda: provider_token(exp=None),
        lambda: provider_token(iat=None),
        lambda: provider_token(exp="soon"),
        lambda: provider_token(exp=True),
        lambda: provider_token(exp=1e300),
        lambda: provider_token(nbf=seconds(120)),
        lambda: provider_token(aud=AUDIENCE),
        lambda: provider_token(aud=[]),
        lambda: provider_token(aud={"certsvc": 1}),
        lambda: provider_token(iss=ISSUER),
        lambda: provider_token(iss=OIDC + "/"),
        lambda: provider_token(iss=[OIDC]),
        lambda: provider_token(typ="JWT"),
        lambda: provider_token(key=ECKey.generate_key("P-256", {"kid": "provider-1"})),
        lambda: provider_token(key=ECKey.generate_key("P-256", {"kid": "provider-2"})),
    ],
)
def test_a_token_of_the_provider_with_one_fault_is_refused(tokens: JwtTokenService, make: Callable[[], str]) -> None:
    with pytest.raises(Unauthenticated):
        tokens.check(make(), now=NOW)


def test_the_provider_cannot_speak_in_our_name(tokens: JwtTokenService) -> None:
    with pytest.raises(Unauthenticated):
        tokens.check(provider_token(iss=ISSUER, aud=AUDIENCE), now=NOW)


def assertion(key: RSAKey = CLIENT_KEY, header: dict[str, object] | None = None, **claims: object) -> str:
    body = {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "exp": seconds(60), "iat": seconds(), "jti": "one"}
    merged = {name: value for name, value in {**body, **claims}.items() if value != "absent"}
    base: dict[str, Any] = {"alg": "RS256", "kid": "client-1"}
    return jwt.encode({**base, **(header or {})}, merged, key)


def test_a_good_client_assertion_gives_its_jti(tokens: JwtTokenService) -> None:
    jwks = jwks_of(CLIENT_KEY)
    assert tokens.check_client_assertion(assertion(), jwks, client_id=CLIENT, now=NOW) == "one"
    for audience in (f"{ISSUER}/v1/token", [ISSUER]):
        good = assertion(aud=audience)
        assert tokens.check_client_assertion(good, jwks, client_id=CLIENT, now=NOW) == "one"
    with_typ = assertion(header={"typ": "client-authentication+jwt"})
    assert tokens.check_client_assertion(with_typ, jwks, client_id=CLIENT, now=NOW) == "one"


@pytest.mark.parametrize(
    "make",
    [
        lambda: assertion(iss="cl_other"),
        lambda: assertion(sub="cl_other"),
        lambda: assertion(sub="absent"),
        lambda: assertion(aud="https://elsewhere.example"),
        lambda: assertion(aud="absent"),
        lambda: assertion(exp=seconds()),
        lambda: assertion(exp="absent"),
        lambda: assertion(exp=seconds(601)),
        lambda: assertion(nbf=seconds(61)),
        lambda: assertion(jti="absent"),
        lambda: assertion(jti=""),
        lambda: assertion(jti=7),
        lambda: assertion(jti="x" * 129),
        lambda: assertion(header={"typ": "at+jwt"}),
        lambda: assertion(key=RSAKey.generate_key(2048, {"kid": "client-1"})),
        lambda: assertion(header={"kid": "client-2"}),
    ],
)
def test_a_client_assertion_with_one_fault_is_refused(tokens: JwtTokenService, make: Callable[[], str]) -> None:
    with pytest.raises(Unauthenticated):
        tokens.check_client_assertion(make(), jwks_of(CLIENT_KEY), client_id=CLIENT, now=NOW)


def test_an_access_token_of_ours_is_no_client_assertion(tokens: JwtTokenService, token: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.check_client_assertion(token, tokens.public_jwks(), client_id=CLIENT, now=NOW)


@pytest.mark.parametrize(
    "jwks",
    [
        "",
        "{}",
        "[]",
        '{"keys": []}',
        '{"keys": [1]}',
        '{"keys": [{"kty": "oct", "k": "AAAA"}]}',
        '{"keys": [{"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}]}',
        '{"keys": [{"kty": "EC"}]}',
        json.dumps({"keys": [PROVIDER_KEY.as_dict(private=True)]}),
        json.dumps({"keys": [{"kty": "RSA", "e": "AQAB", "n": segment(b"\xc1" * 128)}]}),
        jwks_of(*[PROVIDER_KEY] * 51),
        "[" * 70_000,
    ],
    ids=range(12),
)
def test_a_key_set_that_is_none_is_refused(tokens: JwtTokenService, jwks: str) -> None:
    with pytest.raises(ConfigurationError):
        load_public_keys(jwks)
    with pytest.raises(Unauthenticated):
        tokens.check_client_assertion(assertion(), jwks, client_id=CLIENT, now=NOW)


def test_a_wrong_configuration_stops_the_start(workshop: Workshop) -> None:
    def build(key_id: str, *oidc: OidcIssuer) -> JwtTokenService:
        return JwtTokenService(
            workshop.ring, key_id=key_id, issuer=ISSUER, audience=AUDIENCE, ids=SystemIds(), oidc=oidc
        )

    jwks = jwks_of(PROVIDER_KEY)
    with pytest.raises(ConfigurationError, match="P-256"):
        build("seal-11990000MB0000027A-1")
    with pytest.raises(ConfigurationError):
        build("token-1", OidcIssuer(issuer=ISSUER, audience="a", jwks=jwks))
    with pytest.raises(ConfigurationError):
        build("token-1", OidcIssuer(issuer=OIDC, audience="a", jwks=jwks, algorithms=("none",)))
    with pytest.raises(ConfigurationError):
        build("token-1", OidcIssuer(issuer=OIDC, audience="a", jwks="{}"))


def wycheproof() -> list[dict[str, Any]]:
    if not WYCHEPROOF.is_file():
        return []
    groups = json.loads(WYCHEPROOF.read_text(encoding="utf-8"))["testGroups"]
    return [{**one, "key": group.get("public") or group["private"]} for group in groups for one in group["tests"]]


def accepts(one: dict[str, Any]) -> bool:
    try:
        keys = load_public_keys(json.dumps(one["key"] if "keys" in one["key"] else {"keys": [one["key"]]}))
        verify_jws(one["jws"] if isinstance(one["jws"], str) else json.dumps(one["jws"]), keys, ASYMMETRIC)
    except (Unauthenticated, ConfigurationError):
        return False
    return True


def test_no_invalid_jws_of_wycheproof_is_accepted_and_the_valid_ones_of_our_algorithms_are() -> None:
    cases = wycheproof()
    assert cases, f"the vectors made by others are absent: put them beside the project at {Path(WYCHEPROOF).parent}"
    invalid = [one for one in cases if one["result"] == "invalid"]
    assert len(invalid) == 355
    assert [one["tcId"] for one in invalid if accepts(one)] == []
    ours = [one for one in cases if one["result"] == "valid" and header_of(one["jws"]).get("alg") in ASYMMETRIC]
    refused = {one["comment"] for one in ours if not accepts(one)}
    # A token without content is valid as a JWS and of no use here.
    assert refused == {"emptyPayload"}
    assert sum(accepts(one) for one in ours) == 14
