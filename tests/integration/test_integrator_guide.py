"""Every command of the integrators' guide runs as it is written, against a sandbox that listens."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures_city import ROOT

from certsvc.app import Service
from certsvc.cli.demo import serving
from certsvc.cli.serve import request_samples
from certsvc.commands.access.seed_sandbox import seed_sandbox

GUIDE = ROOT / "docs" / "integrators.md"
SAID = [
    "已同意，待开通",
    "已开通",
    "热食类食品制售；冷食类食品制售（含凉菜）；自制饮品制售（不含自酿酒）",
    "已同意",
    "<number>",
    "yes",
    "yes",
    "<copy>",
    "ok_copy",
    "信息正确且有效",
    "<webhook>",
    "已中止、撤回或更正相关办件",
    "copy_license_ended",
    "{'fetches': 3, 'copies': 1, 'answers': 1, 'refused': 0}",
    "SL-5",
]
"""What the commands print, in their order; a word in angles stands for what differs."""


@pytest.fixture
def listening(make_service: Callable[..., Service], sqlite_url: str) -> Iterator[tuple[str, Service]]:
    """A sandbox with its loops, as ``make serve`` starts it, and its address."""
    service = make_service(sqlite_url, facades=("gb_36906",))
    secrets = dict(seed_sandbox(service.deps).secrets)
    (service.settings.var_dir / "sandbox-clients.json").write_text(json.dumps(secrets), encoding="utf-8")
    request_samples(service)
    service.loops.start(workers=2, relay=True)
    with serving(service) as base:
        yield base, service


def test_the_guide_runs_from_the_first_command_to_the_last(listening: tuple[str, Service], tmp_path: Path) -> None:
    base, service = listening
    text = GUIDE.read_text(encoding="utf-8")
    assert "CERTSVC_FACADES=gb_36906 make serve" in text
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 10
    script = "\n".join(blocks)
    assert script.count("http://127.0.0.1:8700") == 1
    settings = service.settings
    found = subprocess.run(
        ["/bin/bash", "-eu", "-o", "pipefail", "-c", script.replace("http://127.0.0.1:8700", base)],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("CERTSVC_")},
            "CERTSVC_VAR_DIR": str(settings.var_dir),
            "CERTSVC_DATABASE_URL": settings.database_url,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == 0, (found.stdout, found.stderr[-2000:])
    lines = found.stdout.splitlines()
    assert len(lines) == len(SAID), found.stdout
    for line, said in zip(lines, SAID, strict=True):
        assert line == said or (said.startswith("<") and len(line) > 5), (line, said)
