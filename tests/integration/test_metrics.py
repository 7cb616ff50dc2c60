"""A running server is scraped at its own door: every figure that an operator needs, and nothing of anybody."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from exposition import Read, read_exposition
from fixtures_city import ROOT, ServedCity, lay_keys, sandbox_settings
from fixtures_city import _served as served

from certsvc.app import build, prepare
from certsvc.cli.demo import serving
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.delivery.consumers.holder_notices import NAME as HOLDER_NOTICES
from certsvc.errors import ConfigurationError
from certsvc.settings import Settings

SLUG = "tour_guide"
LIKE_AN_ID = re.compile(r"[0-9]{6}|\b[a-z]{3}_[0-9A-Za-z]*[0-9][0-9A-Za-z]{5}|[\u4e00-\u9fff]")
TOKEN = "scrape-token-of-tests"
NEEDED = {
    "certsvc_http_requests_total",
    "certsvc_http_request_seconds",
    "certsvc_issuing_total",
    "certsvc_queue_requests",
    "certsvc_queue_oldest_seconds",
    "certsvc_outbox_unsequenced",
    "certsvc_outbox_lag_events",
    "certsvc_outbox_lag_seconds",
    "certsvc_webhook_waiting",
    "certsvc_webhook_oldest_seconds",
    "certsvc_seal_uses_today",
    "certsvc_seal_reservations_open",
    "certsvc_seal_budget_left_ratio",
    "certsvc_seal_expiry_days",
    "certsvc_key_expiry_days",
    "certsvc_clock_in_doubt",
    "certsvc_log_checkpoint_age_seconds",
    "certsvc_log_stopped",
    "certsvc_log_oldest_unlogged_seconds",
    "certsvc_log_cut_leaves",
    "certsvc_db_pool_in_use",
    "certsvc_dependency_up",
}


@dataclass
class Watched:
    city: ServedCity
    base: str
    door: str

    def scrape(self) -> dict[str, Read]:
        answer = httpx.get(f"{self.door}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, timeout=20)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return read_exposition(answer.text)


@pytest.fixture(scope="module")
def watched(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A listening server with its loops and its door, for tests that only look."""
    with opened(city_keys, tmp_path_factory.mktemp("watched") / "var") as one:
        yield one


@pytest.fixture
def left_alone(city_keys: Path, tmp_path: Path) -> Iterator[Watched]:
    """The same for a test that breaks it."""
    with opened(city_keys, tmp_path / "var") as one:
        yield one


