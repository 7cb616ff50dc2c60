"""What the command line says of itself is Chinese, in every command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer import rich_utils
from typer.testing import CliRunner

from certsvc.cli.commands import app
from certsvc.cli.program import HELP, PANELS

ENGLISH = (
    "Usage",
    "Options",
    "Arguments",
    "Commands",
    "Show this message",
    "[required]",
    "[default",
    "OPTIONS",
    "COMMAND",
)


def commands(group: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every group and every command below it."""
    yield path
    for one in group.registered_commands:
        yield (*path, one.name or str(one.callback.__name__).replace("_", "-"))  # type: ignore[union-attr]
    for below in group.registered_groups:
        if below.typer_instance is not None:
            yield from commands(below.typer_instance, (*path, str(below.name)))


ALL = tuple(commands(app))


def help_of(path: tuple[str, ...], *more: str) -> str:
    done = CliRunner().invoke(app, [*path, *(more or ("--help",))], env={"COLUMNS": "100", "NO_COLOR": "1"})
    return done.output


def test_no_command_is_left_out() -> None:
    assert len(ALL) > 80
    assert ("trust", "reject") in ALL


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_the_headings_of_every_help_are_chinese(path: tuple[str, ...]) -> None:
    text = help_of(path)
    assert [word for word in ENGLISH if re.search(rf"(^|\W){re.escape(word)}(\W|$)", text)] == []
    assert text.split("\n")[1].strip().startswith("用法： ")
    assert "─ 选项 ─" in text
    assert HELP in text


def test_a_slip_is_told_under_a_chinese_heading() -> None:
    text = help_of(("trust",), "reject")
    assert "用法有误" in text
    assert "trust reject --help" in text
    assert "Try" not in text


def test_every_word_that_is_replaced_is_one_of_typers() -> None:
    """A release of typer that names them otherwise is noticed here."""
    assert all(getattr(rich_utils, name) == words for name, words in PANELS.items())
    source = Path(rich_utils.__file__).read_text(encoding="utf-8")
    assert [name for name in PANELS if not re.search(rf"^{name} = ", source, re.MULTILINE)] == []


@pytest.mark.parametrize(
    "asked",
    [
        ("code", "check"),
        ("code", "check", "ELC1:0", "--bundle", "no-such-bundle.cose"),
        ("code", "check", "ELC1:0"),
        ("code", "no-such-command"),
        ("verify",),
        ("verify", "--no-such-option"),
    ],
)
def test_what_is_asked_wrongly_is_3_and_no_verdict(asked: tuple[str, ...]) -> None:
    """1 and 2 are what ``verify`` and ``code check`` say of files and codes."""
    assert CliRunner().invoke(app, asked).exit_code == 3


def test_a_command_that_is_asked_rightly_still_ends_with_its_own_code() -> None:
    assert CliRunner().invoke(app, ["code", "check", "--help"]).exit_code == 0
