"""``certsvc facades``: accounts of systems that speak an older interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from certsvc.cli.consoles import answers
from certsvc.cli.program import Program
from certsvc.license.facades import FacadeName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.license.facades import FacadeAccount

facades_app = Program(help="共享门面账号 · accounts of the older interfaces")


@facades_app.command("add")
def facades_add(
    facade: Annotated[FacadeName, typer.Argument(help="门面")],
    client_id: Annotated[str, typer.Argument(help="接入系统标识，须已登记")],
    login: Annotated[str, typer.Option(help="app_key 或 accessId；gb_36906 不填，用系统自己的令牌")] = "",
    verb: Annotated[list[str] | None, typer.Option(help="开通的接口，可多次；缺省为全部")] = None,
    license_type: Annotated[list[str] | None, typer.Option(help="开通的证照类型，可多次；缺省为全部")] = None,
    matter: Annotated[str, typer.Option(help="缺省事项实施编码")] = "",
    purpose: Annotated[str, typer.Option(help="缺省使用目的")] = "",
    days: Annotated[int, typer.Option(help="有效天数，最多 732", min=1, max=732)] = 365,
) -> None:
    """登记门面账号；密钥只显示这一次 · register an account; its secret is shown once."""
    from certsvc.cli.facades import Wanted, add_account

    account, secret = add_account(
        Wanted(
            facade=facade,
            client_id=client_id,
            login=login,
            verbs=tuple(verb or ("*",)),
            types=tuple(license_type or ("*",)),
            matter_code=matter,
            purpose=purpose,
            days=days,
        )
    )
    typer.echo(f"account_id={account.account_id}\nlogin={account.login}")
    typer.echo(f"secret={secret}" if secret else "以系统自己的访问令牌登录")


@facades_app.command("list")
def facades_list() -> None:
    """列出门面账号 · every account."""
    from certsvc.cli.facades import all_accounts

    found = all_accounts()
    answers().print(_table(found) if found else "没有门面账号")


@facades_app.command("stop")
def facades_stop(account_id: Annotated[str, typer.Argument(help="账号编号")]) -> None:
    """停用门面账号，即时生效 · let nobody in by it any more."""
    from certsvc.cli.facades import stop

    stop(account_id)
    typer.echo(f"{account_id} 已停用")


def _table(found: Sequence[FacadeAccount]) -> Table:
    table = Table("账号", "门面", "登录名", "系统", "接口", "证照类型", "缺省事项", "到期", "状态")
    for one in found:
        until, state = one.expires_at.date().isoformat(), "启用" if one.active else "已停用"
        scope = (" ".join(one.verbs), " ".join(one.types), one.matter_code or "—")
        table.add_row(one.account_id, one.facade.value, one.login, one.client_id, *scope, until, state)
    return table
