"""Image, compose file, scrape configuration and alarms: read as what they are, held against the rules of the house."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from certsvc.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
ALERTS: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "deploy" / "alerts.yml").read_text(encoding="utf-8"))
SCRAPE: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "deploy" / "prometheus.yml").read_text(encoding="utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
OURS = {"serve", "worker", "relay"}
DOOR = 9464


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_image_has_stages_and_runs_as_nobody_special() -> None:
    found = instructions()
    assert [name for name, _ in found].count("FROM") == 3
    last = found[max(index for index, (name, _) in enumerate(found) if name == "FROM") :]
    assert [value for name, value in last if name == "USER"] == ["10001"]
    copied = " ".join(value for name, value in last if name in ("COPY", "ADD"))
    assert not re.search(r"\.(key|pem|p12|env|token)\b|COPY \. ", copied)
    assert not [value for name, value in found if name == "ADD"]
    [health] = [value for name, value in last if name == "HEALTHCHECK"]
    assert "/readyz" in health
    assert any("--require-hashes" in value for name, value in found if name == "RUN")
    assert any("npm ci --ignore-scripts" in value for name, value in found if name == "RUN")
    environment = " ".join(value for name, value in last if name == "ENV")
    assert f"CERTSVC_METRICS_PORT={DOOR}" in environment
    assert "METRICS_HOST" not in environment, "the door is opened to others by whoever runs the image"


def test_what_is_copied_into_the_image_is_there_and_secrets_are_kept_out() -> None:
    for name, value in instructions():
        if name == "COPY" and "--from" not in value:
            for source in value.split()[:-1]:
                assert (ROOT / source).exists(), source
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {"var", ".env", "**/*.key", "**/*.p12", ".git"} <= set(ignored)


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_of_our_processes_is_locked_down_and_watched(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108
    assert "privileged" not in service
    health = service.get("healthcheck")
    assert name == "serve" or f"127.0.0.1:{DOOR}/readyz" in str(health["test"]), "serve has that of the image"


def test_nothing_is_published_beyond_this_machine_and_the_door_is_not_published_at_all() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert sorted(ports) == ["127.0.0.1:8700:8700", "127.0.0.1:9090:9090"]
    assert not any(str(DOOR) in port for port in ports)


def test_every_setting_that_is_named_exists_and_no_secret_is_written_down() -> None:
    environment = COMPOSE["x-certsvc"]["environment"]
    keys = {name.removeprefix("CERTSVC_").lower() for name in environment}
    assert keys <= Settings.model_fields.keys()
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)", text)) == {"DB_PASSWORD", "S3_SECRET"}
    for service in COMPOSE["services"].values():
        secrets = {key: value for key, value in service.get("environment", {}).items() if "PASSWORD" in key}
        assert all(str(value).startswith("${") for value in secrets.values())


def test_images_of_others_are_pinned_to_a_release_and_everything_that_is_used_is_declared() -> None:
    images = [service["image"] for service in COMPOSE["services"].values() if "image" in service]
    assert len(images) == 4
    assert all(re.search(r":[\w.-]*\d", image) and not image.endswith(":latest") for image in images)
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"]
        for config in service.get("configs", []):
            declared = COMPOSE["configs"][config["source"]]
            assert "content" in declared or (ROOT / declared["file"]).exists()
        for other in service.get("depends_on", {}):
            assert other in COMPOSE["services"]


def test_prometheus_asks_every_process_at_its_door() -> None:
    asked = {}
    for job in SCRAPE["scrape_configs"]:
        [found] = job["dns_sd_configs"]
        [asked[job["job_name"]]] = found["names"]
        assert (found["port"], job["metrics_path"]) == (DOOR, "/metrics")
    assert asked == {f"certsvc-{name}": name for name in OURS}
    targets = {config["target"] for config in COMPOSE["services"]["prometheus"]["configs"]}
    assert set(SCRAPE["rule_files"]) <= targets


def test_a_kind_of_process_that_is_gone_is_missed_and_alarms_have_somewhere_to_go() -> None:
    """A container that ends leaves no target, so "up == 0" is never there for it."""
    expressions = " ".join(rule["expr"] for rule in RULES)
    for job in SCRAPE["scrape_configs"]:
        assert f'absent(up{{job="{job["job_name"]}"}} == 1)' in expressions
    assert "count by (job)" in expressions
    assert SCRAPE["alerting"]["alertmanagers"]


def test_a_request_that_failed_is_no_queue_that_stands_still() -> None:
    asked = {rule["alert"]: rule["expr"] for rule in RULES}
    assert 'state="accepted"' in asked["CertsvcQueueOld"]
    assert 'state="failed"' in asked["CertsvcRequestParked"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alarm_is_whole_and_says_what_to_do_in_chinese(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Certsvc[A-Z]\w+", rule["alert"])
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    for part in ("summary", "action"):
        assert re.search(r"[\u4e00-\u9fff]", rule["annotations"][part])
    expression = rule["expr"]
    for opening, closing in ("()", "{}", "[]"):
        assert expression.count(opening) == expression.count(closing)
    assert re.search(r"[<>=]=?\s*[\d.]+", expression), "an alarm compares"
    for page in re.findall(r"docs/[\w-]+\.md", rule["annotations"]["action"]):
        assert (ROOT / page).exists()


def test_alarms_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names)) > 10
