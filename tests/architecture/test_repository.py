"""What must never be committed: secrets and data of real people. Every tracked text file is looked through, offline."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from certsvc.errors import CertsvcError
from certsvc.identifiers.citizen_id import CitizenId

ROOT = Path(__file__).resolve().parents[2]

SECRETS = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE " + r"KEY-----"),
    "AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b"),
    "GitLab token": re.compile(r"\bglpat-[A-Za-z0-9_-]{20}\b"),
    "Slack token": re.compile(r"\bxox[abposr]-[A-Za-z0-9-]{20,}"),
    "API key": re.compile(r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}"),
    "password in a URL": re.compile(
        r"[a-z]+://[^\s/:@\"'{}<>$]+:(?!\$|\{|<|…|word@|secret@zz\.a\.example)[^\s/@\"'{}<>$]{3,}@"
    ),
}
ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{9}[\dXx](?![0-9A-Za-z])")
MOBILE = re.compile(r"(?<![0-9A-Za-z.])1[3-9]\d{9}(?![0-9A-Za-z])")
MAIL = re.compile(r"[A-Za-z0-9._%+-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
EXAMPLE_MAIL = re.compile(r"(^|\.)(example|invalid|test|localhost)(\.(com|org|net|cn|gov\.cn))?$")


def texts() -> list[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, cwd=ROOT, check=True).stdout.split(b"\0")
    found = []
    for name in (one.decode() for one in listed if one):
        try:
            found.append((name, (ROOT / name).read_text(encoding="utf-8")))
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    assert len(found) > 1_000
    return found


TEXTS = texts()


NO_MAIL = {"postgres@127.0.0.1", "ALICE123@YAHOO.COM"}
"""An address of a database, and the user of the example in GB/T 32918.2, annex A."""
PUBLISHED = {"11010519491231002X", "34052419800101001X"}
"""Examples that GB 11643 and its commentaries print."""


def is_somebody(number: str) -> bool:
    """Whether it could be a real person's: a true check digit, and a region outside 99, which nobody has."""
    if number.startswith("99"):
        return False
    try:
        CitizenId.parse(number.upper())
    except CertsvcError:
        return False
    return True


def lines(pattern: re.Pattern[str]) -> list[tuple[str, int, re.Match[str]]]:
    return [
        (name, text.count("\n", 0, found.start()) + 1, found)
        for name, text in TEXTS
        for found in pattern.finditer(text)
    ]


@pytest.mark.parametrize("kind", SECRETS)
def test_no_secret_is_committed(kind: str) -> None:
    assert not [
        (name, line) for name, line, _ in lines(SECRETS[kind]) if name != "tests/architecture/test_repository.py"
    ]


def test_no_number_could_be_a_citizens() -> None:
    assert not [
        (name, line, found[0])
        for name, line, found in lines(ID_NUMBER)
        if is_somebody(found[0]) and found[0].upper() not in PUBLISHED
    ]


def test_no_mail_address_could_be_somebodys() -> None:
    assert not [
        (name, line, found[0])
        for name, line, found in lines(MAIL)
        if not EXAMPLE_MAIL.search(found[1].lower()) and found[0] not in NO_MAIL
    ]


def test_nothing_of_a_running_service_is_committed() -> None:
    bad = re.compile(r"(^|/)(var|\.venv|node_modules|built)/|\.(key|p12|pfx|sqlite3|pem\.bak|env)$|(^|/)\.env$")
    assert not [name for name, _ in TEXTS if bad.search(name)]


def test_the_scan_finds_what_it_looks_for() -> None:
    planted = {
        "private key": "-----BEGIN EC PRIVATE " + "KEY-----",
        "AWS key": "AKIA" + "ABCDEFGHIJKLMNOP",
        "GitHub token": "ghp_" + "a1" * 18,
        "GitLab token": "glpat-" + "a1" * 10,
        "Slack token": "xoxb-" + "1234567890-abcdefghijk",
        "API key": "sk-" + "a1" * 20,
        "password in a URL": "postgresql://certsvc:" + "hunter22@db/certsvc",
    }
    assert planted.keys() == SECRETS.keys()
    assert not [kind for kind, text in planted.items() if not SECRETS[kind].search(text)]
    assert is_somebody("11010519491231" + "002X")
    assert not is_somebody("110105194912310021")
