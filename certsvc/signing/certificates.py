"""Makes and reads X.509 certificates of our own CAs (RFC 5280, GB/T 20518; names after ETSI EN 319 412-1 §5.1.4).

Names and extensions are cryptography's objects; the certificate around them is assembled here, in DER, because
cryptography knows neither the SM2 curve nor its signature (STANDARDS.md 4.5). One assembly serves all algorithms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certsvc.errors import ConfigurationError
from certsvc.signing.der import tlv
from certsvc.signing.keyfile import read_file
from certsvc.signing.primitives import (
    AnyPublicKey,
    PrivateKey,
    PublicKey,
    key_identifier,
    load_public_key,
    sign,
    spki_of,
    verify_signature,
)
from certsvc.signing.sm2 import Sm2PrivateKey, Sm2PublicKey, load_pkcs8
from certsvc.signing.sm2_oids import SM2_WITH_SM3
from certsvc.signing.suites import SUITES

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from certsvc.signing.declaration import KeyDeclaration

ORGANIZATION_CODE_PREFIX = "NTRCN-"
"""organizationIdentifier: national register, country CN, hyphen, identifier (ETSI EN 319 412-1 §5.1.4)."""

_DAYS_OF_YEAR = 365
_RSA_BITS = {"rsa2048": 2048, "rsa3072": 3072}
_DIGEST_OF_SIGNATURE = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
    SM2_WITH_SM3: "sm3",
}
_SEQUENCE, _BIT_STRING, _CONTEXT_0, _CONTEXT_3 = 0x30, 0x03, 0xA0, 0xA3
_V3 = tlv(_CONTEXT_0, core.Integer(2).dump())


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A certificate before it is signed; extensions are pairs of value and criticality, in order."""

    subject: x509.Name
    issuer: x509.Name
    public_key: AnyPublicKey
    serial: int
    begins: datetime
    ends: datetime
    extensions: tuple[tuple[x509.ExtensionType, bool], ...]


def generate_key(algorithm: str) -> PrivateKey:
    """A new private key of ``algorithm`` (``p256``, ``rsa2048``, ``rsa3072``, ``sm2``)."""
    if algorithm == "sm2":
        return Sm2PrivateKey.generate()
    if algorithm == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS[algorithm])


def algorithm_of(key: object) -> str:
    """The name of a key's algorithm; ConfigurationError for one that this room does not use."""
    if isinstance(key, Sm2PublicKey | Sm2PrivateKey):
        return "sm2"
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return "p256"
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        for name, bits in _RSA_BITS.items():
            if key.key_size == bits:
                return name
    msg = "密钥算法不支持：只支持 SM2、P-256、RSA-2048 与 RSA-3072"
    raise ConfigurationError(msg)


def pkcs8(key: PrivateKey) -> bytes:
    """PKCS#8 DER in clear; for encryption right away, never for a file."""
    if isinstance(key, Sm2PrivateKey):
        return key.pkcs8()
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_private_key(der: bytes) -> PrivateKey:
    """The key of a PKCS#8 DER that was authenticated before; its pair is to be proven by a trial signature.

    Raises:
        ConfigurationError: a damaged key, or one of another algorithm.
    """
    if Sm2PrivateKey.is_pkcs8(der):
        return load_pkcs8(der)
    try:
        # OpenSSL's slow check of RSA primes (46 ms for 2048 bits, PERFORMANCE C) adds nothing to a trial signature.
        key = serialization.load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError) as error:
        msg = "密钥文件的内容不是可用的私钥"
        raise ConfigurationError(msg) from error
    algorithm_of(key)
    return key  # type: ignore[return-value]  # algorithm_of admits EC, RSA and SM2 only


def issue(draft: Draft, issuer_key: PrivateKey) -> x509.Certificate:
    """The certificate of ``draft``, signed with the digest that goes with the issuer's key."""
    suite = SUITES[algorithm_of(issuer_key)]
    tbs = tlv(
        _SEQUENCE,
        _V3,
        core.Integer(draft.serial).dump(),
        suite.signature_identifier,
        draft.issuer.public_bytes(),
        tlv(_SEQUENCE, time_der(draft.begins), time_der(draft.ends)),
        draft.subject.public_bytes(),
        spki_of(draft.public_key),
        tlv(_CONTEXT_3, extensions_der(draft.extensions)),
    )
    signature = tlv(_BIT_STRING, b"\x00", sign(issuer_key, suite.digest, tbs))
    return x509.load_der_x509_certificate(tlv(_SEQUENCE, tbs, suite.signature_identifier, signature))


def extensions_der(extensions: tuple[tuple[x509.ExtensionType, bool], ...]) -> bytes:
    """``Extensions`` of RFC 5280 §4.1; FALSE is the DEFAULT of ``critical`` and so is not encoded."""
    return tlv(
        _SEQUENCE,
        *(
            tlv(
                _SEQUENCE,
                core.ObjectIdentifier(value.oid.dotted_string).dump(),
                core.Boolean(True).dump() if critical else b"",  # noqa: FBT003  (the value, not a flag)
                core.OctetString(value.public_bytes()).dump(),
            )
            for value, critical in extensions
        ),
    )


def public_key_of(certificate: x509.Certificate) -> AnyPublicKey:
    """The certificate's public key, SM2 too (cryptography refuses that curve); ValueError for an unknown one."""
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    return load_public_key(parsed["tbs_certificate"]["subject_public_key_info"].dump())


