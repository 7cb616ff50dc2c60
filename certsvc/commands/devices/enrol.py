"""A device enrols its key: claimed by its owner, proven by a signature over our challenge, blocked when it is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.errors import Conflict, Forbidden, IntegrityError, InvalidInput, NotFound
from certsvc.license.devices import (
    CHALLENGE_LIFETIME,
    MAX_DEVICES,
    MAX_LISTED,
    Device,
    DeviceKind,
    DeviceState,
    possession_message,
)
from certsvc.seal.rules import region_contains

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

MAX_BEGUN = 5
"""Enrolments of one person that wait for their proof; stops a signed-in script from filling the table."""

ENROLLERS: dict[DeviceKind, tuple[str, ...]] = {
    DeviceKind.HOLDER: (roles.HOLDER,),
    DeviceKind.OFFICER: (roles.OFFICER, roles.CLERK),
}
"""Whose devices are of which kind: clerks of gates and kiosks check as officers do."""

ANYONE_WITH_DEVICES: tuple[str, ...] = (roles.HOLDER, roles.OFFICER, roles.CLERK)
ADMINISTRATORS: tuple[str, ...] = (roles.SECURITY,)
"""安全保密管理员: blocks the devices of officers in the region of the own authority."""

UNSEEN = "没有这台设备，或不在您的管理范围内"
TAKEN = "这把设备密钥已登记过，或已挂失：请在设备上重新生成密钥后再登记"


def begin(deps: Deps, caller: Principal, *, kind: DeviceKind, name: str, jwk: Mapping[str, object]) -> Device:
    """Claim a key; the device then signs the challenge of the answer.

    Raises:
        Forbidden: the caller has no role for this kind of device.
        InvalidInput: no public P-256 key.
        Conflict: the key is known, or the caller has too many devices.
    """
    roles.require(caller, *ENROLLERS[kind])
    point, thumbprint = deps.offline.read_device_jwk(jwk)
    now = deps.clock.now()
    device = Device(
        device_id=deps.ids.new("dev"),
        kind=kind,
        state=DeviceState.PENDING,
        subject=caller.subject,
        authority_code=caller.authority_code if kind is DeviceKind.OFFICER else "",
        name=name,
        public_key=point,
        thumbprint=thumbprint,
        challenge=deps.ids.secret(),
        created_at=now,
    )
    with deps.uow() as tx:
        tx.devices.drop_pending(caller.subject, before=now - CHALLENGE_LIFETIME)
        _check_room(tx, caller, kind)
        if tx.devices.by_thumbprint(thumbprint) is not None:
            raise Conflict(TAKEN)
        own = tx.devices.of_subject(caller.subject, limit=MAX_LISTED)
        if sum(one.state is DeviceState.PENDING for one in own) >= MAX_BEGUN:
            raise Conflict("有多台设备等待验证，请先完成，或十分钟后再试")
        tx.devices.insert(device)
    return device


def confirm(deps: Deps, caller: Principal, *, device_id: str, signature: str) -> Device:
    """Take the device up once its signature over the challenge holds.

    Raises:
        NotFound: no device of the caller that waits for its proof.
        InvalidInput: another key's signature, or over something else.
        Conflict: the challenge is too old, the key is known, or the caller has too many devices.
    """
    now = deps.clock.now()
    try:
        with deps.uow() as tx:
            device = tx.devices.by_id(device_id)
            if device is None or device.subject != caller.subject or device.state is not DeviceState.PENDING:
                raise NotFound("没有等待验证的这台设备，请重新登记")
            if now - device.created_at > CHALLENGE_LIFETIME:
                raise Conflict("登记已超过十分钟，请重新登记")
            message = possession_message(device.device_id, device.challenge)
            if not deps.offline.signed_by(device.public_key, signature, message):
                raise InvalidInput("设备签名不符：请用登记的密钥对挑战签名（ECDSA P-256、SHA-256，r 与 s 共 64 字节）")
            _check_room(tx, caller, device.kind)
            if tx.devices.by_thumbprint(device.thumbprint) is not None or not tx.devices.confirm(device_id, now=now):
                raise Conflict(TAKEN)
            _note(deps, tx, caller, "device.enrolled", device, now)
    except IntegrityError as error:
        raise Conflict(TAKEN) from error  # another proved the same key at the same moment
    return replace(device, state=DeviceState.ACTIVE, challenge="", confirmed_at=now)


def own_devices(deps: Deps, caller: Principal) -> Sequence[Device]:
    """The caller's devices, newest first; an administrator's list is that of the officers of the region."""
    roles.require(caller, *ANYONE_WITH_DEVICES, *ADMINISTRATORS)
    with deps.uow.read() as tx:
        if caller.roles.isdisjoint(ADMINISTRATORS):
            return tx.devices.of_subject(caller.subject, limit=MAX_LISTED)
        return tx.devices.of_authorities(_administered(deps, caller), limit=MAX_LISTED)


def block(deps: Deps, caller: Principal, *, device_id: str) -> Device:
    """Block a device for good: its owner, or an administrator of the authority of an officer's.

    Raises:
        NotFound: no such device, or not for this caller.
    """
    roles.require(caller, *ANYONE_WITH_DEVICES, *ADMINISTRATORS)
    now = deps.clock.now()
    with deps.uow() as tx:
        device = tx.devices.by_id(device_id)
        if device is None or not _may_block(deps, caller, device):
            raise NotFound(UNSEEN)
        if not tx.devices.block(device_id, by=caller.subject, now=now):
            return tx.devices.by_id(device_id) or device
        _note(deps, tx, caller, "device.blocked", device, now)
    return replace(device, state=DeviceState.BLOCKED, challenge="", blocked_at=now, blocked_by=caller.subject)


def device_of(tx: UnitOfWork, caller: Principal, device_id: str, kind: DeviceKind) -> Device:
    """The caller's own proven device of this kind, whether blocked or not; NotFound in the same words for all else."""
    device = tx.devices.by_id(device_id)
    if (
        device is None
        or (device.subject, device.kind) != (caller.subject, kind)
        or device.state is DeviceState.PENDING
        or (kind is DeviceKind.OFFICER and device.authority_code != caller.authority_code)
    ):
        raise NotFound("没有这台已登记的设备，请先登记本设备")
    return device


