"""What an auditor may choose from is what the program writes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import certsvc.commands
from certsvc.commands.console.history import COUNTED
from certsvc.commands.console.kinds import FAMILIES, check_kind
from certsvc.commands.console.timeline import KINDS
from certsvc.errors import InvalidInput

COMMANDS = Path(certsvc.commands.__file__).parent
KIND = re.compile(r"[a-z_]+\.[a-z_]*")
ELSEWHERE = {"reach", "get_logger", "debug", "info", "warning", "error", "exception"}
"""Calls whose words look like kinds and are none: places of faults, and what is logged."""


def text_of(node: ast.AST, named: Mapping[str, str]) -> str:
    """What a file itself says of a kind: of f-strings the beginning; empty where it says nothing."""
    if isinstance(node, ast.JoinedStr):
        return text_of(node.values[0], named)
    if isinstance(node, ast.Name):
        return named.get(node.id, "")
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def written(tree: ast.Module) -> Iterator[str]:
    """The kinds, or their beginnings, that a file hands to ``record``.

    Where it hands over a variable, every text of the file that has the form of a kind, but for :data:`ELSEWHERE`.
    """
    nodes = list(ast.walk(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    named = {
        target.id: text_of(node.value, {})
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    recorders = {
        name.asname or name.name
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.name == "record"
    }
    asked = [
        word.value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in recorders
        for word in call.keywords
        if word.arg == "kind"
    ]
    said = [text_of(kind, named) for kind in asked]
    yield from filter(None, said)
    if not all(said):
        places = {
            id(one)
            for call in calls
            if isinstance(call.func, ast.Attribute) and call.func.attr in ELSEWHERE
            for one in [*call.args, *(word.value for word in call.keywords)]
        }
        texts = (text_of(node, {}) for node in nodes if id(node) not in places)
        yield from (text for text in texts if KIND.fullmatch(text))


@pytest.fixture(scope="module")
def found() -> set[str]:
    """Of the whole program."""
    kinds = {kind for path in COMMANDS.rglob("*.py") for kind in written(ast.parse(path.read_text(encoding="utf-8")))}
    assert len(kinds) > 120
    return kinds


def test_every_kind_that_is_written_can_be_chosen(found: set[str]) -> None:
    assert {kind for kind in found if kind.partition(".")[0] not in FAMILIES} == set()


def test_every_family_that_can_be_chosen_is_written(found: set[str]) -> None:
    assert set(FAMILIES) - {kind.partition(".")[0] for kind in found} == set()


@pytest.mark.parametrize("named", [KINDS, COUNTED], ids=["told", "counted"])
def test_every_kind_that_a_history_names_is_written(found: set[str], named: Mapping[str, Any]) -> None:
    begun = tuple(kind for kind in found if kind.endswith("."))
    assert {kind for kind in named if kind not in found and not kind.startswith(begun)} == set()


@pytest.mark.parametrize("kind", ["", "seal.", "seal.used", "co_holder.added"])
def test_a_kind_and_its_beginning_are_taken(kind: str) -> None:
    check_kind(kind)


@pytest.mark.parametrize("kind", ["seal", "sea", "nothing.", ".", ".used"])
def test_what_no_leaf_is_called_is_refused(kind: str) -> None:
    with pytest.raises(InvalidInput):
        check_kind(kind)
