"""Whoever writes a row of the ledger names it in evidence: seen in the source, for what no test happens to run."""

from __future__ import annotations

import ast
from pathlib import Path

COMMANDS = Path(__file__).resolve().parents[2] / "certsvc" / "commands"
WRITES = frozenset({"insert_fetch", "insert_fetches", "insert_scan", "insert_scans", "insert_show", "insert_grant"})
BY_NOUN = {
    "licenses": {"insert", "insert_all", "move"},
    "seals": {"reserve"},
    "delegations": {"insert"},
    "relations": {"insert"},
    "co_holders": {"insert"},
}
NAMES = frozenset({"rows_of", "note", "announce_move"})
"""``rows_of``, and the two commands' own words that call it: ``use_rows.note`` and ``move_license.announce_move``."""


def writers(tree: ast.Module) -> list[str]:
    """Calls that write ledger rows, outermost functions by name."""
    return [
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (
            node.func.attr in WRITES
            or (isinstance(node.func.value, ast.Attribute) and node.func.attr in BY_NOUN.get(node.func.value.attr, ()))
        )
    ]


def called(tree: ast.Module) -> set[str]:
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def test_a_file_that_writes_ledger_rows_names_them_in_evidence() -> None:
    trees = {path.relative_to(COMMANDS): ast.parse(path.read_text("utf-8")) for path in COMMANDS.rglob("*.py")}
    writing = {str(path): tree for path, tree in trees.items() if writers(tree)}
    assert {"sharing/cohort.py", "oversight/pull.py", "counter/check.py", "issuance/register.py"} <= set(writing)
    assert len(writing) >= 11, "a writer goes by another name: teach it to this test and to tests/evidence_guard.py"
    assert not [path for path, tree in writing.items() if not called(tree) & NAMES]


def test_a_writer_that_forgets_is_seen() -> None:
    tree = ast.parse("def read(tx, row):\n    tx.sharing.insert_fetch(row)\n    record(tx)\n")
    assert writers(tree) == ["insert_fetch"]
    assert not called(tree) & NAMES
