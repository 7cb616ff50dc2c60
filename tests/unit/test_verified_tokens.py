"""What is remembered of a token saves work and lets nobody in: its end, and who its subject is, are asked each time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from signing_pages import NOW, open_workshop

from certsvc.errors import Unauthenticated
from certsvc.ids import SystemIds
from certsvc.signing.jws import verify_jws
from certsvc.signing.tokens import JwtTokenService
from certsvc.signing.verified_tokens import MAX_KEPT, VerifiedTokens


def test_a_token_is_verified_once_and_still_ends_in_time(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = open_workshop(tmp_path_factory.mktemp("ring")).ring
    service = JwtTokenService(ring, key_id="token-1", issuer="https://a", audience="https://a/v1", ids=SystemIds())
    token = service.issue({"sub": "c"}, now=NOW, lifetime_s=600)
    verified: list[str] = []
    verify = verify_jws

    def counted(text: str, *rest: object) -> object:
        verified.append(text)
        return verify(text, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("certsvc.signing.tokens.verify_jws", counted)
    for _ in range(3):
        assert service.check(token, now=NOW + timedelta(seconds=599))["sub"] == "c"
    assert verified == [token]
    with pytest.raises(Unauthenticated):
        service.check(token, now=NOW + timedelta(seconds=600))
    with pytest.raises(Unauthenticated):
        service.check(token, now=NOW - timedelta(seconds=61))
    forged = token[:-2] + ("AA" if not token.endswith("AA") else "BA")
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            service.check(forged, now=NOW)
    assert verified == [token, forged, forged], "what was refused is not remembered"


def test_claims_cannot_be_changed_for_the_next_and_memory_is_bounded() -> None:
    kept, claims = VerifiedTokens(), {"sub": "a"}
    kept.keep("first", claims)
    claims["sub"] = "b"
    assert kept.find("first") == {"sub": "a"}
    with pytest.raises(TypeError):
        kept.find("first")["sub"] = "b"  # type: ignore[index]
    for number in range(MAX_KEPT):
        kept.keep(str(number), {})
        kept.find("first")  # the one in use stays
    assert kept.find("first") == {"sub": "a"}
    assert kept.find("0") is None
    assert kept.find("\ud800") is None
