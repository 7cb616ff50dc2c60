"""``certsvc reconcile``."""

from __future__ import annotations

from typing import Annotated

import typer


def reconcile(
    sample: Annotated[int, typer.Option(min=0, help="只抽读这么多份文件，0 为全部读取")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """对账：登记簿、文件、事件、留痕和用印互相核对；退出码 0 一致、1 有差异 · compare the books."""
    from certsvc.cli.reconcile import run_reconcile

    raise typer.Exit(run_reconcile(sample=sample, as_json=as_json))
