"""Webhooks over HTTP: who may subscribe to what, real receivers, secrets, the log, replays, and the command line."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fixtures_city import ServedCity, lay_keys, sandbox_settings
from standardwebhooks import Webhook, WebhookVerificationError
from test_bad_input import problem
from typer.testing import CliRunner
from webhook_receivers import Got, Receiver, receiving, take

from certsvc.app import Service, build
from certsvc.cli.commands import app
from certsvc.commands.access import roles
from certsvc.commands.access.issue_token import hash_secret
from certsvc.commands.access.register_party import register_client
from certsvc.commands.access.seed_sandbox import PLATFORM, SERVICE_BUREAU, seed_sandbox
from certsvc.commands.webhooks.subscribe import MAX_SECRETS, MAX_SUBSCRIPTIONS, MAX_TYPES, MAX_URL
from certsvc.delivery.egress import Egress
from certsvc.delivery.receivers import HttpReceivers
from certsvc.delivery.webhooks import WebhookSender, send_due
from certsvc.events.envelope import PREFIX
from certsvc.license.parties import Client
from certsvc.store import migrate
from certsvc.store.engine import writing_engine

OTHER = "events-reader"
LATE_S = 0.5


@dataclass
class Hooked:
    """A city, three receivers that its operator listed, and what a system may do about webhooks."""

    city: ServedCity
    receivers: list[Receiver]

    @property
    def service(self) -> Service:
        return self.city.service

    def ask(self, method: str, path: str, who: str = PLATFORM, **sent: Any) -> Any:
        return self.city.client.request(method, f"/v1/webhooks{path}", headers=self.city.system(who), **sent)

    def answer(self, status: int, method: str, path: str, who: str = PLATFORM, **sent: Any) -> Any:
        return self.city.answer(self.ask(method, path, who, **sent), status)

    def subscribe(self, url: str, *types: str, who: str = PLATFORM) -> tuple[str, str]:
        made = self.answer(201, "POST", "", who, json={"url": url, "types": list(types) or ["*"]})
        return made["webhook"]["subscription_id"], made["secret"]

    def deliver(self) -> int:
        """Number, queue and send what waits."""
        self.city.drain()
        return send_due(self.service.deps)

    def one(self, subscription_id: str) -> dict[str, Any]:
        return dict(self.answer(200, "GET", f"/{subscription_id}"))

    def log(self, subscription_id: str, **query: Any) -> list[dict[str, Any]]:
        return list(self.answer(200, "GET", f"/{subscription_id}/deliveries", params=query)["deliveries"])

    def again(self, subscription_id: str, status: int = 202, **wish: Any) -> Any:
        return self.answer(status, "POST", f"/{subscription_id}/replays", json=wish)

    def make_due(self) -> None:
        """Let everything that is tried later be due now."""
        self.city.execute("UPDATE webhook_deliveries SET ready_at = created_at WHERE state = 'waiting'")


@pytest.fixture(scope="module")
def hooked_module(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooked]:
    var = tmp_path_factory.mktemp("hooks") / "var"
    lay_keys(city_keys, var)
    shutil.copyfile(sqlite_template, var / "hooks.sqlite3")
    with contextlib.ExitStack() as stack:
        receivers = [stack.enter_context(receiving()) for _ in range(3)]
        settings = sandbox_settings(
            var, f"sqlite:///{var / 'hooks.sqlite3'}", egress_allowed=tuple(one.base for one in receivers)
        )
        service = build(settings)
        stack.callback(service.close)
        parties = seed_sandbox(service.deps)
        other = Client(
            client_id=OTHER,
            name="示例省事件平台",
            authority_code=SERVICE_BUREAU,
            roles=frozenset({roles.EVENTS}),
            secret_sha256=hash_secret("other"),
            jwks="",
            active=True,
        )
        register_client(service.deps, other, actor="test")
        client = stack.enter_context(TestClient(service.application(), raise_server_exceptions=False))
        city = ServedCity(
            client=client,
            out=var,
            secrets={**parties.secrets, OTHER: "other"},
            people=parties.people,
            catalog=service.deps.catalog,
            anchor=settings.keys / "trust",
            service=service,
        )
        yield Hooked(city, receivers)


@pytest.fixture
def hooked(hooked_module: Hooked) -> Iterator[Hooked]:
    """The same for every test, without what the one before left."""
    hooked_module.city.drain()
    yield hooked_module
    for statement in ("DELETE FROM webhook_deliveries", "DELETE FROM webhook_subscriptions"):
        hooked_module.city.execute(statement)
    for receiver in hooked_module.receivers:
        receiver.answer = take
        receiver.got.clear()


SSRF = [
    "http://hooks.example/x",
    "ftp://hooks.example/x",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "javascript:alert(1)",
    "//hooks.example/x",
    "hooks.example",
    "https://",
    "https://user@hooks.example/",
    "https://user:word@hooks.example/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://10.0.0.8/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.100.100.200/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://localhost/",
    "https://localhost./",
    "https://intranet/",
    "https://hooks.example:99999/",
    "https://hooks.example/#@127.0.0.1/",
    "https://hooks.example /",
    "https://hooks.example/\r\nhost: 127.0.0.1",
    "https://hooks.example/\u0000",
    "https://示例.example/",
    "https://[::1",
]


@pytest.mark.parametrize("url", SSRF)
def test_an_address_that_is_never_called_cannot_be_subscribed(hooked: Hooked, url: str) -> None:
    found = problem(hooked.ask("POST", "", json={"url": url, "types": ["*"]}), 422)
    assert [item["pointer"] for item in found["errors"]] == ["/url"]
    assert hooked.city.rows("SELECT count(*) FROM webhook_subscriptions") == [(0,)]


def test_another_port_of_a_listed_origin_is_not_listed(hooked: Hooked) -> None:
    base = hooked.receivers[0].base
    listed = {one.base for one in hooked.receivers}
    host = base.rpartition(":")[0]
    other = next(f"{host}:{port}" for port in range(1025, 65535) if f"{host}:{port}" not in listed)
    problem(hooked.ask("POST", "", json={"url": f"{other}/hook", "types": ["*"]}), 422)
    problem(hooked.ask("POST", "", json={"url": base.replace("http", "https", 1), "types": ["*"]}), 422)
    hooked.subscribe("https://receiver.example/hook?token=x")


@pytest.mark.parametrize(
    "url", ["https://localhost.example/hook", "https://metadata.example/", "https://rebinding.example/"]
)
def test_a_name_that_leads_inside_is_refused_when_it_is_called(hooked: Hooked, url: str) -> None:
    subscription_id, _ = hooked.subscribe(url)
    asked: list[str] = []

    def inside(host: str, _port: int) -> tuple[str, ...]:
        asked.append(host)
        return ("93.184.216.34", "169.254.169.254")

    hooked.answer(202, "POST", f"/{subscription_id}/tests")
    hooked.city.drain()
    calls = HttpReceivers(Egress(resolve=inside, timeout_s=LATE_S))
    assert send_due(replace(hooked.service.deps, receivers=calls)) == 1
    [found] = hooked.log(subscription_id)
    assert [(tried["status"], tried["fault"]) for tried in found["tries"]] == [(0, "address_refused")]
    assert len(asked) == 1


def test_an_issued_license_reaches_its_receiver_signed_and_as_it_stands_in_the_feed(hooked: Hooked) -> None:
    receiver = hooked.receivers[0]
    subscription_id, secret = hooked.subscribe(receiver.url, "license.*")
    done = hooked.city.issue("tour_guide", "HOOK-1")
    assert hooked.deliver() == 1
    [got] = receiver.got
    feed = {event["id"]: event for event in hooked.city.events()}
    assert got.checked(secret) == feed[got.headers["webhook-id"]]
    assert got.event["type"] == PREFIX + "license.issued.v1"
    assert got.event["subject"] == done["identifier"]
    assert got.headers["content-type"].startswith("application/cloudevents+json")
    assert (got.path, got.headers["user-agent"].split("/")[0]) == ("/hook", "certsvc")
    assert "authorization" not in got.headers
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body + b" ", got.headers)
    [found] = hooked.log(subscription_id)
    assert (found["state"], found["attempts"], found["position"]) == ("delivered", 1, got.event["position"])
    assert found["tries"][0]["status"] == 204
    seen = hooked.one(subscription_id)
    assert (seen["waiting"], seen["failed"], seen["failures"]) == (0, 0, 0)
    assert seen["last_success_at"]
    assert hooked.deliver() == 0


def test_a_secret_is_shown_once_and_kept_encrypted(hooked: Hooked) -> None:
    subscription_id, secret = hooked.subscribe(hooked.receivers[0].url)
    assert secret.startswith("whsec_")
    [(kept,)] = hooked.city.rows("SELECT secrets FROM webhook_subscriptions")
    assert secret.encode() not in bytes(kept)
    assert secret.removeprefix("whsec_").encode() not in bytes(kept)
    answers = [hooked.one(subscription_id), hooked.answer(200, "GET", "")]
    answers.append(hooked.answer(200, "PATCH", f"/{subscription_id}", json={"types": ["seal.*"]}))
    assert "whsec_" not in str(answers)


def test_a_client_has_its_own_subscriptions_and_an_auditor_reads_all(hooked: Hooked) -> None:
    city, url = hooked.city, hooked.receivers[0].url
    mine, _ = hooked.subscribe(url)
    theirs, _ = hooked.subscribe(url, who=OTHER)
    listed = hooked.answer(200, "GET", "")["webhooks"]
    assert [one["subscription_id"] for one in listed] == [mine]
    for method, path, sent in (
        ("GET", "", None),
        ("PATCH", "", {"state": "paused"}),
        ("DELETE", "", None),
        ("POST", "/secret", {}),
        ("POST", "/tests", None),
        ("GET", "/deliveries", None),
        ("POST", "/replays", {"after": 0}),
    ):
        for other in (theirs, "whk_00000000000000000000000000"):
            found = problem(hooked.ask(method, f"/{other}{path}", json=sent), 404)
            assert found["detail"] == "没有这个订阅，请核对编号"
    auditor = city.person("auditor-1")
    page = city.answer(city.client.get("/v1/webhooks", params={"limit": 1}, headers=auditor), 200)
    rest = city.answer(city.client.get("/v1/webhooks", params={"after": page["next"]}, headers=auditor), 200)
    assert [one["client_id"] for one in page["webhooks"] + rest["webhooks"]] == [PLATFORM, OTHER]
    assert rest["next"] == ""
    assert city.client.get(f"/v1/webhooks/{theirs}/deliveries", headers=auditor).status_code == 200
    for method, path in (("DELETE", ""), ("POST", "/tests"), ("PATCH", "")):
        response = city.client.request(method, f"/v1/webhooks/{theirs}{path}", headers=auditor, json={"types": ["*"]})
        problem(response, 403)
    for stranger in (city.person("officer-1"), city.system("using-" + "11990000mb0000019f")):
        problem(city.client.get("/v1/webhooks", headers=stranger), 403)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"types": []}, "/types"),
        ({"types": ["license.burnt.v1"]}, "/types/0"),
        ({"types": ["*", "licence.*"]}, "/types/1"),
        ({"types": ["issuance.requested.v1"]}, "/types/0"),
        ({"types": ["*"] * (MAX_TYPES + 1)}, "/types"),
        ({"url": "https://receiver.example/" + "x" * MAX_URL}, "/url"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_what_is_wrong_with_a_subscription_is_named(hooked: Hooked, body: dict[str, Any], pointer: str) -> None:
    sent = {"url": "https://receiver.example/", "types": ["*"], **body}
    found = problem(hooked.ask("POST", "", json=sent), 422)
    assert pointer in [item["pointer"] for item in found["errors"]]


def test_a_client_has_so_many_subscriptions_and_no_more(hooked: Hooked) -> None:
    made = [hooked.subscribe("https://receiver.example/")[0] for _ in range(MAX_SUBSCRIPTIONS)]
    problem(hooked.ask("POST", "", json={"url": "https://receiver.example/", "types": ["*"]}), 409)
    assert hooked.ask("DELETE", f"/{made[0]}").status_code == 204
    problem(hooked.ask("GET", f"/{made[0]}"), 404)
    hooked.subscribe("https://receiver.example/")
    hooked.subscribe("https://receiver.example/", who=OTHER)


def test_a_test_event_goes_to_its_subscription_alone_whatever_that_asked_for(hooked: Hooked) -> None:
    first, second, third = hooked.receivers
    tested, secret = hooked.subscribe(first.url, "seal.made.v1")
    hooked.subscribe(second.url, "*")
    hooked.subscribe(third.url, "*", who=OTHER)
    event_id = hooked.answer(202, "POST", f"/{tested}/tests")["event_id"]
    hooked.deliver()
    assert [(got.headers["webhook-id"], got.checked(secret)["subject"]) for got in first.got] == [(event_id, tested)]
    assert (second.got, third.got) == ([], [])
    hooked.answer(200, "PATCH", f"/{tested}", json={"state": "paused"})
    problem(hooked.ask("POST", f"/{tested}/tests"), 409)


def test_a_secret_is_changed_without_a_single_event_refused(hooked: Hooked) -> None:
    receiver = hooked.receivers[0]
    subscription_id, old = hooked.subscribe(receiver.url)
    held, refused = [old], []

    def check(got: Got) -> tuple[int, dict[str, str]]:
        try:
            got.checked(held[0])
        except WebhookVerificationError:
            refused.append(got)
        return 204, {}

    receiver.answer = check

    def send(n: int) -> None:
        hooked.answer(202, "POST", f"/{subscription_id}/tests")
        assert hooked.deliver() == 1
        assert len(receiver.got) == n

    send(1)
    changed = hooked.answer(201, "POST", f"/{subscription_id}/secret", json={})
    assert changed["old_until"]
    send(2)
    held[0] = changed["secret"]
    send(3)
    assert len(receiver.got[-1].headers["webhook-signature"].split(" ")) == 2
    last = hooked.answer(201, "POST", f"/{subscription_id}/secret", json={"keep_old": False})
    assert last["old_until"] is None
    held[0] = last["secret"]
    send(4)
    assert len(receiver.got[-1].headers["webhook-signature"].split(" ")) == 1
    assert refused == []
    for _ in range(MAX_SECRETS - 1):
        hooked.answer(201, "POST", f"/{subscription_id}/secret")
    problem(hooked.ask("POST", f"/{subscription_id}/secret"), 409)
    hooked.answer(201, "POST", f"/{subscription_id}/secret", json={"keep_old": False})


def test_a_redirect_is_a_failure_and_is_not_followed(hooked: Hooked) -> None:
    first, second, _ = hooked.receivers
    first.answer = lambda _: (307, {"Location": second.url})
    subscription_id, _ = hooked.subscribe(first.url)
    hooked.answer(202, "POST", f"/{subscription_id}/tests")
    hooked.deliver()
    assert (len(first.got), len(second.got)) == (1, 0)
    [found] = hooked.log(subscription_id)
    assert [(tried["status"], tried["fault"]) for tried in found["tries"]] == [(307, "redirect")]
    assert found["next_try_at"]


def test_retry_after_and_410_over_http(hooked: Hooked) -> None:
    receiver = hooked.receivers[0]
    subscription_id, _ = hooked.subscribe(receiver.url)
    receiver.answer = lambda _: (429, {"Retry-After": "3600"})
    hooked.answer(202, "POST", f"/{subscription_id}/tests")
    hooked.deliver()
    hooked.make_due()
    assert hooked.deliver() == 0, "the receiver rests for an hour"
    hooked.answer(200, "PATCH", f"/{subscription_id}", json={"state": "active"})
    receiver.answer = lambda _: (410, {})
    assert hooked.deliver() == 1, "its owner ended the rest"
    seen = hooked.one(subscription_id)
    assert (seen["state"], seen["reason"], seen["waiting"]) == ("disabled", "gone", 1)
    assert isinstance(seen["missed_after"], int)
    problem(hooked.ask("POST", f"/{subscription_id}/replays", json={"after": 0}), 409)
    problem(hooked.ask("PATCH", f"/{subscription_id}", json={"state": "paused"}), 409)
    receiver.answer = take
    seen = hooked.answer(200, "PATCH", f"/{subscription_id}", json={"state": "active"})
    assert (seen["state"], seen["missed_until"] >= seen["missed_after"]) == ("active", True)
    assert hooked.deliver() == 2, "what waited, and the event that says it was disabled"
    kinds = [row[0] for row in hooked.city.rows("SELECT kind FROM evidence WHERE kind LIKE 'webhook.%'")]
    assert {"webhook.created", "webhook.changed", "webhook.tested", "webhook.disabled"} <= set(kinds)


def test_an_owner_disables_with_a_reason(hooked: Hooked) -> None:
    subscription_id, _ = hooked.subscribe(hooked.receivers[0].url)
    sent = {"state": "disabled", "reason": "系统下线"}
    seen = hooked.answer(200, "PATCH", f"/{subscription_id}", json=sent)
    assert (seen["state"], seen["reason"]) == ("disabled", "系统下线")
    problem(hooked.ask("PATCH", f"/{subscription_id}", json={}), 422)
    problem(hooked.ask("PATCH", f"/{subscription_id}", json={"state": "deleted"}), 422)


def test_the_log_is_paged_filtered_and_says_nothing_of_the_answers(hooked: Hooked) -> None:
    receiver = hooked.receivers[0]
    subscription_id, _ = hooked.subscribe(receiver.url)
    receiver.answer = lambda _: (500, {"X-Secret": "do not keep"}) if len(receiver.got) % 3 == 0 else (200, {})
    for _ in range(5):
        hooked.answer(202, "POST", f"/{subscription_id}/tests")
        hooked.city.drain()
    send_due(hooked.service.deps)
    whole = hooked.log(subscription_id)
    positions = [one["position"] for one in whole]
    assert positions == sorted(positions, reverse=True)
    seen, before = [], 0
    while True:
        page = hooked.answer(200, "GET", f"/{subscription_id}/deliveries", params={"limit": 2, "before": before})
        seen += page["deliveries"]
        before = page["next"]
        if not before:
            break
    assert seen == whole
    states = {one["state"] for one in whole}
    for state in ("waiting", "delivered", "failed"):
        assert {one["state"] for one in hooked.log(subscription_id, state=state)} <= {state}
    assert states <= {"waiting", "delivered"}
    assert "keep" not in str(whole)
    problem(hooked.ask("GET", f"/{subscription_id}/deliveries", params={"state": "lost"}), 422)


def test_replays_by_position_time_and_one_by_one(hooked: Hooked) -> None:
    receiver = hooked.receivers[0]
    subscription_id, _ = hooked.subscribe(receiver.url, "license.*", "issuance.*")
    began = hooked.one(subscription_id)["after"]
    for n in range(3):
        hooked.city.issue("tour_guide", f"REPLAY-{n}")
    hooked.deliver()
    ids = [got.headers["webhook-id"] for got in receiver.got]
    assert len(ids) == len(set(ids)) == 6
    assert hooked.again(subscription_id, after=began) == {"count": 6, "next": None}
    assert hooked.again(subscription_id, after=began)["count"] == 6, "what waits is asked for once"
    assert hooked.deliver() == 6
    assert sorted(got.headers["webhook-id"] for got in receiver.got[6:]) == sorted(ids)
    assert {one["replays"] for one in hooked.log(subscription_id)} == {1}
    one = receiver.got[0].event
    assert hooked.again(subscription_id, position=one["position"]) == {"count": 1, "next": None}
    assert hooked.deliver() == 1
    assert receiver.got[-1].headers["webhook-id"] == one["id"]
    last = receiver.got[5].event
    assert hooked.again(subscription_id, since=last["time"])["count"] >= 1
    assert hooked.again(subscription_id, failed=True) == {"count": 0, "next": None}
    problem(hooked.ask("POST", f"/{subscription_id}/replays", json={}), 422)
    problem(hooked.ask("POST", f"/{subscription_id}/replays", json={"position": 1, "after": 2}), 422)
    problem(hooked.ask("POST", f"/{subscription_id}/replays", json={"after": 5, "until": 4}), 422)
    problem(hooked.ask("POST", f"/{subscription_id}/replays", json={"position": 10**9}), 404)


def test_operators_see_the_backlog_and_resend_from_the_database(hooked: Hooked) -> None:
    receiver = hooked.receivers[0]
    subscription_id, _ = hooked.subscribe(receiver.url, "license.*")
    began = hooked.one(subscription_id)["after"]
    hooked.city.issue("tour_guide", "CLI-1")
    hooked.deliver()
    settings = hooked.service.settings
    env = {
        "CERTSVC_PROFILE": "sandbox",
        "CERTSVC_VAR_DIR": str(settings.var_dir),
        "CERTSVC_DATABASE_URL": settings.database_url,
        "CERTSVC_KEYS_FILE": str(settings.keys_file),
        "CERTSVC_TRUST_DIR": str(settings.trust_dir),
        "CERTSVC_FONT_DIRS": str(settings.font_dirs[0]),
        "COLUMNS": "300",
    }
    listed = CliRunner().invoke(app, ["webhooks", "list"], env=env, catch_exceptions=False)
    assert subscription_id in listed.stdout
    assert receiver.url in listed.stdout
    order = ["events", "resend", "--subscription", subscription_id]
    done = CliRunner().invoke(app, [*order, "--after", str(began)], env=env, catch_exceptions=False)
    assert "1 件" in done.stdout
    assert hooked.deliver() == 1
    assert CliRunner().invoke(app, order, env=env).exit_code != 0
    assert CliRunner().invoke(app, [*order, "--since", "yesterday"], env=env).exit_code != 0


def test_a_receiver_that_hangs_costs_its_time_limit_and_delays_nobody(hooked: Hooked) -> None:
    """Real sockets: one that accepts and never answers, one that nobody listens at, and one that works."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = [f"http://127.0.0.1:{one.getsockname()[1]}" for one in (silent, unused)]
        good = hooked.receivers[:2]
        allowed = [*dead, *(one.base for one in good)]
        calls = HttpReceivers(Egress(allowed=allowed, timeout_s=8))
        deps = replace(hooked.service.deps, receivers=calls)
        ids = []
        for base in [*dead, *(one.base for one in good)]:
            made, _ = hooked.subscribe("https://receiver.example/", "*")
            hooked.city.execute(
                f"UPDATE webhook_subscriptions SET url = '{base}/hook' WHERE subscription_id = '{made}'"
            )
            ids.append(made)
        arrived: dict[str, list[float]] = {one.base: [] for one in good}
        for one in good:

            def note(_got: Got, base: str = one.base) -> tuple[int, dict[str, str]]:
                arrived[base].append(time.monotonic())
                return 204, {}

            one.answer = note
        stop = threading.Event()
        sender = WebhookSender(deps, owner="test-sender")
        thread = threading.Thread(target=sender.run, args=(stop,))
        thread.start()
        try:
            delays = []
            for n in range(6):
                hooked.city.answer(
                    hooked.city.client.post(
                        "/v1/issuances", headers=hooked.city.system(), json=hooked.city.body("tour_guide", f"DEAD-{n}")
                    ),
                    202,
                )
                hooked.city.drain()
                queued_at = time.monotonic()
                deadline = time.monotonic() + 60
                while min(len(times) for times in arrived.values()) < 2 * (n + 1) and time.monotonic() < deadline:
                    time.sleep(0.01)
                delays.append(max(times[-1] for times in arrived.values()) - queued_at)
        finally:
            stop.set()
            thread.join(60)
        assert not thread.is_alive()
        assert [len(times) for times in arrived.values()] == [12, 12]
        # Below the eight seconds that the hanging one costs each time, and with room for a busy machine.
        assert max(delays) < 7.0, delays
        faults = [{tried["fault"] for one in hooked.log(made) for tried in one["tries"]} for made in ids]
        assert faults == [{"timeout"}, {"no_answer"}, {""}, {""}]
        slow = [tried["duration_ms"] for one in hooked.log(ids[0]) for tried in one["tries"]]
        assert all(7900 <= took < 30_000 for took in slow)
        assert hooked.city.rows("SELECT count(*) FROM webhook_subscriptions WHERE claim_token != ''") == [(0,)]


def test_a_database_of_an_older_release_gets_the_tables_and_begins_at_the_end_of_its_feed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    migrate.upgrade(url, revision="0011")
    engine = writing_engine(url)
    with engine.begin() as connection:
        for n in range(1, 4):
            connection.exec_driver_sql(
                "INSERT INTO events (event_id, source, type, subject, time, data, position) "
                f"VALUES ('evt_{n}', 's', 't', 'x', '2026-01-01 00:00:00.000000+00:00', '{{}}', {n})"
            )
    engine.dispose()
    migrate.upgrade(url)
    with writing_engine(url).connect() as connection:
        assert connection.exec_driver_sql("SELECT consumer, position FROM cursors").all() == [("webhooks", 3)]
    assert migrate.differences(url) == ()
