"""``certsvc webhooks`` and ``certsvc events``: who is sent what, and sending again from the database."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from certsvc.clock import parse_rfc3339
from certsvc.errors import InvalidInput

if TYPE_CHECKING:
    from certsvc.commands.webhooks.subscribe import Seen

webhooks_app = typer.Typer(help="事件推送 · webhooks", no_args_is_help=True)
events_app = typer.Typer(help="事件 · events", no_args_is_help=True)


@webhooks_app.command("list")
def webhooks_list() -> None:
    """列出全部订阅及积压 · every subscription, what waits and what failed."""
    from certsvc.cli.webhooks import all_subscriptions

    found = all_subscriptions()
    Console().print(_table(found) if found else "没有订阅")


@events_app.command("resend")
def events_resend(
    subscription: Annotated[str, typer.Option(help="订阅编号，见 certsvc webhooks list")],
    after: Annotated[int | None, typer.Option(min=0, help="从此位置之后")] = None,
    since: Annotated[str, typer.Option(help="从此时刻起，如 2026-01-01T00:00:00Z")] = "",
) -> None:
    """从数据库重新推送事件，编号不变 · queue events again for a subscription."""
    from certsvc.cli.webhooks import resend

    if (after is None) == (not since):
        raise InvalidInput("请用 --after 或 --since 之一说明从哪里重发")
    typer.echo(f"已重新排队 {resend(subscription, after=after or 0, since=_moment(since))} 件")


def _table(found: list[Seen]) -> Table:
    table = Table("订阅", "系统", "地址", "事件", "状态", "等候", "未送达", "最近成功")
    for seen in found:
        one = seen.subscription
        state = f"{one.state.value} {one.reason}".strip()
        success = one.last_success_at.isoformat(timespec="seconds") if one.last_success_at else "—"
        counts = (str(seen.waiting), str(seen.failed))
        table.add_row(one.subscription_id, one.client_id, one.url, " ".join(one.types), state, *counts, success)
    return table


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise InvalidInput("--since 应带时区，如 2026-01-01T00:00:00Z 或 2026-01-01T08:00:00+08:00") from error
