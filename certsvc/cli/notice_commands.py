"""``certsvc notices``: what could not be sent to holders."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from certsvc.cli.consoles import answers
from certsvc.cli.program import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.notices.serve_by_hand import Told

notices_app = Program(help="通知与送达 · notices to holders")


class Open(StrEnum):
    """States that are listed."""

    FAILED = "failed"
    WAITING = "waiting"


@notices_app.command("list")
def notices_list(
    state: Annotated[Open, typer.Option(help="failed 未能发送 · waiting 待发送")] = Open.FAILED,
) -> None:
    """列出未能发送（或待发送）的通知 · notices that were not sent."""
    from certsvc.cli.notices import open_notices

    found = open_notices(state.value)
    answers().print(_table(found) if found else "没有这样的通知")


@notices_app.command("resend")
def notices_resend(
    notices: Annotated[list[str] | None, typer.Argument(help="通知编号，缺省为全部未能发送而现在有途径的")] = None,
) -> None:
    """重新发送未能发送的通知 · let failed notices be sent again, after the gateway is back."""
    from certsvc.cli.notices import resend

    done, left = resend(notices or [])
    typer.echo(f"重新排队 {done} 条，仍没有途径的 {left} 条")


def _table(found: Sequence[Told]) -> Table:
    table = Table("通知", "证照标识", "事项", "负责机关", "方式", "次数", "原因", "时间")
    for told in found:
        one = told.notice
        cells = (one.notice_id, told.version.identifier, one.about or one.kind.value, one.authority_code)
        table.add_row(*cells, one.way.value, str(one.attempts), one.reason, one.at.isoformat(timespec="seconds"))
    return table
