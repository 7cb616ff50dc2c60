"""Papers about the program itself: ``certsvc roles`` and ``certsvc sbom``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def roles(
    out: Annotated[Path, typer.Option(help="写到哪里")] = Path("docs/roles.md"),
) -> None:
    """生成角色与接口的对照 · write the page about roles."""
    from certsvc.cli.roles_document import roles_markdown

    out.write_text(roles_markdown(), encoding="utf-8")
    typer.echo(str(out))


def sbom(
    lock: Annotated[Path, typer.Option(help="Python 依赖的锁定文件", exists=True)] = Path("requirements.lock"),
    pages: Annotated[Path, typer.Option(help="界面依赖的锁定文件", exists=True)] = Path(
        "certsvc/web/ui/package-lock.json"
    ),
    out: Annotated[Path, typer.Option(help="写到哪里")] = Path("var/sbom.cdx.json"),
) -> None:
    """生成软件物料清单（CycloneDX 1.6） · write the bill of materials."""
    from certsvc.cli.sbom import write_sbom

    count = write_sbom(lock, pages, out)
    typer.echo(f"{out}：{count} 个组件")
