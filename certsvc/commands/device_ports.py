"""Ports of devices, offline codes and bundles: rows in the store, keys in the signing room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from certsvc.license.devices import Device, DeviceKind
    from certsvc.license.inspections import InspectionRecord
    from certsvc.license.offline import IssuedCore, OfflineCode, OfflineCore
    from certsvc.license.offline_bundle import BundleClaims, PartVersion
    from certsvc.seal.verdict import Reason


class Devices(Protocol):
    """Enrolled devices."""

    def insert(self, device: Device) -> None:
        """Store."""
        ...

    def by_id(self, device_id: str) -> Device | None:
        """The device."""
        ...

    def by_ids(self, device_ids: Collection[str]) -> Mapping[str, Device]:
        """Those of these devices that there are, by id."""
        ...

    def by_thumbprint(self, thumbprint: str) -> Device | None:
        """The device, active or blocked, whose key was proven; one key is one device for ever."""
        ...

    def of_subject(self, subject: str, *, limit: int) -> Sequence[Device]:
        """The devices of a person, newest first."""
        ...

    def of_authorities(self, authority_codes: Collection[str], *, limit: int) -> Sequence[Device]:
        """The devices of officers of these authorities, newest first."""
        ...

    def hold(self, subject: str, kind: DeviceKind) -> int:
        """How many active devices of a kind a person has; nobody else changes them until the end of the transaction."""
        ...

    def confirm(self, device_id: str, *, now: datetime) -> bool:
        """The key was proven; False when it does not wait for that. IntegrityError when the key is another device's."""
        ...

    def block(self, device_id: str, *, by: str, now: datetime) -> bool:
        """Block for good; False when it was blocked before."""
        ...

    def drop_pending(self, subject: str, *, before: datetime) -> None:
        """Forget the enrolments of a person that were begun before a moment and never confirmed."""
        ...

    def blocked_keys(self, kind: DeviceKind, *, since: datetime, limit: int) -> Sequence[bytes]:
        """Public keys of devices that were blocked at ``since`` or later, newest first."""
        ...


class OfflineCores(Protocol):
    """Cores that were made, known by the digest of their token."""

    def insert_all(self, cores: Sequence[IssuedCore]) -> None:
        """Store."""
        ...

    def by_tokens(self, token_sha256s: Collection[str]) -> Mapping[str, IssuedCore]:
        """Those of these cores that there are, by digest."""
        ...

    def drop_of(self, device_id: str, *, ended_before: datetime) -> None:
        """Forget the cores of a device that ended before a moment."""
        ...


class InspectionRecords(Protocol):
    """Inspections that were made without network, each taken once."""

    def add_all(self, records: Sequence[InspectionRecord]) -> Collection[str]:
        """Store those that were never taken from their device; the ids of these."""
        ...

    def of_device(self, device_id: str, record_ids: Collection[str]) -> Mapping[str, InspectionRecord]:
        """Those of these records that were taken, by id."""
        ...


class BundleParts(Protocol):
    """When the parts of the offline bundle last changed."""

    def versions(self) -> Mapping[str, PartVersion]:
        """Every part."""
        ...

    def hold(self, *, now: datetime) -> int:
        """The newest version; nobody else changes parts until the end of the transaction."""
        ...

    def change(self, parts: Sequence[PartVersion], *, gone: Collection[str], newest: int, now: datetime) -> None:
        """Store new or changed parts and the version they make, and forget ``gone``. Only under :meth:`hold`."""
        ...


class OfflineSigner(Protocol):
    """Everything about offline codes that needs a key or an encoding."""

    def read_device_jwk(self, jwk: Mapping[str, object]) -> tuple[bytes, str]:
        """Compressed point and thumbprint of a device's public JWK; InvalidInput."""
        ...

    def signed_by(self, point: bytes, signature: str, message: bytes) -> bool:
        """Whether ``signature`` (base64url, 64 bytes) is this device key's over ``message``."""
        ...

    def mint(self, core: OfflineCore) -> bytes:
        """The core with the issuer's signature; Unavailable when no key was made."""
        ...

    def size_of(self, core: bytes) -> int:
        """Bytes of a code with this core and a device's signature."""
        ...

    def open(self, text: str) -> OfflineCode | Reason:
        """The code in a scanned text whose two signatures hold, or why not."""
        ...

    def code_keys(self) -> Mapping[str, object]:
        """The public keys of cores as JWKS, newest first."""
        ...

    def sign_bundle(self, claims: BundleClaims) -> bytes:
        """A bundle; Unavailable when no key was made."""
        ...

    def bundle_keys(self) -> Mapping[str, object]:
        """The public keys of bundles as JWKS, newest first."""
        ...

    def fingerprint(self, value: object) -> str:
        """Hex SHA-256 of a part of a bundle."""
        ...

    def certificate(self, key_id: str) -> bytes:
        """The certificate of a key in DER; SigningError when the ring has no such key."""
        ...
