"""Tells of deadlines, each once: 容缺 that is due shortly or overdue, tickets whose last day is over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.evidence.record import record
from certsvc.events.counter_payloads import SupplementDue, TicketOverdue
from certsvc.license.counter import WARN_DAYS

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.payload import Payload

BATCH = 100
"""Deadlines per transaction; bounds how long the writer's turn is held."""


def warn_counters(deps: Deps) -> int:
    """One batch of each; how many were told of. No state changes."""
    now = deps.clock.now()
    today = local_day(now)
    due = today + timedelta(days=WARN_DAYS)
    with deps.uow.read() as tx:
        if not tx.counter.to_warn(due=due, limit=1) and not tx.tickets.past(today=today, limit=1):
            return 0
    told = 0
    with deps.uow() as tx:
        for taking in tx.counter.to_warn(due=due, limit=BATCH):
            if taking.due_on is not None and tx.counter.warned(taking.taking_id, now=now):
                supplement = SupplementDue(
                    case_id=taking.case_id,
                    counter_code=taking.counter_code,
                    authority_code=taking.authority_code,
                    matter_code=taking.matter_code,
                    material=taking.material,
                    due_on=taking.due_on.isoformat(),
                )
                _tell(deps, tx, "counter.supplement_due", taking.case_id, supplement, supplement.due_on, now)
                told += 1
        for ticket in tx.tickets.past(today=today, limit=BATCH):
            if tx.tickets.mark_overdue(ticket.ticket_id, now=now):
                overdue = TicketOverdue(
                    ticket_id=ticket.ticket_id,
                    counter_code=ticket.counter_code,
                    issuer_code=ticket.issuer_code,
                    license_type=ticket.type_slug,
                    due_on=ticket.due_on.isoformat(),
                )
                _tell(deps, tx, "ticket.overdue", ticket.ticket_id, overdue, overdue.due_on, now)
                told += 1
    return told


def _tell(deps: Deps, tx: UnitOfWork, kind: str, subject: str, payload: Payload, due_on: str, now: datetime) -> None:
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=subject, at=now))
    record(tx, deps, kind=kind, subject=subject, actor="certsvc", content={"due_on": due_on}, at=now)
