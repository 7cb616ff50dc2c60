"""``certsvc reconcile``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from certsvc.errors import InvalidInput
from certsvc.license.books import Period

DAY = ["%Y-%m-%d"]


def reconcile(
    sample: Annotated[int, typer.Option(min=0, help="只抽读这么多份文件，0 为全部读取")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    party_list: Annotated[
        Path | None, typer.Option("--list", help="对方的清单（CSV：业务流水号、摘要）", exists=True, dir_okay=False)
    ] = None,
    authority: Annotated[str, typer.Option(help="清单所属机关（统一社会信用代码），与 --list 同用")] = "",
    first: Annotated[datetime | None, typer.Option("--from", formats=DAY, help="颁发日期自")] = None,
    last: Annotated[datetime | None, typer.Option("--until", formats=DAY, help="颁发日期至（含当日）")] = None,
) -> None:
    """对账：登记簿、文件、事件、留痕和用印互相核对，或与对方的清单核对；退出码 0 一致、1 有差异 · compare the books."""
    from certsvc.cli.reconcile import run_list, run_reconcile

    if party_list is None:
        raise typer.Exit(run_reconcile(sample=sample, as_json=as_json))
    if not authority:
        raise InvalidInput("与清单对账须用 --authority 说明是哪个机关的业务流水号")
    if (first is None) != (last is None):
        raise InvalidInput("--from 与 --until 须一并给出；都不给则只核对清单所列，不查多出的证照")
    period = Period(first=first.date(), last=last.date()) if first and last else None
    raise typer.Exit(run_list(party_list, authority, period, as_json=as_json))
