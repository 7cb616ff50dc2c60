"""``certsvc webhooks``: who is sent what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from certsvc.cli.consoles import answers
from certsvc.cli.program import Program

if TYPE_CHECKING:
    from certsvc.commands.webhooks.subscribe import Seen

webhooks_app = Program(help="事件推送 · webhooks")


@webhooks_app.command("list")
def webhooks_list() -> None:
    """列出全部订阅及积压 · every subscription, what waits and what failed."""
    from certsvc.cli.webhooks import all_subscriptions

    found = all_subscriptions()
    answers().print(_table(found) if found else "没有订阅")


def _table(found: list[Seen]) -> Table:
    table = Table("订阅", "系统", "地址", "事件", "状态", "等候", "未送达", "最近成功")
    for seen in found:
        one = seen.subscription
        state = f"{one.state.value} {one.reason}".strip()
        success = one.last_success_at.isoformat(timespec="seconds") if one.last_success_at else "—"
        counts = (str(seen.waiting), str(seen.failed))
        table.add_row(one.subscription_id, one.client_id, one.url, " ".join(one.types), state, *counts, success)
    return table
