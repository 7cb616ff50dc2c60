"""Subcommands of ``certsvc supervision``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.program import Program

supervision_app = Program(help="电子监察 · supervision")


@supervision_app.callback()
def group() -> None:
    """电子监察 · supervision."""


@supervision_app.command("sheet")
def supervision_sheet(
    month: Annotated[str, typer.Option(help="月份，如 2026-10")],
    department: Annotated[str, typer.Option(help="只制此部门的（统一社会信用代码）；缺省为总表和每个部门的表")] = "",
    out: Annotated[Path, typer.Option(help="写到哪个目录", file_okay=False)] = Path(),
) -> None:
    """制月度通报（XLSX） · the monthly sheets."""
    from certsvc.cli.supervision import write_sheets

    for path in write_sheets(month, department, out):
        typer.echo(str(path))
