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


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/v1/catalog/types", True),
        ("/v1/catalog/matters", True),
        ("/v1/catalog/lists", True),
        ("/v1/openapi.json", True),
        ("/v1/catalog/status", False),
        ("/v1/catalog/types/tour_guide/page", False),
        ("/v1/catalog/proposals/x/page", False),
    ],
)
def test_what_asks_for_a_role_is_nobodys_to_keep(shared_city: ServedCity, address: str, *, kept: bool) -> None:
    """Under one path stand public lists and what only some may read."""
    answer = shared_city.client.get(address, headers=shared_city.person("auditor-1"))
    assert (answer.headers.get("cache-control") != "no-store") is kept
