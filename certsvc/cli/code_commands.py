"""``certsvc code``: offline codes, checked with files alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.moments import moment
from certsvc.cli.program import Program

code_app = Program(help="离线亮证码 · offline codes")


@code_app.callback()
def _code() -> None:
    """离线亮证码 · offline codes."""


@code_app.command("check")
def code_check(
    texts: Annotated[list[str], typer.Argument(help="二维码文本（ELC1: 开头），可多个，按扫码先后")],
    bundle: Annotated[
        list[Path], typer.Option(help="离线数据文件；先全量、后增量，可多次", exists=True, dir_okay=False)
    ],
    keys: Annotated[
        Path | None, typer.Option(help="离线数据的签名公钥（JWKS，/v1/offline-bundle/keys），缺省用本机的", exists=True)
    ] = None,
    at: Annotated[str, typer.Option(help="核验时刻，如 2026-01-01T00:00:00Z，缺省为现在")] = "",
    identity: Annotated[bool, typer.Option("--identity", help="已核对身份证件；未核对的不会给出绿色结论")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="每个码一行 JSON")] = False,
) -> None:
    """不联网核验离线亮证码：退出码 0 绿、1 红、2 黄（须再核）、3 用法有误."""
    from certsvc.cli.code import check_texts

    wanted: datetime | None = moment(at)
    raise typer.Exit(check_texts(texts, bundle, keys, wanted, identity=identity, as_json=as_json))
