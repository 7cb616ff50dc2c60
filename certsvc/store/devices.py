"""Enrolled devices, and the cores that were made for them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select, text, update

from certsvc.license.devices import Device, DeviceKind, DeviceState
from certsvc.license.offline import IssuedCore
from certsvc.store.newest import newest_of
from certsvc.store.tables_devices import PROVEN, devices, offline_cores
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_D = devices.c
_NAME = "devices.name"
_BY_IDS = select(*_D).where(_D.device_id.in_(bindparam("these", expanding=True)))
_BY_KEY = select(*_D).where(_D.thumbprint == bindparam("key"), text(PROVEN))
_OF_SUBJECT = newest_of(devices, _D.subject, _D.created_at, _D.device_id)
_OF_AUTHORITY = newest_of(devices, _D.authority_code, _D.created_at, _D.device_id)
# Pending ones are locked too, so that two confirmations of one person wait for each other.
_HELD = select(_D.kind, _D.state).where(_D.subject == bindparam("whose")).order_by(_D.device_id).with_for_update()
_CONFIRM = (
    update(devices)
    .where(_D.device_id == bindparam("which"), _D.state == DeviceState.PENDING.value)
    .values(state=DeviceState.ACTIVE.value, challenge="", confirmed_at=bindparam("moment"))
)
_BLOCK = (
    update(devices)
    .where(_D.device_id == bindparam("which"), _D.state != DeviceState.BLOCKED.value)
    .values(state=DeviceState.BLOCKED.value, challenge="", blocked_at=bindparam("moment"), blocked_by=bindparam("who"))
)
_DROP = delete(devices).where(
    _D.subject == bindparam("whose"),
    _D.state == DeviceState.PENDING.value,
    _D.created_at < bindparam("moment"),
)
_BLOCKED = (
    select(_D.public_key)
    .where(_D.kind == bindparam("which"), _D.blocked_at >= bindparam("moment"), _D.confirmed_at.is_not(None))
    .order_by(_D.blocked_at.desc())
    .limit(bindparam("most"))
)

_C = offline_cores.c
_BY_TOKENS = select(*_C).where(_C.token_sha256.in_(bindparam("these", expanding=True)))
_DROP_CORES = delete(offline_cores).where(_C.device_id == bindparam("which"), _C.expires_at < bindparam("moment"))


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class DeviceRows:
    """Implements ``device_ports.Devices``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, device: Device) -> None:
        """Store."""
        self._tx.changed(
            _insert(self._tx.dialect, devices),
            device_id=device.device_id,
            kind=device.kind.value,
            state=device.state.value,
            subject=device.subject,
            authority_code=device.authority_code,
            name=self._tx.seal(device.name, _NAME, device.device_id),
            public_key=device.public_key,
            thumbprint=device.thumbprint,
            challenge=device.challenge,
            created_at=device.created_at,
            confirmed_at=device.confirmed_at,
            blocked_at=device.blocked_at,
            blocked_by=device.blocked_by,
        )

    def by_id(self, device_id: str) -> Device | None:
        """The device."""
        return self.by_ids([device_id]).get(device_id)

    def by_ids(self, device_ids: Collection[str]) -> Mapping[str, Device]:
        """Those of these devices that there are, by id."""
        rows = self._tx.rows(_BY_IDS, these=sorted(set(device_ids)))
        return {row["device_id"]: self._device(row) for row in rows}

    def by_thumbprint(self, thumbprint: str) -> Device | None:
        """The device, active or blocked, whose key was proven."""
        row = self._tx.row(_BY_KEY, key=thumbprint)
        return None if row is None else self._device(row)

    def of_subject(self, subject: str, *, limit: int) -> Sequence[Device]:
        """The devices of a person, newest first."""
        return [self._device(row) for row in _OF_SUBJECT.rows(self._tx, [subject], limit=limit)]

    def of_authorities(self, authority_codes: Collection[str], *, limit: int) -> Sequence[Device]:
        """The devices of officers of these authorities, newest first."""
        rows = _OF_AUTHORITY.rows(self._tx, sorted(authority_codes), limit=limit)
        return [self._device(row) for row in rows]

    def hold(self, subject: str, kind: DeviceKind) -> int:
        """How many active devices of a kind a person has; locks them."""
        active = (kind.value, DeviceState.ACTIVE.value)
        return sum((row["kind"], row["state"]) == active for row in self._tx.rows(_HELD, whose=subject))

    def confirm(self, device_id: str, *, now: datetime) -> bool:
        """The key was proven."""
        return self._tx.changed(_CONFIRM, which=device_id, moment=now) == 1

    def block(self, device_id: str, *, by: str, now: datetime) -> bool:
        """Block for good."""
        return self._tx.changed(_BLOCK, which=device_id, who=by, moment=now) == 1

    def drop_pending(self, subject: str, *, before: datetime) -> None:
        """Forget enrolments that were never confirmed."""
        self._tx.changed(_DROP, whose=subject, moment=before)

    def blocked_keys(self, kind: DeviceKind, *, since: datetime, limit: int) -> Sequence[bytes]:
        """Public keys of devices that were blocked at ``since`` or later, newest first."""
        rows = self._tx.rows(_BLOCKED, which=kind.value, moment=since, most=limit)
        return [bytes(row["public_key"]) for row in rows]

    def _device(self, row: RowMapping) -> Device:
        values = dict(row)
        values["kind"] = as_word(DeviceKind, row["kind"])
        values["state"] = as_word(DeviceState, row["state"])
        values["name"] = self._tx.open(row["name"], _NAME, row["device_id"])
        values["public_key"] = bytes(row["public_key"])
        return Device(**values)


class OfflineCoreRows:
    """Implements ``device_ports.OfflineCores``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert_all(self, cores: Sequence[IssuedCore]) -> None:
        """Store."""
        values = [
            {
                "core_id": core.core_id,
                "token_sha256": core.token_sha256,
                "version_id": core.version_id,
                "device_id": core.device_id,
                "issued_at": core.issued_at,
                "expires_at": core.expires_at,
            }
            for core in cores
        ]
        self._tx.changed_all(_insert(self._tx.dialect, offline_cores), values)

    def by_tokens(self, token_sha256s: Collection[str]) -> Mapping[str, IssuedCore]:
        """Those of these cores that there are, by digest."""
        rows = self._tx.rows(_BY_TOKENS, these=sorted(set(token_sha256s)))
        return {row["token_sha256"]: IssuedCore(**row) for row in rows}

    def drop_of(self, device_id: str, *, ended_before: datetime) -> None:
        """Forget the cores of a device that ended before a moment."""
        self._tx.changed(_DROP_CORES, which=device_id, moment=ended_before)
