"""What would embarrass an office (DOMAIN.md 6), as far as a machine can look; the rest is docs/page-checklist.md."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "certsvc"
PAGES = PACKAGE / "web" / "pages"
UI = PACKAGE / "web" / "ui" / "src"
CATALOG = PACKAGE / "catalog"

READ_BY_PEOPLE = sorted(
    path
    for place in (PAGES, UI, CATALOG)
    for path in place.rglob("*")
    if path.suffix in {".html", ".js", ".css", ".toml", ".svg", ".ts", ".vue"}
)
EXAMPLE_HOSTS = re.compile(r"(^|\.)(example|example\.(com|org|net)|localhost|invalid|test)$|^127\.0\.0\.1$")
NAMESPACES = {"www.w3.org"}
NOT_OURS_TO_ISSUE = ("居民身份证", "护照", "军官证", "医保码", "对外贸易经营者备案登记表")
WORDS = ("行程码", "核酸", "红码", "健康码", "国徽", "党徽", "国旗")
LEGAL_WORDS = ("撤销", "撤回", "注销", "吊销", "作废")
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u26ff\u2700-\u27bf]")


def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def lines() -> list[tuple[str, str]]:
    found = []
    for path in READ_BY_PEOPLE:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            found.append((f"{path.relative_to(ROOT)}:{number}", line))
    assert len(found) > 5_000, "the pages and the catalog are somewhere else"
    return found


@pytest.mark.parametrize("word", WORDS)
def test_no_page_or_type_speaks_of_what_does_not_belong_here(word: str) -> None:
    assert not [where for where, line in lines() if word in line and not line.lstrip().startswith(("#", "//"))]


def test_no_page_has_gradients_or_emoji() -> None:
    assert not [where for where, line in lines() if "gradient(" in line or EMOJI.search(line)]


def test_no_real_host_is_named_in_pages_or_catalog() -> None:
    found = [
        (where, host)
        for where, line in lines()
        for host in re.findall(r"https?://([A-Za-z0-9.-]+)", line)
        if host not in NAMESPACES and not EXAMPLE_HOSTS.search(host)
    ]
    assert not found


def test_no_host_in_the_code_or_its_tests_of_pages_could_be_somebodys() -> None:
    """Names that anyone may register or has: only those of standards, of nobody (.example) and of this machine."""
    standards = {"www.w3.org", "www.aiim.org", "ns.adobe.com", "purl.org", "json-schema.org"}
    places = [*PACKAGE.rglob("*.py"), *(ROOT / "tests" / "unit").glob("*rendering*.py")]
    found = [
        (path.name, host)
        for path in places
        for host in re.findall(r"https?://([A-Za-z0-9.-]+)", path.read_text(encoding="utf-8"))
        if host not in standards and not EXAMPLE_HOSTS.search(host.lower())
    ]
    assert not found


def test_a_button_never_uses_a_word_of_the_law_for_undo() -> None:
    """The words of a page are pairs of Chinese and English; one that is only a legal ending would label an undo."""
    labels = [
        (where, label)
        for where, line in lines()
        if "/words" in where
        for label in re.findall(r'\["([^"]*)"', line)
        if label in LEGAL_WORDS and not any(told in line for told in ("state.", "change.", "outcome"))
    ]
    assert not labels


def test_every_authority_and_every_ring_of_a_seal_is_plainly_invented() -> None:
    authorities = toml(CATALOG / "authorities.toml")["authorities"]
    assert len(authorities) > 50
    assert not [one["name"] for one in authorities if not one["name"].startswith("示例")]
    assert not [one["name"] for one in authorities if not one["region"].startswith("99")]
    names = {one["name"] for one in authorities}
    seals = toml(ROOT / "keys" / "dev.toml")["seal"]
    assert len(seals) > 10
    assert not [seal["ring_text"] for seal in seals if not seal["ring_text"].startswith("示例")]
    assert not [seal["ring_text"] for seal in seals if seal["ring_text"] not in names], "only the registered name"


def test_what_other_bodies_alone_may_issue_is_no_type() -> None:
    titles = [toml(path)["name"] for path in sorted((CATALOG / "types").glob("*.toml"))]
    assert len(titles) > 40
    assert not [title for title in titles if title in NOT_OURS_TO_ISSUE]


def test_no_number_in_a_sample_can_be_dialled() -> None:
    """Mobile numbers have 11 digits from 13 to 19; nothing in a sample may look like one."""
    mobile = re.compile(r"(?<![0-9A-Z])1[3-9][0-9]{9}(?![0-9A-Z])")
    samples = [line for where, line in lines() if "/types/" in where]
    assert not [line for line in samples if mobile.search(line)]


def test_the_lock_of_the_pages_names_no_registry_and_runs_no_script() -> None:
    """Where packages come from is the machine's affair; what they are is said by their digests."""
    lock = json.loads((UI.parent / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    brought = {name: one for name, one in lock.items() if name}
    assert len(brought) > 20
    assert not [name for name, one in brought.items() if "resolved" in one]
    assert not [name for name, one in brought.items() if not one["integrity"].startswith("sha512-")]
    assert "--ignore-scripts" in (UI.parent / "npm.sh").read_text(encoding="utf-8")
    ranges = json.loads((UI.parent / "package.json").read_text(encoding="utf-8"))
    wanted = {**ranges["dependencies"], **ranges["devDependencies"]}
    assert not {name: version for name, version in wanted.items() if not version[0].isdigit()}
