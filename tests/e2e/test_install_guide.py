"""The guide of the server shape, pasted as it stands into a machine of its own, from the users to the drill.

What section 1 brings (packages, ``make setup``) is taken from this machine; every other block runs as it is written.
"""

from __future__ import annotations

import re

import pytest
from guide_machine import ROOT, lacking, run_on_machine

MISSING = lacking()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(bool(MISSING), reason=f"没有走安装指南：本机缺 {'、'.join(MISSING)}"),
]
GUIDE = (ROOT / "docs" / "install-server.md").read_text(encoding="utf-8")
TIMEOUT_S = 3400.0
UNITS = """install -m 0644 /opt/certsvc/docs/deploy/certsvc-*.service /etc/systemd/system/
units=$(for kind in serve worker relay; do echo "certsvc-${kind}@1.service"; done)
systemd-analyze verify certsvc-objects.service certsvc-nats.service $units
echo verified $?
"""
"""Where there is systemd: its own checker over the units, with the programs where they say."""


def blocks() -> list[tuple[int, str]]:
    """Section and text of every block for the shell."""
    found = []
    for part in re.split(r"^## (?=\d)", GUIDE, flags=re.MULTILINE)[1:]:
        number = int(part.partition(".")[0])
        found += [(number, text) for text in re.findall(r"^```sh\n(.*?)^```", part, re.DOTALL | re.MULTILINE)]
    return found


def script() -> str:
    lines = ["trap 'echo \"!! $? $BASH_COMMAND\"' ERR"]
    for number, text in blocks():
        brought = [line for line in text.splitlines() if line.startswith("/opt/certsvc/")]
        lines += [f"echo; echo '=={number}=='", "\n".join(brought) if number == 1 else text]
    return "\n".join([*lines, "echo; echo '==units=='", UNITS, "echo; echo '==end=='", ""])


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the terminal shows, by section."""
    return sections(run_on_machine(script(), tmp_path_factory.mktemp("machine"), timeout_s=TIMEOUT_S))


def sections(written: str) -> dict[str, str]:
    """What was written, by the section that wrote it."""
    parts = re.split(r"^==(\w+)==$", written, flags=re.MULTILINE)
    found: dict[str, str] = {}
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        found[name] = found.get(name, "") + text
    assert "end" in found, written[-3000:]
    return found


def test_no_command_of_the_guide_fails(said: dict[str, str]) -> None:
    failed = [line for text in said.values() for line in text.splitlines() if line.startswith("!! ")]
    assert failed == []
    assert {number for number, _ in blocks()} == {int(name) for name in said if name.isdigit()}


def test_the_first_license_is_ours_here_and_its_seal_holds_elsewhere(said: dict[str, str]) -> None:
    told, _, door = said["17"].partition("没有与登记比对：")
    here, elsewhere = re.split(r"^(?=\S+ \S+  license\.pdf$)", told, flags=re.MULTILINE)[1:]
    assert here.startswith("✔ 通过"), here
    assert "与登记的原件一致" in here
    assert elsewhere.startswith("◐ 印章有效（未与登记比对）"), "a seal alone says nothing of the state"
    assert re.search(r"^    信任　+通过$", elsewhere, re.MULTILINE)
    assert door.splitlines()[1] == "ok", "and the public door knows it too"
    assert "green" in said["18"].split()


def test_a_worker_that_is_killed_loses_nothing_and_gives_nothing_twice(said: dict[str, str]) -> None:
    told = said["19"]
    assert len(re.findall(r"^certsvc_dependency_up\{.*\} 1", told, re.MULTILINE)) >= 3
    counted = re.findall(r"^(\d+) metrics (\d{4})$", told, re.MULTILINE)
    assert [port for _, port in counted] == ["9471", "9472", "9481", "9482", "9491", "9492"]
    assert all(int(lines) > 10 for lines, _ in counted)
    assert "不同的标识 4" in told
    assert "账目一致" in told


def test_the_drill_restores_with_the_programs_of_the_servers_version(said: dict[str, str]) -> None:
    told = said["20"]
    versions = re.findall(r"Dumped (?:from database|by pg_dump) version: (\d+)", told)
    assert len(versions) == 2
    assert len(set(versions)) == 1, "pg_dump is of the server's major version"
    assert told.count("账目一致") == 2, "the check of the copy, and the reconciliation of what was restored"
    assert re.search(r"^✔ 通过  license\.pdf$", told, re.MULTILINE)
    assert "与登记的原件一致" in told
    assert '"ready":true' in told.replace(" ", ""), "the service answers over what was restored"


def test_the_proxy_and_the_units_of_the_guide_pass_their_own_checkers(said: dict[str, str]) -> None:
    assert "test is successful" in said["15"]
    assert re.search(r"^200 2$", said["15"], re.MULTILINE), "HTTP/2"
    assert re.search(r"^403$", said["15"], re.MULTILINE)
    assert "verified 0" in said["units"]
    assert not [line for line in said["units"].splitlines() if "certsvc-" in line], "not a word about ours"


def test_every_section_of_the_guide_is_numbered_and_says_whether_it_was_gone_through() -> None:
    """Sections with commands bear a mark, in the head or, where there are two ways, at each way."""
    parts = re.split(r"^## (?=\d)", GUIDE, flags=re.MULTILINE)[1:]
    assert [int(part.partition(".")[0]) for part in parts] == list(range(1, len(parts) + 1))
    for part in parts:
        head = part.partition("\n")[0]
        assert "```sh" not in part or re.search(r"[✔○]", part), head