def is_issued_by(below: x509.Certificate, above: x509.Certificate) -> bool:
    """Whether ``above`` is named as issuer and its key signed ``below``; validity and usage are not asked here."""
    digest = _DIGEST_OF_SIGNATURE.get(below.signature_algorithm_oid.dotted_string)
    if digest is None or below.issuer.public_bytes() != above.subject.public_bytes():
        return False
    try:
        key = public_key_of(above)
    except ValueError:
        return False
    return verify_signature(key, below.signature, below.tbs_certificate_bytes, digest)


def make_root(declared: KeyDeclaration, key: PrivateKey, *, serial: int, now: datetime) -> x509.Certificate:
    """A self-signed root certificate."""
    name = subject_of(declared)
    return issue(
        Draft(
            subject=name,
            issuer=name,
            public_key=key.public_key(),
            serial=serial,
            begins=now,
            ends=_until(now, declared.years),
            extensions=(_identifier(key.public_key()), *_as_ca(path_length=1)),
        ),
        key,
    )


def make_issuer(
    declared: KeyDeclaration,
    key: PrivateKey,
    issuer: x509.Certificate,
    issuer_key: PrivateKey,
    *,
    serial: int,
    now: datetime,
) -> x509.Certificate:
    """The certificate of an issuing CA below the root."""
    return issue(
        Draft(
            subject=subject_of(declared),
            issuer=issuer.subject,
            public_key=key.public_key(),
            serial=serial,
            begins=now,
            ends=min(_until(now, declared.years), issuer.not_valid_after_utc),
            extensions=(_identifier(key.public_key()), *_as_ca(path_length=0), _authority(issuer)),
        ),
        issuer_key,
    )


def make_leaf(
    declared: KeyDeclaration,
    key: AnyPublicKey,
    issuer: x509.Certificate,
    issuer_key: PrivateKey,
    *,
    serial: int,
    now: datetime,
    subject: x509.Name | None = None,
) -> x509.Certificate:
    """The certificate of a key that signs no certificates; ``subject`` replaces the one that is declared.

    Seals have digitalSignature and nonRepudiation, token signers digitalSignature, timestamping authorities that and,
    critical and alone, timeStamping (RFC 3161 §2.3).
    """
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        _identifier(key),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(digital_signature=True, content_commitment=declared.seals), True),
    ]
    if declared.timestamps:
        extensions.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True))
    return issue(
        Draft(
            subject=subject or subject_of(declared),
            issuer=issuer.subject,
            public_key=key,
            serial=serial,
            begins=now,
            ends=min(_until(now, declared.years), issuer.not_valid_after_utc),
            extensions=(*extensions, _authority(issuer)),
        ),
        issuer_key,
    )


def read_chain(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file in order, the key's own first; ConfigurationError when there is none."""
    try:
        return tuple(x509.load_pem_x509_certificates(read_file(path)))
    except ValueError as error:
        msg = f"证书文件 {path} 不是 PEM 证书"
        raise ConfigurationError(msg) from error


def pem(*certificates: x509.Certificate) -> bytes:
    """The certificates as one PEM text."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def owner_code_of(certificate: x509.Certificate) -> str:
    """The USCC in the subject's organizationIdentifier, or empty."""
    values = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    text = str(values[0].value) if values else ""
    return text.removeprefix(ORGANIZATION_CODE_PREFIX)


def subject_of(declared: KeyDeclaration) -> x509.Name:
    """The subject of a declared key's certificate: country, organisation, its code, common name."""
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, declared.organization),
    ]
    if declared.organization_code:
        code = ORGANIZATION_CODE_PREFIX + declared.organization_code
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, code))
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, declared.common_name))
    return x509.Name(parts)


def _until(now: datetime, years: int) -> datetime:
    return now + timedelta(days=_DAYS_OF_YEAR * years)


def time_der(at: datetime) -> bytes:
    """``Time`` of certificates and CRLs: whole seconds, UTCTime through 2049 (RFC 5280 §4.1.2.5)."""
    # Times in certificates have whole seconds; the start is rounded down so that a page sealed at once is inside.
    whole = at.replace(microsecond=0)
    return bytes(asn1_x509.Time({"utc_time" if whole.year < _FIRST_GENERAL_YEAR else "general_time": whole}).dump())


_FIRST_GENERAL_YEAR = 2050
"""RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from then on."""


def _identifier(key: AnyPublicKey) -> tuple[x509.ExtensionType, bool]:
    return (x509.SubjectKeyIdentifier(key_identifier(key)), False)


def _as_ca(*, path_length: int) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    return ((x509.BasicConstraints(ca=True, path_length=path_length), True), (_usage(ca=True), True))


def _usage(*, digital_signature: bool = False, content_commitment: bool = False, ca: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(issuer: x509.Certificate) -> tuple[x509.ExtensionType, bool]:
    found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value), False)


__all__ = [
    "AnyPublicKey",
    "Draft",
    "PrivateKey",
    "PublicKey",
    "algorithm_of",
    "extensions_der",
    "generate_key",
    "is_issued_by",
    "issue",
    "load_private_key",
    "make_issuer",
    "make_leaf",
    "make_root",
    "owner_code_of",
    "pem",
    "pkcs8",
    "public_key_of",
    "read_chain",
    "subject_of",
    "time_der",
]
