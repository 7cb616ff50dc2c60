"""What every answer tells a browser, whether it is a page, data, a refusal or nothing."""

from __future__ import annotations

import pytest
from fixtures_city import ServedCity

ADDRESSES = [
    "/",
    "/holder",
    "/officer",
    "/supervision",
    "/v1/catalog/types",
    "/v1/wallet",
    "/v1/licenses/x",
    "/none",
    "/healthz",
]
BOUND = {
    "default-src": {"'self'"},
    "object-src": {"'none'"},
    "base-uri": {"'none'"},
    "form-action": {"'self'"},
    "frame-ancestors": {"'none'"},
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_answer_is_guessed_at_framed_or_told_on(shared_city: ServedCity, address: str) -> None:
    headers = shared_city.client.get(address).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    for policy in headers.get_list("content-security-policy"):
        parts = dict(part.strip().partition(" ")[::2] for part in policy.split(";") if part.strip())
        told = {name: set(said.split()) for name, said in parts.items()}
        assert {name: told.get(name) for name in BOUND} == BOUND
        assert told["script-src"] <= {"'self'", "'wasm-unsafe-eval'"}, "nothing inline, nothing evaluated"
        assert "'unsafe-inline'" not in policy
    assert headers.get_list("content-security-policy")
