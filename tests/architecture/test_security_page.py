"""The page about threats names tests: each is there, each door has its threats, and what is not proven says so."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from certsvc.api.application import FACADES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
SECTIONS = {
    part.split(" · ")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:] if "| 威胁 |" in part
}
DOOR = re.compile(r"^门：(.+)$", re.MULTILINE)
PAGES, INSIDE = "页面", {"数据库与文件", "供应与部署"}
"""Pages are whatever no other section names; inside there are no addresses."""
BEHIND = {
    name: re.findall(r"`(/[^`]+)`", DOOR.findall(text)[0])
    for name, text in SECTIONS.items()
    if name not in {PAGES, *INSIDE}
}
FEWEST_LETTERS = 3
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


def test_every_door_has_its_threats_of_several_kinds() -> None:
    for name, text in SECTIONS.items():
        found = {letter for letter, *_ in THREAT.findall(text)}
        assert name in INSIDE or len(found) >= FEWEST_LETTERS, name
        assert bool(DOOR.search(text)) != (name in INSIDE), name


def addresses() -> list[str]:
    """Of every kind: the document's, those of the older interfaces, of the pages, and of the door of operators."""
    document = json.loads((ROOT / "openapi" / "certsvc.json").read_text(encoding="utf-8"))
    found = list(document["paths"])
    found += [
        route.path for module in FACADES.values() for route in module.router.routes if isinstance(route, APIRoute)
    ]
    door = (ROOT / "certsvc" / "api" / "operations_door.py").read_text(encoding="utf-8")
    found += re.findall(r'case "(/\w+)"', door)
    return found


@pytest.mark.parametrize("address", sorted(addresses()))
def test_every_address_is_behind_one_door_of_the_page(address: str) -> None:
    behind = {name for name, prefixes in BEHIND.items() for one in prefixes if f"{address}/".startswith(f"{one}/")}
    assert len(behind) == 1, f"{address}: write its threats in docs/security.md, and the address under 门"


def test_no_door_of_the_page_leads_nowhere_and_none_is_written_twice() -> None:
    there = addresses()
    written = [one for prefixes in BEHIND.values() for one in prefixes]
    assert len(written) == len(set(written))
    assert not [one for one in written if not any(f"{address}/".startswith(f"{one}/") for address in there)]
    assert len(there) > 250
    assert {"/metrics", "/readyz"} <= set(there)


def test_asvs_tells_every_chapter_and_what_is_claimed_is_proven() -> None:
    found = ASVS.findall(PAGE)
    assert [chapter for chapter, _, _ in found] == [f"V{number}" for number in range(1, 18)]
    for chapter, state, proof in found:
        assert state in {"做到", "部分", "不适用"}, chapter
        assert state != "做到" or NAMED.search(proof), chapter
        assert state == "做到" or re.search(r"[\u4e00-\u9fff]{2}", proof), chapter
