"""The ``Sealer`` port: a seal of the register, a format of the registry, a key of the ring."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from certsvc.clock import check_aware
from certsvc.errors import SigningError
from certsvc.signing.file_chains import lists_about
from certsvc.signing.formats import FORMATS, format_named
from certsvc.signing.inventory import TIMESTAMPED, facts_of, read_inventory
from certsvc.signing.long_term import ValidationData, add_document_timestamp, add_validation_data
from certsvc.signing.remote_sealer import REMOTE_CMS, REMOTE_SES, RemoteKeyRing
from certsvc.signing.rings import ring_of
from certsvc.signing.ses_format import SesV4

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from cryptography import x509

    from certsvc.seal.care import SignatureFacts
    from certsvc.seal.model import Seal
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.signing.formats import SignatureFormat
    from certsvc.signing.keyring import KeyCertificate, KeyRing
    from certsvc.signing.own_certificates import OwnCertificates
    from certsvc.signing.timestamps import TimestampClient


class LicenseSealer:
    """Seals prepared pages. State, scope and budget of a seal are the commands' business, not asked again here."""

    def __init__(
        self,
        ring: KeyRing,
        formats: Sequence[SignatureFormat] = FORMATS,
        *,
        retired: Iterable[x509.Certificate] = (),
        timestamps: TimestampClient | None = None,
        known: OwnCertificates | None = None,
    ) -> None:
        """Seal with the keys of ``ring`` in any of ``formats``.

        ``retired`` are certificates that were ours before: what they sealed is still recognised. ``timestamps`` give
        what outlives its certificate a proof of its own (:meth:`preserve`). ``known`` finds certificates that came to
        the ring's directory later.
        """
        self._ring = ring
        self._known = known
        self._timestamps = timestamps
        self._formats = tuple(formats)
        self._facts: dict[tuple[bytes, str, str], SignatureFacts] = {}
        public = [ring.certificate(key_id) for key_id in ring.key_ids()]
        own = [one.certificate for one in public]
        # Above seals that bring no chain inside.
        self._issuers = tuple({above.public_bytes(Encoding.DER) for one in public for above in one.issuers})
        self._own = frozenset(certificate.fingerprint(hashes.SHA256()).hex() for certificate in (*own, *retired))

    def is_own(self, cert_sha256: str) -> bool:
        """Whether this certificate (hex SHA-256 of its DER) belongs, or belonged, to a key of ours."""
        return cert_sha256 in self._own or (self._known is not None and cert_sha256 in self._known)

    def reserved_bytes(self, seal: Seal, format_name: str) -> int:
        """How many bytes of DER the hole must hold for this seal and format (measured, not guessed).

        Raises:
            SigningError: unknown format, or no key.
        """
        return format_named(format_name, self._formats).reserved_bytes(self._ring, seal.key_id)

    def sub_filter(self, format_name: str) -> str:
        """The /SubFilter of the format; SigningError when there is no such format."""
        return format_named(format_name, self._formats).sub_filter

    def filter(self, format_name: str) -> str:
        """The /Filter of the format; SigningError when there is no such format."""
        return format_named(format_name, self._formats).filter

    def seal(self, prepared: PreparedPdf, seal: Seal, format_name: str, *, signed_at: datetime) -> bytes:
        """The sealed file, verified over the prepared bytes.

        Raises:
            SigningError: no key, a certificate of another owner or out of its period, a page whose hole is not as
                declared, or a signature that does not verify. Nothing is handed out then.
        """
        chosen = format_named(format_name, self._formats)
        check_certificate(self._ring.certificate(seal.key_id), seal, check_aware(signed_at))
        return chosen.sign(prepared, self._ring, seal.key_id, signed_at=signed_at)

    def format_for(self, seal: Seal, planned: str) -> str:
        """``planned``, or the platform's form of it when a platform keeps the key; empty when the key cannot do it."""
        if isinstance(ring_of(self._ring, seal.key_id), RemoteKeyRing):
            planned = REMOTE_SES if planned == SesV4.name else REMOTE_CMS
        known = {one.name: one for one in self._formats}
        return planned if planned in known and seal.algorithm in known[planned].algorithms else ""

    def is_away(self, format_name: str) -> bool:
        """Whether somebody else takes part in a signature of this format, who may take seconds to answer."""
        return format_name in {REMOTE_CMS, REMOTE_SES, TIMESTAMPED}

    def facts(self, seal: Seal, format_name: str, *, signed_at: datetime) -> SignatureFacts:
        """What a seal in this format stands on; the certificate is read once."""
        public = self._ring.certificate(seal.key_id)
        key = (public.fingerprint, seal.seal_id, format_name)
        if key not in self._facts:
            self._facts[key] = facts_of(public, seal.seal_id, format_name, signed_at)
        return replace(self._facts[key], signed_at=signed_at.replace(microsecond=0))

    def read_facts(self, data: bytes) -> tuple[SignatureFacts, ...]:
        """What the signatures of a file stand on; SigningError when it cannot be read."""
        return read_inventory(data)

    def outlives(self, seal: Seal, until: datetime | None) -> bool:
        """Whether a file in force until ``until`` (None: for good) needs more than this seal's certificates prove.

        Always False where no timestamping authority is configured: then the register's time is the proof, and the
        verdict says so.
        """
        if self._timestamps is None:
            return False
        return until is None or check_aware(until) > self._ring.certificate(seal.key_id).valid_until

    def stamps_until(self) -> datetime:
        """The end of the certificate with which the timestamping authority answers now.

        Raises:
            SigningError: none is configured or answers.
        """
        return load_der_x509_certificate(self._authorities().in_use().certificate).not_valid_after_utc

    def preserve(self, sealed: bytes, seal: Seal, *, crls: Sequence[bytes] = (), ocsps: Sequence[bytes] = ()) -> bytes:
        """B-LTA: the sealed file with its chain and a document timestamp behind it (EN 319 142-1 §6.3).

        ``crls`` and ``ocsps`` are lists and answers of its CAs in DER, without which a reader of later years cannot
        tell that it was good; lists of CAs that are none of its are left out.

        Raises:
            SigningError: no timestamping authority is configured or answers, or the file is broken.
        """
        timestamps = self._authorities()
        public = self._ring.certificate(seal.key_id)
        chain = (public.certificate, *public.issuers)
        about = self._lists_about(sealed, crls, timestamps)
        kept = add_validation_data(sealed, ValidationData(certificates=chain, crls=about, ocsps=tuple(ocsps)))
        return add_document_timestamp(kept, timestamps)

    def renew(self, data: bytes, *, crls: Sequence[bytes], ocsps: Sequence[bytes]) -> bytes:
        """The file with this revocation data and another document timestamp behind it (EN 319 142-1 §5.5, §6.3).

        Raises:
            SigningError: no timestamping authority is configured or answers, or the file is broken.
        """
        timestamps = self._authorities()
        about = self._lists_about(data, crls, timestamps)
        kept = add_validation_data(data, ValidationData(crls=about, ocsps=tuple(ocsps)))
        return add_document_timestamp(kept, timestamps)

    def _lists_about(self, data: bytes, crls: Sequence[bytes], timestamps: TimestampClient) -> tuple[bytes, ...]:
        """Those lists whose issuer stands above a signature of the file, or above the authority that stamps it."""
        token = timestamps.last
        if not crls or token is None:  # the first file of a process keeps all: its authority is not known yet
            return tuple(crls)
        return lists_about(data, crls, (token.certificate, *token.beside), self._issuers)

    def _authorities(self) -> TimestampClient:
        if self._timestamps is None:
            msg = "没有配置时间戳服务（tsa_servers），无法长期保存"
            raise SigningError(msg)
        return self._timestamps


def check_certificate(public: KeyCertificate, seal: Seal, signed_at: datetime) -> None:
    """SigningError unless the key is the seal's: algorithm, owner, and every certificate in its period."""
    if public.algorithm != seal.algorithm:
        msg = f"印章 {seal.seal_id} 登记的算法 {seal.algorithm} 与密钥算法 {public.algorithm} 不一致"
        raise SigningError(msg)
    if public.owner_code != seal.owner_code:
        msg = f"印章 {seal.seal_id} 的证书不属于其所有者 {seal.owner_code}"
        raise SigningError(msg)
    if not public.valid_from <= signed_at <= public.valid_until:
        msg = f"印章 {seal.seal_id} 的证书在签章时间不在有效期内：请更换证书"
        raise SigningError(msg)
