"""Versions of seals, their moves, their makings, and revoked certificates."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, or_, select, text, update

from certsvc.seal.life import IN_USE, KEYLESS
from certsvc.seal.making import SealMaking
from certsvc.seal.model import ReservationResult, SealKind, SealState, StampSpec
from certsvc.seal.version import (
    Cause,
    RevocationReason,
    RevokedCertificate,
    SealMoveRecord,
    SealVersion,
    version_of_key,
)
from certsvc.store.seals import IN_USE_STATE, rules_json, rules_of, seal_row
from certsvc.store.tables import seals
from certsvc.store.tables_seals import MAKING_OPEN, UNDER_WAY, revocations, seal_makings, seal_moves, seal_versions
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_V = seal_versions.c
_M = seal_moves.c
_K = seal_makings.c
_R = revocations.c
_REMARK = "seal_moves.remark"
_OPEN = text(MAKING_OPEN)

_VERSION = select(*_V, seals.c.state.label("seal_state")).select_from(
    seal_versions.outerjoin(seals, (seals.c.seal_id == _V.seal_id) & (_V.state == IN_USE_STATE))
)
_ONE = _VERSION.where(_V.seal_id == bindparam("which"), _V.version == bindparam("number"))
_OF_SEAL = _VERSION.where(_V.seal_id == bindparam("which")).order_by(_V.version)
_WAITING = _VERSION.where(text(f"seal_versions.{UNDER_WAY}")).order_by(_V.seal_id)
_WAITING = _WAITING.limit(bindparam("most"))
_WITH_KEY = _VERSION.where(
    or_(
        and_(_V.key_id == bindparam("key"), _V.key_id != ""),  # not made yet: no key
        and_(_V.seal_id == bindparam("which"), _V.version == bindparam("number")),
    )
)
_KEYLESS = sorted(state.value for state in KEYLESS)
_WITHOUT_KEY = _VERSION.where(
    or_(_V.state.in_(_KEYLESS), and_(_V.state == IN_USE_STATE, seals.c.state.in_(_KEYLESS)))
).order_by(_V.seal_id, _V.version)
_WRITE = update(seal_versions).where(
    _V.seal_id == bindparam("which"), _V.version == bindparam("number"), _V.state == bindparam("source")
)
_MOVE = _WRITE.values(
    {name: bindparam(f"new_{name}") for name in ("state", "key_id", "valid_from", "valid_until", "request")}
    | {name: bindparam(f"new_{name}") for name in ("applied_by", "approved_by", "made_by", "activated_by")}
)
_RETIRE = (
    update(seal_versions)
    .where(_V.seal_id == bindparam("which"), _V.state == IN_USE_STATE)
    .values(state=SealState.REPLACED.value)
)
_HISTORY = select(*_M).where(_M.seal_id == bindparam("which")).order_by(_M.row_no)
_ANSWER = (
    update(seal_makings)
    .where(_K.making_id == bindparam("which"), _OPEN, _K.result == ReservationResult.OPEN.value)
    .values(result=bindparam("outcome"), answered_at=bindparam("now"))
)
_ABANDON = (
    update(seal_makings)
    .where(_OPEN, _K.result == ReservationResult.OPEN.value, _K.key_id == bindparam("key"))
    .values(result=ReservationResult.UNKNOWN.value, answered_at=bindparam("now"))
    .returning(*_K)
)
_UNANSWERED = (
    select(*_K)
    .where(_OPEN, _K.reserved_at < bindparam("before"))
    .order_by(_K.reserved_at, _K.making_id)
    .limit(bindparam("most"))
)
_REVOKED = select(_R.serial).where(_R.key_id == bindparam("key")).limit(1)
_ALL_REVOKED = select(*_R).order_by(_R.issuer_key_id, _R.serial)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _once(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


@cache
def _take_over(dialect: str) -> Insert:
    """The seal's row becomes what the new version says, its state too."""
    made = insert_into(dialect, seals)
    rest = {column.name: made.excluded[column.name] for column in seals.c if column.name != "seal_id"}
    return made.on_conflict_do_update(
        index_elements=[seals.c.seal_id],
        set_=rest,
        where=seals.c.state.in_(sorted(state.value for state in IN_USE)),
    )


