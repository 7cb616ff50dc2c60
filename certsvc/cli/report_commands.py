"""Subcommands of ``certsvc reports``."""

from __future__ import annotations

from typing import Annotated

import typer

from certsvc.cli.program import Program
from certsvc.errors import InvalidInput
from certsvc.license.reports import ReportState

reports_app = Program(help="向省级平台汇聚 · reports to the province")


@reports_app.command("list")
def reports_list(
    state: Annotated[
        ReportState | None, typer.Option(help="waiting 待上报 · accepted 已接收 · rejected 被退回")
    ] = None,
) -> None:
    """列出上报的证照，被退回的带原因；最后一行是各状态的件数 · reports with the province's reasons."""
    from certsvc.cli.reports import print_reports

    print_reports(state)


@reports_app.command("resend")
def reports_resend(
    identifier: Annotated[str, typer.Argument(help="证照标识")] = "",
    everything: Annotated[bool, typer.Option("--all", help="全部被退回的")] = False,
) -> None:
    """更正后重新上报被退回的 · send rejected reports again after mending."""
    from certsvc.cli.reports import resend

    if bool(identifier) == everything:
        raise InvalidInput("请给出一个证照标识，或用 --all 重报全部被退回的")
    typer.echo(f"已重新排队 {resend(identifier or None)} 件")