def active_device_of(tx: UnitOfWork, caller: Principal, device_id: str, kind: DeviceKind) -> Device:
    """The same, and Forbidden when it was blocked."""
    device = device_of(tx, caller, device_id, kind)
    if device.state is DeviceState.BLOCKED:
        raise Forbidden("本设备已挂失，不能再使用；如系误报，请重新生成密钥并登记为新设备")
    return device


def _check_room(tx: UnitOfWork, caller: Principal, kind: DeviceKind) -> None:
    if tx.devices.hold(caller.subject, kind) >= MAX_DEVICES[kind]:
        raise Conflict(f"最多登记 {MAX_DEVICES[kind]} 台设备，请先将不再使用的设备挂失")


def _may_block(deps: Deps, caller: Principal, device: Device) -> bool:
    if device.subject == caller.subject:
        return True
    return (
        device.kind is DeviceKind.OFFICER
        and not caller.roles.isdisjoint(ADMINISTRATORS)
        and device.authority_code in _administered(deps, caller)
    )


def _administered(deps: Deps, caller: Principal) -> frozenset[str]:
    """The own authority, and those in its region."""
    catalog = deps.catalog
    if not catalog.has_authority(caller.authority_code):
        return frozenset({caller.authority_code})
    wide = catalog.authority(caller.authority_code).region
    return frozenset(one.code for one in catalog.authorities if region_contains(wide, one.region))


def _note(deps: Deps, tx: UnitOfWork, caller: Principal, kind: str, device: Device, now: datetime) -> None:
    content = {"kind": device.kind.value, "owner": device.subject, "thumbprint": device.thumbprint}
    record(tx, deps, kind=kind, subject=device.device_id, actor=caller.subject, content=content, at=now)
