"""Records of counters (综合窗口) for tests of the store, and every operation of theirs once."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

from store_records import T0

from certsvc.commands.store_ports import UnitOfWork
from certsvc.license.counter import CounterCase, RowAnswer, Sheet, SheetRow, Taking, TakingKind
from certsvc.license.tickets import Ticket, TicketKind, TicketState

COUNTER, MARKET = "11990000MB0000086D", "11990000MB0000019F"
DUE = date(2026, 3, 9)
SECRETS = ("91990000MA0000015Q", "坚持要交纸质", "营业执照清单行", "应为热食类", "见纸质正本", "已按原件更正")


def make_case(n: int = 1, **changes: Any) -> CounterCase:
    case = CounterCase(
        case_id=f"cas_{n:06d}",
        counter_code=COUNTER,
        case_no=f"KB-{n:04d}",
        matter_code="matter-1",
        authority_code=MARKET,
        holder_code=SECRETS[0],
        holder_code_type="001",
        version=1,
        exempt=2,
        outage=False,
        opened_at=T0 + timedelta(seconds=n),
        updated_at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(case, **changes)


def make_sheet(case: CounterCase, version: int = 1) -> Sheet:
    row = SheetRow(
        material="a", name=SECRETS[2], paper="原件", answer=RowAnswer.LATER, why="w", next_step="n", days=5, promise=""
    )
    rows = (row, dataclasses.replace(row, material="b", answer=RowAnswer.LICENSE, days=0))
    return Sheet(case_id=case.case_id, version=version, rows=rows, slip_no="", operator="窗口01", at=T0)


def make_taking(n: int = 1, **changes: Any) -> Taking:
    taking = Taking(
        taking_id=f"tak_{n:06d}",
        case_id="cas_000001",
        counter_code=COUNTER,
        authority_code=MARKET,
        matter_code="matter-1",
        case_no="KB-0001",
        material=f"m{n}",
        sheet_version=1,
        kind=TakingKind.PAPER,
        counts=True,
        reason="holder_wish",
        text=SECRETS[1],
        due_on=None,
        operator="窗口01",
        at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(taking, **changes)


def make_ticket(n: int = 1, **changes: Any) -> Ticket:
    ticket = Ticket(
        ticket_id=f"tkt_{n:06d}",
        kind=TicketKind.WRONG_FIELD,
        counter_code=COUNTER,
        opened_by="clerk-1",
        matter_code="matter-1",
        case_no="KB-0001",
        type_slug="food_operation",
        issuer_code=MARKET,
        holder_code=SECRETS[0],
        holder_code_type="001",
        field_key="business_items",
        right=SECRETS[3],
        evidence=SECRETS[4],
        opened_at=T0 + timedelta(seconds=n),
        due_on=DUE,
    )
    return dataclasses.replace(ticket, **changes)


def run_counter(tx: UnitOfWork) -> None:
    """Every operation of both nouns, each having an effect."""
    case, later = make_case(), make_taking(due_on=DUE, kind=TakingKind.LATER)
    assert tx.counter.open(case)
    assert tx.counter.turn(dataclasses.replace(case, version=2))
    tx.counter.add_sheet(make_sheet(case))
    assert tx.counter.case(COUNTER, case.case_no)
    assert tx.counter.sheets(case.case_id, limit=1)
    assert tx.counter.take(later)
    assert tx.counter.takings(case.case_id)
    assert tx.counter.to_come(COUNTER, limit=1)
    assert tx.counter.to_warn(due=DUE, limit=1)
    assert tx.counter.warned(later.taking_id, now=T0)
    assert tx.counter.done(later.taking_id, now=T0)
    assert tx.counter.tallies(begin=T0, end=T0 + timedelta(days=1))
    ticket = make_ticket()
    tx.tickets.insert(ticket)
    assert tx.tickets.by_id(ticket.ticket_id)
    for behind in (None, (T0 + timedelta(days=1), "")):
        assert tx.tickets.of_counter(COUNTER, limit=1, behind=behind)
        assert tx.tickets.of_issuer(MARKET, limit=1, behind=behind)
    assert tx.tickets.count_unanswered(COUNTER) == 1
    assert tx.tickets.past(today=DUE + timedelta(days=1), limit=1)
    assert tx.tickets.mark_overdue(ticket.ticket_id, now=T0)
    assert tx.tickets.move(dataclasses.replace(ticket, state=TicketState.ACCEPTED), sources={TicketState.OPEN})
