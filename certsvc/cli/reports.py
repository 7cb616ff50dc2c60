"""What operators do about reports by hand."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Column, Table

from certsvc.app import build
from certsvc.cli.consoles import answers
from certsvc.cli.maintain import OPERATOR
from certsvc.commands.reporting.send import resend_rejected
from certsvc.license.reports import REPORT_STATE_ZH, ReportState
from certsvc.license.states import STATE_ZH
from certsvc.settings import load_settings

PAGE = 500
MOST_SHOWN = 5_000
"""Rows of one list on a screen; the counts below it are of all."""


def print_reports(status: ReportState | None) -> None:
    """A table in the order of the feed, and the counts."""
    table = Table(*(Column(title, overflow="fold") for title in ("证照标识", "状态", "上报", "次数", "原因")))
    service = build(load_settings())
    try:
        with service.deps.uow.read() as tx:
            counts = tx.reports.counts()
            place = 0
            while table.row_count < MOST_SHOWN and (rows := tx.reports.of(status, after=place, limit=PAGE)):
                place = rows[-1].position
                for one in rows:
                    cells = (one.identifier, STATE_ZH[one.state], REPORT_STATE_ZH[one.status], str(one.attempts))
                    table.add_row(*cells, escape(one.reason))
    finally:
        service.close()
    console = answers()
    if table.row_count:
        console.print(table)
    said = "，".join(f"{REPORT_STATE_ZH[state]} {count} 件" for state, count in counts.items())
    console.print(said, highlight=False)


def resend(identifier: str | None) -> int:
    """Let rejected reports wait again; how many. The sender of a relay process sends them."""
    service = build(load_settings())
    try:
        return resend_rejected(service.deps, identifier, actor=OPERATOR)
    finally:
        service.close()
