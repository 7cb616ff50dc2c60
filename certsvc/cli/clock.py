"""What operators do about the clock by hand."""

from __future__ import annotations

import json

import typer

from certsvc.app import build
from certsvc.cli.maintain import OPERATOR
from certsvc.clock import beijing_time, rfc3339
from certsvc.commands.clocks.watch import confirm_clock, watch_clock
from certsvc.commands.clocks.watched import ABOUT, NEXT_STEP
from certsvc.settings import load_settings


def show_clock(*, as_json: bool) -> int:
    """Compare once and say what was found; 0 when nothing speaks against the clock, else 1."""
    service = build(load_settings())
    try:
        found = watch_clock(service.deps)
        with service.deps.uow.read() as tx:
            mark, database = tx.clock.mark(), tx.clock.database_now()
    finally:
        service.close()
    if found is None:
        msg = "a service that was built has a watched clock"
        raise RuntimeError(msg)
    if as_json:
        said = {
            "clock": found.trouble.value if found.trouble else "ok",
            "machine": rfc3339(found.machine),
            "expected": rfc3339(found.at),
            "mark": rfc3339(mark.at) if mark else "",
            "database": rfc3339(database) if database else "",
            "epoch": mark.epoch if mark else 0,
        }
        typer.echo(json.dumps(said))
        return int(found.trouble is not None)
    typer.echo(f"本机时间　{beijing_time(found.machine)}")
    typer.echo(f"时间标记　{beijing_time(mark.at) if mark else '尚无'}（登记簿已经到达的时间）")
    if database is not None:
        typer.echo(f"数据库　　{beijing_time(database)}")
    typer.echo("一致" if found.trouble is None else f"{ABOUT[found.trouble]}。{NEXT_STEP}")
    return int(found.trouble is not None)


def confirm(reason: str) -> str:
    """Confirm that the machine's clock is right; what was done, in a sentence."""
    service = build(load_settings())
    try:
        before, mark = confirm_clock(service.deps, actor=OPERATOR, reason=reason)
    finally:
        service.close()
    was = f"，原标记为{beijing_time(before.at)}" if before else ""
    return f"已确认时间为{beijing_time(mark.at)}{was}；各进程在几秒内恢复办理"