@contextmanager
def opened(city_keys: Path, var: Path) -> Iterator[Watched]:
    """A city that has issued one license."""
    lay_keys(city_keys, var)
    (var / "scrape.token").write_text(TOKEN + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = sandbox_settings(
        var, f"sqlite:///{var / 'watched.sqlite3'}", metrics_port=port, metrics_token_file=var / "scrape.token"
    )
    prepare(settings)
    service = build(settings)
    door = service.operations_door()
    assert door is not None
    try:
        parties = seed_sandbox(service.deps)
        service.loops.start(workers=1, relay=True)
        with serving(service) as base, httpx.Client(base_url=base, timeout=60) as client:
            city = served(service, parties, client, var)
            body = city.body(SLUG, "METRICS-1")
            response = client.post("/v1/issuances", headers=city.system(), json=body)
            done = city.wait(city.answer(response, 202)["request_id"])
            city.licenses.append({"type": SLUG, **done})
            yield Watched(city, base, f"http://127.0.0.1:{door.port}")
    finally:
        door.close()
        service.close()


def test_every_figure_that_an_operator_needs_is_there_and_true(watched: Watched) -> None:
    city = watched.city
    assert city.client.get("/v1/licenses/none-such", headers=city.system()).status_code == 422
    assert city.client.get("/no/such/path/110101199003070000").status_code == 404
    assert city.client.get("/v1/licenses/a", headers={"authorization": "Bearer no"}).status_code == 401
    found = watched.scrape()
    assert found.keys() >= NEEDED
    requests = found["certsvc_http_requests_total"]
    assert requests.get(route="/v1/issuances", method="POST", code="202") == 1
    assert requests.get(route="/v1/licenses/{identifier}", method="GET", code="422") >= 1
    assert requests.get(route="/v1/licenses/{identifier}", method="GET", code="401") >= 1
    assert requests.get(route="unmatched", method="GET", code="404") >= 1
    took = found["certsvc_http_request_seconds"]
    assert took.get("_count", route="/v1/issuances", method="POST") == 1
    assert 0 < took.get("_sum", route="/v1/issuances", method="POST") < 60
    assert found["certsvc_issuing_total"].get(lane="live", outcome="issued") == 1
    with city.service.deps.uow.read() as tx:
        counts = tx.requests.counts()
    assert found["certsvc_requests"].get(state="issued") == counts["issued"] == 1
    assert found["certsvc_seal_uses_today"].get() == city.rows("SELECT sum(used) FROM seal_days")[0][0] >= 1
    assert found["certsvc_clock_in_doubt"].get() == 0
    for part in ("database", "objects", "keys", "loops", "clock"):
        assert found["certsvc_dependency_up"].get(dependency=part) == 1
    for kind in ("token", "receipt", "status", "log", "code"):
        assert 0 < found["certsvc_key_expiry_days"].get(kind=kind) < 40_000
    assert 0 < found["certsvc_seal_expiry_days"].get() < 40_000
    assert 0 < found["certsvc_seal_budget_left_ratio"].get() <= 1
    assert found["certsvc_db_pool_size"].get(pool="reading") >= 1


def test_every_alarm_and_every_figure_of_the_guide_stands_on_a_figure_that_is_told(watched: Watched) -> None:
    told = watched.scrape().keys()
    rules = yaml.safe_load((ROOT / "docs" / "deploy" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"certsvc_[a-z_]+", rule["expr"])}
    assert len(asked) > 10
    assert not {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} - told
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert not set(re.findall(r"`(certsvc_[a-z_]+)`", guide)) - told


def test_a_backlog_is_told_with_the_age_of_its_oldest(left_alone: Watched) -> None:
    """Rows past every room of ours: what a dead worker, a dead relay and a dead key would leave behind."""
    watched, city = left_alone, left_alone.city
    loops = city.service.loops
    loops.stop()
    city.execute("UPDATE reservations SET result = 'open'")
    city.execute("UPDATE cursors SET position = 0 WHERE consumer = '" + HOLDER_NOTICES + "'")
    body = city.body(SLUG, "METRICS-2")
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    city.execute("UPDATE requests SET created_at = '2020-01-01T00:00:00.000000+00:00' WHERE state = 'accepted'")
    city.service.dashboard._until = 0.0
    found = watched.scrape()
    assert found["certsvc_queue_requests"].get(lane="live", state="accepted") == 1
    assert found["certsvc_queue_oldest_seconds"].get(lane="live", state="accepted") > 365 * 86400
    assert found["certsvc_seal_reservations_open"].get(result="open") >= 1
    assert found["certsvc_dependency_up"].get(dependency="loops") == 0
    events = city.rows("SELECT max(position) FROM events")[0][0]
    with city.service.deps.uow.read() as tx:
        place = tx.outbox.cursor(HOLDER_NOTICES)
    lag = found["certsvc_outbox_lag_events"].get(consumer=HOLDER_NOTICES)
    assert lag == events - place
    assert (lag > 0) == (found["certsvc_outbox_lag_seconds"].get(consumer=HOLDER_NOTICES) > 0)
    assert httpx.get(f"{watched.door}/readyz", timeout=30).status_code == 503
    assert httpx.get(f"{watched.door}/healthz", timeout=30).status_code == 200


def test_no_label_is_an_id_or_says_anything_of_anybody(watched: Watched) -> None:
    city, done = watched.city, watched.city.licenses[0]
    sample = city.catalog.sample(SLUG)
    city.client.get(f"/v1/licenses/{done['identifier']}", headers=city.system())
    city.client.get(f"/v1/licenses/{done['identifier']}?name={sample['holder_name']}", headers=city.system())
    text = httpx.get(f"{watched.door}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, timeout=20).text
    assert done["identifier"] not in text
    assert sample["holder_name"] not in text
    values = set(re.findall(r'="([^"]*)"', text))
    assert len(values) > 20
    assert not [value for value in values if LIKE_AN_ID.search(value)]


def test_the_door_is_not_public(watched: Watched) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Bearer {TOKEN}x"}):
        answer = httpx.get(f"{watched.door}/metrics", headers=headers)
        assert (answer.status_code, "certsvc_" in answer.text) == (401, False)
    assert httpx.get(f"{watched.door}/v1/issuances").status_code == 404
    assert httpx.post(f"{watched.door}/metrics").status_code == 501
    assert watched.city.client.get("/metrics").status_code == 404, "never on the port of everybody"


def test_production_asks_for_a_token_where_the_door_is_not_on_this_machine(tmp_path: Path) -> None:
    given = {"master_key_file": tmp_path / "master.key", "var_dir": tmp_path / "var", "metrics_port": 9100}
    assert Settings(**given).metrics_host == "127.0.0.1"  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="metrics_token_file"):
        Settings(**given, metrics_host="0.0.0.0")  # type: ignore[arg-type]  # noqa: S104
    Settings(**given, metrics_host="0.0.0.0", metrics_token_file=tmp_path / "t")  # type: ignore[arg-type]  # noqa: S104


def test_a_short_token_or_a_taken_port_stops_the_process_at_its_start(watched: Watched, tmp_path: Path) -> None:
    service = watched.city.service
    (tmp_path / "short").write_text("short")
    import dataclasses

    short = service.settings.model_copy(update={"metrics_token_file": tmp_path / "short"})
    for settings in (short, service.settings):
        with pytest.raises(ConfigurationError):
            dataclasses.replace(service, settings=settings).operations_door()
