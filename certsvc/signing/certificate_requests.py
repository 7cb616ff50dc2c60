"""Certificates from an external CA: the request out (PKCS#10, RFC 2986), the certificate in, and what is soon over.

The key stays in its ring; the request is signed there, like everything else. A certificate comes in only when it
belongs to the key: by its public key, and proven by a trial signature when the ring is opened again.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certsvc.clock import check_aware
from certsvc.errors import InvalidInput
from certsvc.seal.version import version_of_key
from certsvc.signing.certificates import is_issued_by, pem, public_key_of, read_chain
from certsvc.signing.der import BIT_STRING, CONTEXT_0, SEQUENCE, integer, tlv
from certsvc.signing.keyfile import check_key_id, write_new
from certsvc.signing.primitives import spki_of
from certsvc.signing.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from certsvc.ids import Ids
    from certsvc.signing.keyring import KeyCertificate, KeyRing
    from certsvc.signing.primitives import AnyPublicKey

MAX_CHAIN = 8
"""Certificates in the answer of a CA."""

MAX_ANSWER_BYTES = 256 * 1024

RETIRED = "retired"
"""Directory of certificates that were replaced: what they sealed is still ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expiry:
    """A certificate that ends soon, or has ended (``days_left`` below zero)."""

    key_id: str
    subject: str
    ends: datetime
    days_left: int


def make_request(ring: KeyRing, key_id: str, subject: x509.Name) -> bytes:
    """A certificate request in PEM for a key of ``ring``, signed by that key.

    Raises:
        SigningError: no such key, or the key operation failed.
    """
    public = ring.certificate(key_id)
    return request_of(
        public.public_key, public.algorithm, subject, lambda digest, info: ring.sign_digest(key_id, digest, info)
    )


def request_of(
    public_key: AnyPublicKey, algorithm: str, subject: x509.Name, sign: Callable[[str, bytes], bytes]
) -> bytes:
    """A certificate request in PEM; ``sign`` (digest name, data) signs with the private half of ``public_key``."""
    suite = SUITES[algorithm]
    info = tlv(SEQUENCE, integer(0), subject.public_bytes(), spki_of(public_key), tlv(CONTEXT_0))
    value = tlv(BIT_STRING, b"\x00", sign(suite.digest, info))
    request = x509.load_der_x509_csr(tlv(SEQUENCE, info, suite.signature_identifier, value))
    return request.public_bytes(serialization.Encoding.PEM)


def accept_certificate(directory: Path, public: KeyCertificate, answer: bytes, now: datetime, ids: Ids) -> Path:
    """Put the CA's answer in the place of the key's certificate; the old one moves to ``certs/retired``.

    ``answer`` is PEM: the key's certificate and, above it, the CA certificates below the root. Running software rings
    take it up by themselves; those of tokens and platforms must be opened again.

    Raises:
        InvalidInput: no certificates, one of another key, one that has ended, a broken chain, or the key of a seal
            that was made here with a seal object, which lists the certificate it was made for.
    """
    made_here = version_of_key(public.key_id)[1] > 0
    if made_here and (directory / "seals" / f"{check_key_id(public.key_id)}.esl").exists():
        msg = f"密钥 {public.key_id} 的印章数据列出了现用证书，不能只换证书：请在“印章管理”申请换证，另开版本制作"
        raise InvalidInput(msg)
    chain = checked_answer(answer, public.key_id, public.public_key, now)
    path = directory / "certs" / f"{check_key_id(public.key_id)}.pem"
    retire(path, ids)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(pem(*chain))
    fresh.replace(path)
    return path


def checked_answer(answer: bytes, key_id: str, public_key: AnyPublicKey, now: datetime) -> tuple[x509.Certificate, ...]:
    """The certificates of a CA's answer, the key's own first.

    Raises:
        InvalidInput: no certificates, one of another key, one that has ended, or a broken chain.
    """
    chain = _chain(answer)
    if public_key_of(chain[0]) != public_key:
        msg = f"证书与密钥 {key_id} 不匹配：请核对申请时所用的密钥"
        raise InvalidInput(msg)
    if chain[0].not_valid_after_utc <= check_aware(now):
        msg = "证书已过有效期：请向签发机构索取有效的证书"
        raise InvalidInput(msg)
    for below, above in itertools.pairwise(chain):
        if not is_issued_by(below, above):
            msg = "证书链不连续：请按「本证书、签发证书」的顺序提供，不含根证书"
            raise InvalidInput(msg)
    return chain


def retire(path: Path, ids: Ids) -> Path | None:
    """Keep a copy of a certificate that is to be replaced, named by its serial; None when there is none."""
    if not path.exists():
        return None
    old = read_chain(path)
    kept = path.parent / RETIRED / f"{path.stem}.{old[0].serial_number:x}.pem"
    kept.parent.mkdir(mode=0o755, exist_ok=True)
    write_new(kept, pem(*old), ids, mode=0o644)
    return kept


def given_to(path: Path) -> tuple[Path, ...]:
    """The files of every certificate that a key was given, the present one (``path``) first; those that exist."""
    # Named by serial (``retire``): no id of a key holds a dot.
    replaced = sorted((path.parent / RETIRED).glob(f"{path.stem}.*{path.suffix}"))
    return tuple(one for one in (path, *replaced) if one.exists())


def retired_certificates(directory: Path) -> tuple[x509.Certificate, ...]:
    """What a ring's directory keeps of old certificates: replaced ones, and those of keys that are gone.

    Raises:
        ConfigurationError: a file in ``certs`` is no certificate.
    """
    replaced = sorted((directory / "certs" / RETIRED).glob("*.pem"))
    keyless = [
        path
        for path in sorted((directory / "certs").glob("*.pem"))
        if not (directory / "private" / f"{path.stem}.key").exists()
    ]
    return tuple(read_chain(path)[0] for path in (*replaced, *keyless))


def expiring(certificates: Iterable[KeyCertificate], now: datetime, within: timedelta) -> tuple[Expiry, ...]:
    """Every certificate of a key or of its CAs that ends before ``now + within``, the soonest first."""
    found = {}
    moment = check_aware(now)
    for public in certificates:
        for certificate in (public.certificate, *public.issuers):
            ends = certificate.not_valid_after_utc
            if ends < moment + within:
                subject = certificate.subject.rfc4514_string()
                days = (ends - moment) // timedelta(days=1)
                found[public.key_id, subject] = Expiry(key_id=public.key_id, subject=subject, ends=ends, days_left=days)
    return tuple(sorted(found.values(), key=lambda one: (one.ends, one.key_id)))


def _chain(answer: bytes) -> tuple[x509.Certificate, ...]:
    if len(answer) > MAX_ANSWER_BYTES:
        msg = f"证书文件超过 {MAX_ANSWER_BYTES // 1024} kB"
        raise InvalidInput(msg)
    try:
        chain = tuple(x509.load_pem_x509_certificates(answer))
        public_key_of(chain[0])
    except ValueError as error:
        msg = "证书文件不是 PEM 证书，或其公钥算法不支持"
        raise InvalidInput(msg) from error
    if len(chain) > MAX_CHAIN:
        msg = f"证书文件应含 1 至 {MAX_CHAIN} 张证书"
        raise InvalidInput(msg)
    return chain
