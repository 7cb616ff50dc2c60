"""``certsvc clients``: systems of other bodies, how they prove themselves, and their 经办人."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.program import Program

clients_app = Program(help="接入系统 · client systems")


@clients_app.command("add")
def clients_add(
    client_id: Annotated[str, typer.Argument(help="系统标识")],
    name: Annotated[str, typer.Option(help="名称")],
    authority: Annotated[str, typer.Option(help="所属机构统一社会信用代码")],
    role: Annotated[list[str], typer.Option(help="角色，可多次：approval、using、events…")],
    jwks: Annotated[Path | None, typer.Option(help="公钥集文件；给出后用 private_key_jwt，不发密钥")] = None,
    tls_subject: Annotated[str, typer.Option(help="客户端证书主题（RFC 4514）；给出后用 tls_client_auth")] = "",
    tls_sha256: Annotated[str, typer.Option(help="客户端证书 SHA-256 指纹；与主题二者取一")] = "",
    purpose: Annotated[str, typer.Option(help="登记的使用目的")] = "",
    staff_required: Annotated[bool, typer.Option("--staff-required", help="调用时经办人须已登记")] = False,
) -> None:
    """登记接入系统；密钥只显示这一次 · register a client system; its secret is shown once."""
    from certsvc.cli.maintain import add_client

    secret = add_client(
        client_id,
        name,
        authority,
        role,
        jwks,
        tls=(tls_subject, tls_sha256),
        purpose=purpose,
        staff_required=staff_required,
    )
    way = "tls_client_auth" if tls_subject or tls_sha256 else "private_key_jwt"
    typer.echo(f"client_secret={secret}" if secret else f"已登记（{way}）")


@clients_app.command("staff")
def clients_staff(
    client_id: Annotated[str, typer.Argument(help="系统标识")],
    file: Annotated[
        Path | None, typer.Argument(help="经办人名单（CSV：账号,姓名,处室,停用）", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """登记经办人名单；不给文件则列出 · register the staff of a system, or list it."""
    from certsvc.cli.matters import import_staff, list_staff

    if file is not None:
        typer.echo(f"已登记 {import_staff(client_id, file)} 名经办人")
    else:
        for line in list_staff(client_id):
            typer.echo(line)
