"""Every command of the auditors' page runs as it is written, in its order, against a sandbox that listens."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from command_line import environment
from fixtures_city import ROOT, ServedCity
from log_city import FOOD, settle

from certsvc.cli.demo import serving

GUIDE = ROOT / "docs" / "evidence.md"
PATIENCE_S = 600
"""Six command lines are started one after the other, on a machine that may be busy."""


@pytest.mark.timeout(2 * PATIENCE_S)
def test_the_page_runs_from_the_first_command_to_the_last(small_city: ServedCity, tmp_path: Path) -> None:
    done = small_city.issue(FOOD, "LOG-GUIDE")
    small_city.move(done["identifier"], "revoke", slug=FOOD)
    settle(small_city)
    keys, first, *later = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert "checkpoint-$(date" in first
    # What follows is done on another day: a checkpoint of the day itself proves nothing.
    script = "\n".join([keys, first, "date() { echo 2099-01-02; }", *later, 'echo "kept $OLD"'])
    assert script.count("http://127.0.0.1:8700") == 1
    place = tmp_path / "auditor"
    place.mkdir()
    with serving(small_city.service) as base:
        found = subprocess.run(
            ["/bin/bash", "-eu", "-o", "pipefail", "-c", script.replace("http://127.0.0.1:8700", base)],
            cwd=place,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("CERTSVC_")},
                **environment(small_city),
                "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "IDENTIFIER": done["identifier"],
                "TOKEN": small_city.system()["Authorization"].removeprefix("Bearer "),
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert found.returncode == 0, (found.stdout, found.stderr[-2000:])
    said = found.stdout
    assert re.search(r"^kept checkpoint-20\d\d-\d\d-\d\d\.txt$", said, re.MULTILINE)
    assert "kept checkpoint-2099" not in said
    assert said.count("全部与日志一致") == 3
    assert '"agrees": true' in said
    assert said.count("状态 revoked：1 次办理均在日志中") == 2
    assert '{"number":' in said
    assert "不通过" not in said
    assert "第 1 条在日志中" in said
