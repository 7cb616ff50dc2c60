"""``certsvc matters``: the list of matters, what they may ask for, and what points to nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.program import Program

matters_app = Program(help="事项与用证策略 · matters and policies")


@matters_app.command("import")
def matters_import(
    file: Annotated[Path, typer.Argument(help="事项清单（.csv 或 .toml），须是全量", exists=True, dir_okay=False)],
    source: Annotated[str, typer.Option(help="清单来源，如“省政务服务事项管理系统”")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只核对，不导入")] = False,
    endings: Annotated[int | None, typer.Option(help="确认终止的事项数，超过 10 项时必填")] = None,
) -> None:
    """导入事项清单的新版本，全部成功或全部不导入 · import a version of the list, all of it or nothing."""
    from certsvc.cli.matters import import_matters

    for line in import_matters(file, source or file.name, dry_run=dry_run, endings=endings):
        typer.echo(line)


@matters_app.command("list")
def matters_list(
    authority: Annotated[str, typer.Option(help="实施主体，缺省为全部")] = "",
) -> None:
    """列出事项 · the list of matters."""
    from certsvc.cli.matters import describe_matters

    for line in describe_matters(authority):
        typer.echo(line)


@matters_app.command("log")
def matters_log(code: Annotated[str, typer.Argument(help="事项实施编码")]) -> None:
    """一个事项的变更记录和可用证照 · what became of one matter, and what it may ask for."""
    from certsvc.cli.matters import describe_matter

    for line in describe_matter(code):
        typer.echo(line)


@matters_app.command("preview")
def matters_preview(
    matter: Annotated[str, typer.Argument(help="事项实施编码")],
    authority: Annotated[str, typer.Argument(help="部门统一社会信用代码")],
    kind: Annotated[str, typer.Argument(help="证照类型")],
) -> None:
    """预览：该部门办该事项时能看到此类证照的什么 · what would this matter see of this type?"""
    from certsvc.cli.matters import preview

    for line in preview(matter, authority, kind):
        typer.echo(line)


@matters_app.command("orphans")
def matters_orphans() -> None:
    """列出指向已终止事项或不存在内容的用证策略 · policies that point to nothing."""
    from certsvc.cli.matters import describe_orphans

    for line in describe_orphans():
        typer.echo(line)


@matters_app.command("open")
def matters_open(
    policy_id: Annotated[str, typer.Argument(help="用证策略编号")],
    by: Annotated[str, typer.Option(help="系统管理员（certsvc people bind 绑定的账号）")],
    on: Annotated[str, typer.Option(help="生效日期，缺省为今日")] = "",
) -> None:
    """开通已同意的用证策略 · open a policy that the issuer agreed to."""
    from certsvc.cli.matters import open_one

    typer.echo(open_one(policy_id, by=by, on=on))
