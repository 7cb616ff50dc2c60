"""The ``Sealer`` port: a seal of the register, a format of the registry, a key of the ring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes

from certsvc.clock import check_aware
from certsvc.errors import SigningError
from certsvc.signing.certificates import owner_code_of
from certsvc.signing.formats import format_named

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.seal.model import Seal
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.signing.keyring import KeyCertificate, SoftwareKeyRing


class LicenseSealer:
    """Seals prepared pages. State, scope and budget of a seal are the commands' business, not asked again here."""

    def __init__(self, ring: SoftwareKeyRing) -> None:
        """Seal with the keys of ``ring``."""
        self._ring = ring
        self._own = frozenset(
            ring.certificate(key_id).certificate.fingerprint(hashes.SHA256()).hex() for key_id in ring.key_ids()
        )

    def is_own(self, cert_sha256: str) -> bool:
        """Whether this certificate (hex SHA-256 of its DER) belongs to a key of the ring."""
        return cert_sha256 in self._own

    def reserved_bytes(self, seal: Seal, format_name: str) -> int:
        """How many bytes of DER the hole must hold for this seal and format (measured, not guessed).

        Raises:
            SigningError: unknown format, or no key.
        """
        return format_named(format_name).reserved_bytes(self._ring, seal.key_id)

    def sub_filter(self, format_name: str) -> str:
        """The /SubFilter of the format; SigningError when there is no such format."""
        return format_named(format_name).sub_filter

    def seal(self, prepared: PreparedPdf, seal: Seal, format_name: str, *, signed_at: datetime) -> bytes:
        """The sealed file, verified over the prepared bytes.

        Raises:
            SigningError: no key, a certificate of another owner or out of its period, a page whose hole is not as
                declared, or a signature that does not verify. Nothing is handed out then.
        """
        chosen = format_named(format_name)
        _check_certificate(self._ring.certificate(seal.key_id), seal, check_aware(signed_at))
        return chosen.sign(prepared, self._ring, seal.key_id)


def _check_certificate(public: KeyCertificate, seal: Seal, signed_at: datetime) -> None:
    if public.algorithm != seal.algorithm:
        msg = f"印章 {seal.seal_id} 登记的算法 {seal.algorithm} 与密钥算法 {public.algorithm} 不一致"
        raise SigningError(msg)
    if owner_code_of(public.certificate) != seal.owner_code:
        msg = f"印章 {seal.seal_id} 的证书不属于其所有者 {seal.owner_code}"
        raise SigningError(msg)
    for certificate in (public.certificate, *public.issuers):
        if not certificate.not_valid_before_utc <= signed_at <= certificate.not_valid_after_utc:
            msg = f"印章 {seal.seal_id} 的证书在签章时间不在有效期内：请更换证书"
            raise SigningError(msg)
