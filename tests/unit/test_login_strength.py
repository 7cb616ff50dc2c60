"""How and when a person logged in at the identity provider, where the operator asks for it (ASVS 5.0 V6.8.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from signing_pages import NOW, open_workshop
from test_signing_tokens import AUDIENCE, ISSUER, OIDC, PROVIDER_KEY, jwks_of, provider_token, seconds

from certsvc.app_keys import oidc_issuers
from certsvc.errors import Unauthenticated
from certsvc.ids import SystemIds
from certsvc.settings import Settings
from certsvc.signing.tokens import JwtTokenService, OidcIssuer

STRONG = ("urn:example:acr:2", "urn:example:acr:3")
AGE_S = 600


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> JwtTokenService:
    jwks = jwks_of(PROVIDER_KEY)
    issuer = OidcIssuer(issuer=OIDC, audience="certsvc", jwks=jwks, acr_values=STRONG, max_auth_age_s=AGE_S)
    ring = open_workshop(tmp_path_factory.mktemp("ring")).ring
    return JwtTokenService(ring, key_id="token-1", issuer=ISSUER, audience=AUDIENCE, ids=SystemIds(), oidc=(issuer,))


@pytest.mark.parametrize("acr", STRONG)
def test_a_strong_and_recent_login_is_enough(strict: JwtTokenService, acr: str) -> None:
    claims = strict.check(provider_token(acr=acr, auth_time=seconds(-AGE_S)), now=NOW)
    assert claims["sub"] == "person-1"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"acr": STRONG[0]},
        {"auth_time": 0},
        {"acr": "urn:example:acr:1", "auth_time": 0},
        {"acr": "", "auth_time": 0},
        {"acr": list(STRONG), "auth_time": 0},
        {"acr": None, "auth_time": 0},
        {"acr": STRONG[0], "auth_time": -AGE_S - 1},
        {"acr": STRONG[0], "auth_time": 61},
        {"acr": STRONG[0], "auth_time": "now"},
        {"acr": STRONG[0], "auth_time": None},
        {"acr": STRONG[0], "auth_time": True},
    ],
)
def test_a_weak_old_or_silent_login_is_not(strict: JwtTokenService, claims: dict[str, Any]) -> None:
    when = claims.get("auth_time")
    if isinstance(when, int) and not isinstance(when, bool):
        claims = {**claims, "auth_time": seconds(when)}
    with pytest.raises(Unauthenticated):
        strict.check(provider_token(**claims), now=NOW)


def test_a_token_that_was_verified_still_grows_old(strict: JwtTokenService) -> None:
    token = provider_token(acr=STRONG[0], auth_time=seconds(-AGE_S + 100))
    strict.check(token, now=NOW + timedelta(seconds=100))
    with pytest.raises(Unauthenticated, match="重新登录"):
        strict.check(token, now=NOW + timedelta(seconds=101))


def test_our_own_tokens_are_not_asked(strict: JwtTokenService) -> None:
    token = strict.issue({"sub": "cl_approval"}, now=NOW, lifetime_s=600)
    assert strict.check(token, now=NOW)["sub"] == "cl_approval"


def test_the_settings_reach_the_check(tmp_path: Any) -> None:
    jwks = tmp_path / "idp.json"
    jwks.write_text(jwks_of(PROVIDER_KEY), encoding="utf-8")
    asked: dict[str, Any] = {"profile": "sandbox", "oidc_issuer": OIDC, "oidc_jwks_file": jwks}
    [plain] = oidc_issuers(Settings.model_validate(asked))
    assert (plain.acr_values, plain.max_auth_age_s) == ((), 0)
    [made] = oidc_issuers(Settings.model_validate(asked | {"oidc_acr_values": STRONG, "oidc_max_auth_age_s": AGE_S}))
    assert (made.acr_values, made.max_auth_age_s) == (STRONG, AGE_S)
    with pytest.raises(ValidationError):
        Settings.model_validate(asked | {"oidc_max_auth_age_s": -1})
