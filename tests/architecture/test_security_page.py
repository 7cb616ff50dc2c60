"""The page about threats names tests: each is there, each door has its threats, and what is not proven says so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
DOORS = re.findall(r"^## (.+?) · ", PAGE, re.MULTILINE)
THREAT = re.compile(r"^\| ([STRIDE]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ASVS = re.compile(r"^\| (V\d+) [^|]+ \| (\S+) \| ([^|]+) \|$", re.MULTILINE)


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED.findall(PAGE)}))
def test_every_test_that_the_page_names_exists(path: str) -> None:
    assert {name for where, name in NAMED.findall(PAGE) if where == path} - functions_of(path) == set()


def test_no_mention_of_a_test_is_written_in_another_form() -> None:
    assert len(re.findall(r"tests/\w+/test_\w+\.py::", PAGE)) == len(NAMED.findall(PAGE)) > 60


def test_every_threat_has_a_measure_and_a_test_and_every_letter_occurs() -> None:
    found = THREAT.findall(PAGE)
    rows = [line for line in PAGE.splitlines() if re.match(r"\| [A-Z] \|", line)]
    assert len(found) == len(rows) > 35, "a row of another form"
    assert not [threat for _, threat, _, proof in found if not NAMED.search(proof)]
    assert {letter for letter, *_ in found} == set("STRIDE")
    assert len(DOORS) == 10, "nine doors, and what is not done"


def test_asvs_tells_every_chapter_and_what_is_claimed_is_proven() -> None:
    found = ASVS.findall(PAGE)
    assert [chapter for chapter, _, _ in found] == [f"V{number}" for number in range(1, 18)]
    for chapter, state, proof in found:
        assert state in {"做到", "部分", "不适用"}, chapter
        assert state != "做到" or NAMED.search(proof), chapter
        assert state == "做到" or re.search(r"[\u4e00-\u9fff]{2}", proof), chapter
