"""The signing side of offline codes behind one port: device keys, cores, bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.signing.device_keys import read_device_jwk, signed_by
from certsvc.signing.offline_bundles import OfflineBundles, fingerprint
from certsvc.signing.offline_codes import OfflineCores, size_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.ids import Ids
    from certsvc.license.offline import OfflineCode, OfflineCore
    from certsvc.license.offline_bundle import BundleClaims
    from certsvc.seal.verdict import Reason
    from certsvc.signing.keyring import KeyRing


class OfflineSigning:
    """Implements ``device_ports.OfflineSigner`` over the key ring. Threads may share one."""

    def __init__(self, ring: KeyRing, *, issuer: str, ids: Ids) -> None:
        """Sign in the name of ``issuer`` under the keys ``code-<n>`` and ``bundle-<n>``."""
        self._ring = ring
        self._cores = OfflineCores(ring, issuer=issuer, ids=ids)
        self._bundles = OfflineBundles(ring, issuer=issuer, ids=ids)

    def read_device_jwk(self, jwk: Mapping[str, object]) -> tuple[bytes, str]:
        """Compressed point and thumbprint of a device's public JWK; InvalidInput."""
        return read_device_jwk(jwk)

    def signed_by(self, point: bytes, signature: str, message: bytes) -> bool:
        """Whether ``signature`` is this device key's over ``message``."""
        return signed_by(point, signature, message)

    def mint(self, core: OfflineCore) -> bytes:
        """The core with the issuer's signature."""
        return self._cores.mint(core)

    def size_of(self, core: bytes) -> int:
        """Bytes of a code with this core and a device's signature."""
        return size_of(core)

    def open(self, text: str) -> OfflineCode | Reason:
        """The code in a scanned text, or why not."""
        return self._cores.open(text)

    def code_keys(self) -> Mapping[str, object]:
        """The public keys of cores as JWKS."""
        return self._cores.keys()

    def sign_bundle(self, claims: BundleClaims) -> bytes:
        """A bundle."""
        return self._bundles.sign(claims)

    def bundle_keys(self) -> Mapping[str, object]:
        """The public keys of bundles as JWKS."""
        return self._bundles.keys()

    def fingerprint(self, value: object) -> str:
        """Hex SHA-256 of a part of a bundle."""
        return fingerprint(value)

    def certificate(self, key_id: str) -> bytes:
        """The certificate of a key in DER."""
        return self._ring.certificate(key_id).certificate.public_bytes(Encoding.DER)
