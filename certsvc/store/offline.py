"""Inspections that were made without network, and the versions of the parts of offline bundles."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from certsvc.license.inspections import InspectionRecord
from certsvc.license.offline_bundle import PartVersion
from certsvc.store.tables_devices import bundle_parts, inspection_records
from certsvc.store.transaction import Insert, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping
    from sqlalchemy.sql.dml import ReturningInsert

    from certsvc.store.transaction import Transaction

_R = inspection_records.c
_OF_DEVICE = select(*_R).where(_R.device_id == bindparam("which"), _R.record_id.in_(bindparam("these", expanding=True)))

_P = bundle_parts.c
NEWEST = ""
"""Name of the row that keeps the newest version."""
_PARTS = select(*_P)
_NEWEST = select(_P.version).where(_P.name == NEWEST).with_for_update()
_GONE = delete(bundle_parts).where(_P.name.in_(bindparam("these", expanding=True)))


@cache
def _take(dialect: str) -> ReturningInsert[tuple[str]]:
    return insert_into(dialect, inspection_records).on_conflict_do_nothing().returning(_R.record_id)


@cache
def _begin(dialect: str) -> Insert:
    return insert_into(dialect, bundle_parts).on_conflict_do_nothing()


@cache
def _change(dialect: str) -> Insert:
    made = insert_into(dialect, bundle_parts)
    names = ("digest", "version", "changed_at")
    return made.on_conflict_do_update(index_elements=[_P.name], set_={name: made.excluded[name] for name in names})


class InspectionRows:
    """Implements ``device_ports.InspectionRecords``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def add_all(self, records: Sequence[InspectionRecord]) -> Collection[str]:
        """Store those that were never taken from their device; the ids of these."""
        values = [
            {
                "device_id": record.device_id,
                "record_id": record.record_id,
                "digest": record.digest,
                "scan_id": record.scan_id,
                "made_at": record.made_at,
                "received_at": record.received_at,
                "light": record.light,
                "reason": record.reason,
                "identity_checked": record.identity_checked,
                "reason_then": record.then,
                "reason_now": record.now,
                "flags": to_json(list(record.flags)),
            }
            for record in records
        ]
        return {row["record_id"] for row in self._tx.rows_all(_take(self._tx.dialect), values)}

    def of_device(self, device_id: str, record_ids: Collection[str]) -> Mapping[str, InspectionRecord]:
        """Those of these records that were taken, by id."""
        rows = self._tx.rows(_OF_DEVICE, which=device_id, these=sorted(set(record_ids)))
        return {row["record_id"]: _record(row) for row in rows}


class BundlePartRows:
    """Implements ``device_ports.BundleParts``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def versions(self) -> Mapping[str, PartVersion]:
        """Every part."""
        return {
            row["name"]: PartVersion(name=row["name"], digest=row["digest"], version=row["version"])
            for row in self._tx.rows(_PARTS)
            if row["name"] != NEWEST
        }

    def hold(self, *, now: datetime) -> int:
        """The newest version, locked until the end of the transaction."""
        self._tx.changed(_begin(self._tx.dialect), name=NEWEST, digest="", version=0, changed_at=now)
        row = self._tx.row(_NEWEST)
        return int(row["version"]) if row is not None else 0

    def change(self, parts: Sequence[PartVersion], *, gone: Collection[str], newest: int, now: datetime) -> None:
        """Store new or changed parts, forget those that are gone, and set the newest version."""
        rows = [*parts, PartVersion(name=NEWEST, digest="", version=newest)]
        self._tx.changed_all(
            _change(self._tx.dialect),
            [{"name": one.name, "digest": one.digest, "version": one.version, "changed_at": now} for one in rows],
        )
        if gone:
            self._tx.changed(_GONE, these=sorted(gone))


def _record(row: RowMapping) -> InspectionRecord:
    values = dict(row)
    values["then"], values["now"] = values.pop("reason_then"), values.pop("reason_now")
    values["flags"] = tuple(from_json(row["flags"]))
    return InspectionRecord(**values)
