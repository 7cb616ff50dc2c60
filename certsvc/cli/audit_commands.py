"""``certsvc audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.program import Program

audit_app = Program(help="留痕日志与证据包 · evidence log")


@audit_app.command("verify")
def audit_verify(
    log_only: Annotated[bool, typer.Option("--log-only", help="只重算日志，不核对业务数据")] = False,
    files: Annotated[bool, typer.Option("--files/--no-files", help="是否逐件读取证照文件")] = True,
    kept: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint", help="以前保存的检查点，现在的日志须以它为开头；可多次", exists=True, dir_okay=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """重算全部留痕日志，找出改动、删除、调换和截断；退出码 0 一致、1 有出入 · recompute everything that was logged."""
    from certsvc.cli.audit import run_audit

    raise typer.Exit(run_audit(rows=not log_only, files=files, kept=kept or [], as_json=as_json))


@audit_app.command("continue")
def audit_continue(
    reason: Annotated[str, typer.Option(help="为什么：恢复、主备切换等，写入留痕")],
) -> None:
    """数据库退回后（恢复、主备切换），日志以另一名称从现在的状态接续 · go on under another name after a restore."""
    from certsvc.cli.audit import continue_under_new_name

    typer.echo(continue_under_new_name(reason))


@audit_app.command("bundle")
def audit_bundle(
    identifier: Annotated[str, typer.Argument(help="证照标识")],
    out: Annotated[Path, typer.Option(help="写到哪个目录，或文件名（.zip）")] = Path(),
) -> None:
    """写出一张证照的证据包，可脱机验证 · the evidence bundle of a license."""
    from certsvc.cli.audit import write_bundle

    typer.echo(str(write_bundle(identifier, out)))


@audit_app.command("verifier")
def audit_verifier() -> None:
    """输出独立验证程序，只用 Python 标准库：certsvc audit verifier > verify.py · the stand-alone verifier."""
    from certsvc.cli.audit import print_verifier

    print_verifier()
