"""Seals and the reservations of their use."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, literal, or_, select, text, update

from certsvc.clock import check_aware
from certsvc.errors import IntegrityError
from certsvc.seal.life import IN_USE
from certsvc.seal.model import ReservationResult, Seal, SealKind, SealReservation, SealState, StampSpec
from certsvc.seal.rules import SealRules, UseHours
from certsvc.store.one_of import one_of
from certsvc.store.tables import OPEN_RESERVATION, reservations, seal_days, seals
from certsvc.store.tables_seals import seal_versions
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

IN_USE_STATE = "current"
"""``seal_versions.state`` of the version that is the seal: its state proper stands in ``seals.state``, once."""

_S = seals.c
_R = reservations.c
_IS_OPEN = text(OPEN_RESERVATION)

_V = seal_versions.c
# A seal that an older release registers has no version row yet: it is its own first version, without rules.
_WITH_VERSION = seals.outerjoin(seal_versions, (_V.seal_id == _S.seal_id) & (_V.state == IN_USE_STATE))
_SEAL = select(*_S, _V.version, _V.rules).select_from(_WITH_VERSION)
_BY_ID = _SEAL.where(_S.seal_id == bindparam("which"))
_BY_IDS = _SEAL.where(one_of(_S.seal_id, "which"))
_ALL = _SEAL.order_by(_S.seal_id)
# The row stays locked to the end of the transaction: a stop waits for us or we see it (no key change: KEY SHARE).
_LOCKED = select(*_S).where(_S.seal_id == bindparam("which")).with_for_update(key_share=True)
_EXPIRED = (
    _SEAL.where(_S.state.in_(sorted(state.value for state in IN_USE)), _S.valid_until <= bindparam("now"))
    .order_by(_S.seal_id)
    .limit(bindparam("most"))
)
_SINCE = (
    select(literal(1))
    .where(_R.seal_id == bindparam("which"), _R.reserved_at > bindparam("since"))
    .limit(bindparam("most"))
    .subquery()
)
_NEWEST = (
    select(*_R)
    .where(_R.seal_id == bindparam("which"))
    .order_by(_R.reserved_at.desc(), _R.reservation_id.desc())
    .limit(bindparam("most"))
)
_USED_SINCE = select(func.count().label("used")).select_from(_SINCE)
_USED_ON = select(seal_days.c.seal_id, seal_days.c.used).where(seal_days.c.day_start == bindparam("day"))
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
_UNANSWERED_OF = _UNANSWERED.where(_R.seal_id == bindparam("which"))
_ABANDON = (
    update(reservations)
    .where(_IS_OPEN, _R.result == ReservationResult.OPEN.value, _R.purpose.in_(bindparam("works", expanding=True)))
    .values(result=ReservationResult.UNKNOWN.value, answered_at=bindparam("now"))
    .returning(*_R)
)
_SETTLE = (
    update(reservations)
    .where(
        _R.reservation_id == bindparam("which"),
        _IS_OPEN,
        or_(_R.result == ReservationResult.UNKNOWN.value, _R.reserved_at < bindparam("before")),
    )
    .values(result=bindparam("outcome"), answered_at=bindparam("now"))
    .returning(*_R)
)


@cache
def _upsert(dialect: str) -> Insert:
    """What was declared wins, but for the state: a seal that was stopped stays stopped."""
    made = insert_into(dialect, seals)
    declared = {column.name: made.excluded[column.name] for column in _S if column.name not in {"seal_id", "state"}}
    return made.on_conflict_do_update(index_elements=[_S.seal_id], set_=declared)


@cache
def _upsert_version(dialect: str) -> Insert:
    """The first version of a declared seal; a later declaration changes it while it is in use."""
    made = insert_into(dialect, seal_versions)
    kept = {"seal_id", "version", "state", "cause", "created_at", "applied_by", "approved_by", "made_by"}
    declared = {column.name: made.excluded[column.name] for column in _V if column.name not in kept}
    declared.pop("activated_by")
    current = _V.state == IN_USE_STATE
    return made.on_conflict_do_update(index_elements=[_V.seal_id, _V.version], set_=declared, where=current)


@cache
def _count_use(dialect: str) -> Insert:
    """More uses of the day, if all are within the budget; one row per seal and day, so it never gets slower.

    Whether those of a day's first row are is for the caller to see.
    """
    made = insert_into(dialect, seal_days)
    made = made.values(seal_id=bindparam("seal"), day_start=bindparam("day"), used=bindparam("uses"))
    return made.on_conflict_do_update(
        index_elements=[seal_days.c.seal_id, seal_days.c.day_start],
        set_={"used": seal_days.c.used + made.excluded.used},
        where=seal_days.c.used + made.excluded.used <= bindparam("budget"),
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
        """Register a seal that was declared; the stored state of a known one, and a re-made one, is kept."""
        # Held, so that no re-making comes between the look and the write.
        known = self.hold(seal.seal_id)
        if known is not None and known.version > seal.version:
            return
        row = seal_row(seal)
        version = {name: value for name, value in row.items() if name != "state"}
        self._tx.changed(_upsert(self._tx.dialect), **row)
        self._tx.changed(
            _upsert_version(self._tx.dialect),
            **version,
            version=seal.version,
            state=IN_USE_STATE,
            cause="declared",
            rules=rules_json(seal.rules),
            years=1,
            request="",
            applied_by="",
            approved_by="",
            made_by="",
            activated_by="",
            created_at=seal.valid_from,
        )

    def by_id(self, seal_id: str) -> Seal | None:
        """The seal."""
        row = self._tx.row(_BY_ID, which=seal_id)
        return None if row is None else _seal(row)

    def by_ids(self, seal_ids: Sequence[str]) -> Mapping[str, Seal]:
        """Those of these seals that there are, by id."""
        return {row["seal_id"]: _seal(row) for row in self._tx.rows(_BY_IDS, which=list(seal_ids))}

    def all(self) -> Sequence[Seal]:
        """Every seal, by id."""
        return [_seal(row) for row in self._tx.rows(_ALL)]

    def hold(self, seal_id: str) -> Seal | None:
        """The seal; nobody else moves it or reserves a use of it until the end of the transaction.

        The rules are read after the lock was taken, so what a concurrent re-making wrote is seen.
        """
        if self._tx.row(_LOCKED, which=seal_id) is None:
            return None
        return self.by_id(seal_id)

    def expired(self, now: datetime, *, limit: int) -> Sequence[Seal]:
        """Seals in use whose period has ended, by id."""
        return [_seal(row) for row in self._tx.rows(_EXPIRED, now=now, most=limit)]

    def used_since(self, seal_id: str, since: datetime, *, limit: int) -> int:
        """How many uses were reserved after ``since``, counted up to ``limit``."""
        row = self._tx.row(_USED_SINCE, which=seal_id, since=since, most=limit)
        return 0 if row is None else int(row["used"])

    def newest_uses(self, seal_id: str, *, limit: int) -> Sequence[SealReservation]:
        """The newest reservations of a seal, newest first."""
        return [reservation_of(row) for row in self._tx.rows(_NEWEST, which=seal_id, most=limit)]

    def used_on(self, day_start: datetime) -> Mapping[str, int]:
        """How many uses each seal has had on the day that begins at ``day_start``."""
        return {row["seal_id"]: row["used"] for row in self._tx.rows(_USED_ON, day=day_start)}

    def set_state(self, seal_id: str, *, source: SealState, target: SealState) -> bool:
        """Move a seal, if it still stands at ``source``."""
        return self._tx.changed(_SET_STATE, which=seal_id, source=source.value, target=target.value) == 1

    def reserve(self, uses: Sequence[SealReservation], *, day_start: datetime, day_end: datetime) -> bool:
        """Store reservations of one seal if it is active, each lies in its period and its budget holds all of them.

        The seal's row is locked first, so a reservation and a stop come one after the other.
        """
        times = [check_aware(one.reserved_at) for one in uses]
        if len({one.seal_id for one in uses}) != 1 or not all(
            check_aware(day_start) <= at < check_aware(day_end) for at in times
        ):
            msg = "reservations are of one seal and lie in its day"
            raise RuntimeError(msg)
        seal_id = uses[0].seal_id
        row = self._tx.row(_LOCKED, which=seal_id)
        if row is None or row["state"] != SealState.ACTIVE.value:
            return False
        budget: int = row["daily_budget"]
        if budget < len(uses) or not all(row["valid_from"] <= at < row["valid_until"] for at in times):
            return False
        count = _count_use(self._tx.dialect)
        if self._tx.changed(count, seal=seal_id, day=day_start, uses=len(uses), budget=budget) == 0:
            return False
        self._tx.changed_all(_insert(self._tx.dialect), [_reservation_row(one) for one in uses])
        return True

    def answer(self, answers: Sequence[tuple[str, ReservationResult, str]], *, now: datetime) -> int:
        """Set the results of open reservations, once: id, result, digest of the signature; how many had none."""
        if any(result is ReservationResult.OPEN for _, result, _ in answers):
            msg = "an answer is used or failed"
            raise RuntimeError(msg)
        rows = [
            {"which": reservation_id, "outcome": result.value, "signature": sha256, "now": now}
            for reservation_id, result, sha256 in answers
        ]
        return self._tx.changed_all(_ANSWER, rows)

    def unanswered(self, *, before: datetime, limit: int) -> Sequence[SealReservation]:
        """Reservations made before ``before`` that are open or whose answer is unknown, oldest first."""
        return [reservation_of(row) for row in self._tx.rows(_UNANSWERED, before=before, most=limit)]

    def unanswered_of(self, seal_id: str, *, before: datetime, limit: int) -> Sequence[SealReservation]:
        """As :meth:`unanswered`, of one seal."""
        rows = self._tx.rows(_UNANSWERED_OF, which=seal_id, before=before, most=limit)
        return [reservation_of(row) for row in rows]

    def abandon(self, purposes: Sequence[str], *, now: datetime) -> Sequence[SealReservation]:
        """Mark earlier open reservations of these purposes as ``unknown`` when their work resumes; which ones.

        The key may have signed before the crash, so the use stays counted and listed.
        """
        return [reservation_of(row) for row in self._tx.rows(_ABANDON, works=list(purposes), now=now)]

    def settle(
        self, reservation_id: str, result: ReservationResult, *, open_before: datetime, now: datetime
    ) -> SealReservation | None:
        """Answer one that is ``unknown``, or open since before ``open_before``; None when it is neither."""
        row = self._tx.row(_SETTLE, which=reservation_id, before=open_before, outcome=result.value, now=now)
        return None if row is None else reservation_of(row)


def _reservation_row(use: SealReservation) -> dict[str, Any]:
    return {
        "reservation_id": use.reservation_id,
        "seal_id": use.seal_id,
        "purpose": use.purpose,
        "digest": use.digest,
        "reserved_at": use.reserved_at,
        "result": use.result.value,
        "signature_sha256": "",
    }


def reservation_of(row: RowMapping) -> SealReservation:
    """The reservation of a row with the columns of ``reservations``."""
    return SealReservation(
        reservation_id=row["reservation_id"],
        seal_id=row["seal_id"],
        purpose=row["purpose"],
        digest=row["digest"],
        reserved_at=row["reserved_at"],
        result=as_word(ReservationResult, row["result"]),
        signature_sha256=row["signature_sha256"],
        answered_at=row["answered_at"],
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
        version=row["version"] or 1,
        rules=rules_of(row["rules"] or "{}"),
    )


def seal_row(seal: Seal) -> dict[str, Any]:
    """The columns of ``seals``."""
    return {
        "seal_id": seal.seal_id,
        "owner_code": seal.owner_code,
        "owner_name": seal.owner_name,
        "name": seal.name,
        "kind": seal.kind.value,
        "state": seal.state.value,
        "key_id": seal.key_id,
        "algorithm": seal.algorithm,
        "stamp": to_json(asdict(seal.stamp)),
        "scope_types": to_json(list(seal.scope_types)),
        "valid_from": seal.valid_from,
        "valid_until": seal.valid_until,
        "daily_budget": seal.daily_budget,
    }


def rules_json(rules: SealRules) -> str:
    """Rules as they are stored."""
    return to_json(asdict(rules))


def rules_of(text: str) -> SealRules:
    """Stored rules; what a later release added is refused as damage, so that no rule is overlooked."""
    value: dict[str, Any] = from_json(text)
    hours: dict[str, Any] | None = value.pop("hours", None)
    lists: dict[str, Any] = {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
    try:
        window = None if hours is None else UseHours(**{**hours, "days": tuple(hours["days"])})
        return SealRules(**lists, hours=window)
    except (TypeError, KeyError) as error:
        raise IntegrityError("印章规则无法读取：请确认程序版本不低于数据库版本") from error
