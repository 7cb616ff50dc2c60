"""Unit files, proxy and guide of the server shape without containers: against each other and the rules of the house."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from certsvc.cli.commands import app
from certsvc.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
GUIDE = (ROOT / "docs" / "install-server.md").read_text(encoding="utf-8")
NGINX = re.sub(r"#.*", "", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
OURS = ("serve", "worker", "relay")
LOCKED = {
    "NoNewPrivileges": ["yes"],
    "CapabilityBoundingSet": [""],
    "ProtectSystem": ["strict"],
    "ProtectHome": ["yes"],
    "PrivateTmp": ["yes"],
    "PrivateDevices": ["yes"],
    "RestrictNamespaces": ["yes"],
    "SystemCallFilter": ["@system-service"],
    "UMask": ["0077"],
    "Restart": ["always"],
}


def unit(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / name).read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in DEPLOY.glob("*.service")))
def test_each_unit_runs_as_a_user_of_the_guide_and_is_locked_down(name: str) -> None:
    found = unit(name)
    assert {key: found.get(key) for key in LOCKED} == LOCKED
    [user] = found["User"]
    assert found["Group"] == [user]
    assert re.search(rf"^useradd --system .* {user}$", GUIDE, re.MULTILINE)
    [home] = found["WorkingDirectory"]
    assert found["ReadWritePaths"] == [home], "nothing else can be written"
    assert re.search(rf"^install -d -m 0700 -o {user} -g {user} {home}\b", GUIDE, re.MULTILINE)


def test_our_processes_have_ports_of_their_own_which_the_proxy_and_the_guide_know() -> None:
    doors = []
    for kind in OURS:
        found = unit(f"certsvc-{kind}@.service")
        [command] = found["ExecStart"]
        assert command.split()[1] == kind
        environment = dict(pair.split("=", 1) for line in found["Environment"] for pair in line.split())
        assert {name.removeprefix("CERTSVC_").lower() for name in environment} <= {*Settings.model_fields, "config"}
        doors += [environment["CERTSVC_METRICS_PORT"].replace("%i", number) for number in "12"]
        if kind == "serve":
            assert "--no-loops" in command
            ports = [environment["CERTSVC_PORT"].replace("%i", number) for number in "12"]
            assert re.findall(r"server 127\.0\.0\.1:(\d+)", NGINX) == ports
    assert len(set(doors)) == len(doors)
    assert f"for port in {' '.join(doors)};" in GUIDE
    assert not set(doors) & set(re.findall(r"\d{4}", NGINX)), "the doors of operators are behind no proxy"


def test_the_configuration_of_the_guide_names_settings_that_exist_and_the_production_profile_takes_it() -> None:
    [text] = re.findall(r"<<TOML\n(.*?)\nTOML\n", GUIDE, re.DOTALL)
    settings = Settings.model_validate(tomllib.loads(text))
    assert settings.profile == "production"
    assert not settings.serve_loops


def test_the_proxy_speaks_modern_tls_alone_and_tells_browsers_to() -> None:
    assert re.findall(r"ssl_protocols ([^;]+);", NGINX) == ["TLSv1.2 TLSv1.3"]
    [ciphers] = re.findall(r"ssl_ciphers ([^;]+);", NGINX)
    assert all(
        re.fullmatch(r"ECDHE-(ECDSA|RSA)-(AES\d+-GCM-SHA\d+|CHACHA20-POLY1305)", one) for one in ciphers.split(":")
    )
    [seconds] = re.findall(r'Strict-Transport-Security "max-age=(\d+); includeSubDomains" always;', NGINX)
    assert int(seconds) >= 365 * 86400


def test_the_proxy_sends_pages_to_https_and_refuses_interfaces_in_clear() -> None:
    clear = NGINX[NGINX.index("listen 80;") : NGINX.index("listen 443")]
    assert "location / { return 301 https://" in clear
    assert "location /v1/ { return 403; }" in clear
    assert "proxy_pass" not in clear


def test_the_proxy_says_who_asks_and_lets_nobody_else_say_it() -> None:
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in NGINX
    assert 'proxy_set_header Client-Cert "";' in NGINX
    assert "non_idempotent" not in NGINX, "what was sent once is not sent again by the proxy"
    [size] = re.findall(r"client_max_body_size (\d+)m;", NGINX)
    assert int(size) * 2**20 > Settings.model_fields["max_upload_bytes"].default
    [logged] = re.findall(r"log_format certsvc '([^']+)'", NGINX)
    assert not re.search(r"\$(request\b|request_uri|args|http_authorization|http_referer)", logged)


def test_the_shell_reads_every_block_and_the_program_knows_every_command_of_the_guide(tmp_path: Path) -> None:
    script = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL))
    (tmp_path / "guide.sh").write_text(script, encoding="utf-8")
    read = subprocess.run(["/bin/bash", "-n", str(tmp_path / "guide.sh")], capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    lines = [line.split("   ")[0] for line in script.splitlines() if re.match(r"certsvc [a-z]", line)]
    assert len(lines) > 20
    for line in lines:
        command: Any = typer.main.get_command(app)
        words = shlex.split(line)[1:]
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line
