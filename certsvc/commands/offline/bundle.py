"""The offline bundle: what an officer's device needs without network, whole or what changed since its last one.

A part has a version number when its content changes, whichever process notices first; so every process tells the same
versions, and a device that asks one of them today and another tomorrow misses nothing (ADR 0071).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from certsvc.catalog.model import LicenseType
from certsvc.commands.access import roles
from certsvc.commands.devices.enrol import active_device_of
from certsvc.commands.offline.labels import type_labels
from certsvc.commands.verifying.status_lists import Form
from certsvc.errors import SigningError
from certsvc.license.devices import MAX_BLOCKED_TOLD, DeviceKind
from certsvc.license.offline import (
    CORE_LIFETIME_S,
    PROOF_AGE_S,
    STATUS_AMBER_S,
    STATUS_STALE_S,
    TOLERANCE_S,
    device_key_id,
)
from certsvc.license.offline_bundle import RESIGN_S, STATUS, PartVersion, claims_since
from certsvc.license.status_list import list_uri
from certsvc.seal.reason_words import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.commands.verifying.status_lists import StatusBoard

MAX_KEPT_DELTAS = 256
"""Signed files that a process keeps for a minute; devices of one city ask from a handful of versions."""


@dataclass(kw_only=True, slots=True)
class _Kept:
    """The newest content that this process knows, and the files it signed over it."""

    read_at: float
    as_of: datetime
    version: int
    parts: Mapping[str, int]
    values: Mapping[str, Any]
    signed: dict[int, bytes] = field(default_factory=dict)


class BundleBoard:
    """The bundles of one process. Threads may share it; one of them reads, those who ask meanwhile wait for it."""

    def __init__(self, lists: StatusBoard) -> None:
        """Take status lists from ``lists``."""
        self._lists = lists
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def file(self, deps: Deps, caller: Principal, *, device_id: str, since: int) -> bytes:
        """The bundle for an enrolled device: what changed behind ``since``, or all of it for 0.

        Raises:
            NotFound: not an officer's device of the caller.
            Forbidden: the device was blocked.
            Unavailable: there is no key, or the register cannot be read.
        """
        roles.require(caller, roles.OFFICER, roles.CLERK)
        with deps.uow.read() as tx:
            active_device_of(tx, caller, device_id, DeviceKind.OFFICER)
        with self._lock:
            now = deps.clock.monotonic()
            kept = self._kept
            if kept is None or now - kept.read_at >= RESIGN_S:
                kept = self._kept = self._read(deps, now)
            behind = since if 0 < since <= kept.version else 0
            found = kept.signed.get(behind)
            if found is None:
                claims = claims_since(behind, kept.version, kept.as_of, kept.parts, kept.values)
                found = deps.offline.sign_bundle(claims)
                if len(kept.signed) < MAX_KEPT_DELTAS:
                    kept.signed[behind] = found
            return found

    def _read(self, deps: Deps, now: float) -> _Kept:
        # The moment is taken first: everything is as new as the file says, or newer.
        as_of = deps.clock.now().replace(microsecond=0)
        values: dict[str, Any] = {}
        digests: dict[str, str] = {}
        with deps.uow.read() as tx:
            lists = tx.statuses.lists()
            values.update(_common(deps, tx, as_of))
        digests.update({name: deps.offline.fingerprint(value) for name, value in values.items()})
        for list_no in range(1, lists + 1):
            signed = self._lists.signed(deps, str(list_no), Form.CWT)
            as_of = min(as_of, signed.as_of.replace(microsecond=0))
            uri = list_uri(deps.policy.public_base, list_no)
            values[f"{STATUS}{list_no}"] = {"list": list_no, "uri": uri, "cwt": signed.data}
            # The array counts: it is signed anew every few minutes though nothing ended.
            digests[f"{STATUS}{list_no}"] = signed.sha256
        version, parts = _versions(deps, digests, as_of)
        return _Kept(read_at=now, as_of=as_of, version=version, parts=parts, values=values)


def _versions(deps: Deps, digests: Mapping[str, str], now: datetime) -> tuple[int, Mapping[str, int]]:
    """The version of every part; those whose content changed get the next one, in all processes the same."""
    with deps.uow.read() as tx:
        known = tx.bundle_parts.versions()
    if {name: one.digest for name, one in known.items()} != dict(digests):
        with deps.uow() as tx:
            newest = tx.bundle_parts.hold(now=now)
            known = tx.bundle_parts.versions()
            changed = [name for name, digest in digests.items() if name not in known or known[name].digest != digest]
            gone = known.keys() - digests.keys()
            if changed or gone:
                news = [PartVersion(name=name, digest=digests[name], version=newest + 1) for name in changed]
                tx.bundle_parts.change(news, gone=gone, newest=newest + 1, now=now)
                known = {**known, **{one.name: one for one in news}}
    parts = {name: known[name].version for name in digests}
    return max(parts.values(), default=0), parts


def _common(deps: Deps, tx: UnitOfWork, now: datetime) -> dict[str, Any]:
    """Every part but the status lists."""
    catalog = deps.catalog
    since = now - timedelta(seconds=CORE_LIFETIME_S + TOLERANCE_S)
    blocked = tx.devices.blocked_keys(DeviceKind.HOLDER, since=since, limit=MAX_BLOCKED_TOLD)
    shown = [kind for kind in catalog.types if kind.showable]
    return {
        "code_keys": deps.offline.code_keys()["keys"],
        "blocked_devices": sorted(device_key_id(key) for key in blocked),
        "anchors": [
            {"name": one.name, "purposes": sorted(one.purposes), "certificate": one.certificate}
            for one in deps.trust.current.at(now).anchors
        ],
        "seals": _seals(deps, tx),
        "types": [type_labels(kind) for kind in shown],
        "scenes": _scenes(shown),
        "reasons": {
            reason.value: [words.family.value, words.short_zh, words.short_en, words.zh, words.en]
            for reason, words in WORDS.items()
        },
        "policy": {
            "proof_age_s": PROOF_AGE_S,
            "tolerance_s": TOLERANCE_S,
            "core_lifetime_s": CORE_LIFETIME_S,
            "status_amber_s": STATUS_AMBER_S,
            "status_stale_s": STATUS_STALE_S,
        },
    }


def _seals(deps: Deps, tx: UnitOfWork) -> list[dict[str, Any]]:
    found = []
    for seal in tx.seals.all():
        try:
            certificate = deps.offline.certificate(seal.key_id)
        except SigningError:
            continue  # its key is not at hand here (it was made elsewhere and is used no more)
        found.append(
            {
                "seal_id": seal.seal_id,
                "name": seal.name,
                "owner": seal.owner_name,
                "state": seal.state.value,
                "certificate": certificate,
            }
        )
    return found


def _scenes(shown: list[LicenseType]) -> list[dict[str, str]]:
    return [
        {"type": kind.slug, "code": scene.code, "name": scene.name, "audience": scene.audience}
        for kind in shown
        for scene in kind.scenes
    ]
