"""Cores of offline codes for the licenses of a holder, bound to one of the holder's devices."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.devices.enrol import active_device_of
from certsvc.commands.evidence.record import record
from certsvc.commands.showing.rights import UNDER_14_ZH, require_alive
from certsvc.commands.showing.wallet import MAX_CARDS
from certsvc.commands.verifying.facts import masked_holder
from certsvc.commands.verifying.stands import stands_all
from certsvc.errors import Conflict, InvalidInput
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.devices import DeviceKind
from certsvc.license.model import Holder
from certsvc.license.offline import (
    KEEP_CORES,
    MAX_CORES,
    IssuedCore,
    OfflineCore,
    core_end,
    too_long,
    why_online_only,
)
from certsvc.license.relations import needs_guardian

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.devices import Device
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing

NOT_YOURS = "您名下没有这张证照"


@dataclass(frozen=True, kw_only=True, slots=True)
class CoreAnswer:
    """One license: its core, or why it can be shown online only.

    Attributes:
        core: the issuer-signed bytes; empty when refused.
    """

    identifier: str
    type_name: str
    core: bytes
    issued_at: datetime
    expires_at: datetime
    refused: str = ""


def mint_cores(deps: Deps, caller: Principal, *, device_id: str, identifiers: Sequence[str]) -> tuple[CoreAnswer, ...]:
    """A core for each of the caller's licenses, in their order; one that cannot be shown offline says why.

    Raises:
        NotFound: not a device of the caller.
        Conflict: the caller is too young to show alone, or dead by the register.
        Forbidden: the device was blocked.
        InvalidInput: more than :data:`MAX_CORES`, or one twice.
        Unavailable: the service has no key for offline codes.
    """
    roles.require(caller, roles.HOLDER)
    if not 1 <= len(identifiers) <= MAX_CORES or len(set(identifiers)) != len(identifiers):
        raise InvalidInput(f"一次请取 1 至 {MAX_CORES} 张证照的离线亮证码，不要重复")
    now = deps.clock.sure().replace(microsecond=0)
    holder = Holder(name="", code=caller.holder_code, code_type=caller.holder_code_type)
    if needs_guardian(holder, local_day(now)):
        raise Conflict(UNDER_14_ZH)
    with deps.uow.read() as tx:
        require_alive(tx, caller)
        device = active_device_of(tx, caller, device_id, DeviceKind.HOLDER)
        own = {one.identifier: one for one in tx.licenses.of_holder(holder, limit=MAX_CARDS)} if holder.code else {}
        wanted = [own[one] for one in identifiers if one in own]
        standing = dict(zip([one.identifier for one in wanted], stands_all(deps, tx, wanted, now), strict=True))
    made: list[IssuedCore] = []
    answers = tuple(
        _answer(deps, own[one], standing[one], device, now, made) if one in own else _refused(one, "", NOT_YOURS, now)
        for one in identifiers
    )
    if made:
        with deps.uow() as tx:
            # Asked again: a device that was blocked meanwhile gets nothing, and nothing of it is on record.
            active_device_of(tx, caller, device_id, DeviceKind.HOLDER)
            tx.offline_cores.drop_of(device.device_id, ended_before=now - KEEP_CORES)
            tx.offline_cores.insert_all(made)
            cores = [{"core_id": one.core_id, "version_id": one.version_id} for one in made]
            record(
                tx,
                deps,
                kind="show.offline",
                subject=device.device_id,
                actor=caller.subject,
                content={"cores": cores},
                at=now,
            )
    return answers


def offline_name(kind: LicenseType, version: LicenseVersion) -> str:
    """The holder's name in a code: as anyone may see it, and a person's never in full, whatever the type says."""
    shown = masked_holder(kind, version)
    person = not HolderCodeType.of(version.holder.code_type).is_organisation
    return apply_mask(Mask.NAME, version.holder.name) if person and shown == version.holder.name else shown


def _answer(
    deps: Deps, version: LicenseVersion, how: Standing, device: Device, now: datetime, made: list[IssuedCore]
) -> CoreAnswer:
    """The answer about one license; what it made is added to ``made``."""
    kind = deps.catalog.type(version.type_slug)
    why = why_online_only(version, how, now) if kind.showable else f"{kind.name}不是证照，不能亮证"
    entry = version.status_entry
    if why or entry is None:
        return _refused(version.identifier, kind.name, why, now)
    ends = core_end(version, now)
    token = deps.ids.salt()
    core = deps.offline.mint(
        OfflineCore(
            token=token,
            type_slug=kind.slug,
            holder_masked=offline_name(kind, version),
            last_day=version.valid_until,
            status=entry,
            device_key=device.public_key,
            issued_at=int(now.timestamp()),
            expires_at=int(ends.timestamp()),
        )
    )
    if why := too_long(deps.offline.size_of(core)):
        return _refused(version.identifier, kind.name, why, now)
    made.append(
        IssuedCore(
            core_id=deps.ids.new("cor"),
            token_sha256=hashlib.sha256(token).hexdigest(),
            version_id=version.version_id,
            device_id=device.device_id,
            issued_at=now,
            expires_at=ends,
        )
    )
    return CoreAnswer(identifier=version.identifier, type_name=kind.name, core=core, issued_at=now, expires_at=ends)


def _refused(identifier: str, type_name: str, why: str, now: datetime) -> CoreAnswer:
    return CoreAnswer(identifier=identifier, type_name=type_name, core=b"", issued_at=now, expires_at=now, refused=why)


def encoded(core: bytes) -> str:
    """A core as it travels in JSON: base64url without padding."""
    return base64.urlsafe_b64encode(core).rstrip(b"=").decode("ascii")
