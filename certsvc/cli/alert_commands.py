"""``certsvc alerts``: who has not yet acknowledged that a license which they used has changed."""

from __future__ import annotations

import typer
from rich.table import Table

from certsvc.cli.consoles import answers
from certsvc.license.use_alerts import CHANGE_ZH


def alerts() -> None:
    """列出尚未确认的状态变更通报 · alerts about changed licenses that nobody acknowledged."""
    from certsvc.cli.alerts import open_alerts

    found, now = open_alerts()
    if not found:
        typer.echo("没有待确认的状态变更通报")
        return
    table = Table("通报", "证照标识", "变更", "通报给", "单位", "通报时间", "逾期")
    for one in found:
        told = one.client_id or "执法单位"
        cells = (one.alert_id, one.identifier, CHANGE_ZH.get(one.change, one.change), told, one.authority_code)
        table.add_row(*cells, one.created_at.isoformat(timespec="seconds"), "是" if one.late(now) else "")
    answers().print(table)
