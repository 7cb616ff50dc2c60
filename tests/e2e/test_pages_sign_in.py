"""Signing in on the pages through an identity provider, played here: its page, its tokens, and what goes wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from city_browser import OpenPage, Watch
from fixtures_city import LiveCity, _served, sandbox_settings
from joserfc import jwt
from joserfc.jwk import ECKey
from playwright.sync_api import expect

from certsvc.app import build, prepare
from certsvc.cli.demo import serving
from certsvc.commands.access import roles
from certsvc.commands.access.principals import OIDC
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.license.parties import Person

CLIENT, SECRET = "certsvc-pages", "示例口令"
SUBJECT = "idp-user-1"


@dataclass
class Provider:
    """Says yes at once to whoever comes, and gives a token for one code, once, against the proof of who began."""

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "idp-1", "use": "sig"}))
    base: str = ""
    audience: str = ""
    subject: str = SUBJECT
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    broken: bool = False

    def authorize(self, query: dict[str, str]) -> str:
        self.asked.append(query)
        code = f"code-{len(self.asked)}-{'x' * 20}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        if self.broken:
            return 503, {}
        query = self.codes.pop(form["code"], None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        named = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if query is None or proof != query["code_challenge"] or form["redirect_uri"] != query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if named != urlencode({CLIENT: SECRET}).replace("=", ":"):
            return 401, {"error": "invalid_client"}
        now = int(time.time())
        claims = {
            "iss": self.base,
            "aud": self.audience,
            "sub": self.subject,
            "iat": now,
            "exp": now + 600,
            "jti": form["code"],
        }
        token = jwt.encode({"alg": "ES256", "kid": "idp-1", "typ": "at+jwt"}, claims, self.key)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 600}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    played = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            self.send_response(302)
            self.send_header("Location", played.authorize(query))
            self.end_headers()

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(sent).items()}
            status, body = played.token(form, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    played.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield played
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def live_city(city_keys: Path, tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[LiveCity]:
    place = tmp_path_factory.mktemp("sign_in")
    var = place / "var"
    shutil.copytree(city_keys, var, ignore=shutil.ignore_patterns("*.sqlite3*", "objects"))
    (place / "idp.json").write_text(json.dumps({"keys": [provider.key.as_dict(private=False)]}), encoding="utf-8")
    (place / "secret").write_text(SECRET, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = sandbox_settings(
        var,
        f"sqlite:///{var / 'live.sqlite3'}",
        public_base=f"http://127.0.0.1:{port}",
        oidc_issuer=provider.base,
        oidc_jwks_file=place / "idp.json",
        oidc_authorize_url=f"{provider.base}/authorize",
        oidc_token_url=f"{provider.base}/token",
        oidc_client_id=CLIENT,
        oidc_client_secret_file=place / "secret",
    )
    provider.audience = settings.issuer
    prepare(settings)
    service = build(settings)
    try:
        parties = seed_sandbox(service.deps)
        with service.deps.uow() as tx:
            sample = tx.access.person("operator-1")
            assert sample is not None
            tx.access.upsert_person(
                Person(
                    subject=SUBJECT,
                    name="示例运维",
                    roles=frozenset({roles.OPERATOR}),
                    holder_code="",
                    holder_code_type="",
                    authority_code=sample.authority_code,
                    badge="",
                    verified_by=OIDC + provider.base,
                    created_at=service.deps.clock.now(),
                )
            )
        with serving(service, port=port) as base, httpx.Client(base_url=base, timeout=60) as client:
            yield LiveCity(base=base, city=_served(service, parties, client, var))
    finally:
        service.close()


@pytest.fixture(autouse=True)
def _as_it_was(provider: Provider, watch: Watch, open_page: OpenPage) -> Iterator[None]:
    yield
    provider.subject, provider.broken = SUBJECT, False
    # The one place beside us to which a page goes; what else it called is still told when the pages close.
    watch.addresses[:] = [url for url in watch.addresses if not url.startswith(f"{provider.base}/authorize?")]


def test_a_person_signs_in_at_the_provider_and_is_back_on_the_page(
    open_page: OpenPage, live_city: LiveCity, provider: Provider, watch: Watch
) -> None:
    page = open_page("/console#audit")
    page.locator("#login-go").click()
    page.locator("#logout").wait_for()
    assert page.url == f"{live_city.base}/console#audit"
    expect(page.locator("#signed-in")).to_contain_text("示例运维")
    asked = provider.asked[-1]
    assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", CLIENT, "openid")
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{live_city.base}/signed-in"
    assert "prompt" not in asked
    kept = page.evaluate("Object.entries(sessionStorage)")
    assert [name for name, _ in kept] == ["certsvc.console"]
    token = json.loads(kept[0][1])["token"]
    assert not [url for url in watch.addresses if token in url]
    rows = live_city.city.rows("SELECT count(*) FROM evidence WHERE kind = 'access.signed_in'")
    assert rows[0][0] >= 1
    page.locator("#logout").click()
    page.locator("#login-go").click()
    page.locator("#logout").wait_for()
    assert provider.asked[-1]["prompt"] == "login", "whoever signed out is asked who they are"


def test_a_plain_page_goes_the_same_way(open_page: OpenPage, live_city: LiveCity, watch: Watch) -> None:
    watch.allow("status of 403")  # this person has nothing to do there
    page = open_page("/seals")
    page.locator("#login-go").click()
    page.locator("#logout").wait_for()
    assert urlsplit(page.url).path == "/seals"


def test_an_answer_that_nobody_here_asked_for_signs_nobody_in(
    open_page: OpenPage, live_city: LiveCity, provider: Provider
) -> None:
    """Login CSRF: a stranger's code must not make this browser theirs."""
    state = "A" * 22
    back = f"{live_city.base}/signed-in"
    query = {"redirect_uri": back, "state": state, "code_challenge": "x", "client_id": CLIENT}
    page = open_page("/seals")
    page.goto(provider.authorize(query))
    expect(page.locator('[data-problem="login"]')).to_contain_text("重新登录")
    assert page.url == back, "the code is gone from the address"
    assert page.evaluate("sessionStorage.length") == 0
    page.locator("#back").click()
    page.locator("#verify, #file").first.wait_for(state="attached")


