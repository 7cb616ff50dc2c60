"""``certsvc archive``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.program import Program

archive_app = Program(help="归档信息包与四性检测 · archive packages")
AUTHORITY = "只看此机关（统一社会信用代码），缺省为全部"


@archive_app.command("due")
def archive_due(
    authority: Annotated[str, typer.Option(help=AUTHORITY)] = "",
    as_json: Annotated[bool, typer.Option("--json", help="每项一行 JSON")] = False,
) -> None:
    """列出已办结的办件和已终止的证照中尚未归档的 · what is to be archived."""
    from certsvc.cli.archives import list_due

    list_due(authority, as_json=as_json)


@archive_app.command("make")
def archive_make(
    out: Annotated[Path, typer.Option(help="写到哪个目录", file_okay=False)],
    authority: Annotated[str, typer.Option(help=AUTHORITY)] = "",
    identifier: Annotated[str, typer.Option(help="只做这张证照（证照标识）")] = "",
) -> None:
    """制作应归档的全部归档信息包；中断后重跑即接续，已制成的不重做 · make every package that is due."""
    from certsvc.cli.archives import make_due

    raise typer.Exit(make_due(out, authority=authority, identifier=identifier))


@archive_app.command("check")
def archive_check(
    files: Annotated[list[Path], typer.Argument(help="归档信息包（.zip），可多个", exists=True, dir_okay=False)],
    key: Annotated[
        list[str] | None, typer.Option(help="清单签名的公钥（/v1/log/keys 的 verifier_keys），可多次")
    ] = None,
    trust: Annotated[
        list[Path] | None, typer.Option(help="另加的信任证书（PEM），可多次", exists=True, dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="每个包一行 JSON")] = False,
) -> None:
    """四性检测；退出码 0 没有不通过的项目，1 有 · the four properties of a package."""
    from certsvc.cli.archives import check_paths

    raise typer.Exit(check_paths(files, key or [], trust or [], as_json=as_json))


@archive_app.command("over")
def archive_over(
    authority: Annotated[str, typer.Option(help=AUTHORITY)] = "",
    as_json: Annotated[bool, typer.Option("--json", help="每项一行 JSON")] = False,
) -> None:
    """列出保管期限已满的，不能销毁的写明原因 · what is over its retention, and what binds it."""
    from certsvc.cli.disposals import list_over

    list_over(authority, as_json=as_json)


@archive_app.command("disposals")
def archive_disposals() -> None:
    """列出鉴定清册和状态 · lists of appraisal and disposal."""
    from certsvc.cli.disposals import list_lists

    list_lists()


@archive_app.command("dispose")
def archive_dispose() -> None:
    """执行已批准、过了撤回期的销毁清册；中断后重跑即接续 · carry out what was approved and is past its undo window."""
    from certsvc.cli.disposals import dispose

    raise typer.Exit(dispose())
