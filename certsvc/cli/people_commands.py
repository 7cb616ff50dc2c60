"""``certsvc people``: who may sign in here, and under which account."""

from __future__ import annotations

from typing import Annotated

import typer

from certsvc.cli.program import Program

people_app = Program(help="人员绑定 · people")


@people_app.command("bind")
def people_bind(
    subject: Annotated[str, typer.Argument(help="身份提供方的 sub")],
    issuer: Annotated[str, typer.Option(help="身份提供方的 iss")],
    name: Annotated[str, typer.Option(help="姓名")],
    role: Annotated[list[str], typer.Option(help="角色，可多次：holder、officer、clerk…")],
    holder_code: Annotated[str, typer.Option(help="核实过的持证主体代码")] = "",
    holder_code_type: Annotated[str, typer.Option(help="持证主体代码类型代码")] = "",
    authority: Annotated[str, typer.Option(help="所属机构")] = "",
    badge: Annotated[str, typer.Option(help="执法证号")] = "",
) -> None:
    """绑定身份提供方的人员 · bind a person of the identity provider."""
    from certsvc.cli.maintain import add_person

    add_person(subject, issuer, name, role, holder=(holder_code_type, holder_code), unit=(authority, badge))
    typer.echo("已绑定")


@people_app.command("list")
def people_list() -> None:
    """列出有岗位的人员：账号、姓名、角色、单位；持证人只计数 · accounts with duties; holders are only counted."""
    from certsvc.cli.maintain import list_people

    rows, holders = list_people()
    for row in rows:
        typer.echo("\t".join(row))
    typer.echo(f"有岗位的人员 {len(rows)} 人，持证人账号 {holders} 个")


@people_app.command("sign-out")
def people_sign_out(
    subject: Annotated[str, typer.Argument(help="身份提供方的 sub")],
    close: Annotated[bool, typer.Option("--close", help="同时停用账号：收回全部角色，重新登录也不能办事")] = False,
) -> None:
    """断开一个人的全部会话；丢了手机、离岗时用 · end every session of a person."""
    from certsvc.cli.maintain import sign_out_person

    sign_out_person(subject, close=close)
    typer.echo("已断开全部会话" + ("，账号已停用；恢复时重新 certsvc people bind" if close else ""))
