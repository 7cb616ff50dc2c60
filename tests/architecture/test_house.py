"""The rules of the house that import-linter and ruff cannot see, each with its checker."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "certsvc"
BROUGHT = {"node_modules", "built"}
"""Folders in the package that ``make ui`` fills with what others wrote."""
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if not BROUGHT.intersection(path.parts))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
DRAWERS = {"utils", "util", "misc", "helpers", "common", "shared"}


@dataclass(frozen=True)
class Mark:
    """What the rules look at: a function, an ``assert`` or an attribute, and where it stands.

    ``returns`` is a function's plain return type, or nothing.
    """

    path: Path
    kind: str
    name: str
    line: int
    lines: int
    returns: str = ""

    @property
    def place(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def mark(path: Path, node: ast.AST) -> Mark | None:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            returns = node.returns.id if isinstance(node.returns, ast.Name) else ""
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            return Mark(path, type(node).__name__, node.name, node.lineno, lines, returns)
        case ast.Assert():
            return Mark(path, "Assert", "", node.lineno, 1)
        case ast.Attribute():
            return Mark(path, "Attribute", node.attr, node.lineno, 1)
    return None


@cache
def marks() -> tuple[Mark, ...]:
    """Every file is read once for all rules, and its tree let go: all of them at once are millions of objects."""
    found: list[Mark] = []
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [one for node in ast.walk(tree) if (one := mark(path, node)) is not None]
    return tuple(found)


def test_the_rules_see_what_they_look_for() -> None:
    tree = ast.parse("async def verify(a) -> bool:\n    assert a\n    a.commit()\n")
    assert [one for node in ast.walk(tree) if (one := mark(ROOT, node)) is not None] == [
        Mark(ROOT, "AsyncFunctionDef", "verify", 1, 3, "bool"),
        Mark(ROOT, "Assert", "", 2, 1),
        Mark(ROOT, "Attribute", "commit", 3, 1),
    ]
    assert {one.kind for one in marks()} >= {"FunctionDef", "AsyncFunctionDef", "Attribute"}


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): n for path in SOURCES if (n := len(path.read_text().splitlines())) > MAX_FILE_LINES
    }
    assert not long


def test_no_function_is_longer_than_60_lines() -> None:
    functions = [one for one in marks() if one.kind in {"FunctionDef", "AsyncFunctionDef"}]
    long = {f"{one.place}:{one.name}": one.lines for one in functions if one.lines > MAX_FUNCTION_LINES}
    assert not long


def test_no_file_is_a_drawer() -> None:
    assert not [path for path in SOURCES if path.stem in DRAWERS or path.parent.name in DRAWERS]


def test_only_the_unit_of_work_commits() -> None:
    allowed = {PACKAGE / "store" / name for name in ("uow.py", "group_commit.py", "migrate.py")}
    commits = [one for one in marks() if one.kind == "Attribute" and one.name == "commit"]
    assert {one.path for one in commits} & allowed
    assert not [one.place for one in commits if one.path not in allowed]


def test_a_verification_gives_a_verdict_and_never_a_bare_bool_outside_the_signing_room() -> None:
    found = [
        f"{one.place}:{one.name}"
        for one in marks()
        if one.path.parent.name != "signing"
        and one.kind == "FunctionDef"
        and one.name.startswith("verify")
        and one.returns == "bool"
    ]
    assert not found


def test_products_never_rely_on_assert() -> None:
    found = [one.place for one in marks() if one.kind == "Assert"]
    assert not found, "python -O would remove the check"


def test_every_module_imports_without_opening_a_socket_or_reading_settings() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
        if path.name != "__main__.py" and "inspection_worker" not in path.name
    ]
    script = (
        # urllib3 asks the machine for IPv6 when it is imported; that is its own affair.
        "import socket, importlib, sys, urllib3\n"
        "def refuse(*a, **k): raise SystemExit('a socket was opened at import')\n"
        "socket.socket.connect = refuse\nsocket.socket.bind = refuse\n"
        f"for name in {names!r}:\n    importlib.import_module(name)\n"
        "print('imported')\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd="/", check=False)
    assert run.stdout.strip() == "imported", run.stderr[-2000:]


BANNED_WORDS = ("licence", "红码", "健康码", "冻结印章")


@pytest.mark.parametrize("word", BANNED_WORDS)
def test_words_that_would_embarrass_us_stand_nowhere_in_code_data_or_pages(word: str) -> None:
    suffixes = {".py", ".toml", ".html", ".js", ".css", ".json", ".ts", ".vue"}
    exempt = {"fonts.toml", "package-lock.json"}
    found = []
    for path in PACKAGE.rglob("*"):
        if path.suffix not in suffixes or path.name in exempt or BROUGHT.intersection(path.parts):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if word in line.lower() and "never" not in line.lower():
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert not found


def test_no_private_key_and_no_machine_path_is_in_the_tree() -> None:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True).stdout.split()
    bad: list[tuple[str, bytes]] = []
    for name in listed:
        text = (ROOT / name).read_bytes()
        marks = (b"PRIVATE " + b"KEY-----", b"/work" + b"/main", b"/roo" + b"t/.")
        bad.extend((name, mark) for mark in marks if mark in text)
    assert not bad
