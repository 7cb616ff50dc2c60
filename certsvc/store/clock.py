"""The high-water mark of the register's time: one row."""

from __future__ import annotations

from datetime import UTC
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, bindparam, func, select, update

from certsvc.license.clock_mark import ClockMark
from certsvc.store.tables import requests
from certsvc.store.tables_clock import clock_marks
from certsvc.store.tables_consents import challenges
from certsvc.store.tables_devices import offline_cores
from certsvc.store.tables_imports import bulks, imports
from certsvc.store.tables_reports import reports
from certsvc.store.tables_reseal import reseal_plans
from certsvc.store.tables_sessions import session_ends
from certsvc.store.tables_signers import signer_codes, signing_codes, signing_rounds
from certsvc.store.tables_stamping import stamp_items, stamp_previews
from certsvc.store.tables_uses import grants, leases, notices, shows
from certsvc.store.tables_webhooks import webhook_deliveries, webhook_subscriptions
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import BindParameter

    from certsvc.store.transaction import Transaction

REGISTER = "register"

_C = clock_marks.c
_MARK = select(*_C).where(_C.name == REGISTER)
_DATABASE_NOW = select(func.clock_timestamp(type_=DateTime(timezone=True)).label("at"))
_VALUES: dict[str, BindParameter[Any]] = {name: bindparam(f"new_{name}") for name in ("at", "boot", "boot_s", "epoch")}
_RAISE = (
    update(clock_marks)
    .where(_C.name == REGISTER, _C.epoch == bindparam("new_epoch"), _C.at < bindparam("new_at"))
    .values(**_VALUES)
)
_CONFIRM = update(clock_marks).where(_C.name == REGISTER, _C.epoch < bindparam("new_epoch")).values(**_VALUES)

_WAITS = (
    requests.c.ready_at,
    notices.c.ready_at,
    signing_rounds.c.claim_until,
    stamp_items.c.ready_at,
    imports.c.ready_at,
    bulks.c.ready_at,
    reseal_plans.c.ready_at,
    reports.c.ready_at,
    webhook_subscriptions.c.not_before,
    webhook_deliveries.c.ready_at,
    session_ends.c.at,
)
"""Ends of claims, next tries, and until when all sessions of somebody ended (else nobody could sign in again). To be
tried earlier than planned harms nothing; to wait for a day that was a mistake of the clock would."""
_MADE = (
    (shows.c.created_at, shows.c.expires_at),
    (challenges.c.created_at, challenges.c.expires_at),
    (challenges.c.answered_at, challenges.c.collect_until),
    (grants.c.created_at, grants.c.expires_at),
    (signing_codes.c.made_at, signing_codes.c.expires_at),
    (signer_codes.c.made_at, signer_codes.c.expires_at),
    (stamp_previews.c.created_at, stamp_previews.c.expires_at),
    (offline_cores.c.issued_at, offline_cores.c.expires_at),
)
"""When a code was made, and until when it is good: one from the future would be good until then."""
_END = tuple(
    update(made.table).where(made > bindparam("later_than")).values({until: bindparam("now")}) for made, until in _MADE
)
_FREE = tuple(
    update(column.table).where(column > bindparam("later_than")).values({column: bindparam("now")}) for column in _WAITS
)
_FREE_LEASES = update(leases).where(leases.c.until > bindparam("later_than")).values(until=bindparam("now"))
_ADDRESSES = select(
    func.host(func.inet_server_addr()).label("server"), func.host(func.inet_client_addr()).label("client")
)


@cache
def _first(dialect: str) -> Insert:
    return insert_into(dialect, clock_marks).on_conflict_do_nothing(index_elements=[_C.name])


class ClockRows:
    """Implements ``clock_ports.ClockMarks``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def mark(self) -> ClockMark | None:
        """The mark; None before the first process wrote one."""
        row = self._tx.row(_MARK)
        if row is None:
            return None
        return ClockMark(at=row["at"], boot=row["boot"], boot_s=row["boot_s"], epoch=row["epoch"])

    def database_now(self) -> datetime | None:
        """The time of PostgreSQL's own clock; None on SQLite."""
        if self._tx.dialect != "postgresql":
            return None
        row = self._tx.row(_DATABASE_NOW)
        at: datetime | None = row["at"] if row else None
        return at.astimezone(UTC) if at else None

    def database_elsewhere(self) -> bool:
        """Whether the database stands on another machine, as far as its address tells, so that its clock is another."""
        if self._tx.dialect != "postgresql":
            return False
        row = self._tx.row(_ADDRESSES)
        if row is None or row["server"] is None or row["server"] == row["client"]:
            return False
        return not ip_address(row["server"]).is_loopback

    def raise_mark(self, mark: ClockMark) -> bool:
        """Move the mark on within its epoch; False when it stands there or later, or the epoch is over."""
        return self._tx.changed(_RAISE, **_new(mark)) == 1 or self._insert(mark)

    def confirm(self, mark: ClockMark) -> bool:
        """Begin the epoch of ``mark`` at its moment; False when that epoch or a later one has begun."""
        return self._tx.changed(_CONFIRM, **_new(mark)) == 1 or self._insert(mark)

    def undo_future(self, now: datetime, *, apart: timedelta, longest_lease: timedelta, longest_wait: timedelta) -> int:
        """End codes made later than ``apart`` from now; let what is leased or waits for longer be due now."""
        changed = self._tx.changed
        ended = sum(changed(statement, now=now, later_than=now + apart) for statement in _END)
        freed = changed(_FREE_LEASES, now=now, later_than=now + longest_lease)
        return ended + freed + sum(changed(statement, now=now, later_than=now + longest_wait) for statement in _FREE)

    def _insert(self, mark: ClockMark) -> bool:
        values = {"at": mark.at, "boot": mark.boot, "boot_s": mark.boot_s, "epoch": mark.epoch}
        return self._tx.changed(_first(self._tx.dialect), name=REGISTER, **values) == 1


def _new(mark: ClockMark) -> dict[str, object]:
    return {"new_at": mark.at, "new_boot": mark.boot, "new_boot_s": mark.boot_s, "new_epoch": mark.epoch}
