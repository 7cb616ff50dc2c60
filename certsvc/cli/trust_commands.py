"""``certsvc trust``: the trust list, changed by two people, and exchanged with other instances."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.program import Program

trust_app = Program(help="信任列表与互认 · trust list and recognised cities")


@trust_app.command("list")
def trust_list() -> None:
    """现行的信任证书与互认城市 · anchors and recognitions in force."""
    from certsvc.cli.trust import describe_list

    for line in describe_list():
        typer.echo(line)


@trust_app.command("propose")
def trust_propose(
    file: Annotated[Path, typer.Argument(help="变更文件（TOML，见 docs/trust.md）", exists=True, dir_okay=False)],
    by: Annotated[str, typer.Option(help="提案人的账号（已登记，有信任列表管理员角色；沙箱为 trust-1）")],
) -> None:
    """提出信任证书、互认城市的变更 · propose entries of a TOML file."""
    from certsvc.cli.trust import propose_file

    for line in propose_file(file, by=by):
        typer.echo(line)


@trust_app.command("confirm")
def trust_confirm(
    by: Annotated[str, typer.Option(help="确认人的账号（已登记，有信任列表确认员角色，且不是提案人；沙箱为 trust-2）")],
    proposals: Annotated[list[str], typer.Argument(help="变更提案编号")],
) -> None:
    """确认变更，各进程数秒内生效 · put proposals in force."""
    from certsvc.cli.trust import confirm_proposals

    for line in confirm_proposals(proposals, by=by):
        typer.echo(line)


@trust_app.command("reject")
def trust_reject(
    by: Annotated[str, typer.Option(help="确认人的账号（沙箱为 trust-2）")],
    reason: Annotated[str, typer.Option(help="不予确认的理由")],
    proposals: Annotated[list[str], typer.Argument(help="变更提案编号")],
) -> None:
    """不予确认，写明理由 · refuse proposals."""
    from certsvc.cli.trust import reject_proposals

    for line in reject_proposals(proposals, by=by, reason=reason):
        typer.echo(line)


@trust_app.command("withdraw")
def trust_withdraw(
    by: Annotated[str, typer.Option(help="提案人的账号（沙箱为 trust-1）")],
    reason: Annotated[str, typer.Option(help="撤回的理由")],
    proposals: Annotated[list[str], typer.Argument(help="本人的变更提案编号")],
) -> None:
    """撤回本人的提案，写明理由 · take own proposals back."""
    from certsvc.cli.trust import withdraw_proposals

    for line in withdraw_proposals(proposals, by=by, reason=reason):
        typer.echo(line)


@trust_app.command("log")
def trust_log() -> None:
    """变更记录、待确认和未成的提案 · the log of changes, what waits, and what came to nothing."""
    from certsvc.cli.trust import describe_log

    for line in describe_log():
        typer.echo(line)


@trust_app.command("export")
def trust_export(
    out: Annotated[Path, typer.Argument(help="写到哪里", dir_okay=False)],
    keys: Annotated[Path | None, typer.Option(help="另写出公钥（JWKS），请经另外的渠道交给对方")] = None,
) -> None:
    """导出签名的信任列表 · the list in force as a signed document."""
    from certsvc.cli.trust import write_export

    typer.echo(write_export(out, keys))


@trust_app.command("import")
def trust_import(
    file: Annotated[Path, typer.Argument(help="导出的信任列表", exists=True, dir_okay=False)],
    keys: Annotated[Path, typer.Option(help="导出方的公钥（JWKS），应经另外的渠道取得", exists=True)],
    by: Annotated[str, typer.Option(help="提案人的账号；不填只看差异")] = "",
    reason: Annotated[str, typer.Option(help="变更理由")] = "",
    partner: Annotated[str, typer.Option(help="作为互认方导入：只取其印章根证书，用途为此代码")] = "",
) -> None:
    """查看与导入的列表有何差异，并作为提案提出（不会直接生效） · differences, as proposals."""
    from certsvc.cli.trust import import_file

    for line in import_file(file, keys, by=by, reason=reason, partner=partner):
        typer.echo(line)
