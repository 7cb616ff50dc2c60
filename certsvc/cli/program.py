"""The program and its groups of commands, whose ``--help`` speaks Chinese.

typer's own words are English: some are constants of its ``rich_utils``, the line of usage and the text of ``--help``
come from its classes for commands and groups, which take others.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer import rich_utils
from typer._click.exceptions import UsageError  # typer gives it no public name
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.core import TyperOption
    from typer.models import CommandFunctionType

OPTIONS, SUBCOMMAND = "[选项]", "命令 [参数]..."
HELP = "显示本说明后退出"

_ENGLISH_USAGE, _USAGE = "Usage: ", "用法： "
"""Of one width, so that a line of usage that is broken stays in line."""

USAGE = 3
"""Exit code of what was asked wrongly: 1 and 2 are verdicts of ``verify`` and ``code check``."""

PANELS = {
    "ARGUMENTS_PANEL_TITLE": "参数",
    "OPTIONS_PANEL_TITLE": "选项",
    "COMMANDS_PANEL_TITLE": "命令",
    "ERRORS_PANEL_TITLE": "用法有误",
    "ABORTED_TEXT": "已中止。",
    "RICH_HELP": "说明见 [blue]{command_path} {help_option}[/]",
    "REQUIRED_LONG_STRING": "[必填]",
    "DEFAULT_STRING": "[缺省：{}]",
    "ENVVAR_STRING": "[环境变量：{}]",
    "DEPRECATED_STRING": "（不再使用）",
}
"""Constants of ``typer.rich_utils`` and what stands in their place."""


@contextmanager
def _asked_wrongly() -> Iterator[None]:
    """Give typer's own errors of usage our exit code; it has 2."""
    try:
        yield
    except UsageError as error:
        error.exit_code = USAGE
        raise


class _Chinese:
    """What commands and groups say of themselves."""

    def make_context(self, *args: Any, **how: Any) -> Any:
        """Options and arguments are read here."""
        with _asked_wrongly():
            return super().make_context(*args, **how)  # type: ignore[misc]  # of the class beside it

    def invoke(self, ctx: Any) -> Any:
        """The command below is looked for here."""
        with _asked_wrongly():
            return super().invoke(ctx)  # type: ignore[misc]  # of the class beside it

    def get_usage(self, ctx: Any) -> str:
        """The line of usage."""
        usage: str = super().get_usage(ctx)  # type: ignore[misc]  # of the class beside it
        return usage.replace(_ENGLISH_USAGE, _USAGE, 1)

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        """``--help``."""
        option: TyperOption | None = super().get_help_option(ctx)  # type: ignore[misc]  # of the class beside it
        if option is not None:
            option.help = HELP
        return option


class _Command(_Chinese, TyperCommand):
    """A command."""


class _Group(_Chinese, TyperGroup):
    """A group of commands."""


class Program(typer.Typer):
    """A group of commands, or the whole; without a command it tells what there is."""

    def __init__(self, **how: Any) -> None:
        """As typer's, whose names ``how`` takes."""
        words = {"options_metavar": OPTIONS, "subcommand_metavar": SUBCOMMAND}
        ours: dict[str, Any] = {"cls": _Group, "no_args_is_help": True, **words, **how}
        super().__init__(**ours)
        for name, panel in PANELS.items():
            setattr(rich_utils, name, panel)

    def command(self, name: str | None = None, **how: Any) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """As typer's."""
        ours: dict[str, Any] = {"cls": _Command, "options_metavar": OPTIONS, **how}
        return super().command(name, **ours)
