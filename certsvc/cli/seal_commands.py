"""``certsvc keys`` and ``certsvc seals``: keys, certificates of outside CAs, seals and their uses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from certsvc.cli.consoles import answers
from certsvc.cli.program import Program

keys_app = Program(help="密钥与证书 · keys and certificates")
seals_app = Program(help="印章 · seals")


@keys_app.command("init")
def keys_init() -> None:
    """按 keys/dev.toml 建立开发用密钥体系（仅沙箱） · make the development PKI."""
    from certsvc.cli.maintain import init_keys

    made = init_keys()
    typer.echo(f"已就绪；新建密钥 {len(made)} 个" + (f"：{'、'.join(made)}" if made else ""))


@keys_app.command("master")
def keys_master(
    file: Annotated[Path, typer.Argument(help="写到哪里；须在 var_dir 之外，并另行备份")],
) -> None:
    """生成主密钥（权限 0600，不覆盖已有文件） · make the master key, once, before anything else."""
    from certsvc.cli.certificates import create_master

    typer.echo(f"已生成主密钥 {create_master(file)}；请离线备份：遗失后密钥库和个人信息都无法读取")


@keys_app.command("create")
def keys_create(
    key_id: Annotated[str, typer.Argument(help="密钥编号，例如 token-1")],
    algorithm: Annotated[str, typer.Option(help="p256、rsa2048、rsa3072 或 sm2")] = "p256",
    name: Annotated[str, typer.Option(help="证书主题的名称")] = "certsvc",
) -> None:
    """新建服务自用的密钥；印章密钥请走制作流程 · make a key of the service itself."""
    from certsvc.cli.certificates import create_key

    typer.echo(f"已建立 {create_key(key_id, algorithm, name)}")


@keys_app.command("request")
def keys_request(
    key_id: Annotated[str, typer.Argument(help="密钥编号")],
    out: Annotated[Path, typer.Option(help="写到哪里")] = Path("request.csr"),
) -> None:
    """为一把密钥写出证书请求（PKCS#10），交电子认证服务机构换发证书 · a certificate request for a key."""
    from certsvc.cli.certificates import write_request

    typer.echo(str(write_request(key_id, out)))


@keys_app.command("accept")
def keys_accept(
    key_id: Annotated[str, typer.Argument(help="密钥编号")],
    answer: Annotated[Path, typer.Argument(help="PEM：本证书在前，其后为签发证书，不含根证书", exists=True)],
) -> None:
    """换上签发机构给的证书，旧证书留存 · take in a certificate.

    旧证书所签文件仍可核验；运行中的进程随即改用.
    """
    from certsvc.cli.certificates import accept

    typer.echo(f"已换上 {accept(key_id, answer)}，运行中的进程随即改用；密钥在密码机中的，请重新启动各进程")


@keys_app.command("expiring")
def keys_expiring(
    days: Annotated[int, typer.Option(help="多少天之内", min=0)] = 90,
) -> None:
    """列出即将到期的证书；有则以退出码 1 结束，便于巡检 · certificates that end soon; exit code 1 if any."""
    from certsvc.cli.certificates import expiring_rows

    rows = expiring_rows(days)
    table = Table("密钥", "证书", "到期", "剩余天数")
    for row in rows:
        table.add_row(*row)
    answers().print(table if rows else f"{days} 天内没有到期的证书")
    raise typer.Exit(1 if rows else 0)


@seals_app.command("unanswered")
def seals_unanswered(
    older_than: Annotated[int, typer.Option(help="秒")] = 60,
) -> None:
    """列出已预留而无结果的用印 · reservations without an answer."""
    from certsvc.cli.maintain import unanswered

    rows = unanswered(older_than)
    table = Table("预留编号", "印章", "用途", "时间")
    for row in rows:
        table.add_row(*row)
    answers().print(table if rows else "没有悬而未决的用印和制作")


@seals_app.command("settle")
def seals_settle(
    reservation_id: Annotated[str, typer.Argument(help="预留编号，见 seals unanswered")],
    reason: Annotated[str, typer.Option("--reason", help="依据，写入留痕")],
    used: Annotated[bool, typer.Option("--used/--not-used", help="不能确定未签名的，按已用印核定")] = True,
) -> None:
    """核定进程中断留下的用印：按已用印，或查明未签名 · say what became of a use whose answer was lost."""
    from certsvc.cli.maintain import settle

    typer.echo(settle(reservation_id, used=used, reason=reason))


@seals_app.command("list")
def seals_list() -> None:
    """列出全部印章、状态、版本、有效期和今日用印次数 · every seal and how it stands."""
    from certsvc.cli.seal_lists import seal_rows

    # The number is what other commands ask for, so it is never cut short.
    whole = (Column("印章", overflow="fold", min_width=13), Column("名称", overflow="fold"))
    table = Table(*whole, "状态", "版本", "有效期至", "今日用印", "在办")
    for row in seal_rows():
        table.add_row(*row)
    answers().print(table)


@seals_app.command("expire")
def seals_expire() -> None:
    """将有效期届满的印章置为过期，销毁已终止版本留下的密钥（服务每分钟也做） · expire seals."""
    from certsvc.cli.seal_lists import expire

    seals, keys = expire()
    typer.echo(f"本次置为过期的印章 {seals} 枚，销毁已终止版本留下的密钥 {keys} 个")
