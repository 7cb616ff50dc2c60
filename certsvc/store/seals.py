"""Seals and the reservations of their use."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, text, update

from certsvc.clock import check_aware
from certsvc.seal.model import ReservationResult, Seal, SealKind, SealReservation, SealState, StampSpec
from certsvc.store.tables import OPEN_RESERVATION, reservations, seal_days, seals
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_S = seals.c
_R = reservations.c
_IS_OPEN = text(OPEN_RESERVATION)

_BY_ID = select(*_S).where(_S.seal_id == bindparam("which"))
_ALL = select(*_S).order_by(_S.seal_id)
# The row stays locked to the end of the transaction: a stop waits for us or we see it (no key change: KEY SHARE).
_LOCKED = _BY_ID.with_for_update(key_share=True)
_SET_STATE = (
    update(seals)
    .where(_S.seal_id == bindparam("which"), _S.state == bindparam("source"))
    .values(state=bindparam("target"))
)
_ANSWER = (
    update(reservations)
    .where(_R.reservation_id == bindparam("which"), _IS_OPEN, _R.result == ReservationResult.OPEN.value)
    .values(result=bindparam("outcome"), signature_sha256=bindparam("signature"), answered_at=bindparam("now"))
)
_UNANSWERED = (
    select(*_R)
    .where(_IS_OPEN, _R.reserved_at < bindparam("before"))
    .order_by(_R.reserved_at, _R.reservation_id)
    .limit(bindparam("most"))
)
_ABANDON = (
    update(reservations)
    .where(_IS_OPEN, _R.result == ReservationResult.OPEN.value, _R.purpose == bindparam("work"))
    .values(result=ReservationResult.UNKNOWN.value, answered_at=bindparam("now"))
    .returning(*_R)
)


@cache
def _upsert(dialect: str) -> Insert:
    """What was declared wins, but for the state: a seal that was stopped stays stopped."""
    made = insert_into(dialect, seals)
    declared = {column.name: made.excluded[column.name] for column in _S if column.name not in {"seal_id", "state"}}
    return made.on_conflict_do_update(index_elements=[_S.seal_id], set_=declared)


@cache
def _count_use(dialect: str) -> Insert:
    """One more use of the day, if the budget is not used up; one row per seal and day, so it never gets slower."""
    made = insert_into(dialect, seal_days).values(seal_id=bindparam("seal"), day_start=bindparam("day"), used=1)
    return made.on_conflict_do_update(
        index_elements=[seal_days.c.seal_id, seal_days.c.day_start],
        set_={"used": seal_days.c.used + 1},
        where=seal_days.c.used < bindparam("budget"),
    )


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, reservations)


class SealRows:
    """Implements ``store_ports.Seals``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def upsert(self, seal: Seal) -> None:
        """Register a seal that was declared; the stored state of a known one is kept."""
        self._tx.changed(
            _upsert(self._tx.dialect),
            seal_id=seal.seal_id,
            owner_code=seal.owner_code,
            owner_name=seal.owner_name,
            name=seal.name,
            kind=seal.kind.value,
            state=seal.state.value,
            key_id=seal.key_id,
            algorithm=seal.algorithm,
            stamp=to_json(asdict(seal.stamp)),
            scope_types=to_json(list(seal.scope_types)),
            valid_from=seal.valid_from,
            valid_until=seal.valid_until,
            daily_budget=seal.daily_budget,
        )

    def by_id(self, seal_id: str) -> Seal | None:
        """The seal."""
        row = self._tx.row(_BY_ID, which=seal_id)
        return None if row is None else _seal(row)

    def all(self) -> Sequence[Seal]:
        """Every seal, by id."""
        return [_seal(row) for row in self._tx.rows(_ALL)]

    def set_state(self, seal_id: str, *, source: SealState, target: SealState) -> bool:
        """Move a seal, if it still stands at ``source``."""
        return self._tx.changed(_SET_STATE, which=seal_id, source=source.value, target=target.value) == 1

    def reserve(self, reservation: SealReservation, *, day_start: datetime, day_end: datetime) -> bool:
        """Store a reservation if the seal is active, ``reserved_at`` lies in its period and its budget is not used up.

        The seal's row is locked first, so a reservation and a stop come one after the other.
        """
        at = check_aware(reservation.reserved_at)
        if not check_aware(day_start) <= at < check_aware(day_end):
            msg = "the reservation does not lie in its day"
            raise RuntimeError(msg)
        row = self._tx.row(_LOCKED, which=reservation.seal_id)
        if row is None or row["state"] != SealState.ACTIVE.value:
            return False
        budget: int = row["daily_budget"]
        if budget < 1 or not row["valid_from"] <= at < row["valid_until"]:
            return False
        counted = self._tx.changed(_count_use(self._tx.dialect), seal=reservation.seal_id, day=day_start, budget=budget)
        if counted == 0:
            return False
        self._tx.changed(
            _insert(self._tx.dialect),
            reservation_id=reservation.reservation_id,
            seal_id=reservation.seal_id,
            purpose=reservation.purpose,
            digest=reservation.digest,
            reserved_at=at,
            result=reservation.result.value,
            signature_sha256="",
        )
        return True

    def answer(self, reservation_id: str, result: ReservationResult, *, signature_sha256: str, now: datetime) -> bool:
        """Set the result of an open reservation once; False when it has one."""
        if result is ReservationResult.OPEN:
            msg = "an answer is used or failed"
            raise RuntimeError(msg)
        changed = self._tx.changed(
            _ANSWER, which=reservation_id, outcome=result.value, signature=signature_sha256, now=now
        )
        return changed == 1

    def unanswered(self, *, before: datetime, limit: int) -> Sequence[SealReservation]:
        """Reservations made before ``before`` that are open or whose answer is unknown, oldest first."""
        return [_reservation(row) for row in self._tx.rows(_UNANSWERED, before=before, most=limit)]

    def abandon(self, *, purpose: str, now: datetime) -> Sequence[SealReservation]:
        """Mark earlier open reservations of a purpose as ``unknown`` when its work resumes; which ones.

        The key may have signed before the crash, so the use stays counted and listed.
        """
        return [_reservation(row) for row in self._tx.rows(_ABANDON, work=purpose, now=now)]


def _reservation(row: RowMapping) -> SealReservation:
    return SealReservation(
        reservation_id=row["reservation_id"],
        seal_id=row["seal_id"],
        purpose=row["purpose"],
        digest=row["digest"],
        reserved_at=row["reserved_at"],
        result=as_word(ReservationResult, row["result"]),
    )


def _seal(row: RowMapping) -> Seal:
    return Seal(
        seal_id=row["seal_id"],
        owner_code=row["owner_code"],
        owner_name=row["owner_name"],
        name=row["name"],
        kind=as_word(SealKind, row["kind"]),
        state=as_word(SealState, row["state"]),
        key_id=row["key_id"],
        algorithm=row["algorithm"],
        stamp=StampSpec(**from_json(row["stamp"])),
        scope_types=tuple(from_json(row["scope_types"])),
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        daily_budget=row["daily_budget"],
    )
