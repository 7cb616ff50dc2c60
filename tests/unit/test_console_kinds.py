"""What an auditor may choose from is what the program writes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import certsvc.commands
from certsvc.commands.console.kinds import FAMILIES, check_kind
from certsvc.errors import InvalidInput

COMMANDS = Path(certsvc.commands.__file__).parent


def written(tree: ast.Module) -> Iterator[str]:
    """The kinds that a file hands to ``record``, as far as the file itself says them; of f-strings the beginning."""
    named = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "record"):
            continue
        for kind in (word.value for word in node.keywords if word.arg == "kind"):
            first = kind.values[0] if isinstance(kind, ast.JoinedStr) else kind
            said = named.get(first.id) if isinstance(first, ast.Name) else getattr(first, "value", None)
            if isinstance(said, str):
                yield said


def test_every_kind_that_is_written_can_be_chosen() -> None:
    found = {kind for path in COMMANDS.rglob("*.py") for kind in written(ast.parse(path.read_text(encoding="utf-8")))}
    assert len(found) > 60
    assert {kind for kind in found if kind.partition(".")[0] not in FAMILIES} == set()


@pytest.mark.parametrize("kind", ["", "seal.", "seal.used", "co_holder.added"])
def test_a_kind_and_its_beginning_are_taken(kind: str) -> None:
    check_kind(kind)


@pytest.mark.parametrize("kind", ["seal", "sea", "nothing.", ".", ".used"])
def test_what_no_leaf_is_called_is_refused(kind: str) -> None:
    with pytest.raises(InvalidInput):
        check_kind(kind)