class SealLifeRows:
    """Implements ``seal_ports.SealLives``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def open(self, version: SealVersion) -> bool:
        """Store a version that is under way; False when another one of the seal is."""
        row = {
            **_written(version),
            "seal_id": version.seal_id,
            "version": version.version,
            "cause": version.cause.value,
            "owner_code": version.owner_code,
            "owner_name": version.owner_name,
            "name": version.name,
            "kind": version.kind.value,
            "algorithm": version.algorithm,
            "stamp": to_json(asdict(version.stamp)),
            "scope_types": to_json(list(version.scope_types)),
            "rules": rules_json(version.rules),
            "daily_budget": version.daily_budget,
            "years": version.years,
            "created_at": version.created_at,
        }
        return self._tx.changed(_once(self._tx.dialect, seal_versions), **row) == 1

    def version(self, seal_id: str, version: int) -> SealVersion | None:
        """One version."""
        row = self._tx.row(_ONE, which=seal_id, number=version)
        return None if row is None else _version(row)

    def versions(self, seal_id: str) -> Sequence[SealVersion]:
        """Every version, the oldest first."""
        return [_version(row) for row in self._tx.rows(_OF_SEAL, which=seal_id)]

    def with_key(self, key_id: str) -> Sequence[SealVersion]:
        """Versions, of whatever seal, that have this key, or whose making would make it."""
        seal_id, number = version_of_key(key_id)
        return [_version(row) for row in self._tx.rows(_WITH_KEY, key=key_id, which=seal_id, number=number)]

    def without_key(self) -> Sequence[SealVersion]:
        """Versions that ended in a way that destroys their key: refused, dropped, replaced or cancelled."""
        return [_version(row) for row in self._tx.rows(_WITHOUT_KEY)]

    def under_way(self, *, limit: int) -> Sequence[SealVersion]:
        """Versions that are not in use yet, by id of their seal."""
        return [_version(row) for row in self._tx.rows(_WAITING, most=limit)]

    def move(self, version: SealVersion, *, source: SealState) -> bool:
        """Write a version that is not in use yet, if it still stands at ``source``."""
        new = {f"new_{name}": value for name, value in _written(version).items()}
        changed = self._tx.changed(_MOVE, which=version.seal_id, number=version.version, source=source.value, **new)
        return changed == 1

    def activate(self, version: SealVersion) -> bool:
        """Make this version the seal, and the one before it replaced; False when it is not ``made`` any more.

        The caller holds the seal. A seal whose earlier version was cancelled or has expired never comes back.
        """
        if self._tx.changed(_take_over(self._tx.dialect), **seal_row(version.as_seal())) == 0:
            return False
        self._tx.changed(_RETIRE, which=version.seal_id)
        new = {f"new_{name}": value for name, value in _written(version).items()}
        new["new_state"] = IN_USE_STATE
        made = SealState.MADE.value
        return self._tx.changed(_MOVE, which=version.seal_id, number=version.version, source=made, **new) == 1

    def record(self, move: SealMoveRecord) -> None:
        """Append to the history."""
        remark = {"reason": move.reason, "document_no": move.document_no, "filing_no": move.filing_no}
        self._tx.changed(
            _insert(self._tx.dialect, seal_moves),
            move_id=move.move_id,
            seal_id=move.seal_id,
            version=move.version,
            name=move.name,
            from_state=move.from_state,
            to_state=move.to_state.value,
            actor=move.actor,
            code=move.code,
            remark=self._tx.seal_json(remark, _REMARK, move.move_id),
            at=move.at,
        )

    def history(self, seal_id: str) -> Sequence[SealMoveRecord]:
        """Every move of every version, the oldest first."""
        return [self._record(row) for row in self._tx.rows(_HISTORY, which=seal_id)]

    def begin_making(self, making: SealMaking) -> None:
        """Store a making before its key operations."""
        self._tx.changed(_insert(self._tx.dialect, seal_makings), **{**_plain(making), "result": making.result.value})

    def answer_making(self, making_id: str, result: ReservationResult, *, now: datetime) -> bool:
        """Set the result of an open making once; False when it has one."""
        return self._tx.changed(_ANSWER, which=making_id, outcome=result.value, now=now) == 1

    def abandon_makings(self, key_id: str, *, now: datetime) -> Sequence[SealMaking]:
        """Mark earlier open makings with this key as ``unknown`` when the work resumes; which ones."""
        return [_making(row) for row in self._tx.rows(_ABANDON, key=key_id, now=now)]

    def unanswered_makings(self, *, before: datetime, limit: int) -> Sequence[SealMaking]:
        """Makings without an answer, oldest first."""
        return [_making(row) for row in self._tx.rows(_UNANSWERED, before=before, most=limit)]

    def revoke(self, certificate: RevokedCertificate) -> bool:
        """Store a revocation; False when the certificate was revoked before."""
        row = {**_plain(certificate), "reason": certificate.reason.value}
        return self._tx.changed(_once(self._tx.dialect, revocations), **row) == 1

    def is_revoked(self, key_id: str) -> bool:
        """Whether a certificate of this key was revoked."""
        return self._tx.row(_REVOKED, key=key_id) is not None

    def revocations(self) -> Sequence[RevokedCertificate]:
        """Every revocation, by issuer and serial: what CRLs are made of."""
        return [
            RevokedCertificate(**{**row, "reason": as_word(RevocationReason, row["reason"])})
            for row in self._tx.rows(_ALL_REVOKED)
        ]

    def _record(self, row: RowMapping) -> SealMoveRecord:
        remark = self._tx.open_json(row["remark"], _REMARK, row["move_id"])
        return SealMoveRecord(
            move_id=row["move_id"],
            seal_id=row["seal_id"],
            version=row["version"],
            name=row["name"],
            from_state=row["from_state"],
            to_state=as_word(SealState, row["to_state"]),
            actor=row["actor"],
            at=row["at"],
            code=row["code"],
            reason=remark["reason"],
            document_no=remark["document_no"],
            filing_no=remark["filing_no"],
        )


def _written(version: SealVersion) -> dict[str, Any]:
    """What changes on the way of a version; the application itself never does."""
    return {
        "state": version.state.value,
        "key_id": version.key_id,
        "valid_from": version.valid_from,
        "valid_until": version.valid_until,
        "request": version.request,
        "applied_by": version.applied_by,
        "approved_by": version.approved_by,
        "made_by": version.made_by,
        "activated_by": version.activated_by,
    }


def _plain(record: SealMaking | RevokedCertificate) -> dict[str, Any]:
    return asdict(record)


def _making(row: RowMapping) -> SealMaking:
    values = {name: value for name, value in row.items() if name != "answered_at"}
    return SealMaking(**{**values, "result": as_word(ReservationResult, row["result"])})


def _version(row: RowMapping) -> SealVersion:
    state = row["seal_state"] if row["state"] == IN_USE_STATE else row["state"]
    return SealVersion(
        seal_id=row["seal_id"],
        version=row["version"],
        state=as_word(SealState, state),
        cause=as_word(Cause, row["cause"]),
        owner_code=row["owner_code"],
        owner_name=row["owner_name"],
        name=row["name"],
        kind=as_word(SealKind, row["kind"]),
        algorithm=row["algorithm"],
        stamp=StampSpec(**from_json(row["stamp"])),
        scope_types=tuple(from_json(row["scope_types"])),
        rules=rules_of(row["rules"]),
        daily_budget=row["daily_budget"],
        years=row["years"],
        created_at=row["created_at"],
        key_id=row["key_id"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        request=row["request"],
        applied_by=row["applied_by"],
        approved_by=row["approved_by"],
        made_by=row["made_by"],
        activated_by=row["activated_by"],
    )
