"""Subcommands of ``certsvc clock``."""

from __future__ import annotations

from typing import Annotated

import typer

from certsvc.cli.program import Program

clock_app = Program(help="登记簿的时钟 · the register's clock")


@clock_app.command("show")
def clock_show(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False) -> None:
    """本机时钟与登记簿、数据库服务器的时间是否一致；退出码 0 一致、1 存疑 · whether the clock may be believed."""
    from certsvc.cli.clock import show_clock

    raise typer.Exit(show_clock(as_json=as_json))


@clock_app.command("confirm")
def clock_confirm(reason: Annotated[str, typer.Option("--reason", help="原因，写入留痕")]) -> None:
    """确认本机时钟现在是对的，各进程随即恢复办理；写入留痕 · the clock is right now, go on from here."""
    from certsvc.cli.clock import confirm

    typer.echo(confirm(reason))
