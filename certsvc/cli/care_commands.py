"""Subcommands of ``certsvc care``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from certsvc.cli.care_plan_commands import plan_app
from certsvc.cli.program import Program
from certsvc.errors import InvalidInput
from certsvc.seal.care import LossKind

DAY = ["%Y-%m-%d"]

care_app = Program(help="长期保管 · long-life care")


care_app.add_typer(plan_app, name="plan")


@care_app.callback()
def group() -> None:
    """长期保管 · long-life care."""


@care_app.command("inventory")
def care_inventory(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False) -> None:
    """清点在用文件所依赖的算法、证书、印章、时间戳 · what files stand on."""
    from certsvc.cli.care import print_inventory

    print_inventory(as_json=as_json)


@care_app.command("breaks")
def care_breaks(
    ca: Annotated[str, typer.Option(help="证书颁发机构：密钥标识或名称")] = "",
    seal: Annotated[str, typer.Option(help="印章编号")] = "",
    algorithm: Annotated[str, typer.Option(help="算法，如 rsa、rsa2048、sha256")] = "",
    tsa: Annotated[str, typer.Option(help="时间戳机构：名称或证书摘要")] = "",
    at: Annotated[datetime | None, typer.Option(formats=DAY, help="自哪一天起不可再依赖，缺省为今天")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """失效推演：某一项不可再依赖时哪些文件不能再验证；都不填则看自然失效 · what breaks, and when."""
    from certsvc.cli.care import print_breaks

    asked = {LossKind.CA: ca, LossKind.SEAL: seal, LossKind.ALGORITHM: algorithm, LossKind.TSA: tsa}
    given = [(kind, value) for kind, value in asked.items() if value]
    if len(given) > 1:
        raise InvalidInput("一次只能推演一项：--ca、--seal、--algorithm、--tsa 只填一个")
    kind, value = given[0] if given else (None, "")
    print_breaks(kind, value, at.date() if at else None, as_json=as_json)


@care_app.command("renew")
def care_renew(
    before: Annotated[datetime, typer.Option(formats=DAY, help="最后一个时间戳的证书早于哪一天到期")],
    bare: Annotated[bool, typer.Option("--bare", help="没有时间戳、印章证书早于该日到期的也追加")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只计数，不追加")] = False,
    per_minute: Annotated[int, typer.Option(min=1, max=6000, help="每分钟至多追加多少件")] = 600,
) -> None:
    """追加归档时间戳；让位于实时制证，可随时中断和重跑 · add archive timestamps."""
    from certsvc.cli.care import run_renew

    raise typer.Exit(run_renew(before.date(), bare=bare, dry_run=dry_run, per_minute=per_minute))


@care_app.command("backfill")
def care_backfill() -> None:
    """读取旧文件所依赖的算法、证书、时间戳；可随时中断和重跑 · read older files."""
    from certsvc.cli.care import run_backfill

    raise typer.Exit(run_backfill())
