"""Where an offline code leads when there is network: to a version on the register, judged live.

An offline code names no scene, so it never gives data, once or ever: it is for a look, as a printed code is, and the
same code may be looked at again while it lasts. Data take an online code.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.license.offline import OfflineCode, TimeFault, time_fault
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.devices import Device
    from certsvc.license.model import LicenseVersion
    from certsvc.license.offline import IssuedCore

SHOW_AGAIN: frozenset[Reason] = frozenset(
    {Reason.CODE_EXPIRED, Reason.CLOCK_DIFFERS, Reason.CODE_KEY_UNKNOWN, Reason.CODE_FOR_HOLDER}
)
"""Nothing is said against a license: a code is to be shown again, another one to be scanned, or clocks to be set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OfflineLook:
    """What stands behind a code.

    Attributes:
        reason: why it leads nowhere; None when it leads to ``version``.
    """

    core_id: str = ""
    version: LicenseVersion | None = None
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownCores:
    """What the register knows about several codes, read at once."""

    cores: Mapping[str, IssuedCore]
    versions: Mapping[str, LicenseVersion]
    devices: Mapping[str, Device]


def known_cores(tx: UnitOfWork, codes: Sequence[OfflineCode]) -> KnownCores:
    """What the register knows about these codes: three reads, however many."""
    cores = tx.offline_cores.by_tokens([_digest(code) for code in codes])
    return KnownCores(
        cores=cores,
        versions=tx.licenses.by_version_ids([core.version_id for core in cores.values()]),
        devices=tx.devices.by_ids([core.device_id for core in cores.values()]),
    )


def look(opened: OfflineCode | Reason, known: KnownCores, at: datetime) -> OfflineLook:
    """Where a code leads that was scanned at ``at``; one that is wrong tells nothing, not even the state.

    Beyond its signatures a code must be one that was made here, for the device that shows it: were the key that signs
    cores ever used behind our back, no such code would pass here.
    """
    if isinstance(opened, Reason):
        return OfflineLook(reason=opened)
    fault = time_fault(opened, at)
    if fault is not None:
        # Whether the license has expired is for the register to say: it may have been renewed since.
        expired = fault is TimeFault.LICENSE_EXPIRED
        return OfflineLook(reason=Reason.CODE_EXPIRED if expired else Reason(fault.value))
    core = known.cores.get(_digest(opened))
    device = known.devices.get(core.device_id) if core is not None else None
    version = known.versions.get(core.version_id) if core is not None else None
    if core is None or device is None or version is None or device.public_key != opened.core.device_key:
        return OfflineLook(reason=Reason.CODE_UNKNOWN)
    if core.expires_at <= at:  # ended in the register: a clock that was ahead had made it (docs/clocks.md)
        return OfflineLook(core_id=core.core_id, reason=Reason.CODE_EXPIRED)
    if device.blocked_before(at):
        return OfflineLook(core_id=core.core_id, reason=Reason.DEVICE_BLOCKED)
    return OfflineLook(core_id=core.core_id, version=version)


def look_now(deps: Deps, tx: UnitOfWork, text: str, now: datetime) -> OfflineLook:
    """Where the text of one offline code leads now."""
    return look_all(deps, tx, [text], now)[text]


def look_all(deps: Deps, tx: UnitOfWork, texts: Sequence[str], now: datetime) -> Mapping[str, OfflineLook]:
    """Where the texts of several lead now; reads nothing for none."""
    opened = {text: deps.offline.open(text) for text in texts}
    codes = [one for one in opened.values() if isinstance(one, OfflineCode)]
    known = known_cores(tx, codes) if codes else KnownCores(cores={}, versions={}, devices={})
    return {text: look(one, known, now) for text, one in opened.items()}


def _digest(code: OfflineCode) -> str:
    return hashlib.sha256(code.core.token).hexdigest()
