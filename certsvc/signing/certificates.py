"""Makes and reads X.509 certificates of the development PKI (RFC 5280; names after ETSI EN 319 412-1 §5.1.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from certsvc.errors import ConfigurationError
from certsvc.signing.keyfile import read_file

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from certsvc.signing.declaration import KeyDeclaration

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

ORGANIZATION_CODE_PREFIX = "NTRCN-"
"""organizationIdentifier: national register, country CN, hyphen, identifier (ETSI EN 319 412-1 §5.1.4)."""

_DAYS_OF_YEAR = 365
_RSA_BITS = {"rsa2048": 2048, "rsa3072": 3072}


def generate_key(algorithm: str) -> PrivateKey:
    """A new private key of ``algorithm`` (``p256``, ``rsa2048``, ``rsa3072``)."""
    if algorithm == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS[algorithm])


def algorithm_of(key: object) -> str:
    """The name of a key's algorithm; ConfigurationError for one that this room does not use."""
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return "p256"
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        for name, bits in _RSA_BITS.items():
            if key.key_size == bits:
                return name
    msg = "密钥算法不支持：只支持 P-256、RSA-2048 与 RSA-3072"
    raise ConfigurationError(msg)


def pkcs8(key: PrivateKey) -> bytes:
    """PKCS#8 DER in clear; for encryption right away, never for a file."""
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def make_root(declared: KeyDeclaration, key: PrivateKey, *, serial: int, now: datetime) -> x509.Certificate:
    """A self-signed root certificate."""
    name = _name(declared)
    builder = _builder(name, name, key.public_key(), serial=serial, now=now, until=_until(now, declared.years))
    return _as_ca(builder, path_length=1).sign(key, hashes.SHA256())


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
    until = min(_until(now, declared.years), issuer.not_valid_after_utc)
    builder = _builder(_name(declared), issuer.subject, key.public_key(), serial=serial, now=now, until=until)
    builder = _as_ca(builder, path_length=0).add_extension(_authority(issuer), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def make_leaf(
    declared: KeyDeclaration,
    key: PublicKey,
    issuer: x509.Certificate,
    issuer_key: PrivateKey,
    *,
    serial: int,
    now: datetime,
) -> x509.Certificate:
    """A seal's (digitalSignature, nonRepudiation) or token signer's (digitalSignature) certificate."""
    until = min(_until(now, declared.years), issuer.not_valid_after_utc)
    builder = _builder(_name(declared), issuer.subject, key, serial=serial, now=now, until=until)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(digital_signature=True, content_commitment=declared.seals), critical=True)
    return builder.add_extension(_authority(issuer), critical=False).sign(issuer_key, hashes.SHA256())


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


def _until(now: datetime, years: int) -> datetime:
    return now + timedelta(days=_DAYS_OF_YEAR * years)


def _name(declared: KeyDeclaration) -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, declared.organization),
    ]
    if declared.organization_code:
        code = ORGANIZATION_CODE_PREFIX + declared.organization_code
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, code))
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, declared.common_name))
    return x509.Name(parts)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, *, serial: int, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    # Times in certificates have whole seconds; the start is rounded down so that a page sealed at once is inside.
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(now.replace(microsecond=0))
        .not_valid_after(until.replace(microsecond=0))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _as_ca(builder: x509.CertificateBuilder, *, path_length: int) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    return builder.add_extension(_usage(ca=True), critical=True)


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


def _authority(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)