def test_whoever_is_bound_to_nothing_and_a_silent_provider_are_told_apart(
    open_page: OpenPage, live_city: LiveCity, provider: Provider, watch: Watch
) -> None:
    watch.allow("status of 401")
    watch.allow("status of 503")
    page = open_page("/seals")
    provider.subject = "stranger"
    page.locator("#login-go").click()
    expect(page.locator("#trouble .notice")).to_contain_text("账号不存在")
    page.locator("#back").click()
    provider.broken = True
    page.locator("#login-go").click()
    expect(page.locator("#trouble .notice")).to_contain_text("暂时不能登录")


def test_a_code_is_good_with_its_own_proof_alone(live_city: LiveCity, provider: Provider) -> None:
    query = {"redirect_uri": f"{live_city.base}/signed-in", "state": "s", "code_challenge": "x", "client_id": CLIENT}
    code = parse_qs(urlsplit(provider.authorize(query)).query)["code"][0]
    body = {"code": code, "code_verifier": "v" * 43}
    refused = live_city.city.client.post("/v1/sign-ins", json=body)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert live_city.city.client.post("/v1/sign-ins", json={**body, "code_verifier": "short"}).status_code == 422


def test_where_no_page_is_configured_there_is_no_such_door(small_city: Any) -> None:
    answer = small_city.client.post("/v1/sign-ins", json={"code": "c", "code_verifier": "v" * 43})
    assert answer.status_code == 404
    assert 'data-login=""' in small_city.client.get("/seals").text
