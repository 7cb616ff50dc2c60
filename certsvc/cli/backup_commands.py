"""Subcommands of ``certsvc backup``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.program import Program

backup_app = Program(help="备份与恢复 · backup and restore")

Backup = Annotated[Path, typer.Argument(help="备份目录", exists=True, file_okay=False)]


@backup_app.command("create")
def backup_create(
    to: Annotated[Path, typer.Option("--to", help="备份到哪个目录（新的或空的）", file_okay=False)],
) -> None:
    """备份数据库和文件；不含密钥，只记密钥指纹 · back up database and objects, never keys."""
    from certsvc.cli.backup import create_backup

    typer.echo(create_backup(to))


@backup_app.command("check")
def backup_check(
    directory: Backup,
    database: Annotated[str, typer.Option("--database-url", help="PostgreSQL 的备份：试恢复到这个空的数据库")] = "",
    sample: Annotated[int, typer.Option(min=0, help="对账时只抽读这么多份文件，0 为全部")] = 0,
) -> None:
    """查验备份：摘要、数据库副本、对账；退出码 0 可用、1 有问题 · check digests, open the copy, compare its books."""
    from certsvc.cli.backup import check_backup

    raise typer.Exit(check_backup(directory, database, sample=sample))


@backup_app.command("restore")
def backup_restore(
    directory: Backup,
    var_dir: Annotated[Path, typer.Option(help="恢复到哪个目录（新的或空的）", file_okay=False)],
    database: Annotated[str, typer.Option("--database-url", help="PostgreSQL 的备份：恢复到这个空的数据库")] = "",
    skip: Annotated[int, typer.Option(min=0, help="事件位置和编号序列跳过多少，避开备份之后已发出的")] = 0,
) -> None:
    """恢复到空的目录；密钥另行放回 · restore into an empty place; keys are brought back apart."""
    from certsvc.cli.backup import restore_backup

    typer.echo(restore_backup(directory, var_dir, database, skip=skip))
