"""``certsvc events``: sending again from the database, and events that came in and could not be carried out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.program import Program
from certsvc.clock import parse_rfc3339
from certsvc.errors import InvalidInput

events_app = Program(help="事件 · events")


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


@events_app.command("catalogue")
def events_catalogue(
    out: Annotated[Path, typer.Option(help="写到哪里")] = Path("docs/events.md"),
) -> None:
    """生成事件目录 · write the page about events."""
    from certsvc.cli.events_document import events_markdown

    out.write_text(events_markdown(), encoding="utf-8")
    typer.echo(str(out))


@events_app.command("republish")
def events_republish(
    after: Annotated[int, typer.Option(min=0, help="从此位置之后；0 为全部")],
) -> None:
    """中间件丢失数据后，从数据库重新发布，编号不变 · publish the feed to the broker again."""
    from certsvc.cli.events import republish

    typer.echo(f"投递进程将重新发布 {republish(after)} 个位置的事件")


@events_app.command("parked")
def events_parked() -> None:
    """列出收到而无法办理的事件及原因 · events that came in over the broker and wait."""
    from certsvc.cli.events import all_parked

    for one in all_parked():
        typer.echo(f"{one.parked_id}\t{one.client_id}\t{one.code}\t{one.detail}")


@events_app.command("replay")
def events_replay(parked_id: Annotated[str, typer.Argument(help="编号，见 certsvc events parked")]) -> None:
    """原因消除后重新办理一个存放的事件 · carry a parked event out after all."""
    from certsvc.cli.events import replay_parked

    typer.echo(f"已办理：{replay_parked(parked_id)}")


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise InvalidInput("--since 应带时区，如 2026-01-01T00:00:00Z 或 2026-01-01T08:00:00+08:00") from error
