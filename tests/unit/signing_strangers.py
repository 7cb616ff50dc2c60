"""Signatures of strangers: certificates of every bad kind, CMS made by openssl, revisions appended by hand."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from signing_pages import NOW

from certsvc.seal.prepared import PreparedPdf

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """A key and its certificate, issued by ``root`` directly."""

    key: Key
    certificate: x509.Certificate
    root: x509.Certificate
    root_key: Key

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def make_stranger(
    *,
    key: Key | None = None,
    begins: datetime = NOW - timedelta(days=1),
    ends: datetime = NOW + timedelta(days=365),
    usages: tuple[str, ...] = ("digital_signature", "content_commitment"),
    digest: hashes.SHA224 | hashes.SHA256 | None = None,
    issuer: Stranger | None = None,
    root_key: Key | None = None,
    timestamps: bool = False,
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> Stranger:
    """A stranger's certificate; ``digest`` signs it (SHA-256 by default), a new root or ``issuer`` issues it.

    ``timestamps`` makes it the certificate of a timestamping authority; ``extensions`` are added as they are.
    """
    chosen = key or ec.generate_private_key(ec.SECP256R1())
    root_key, root = (issuer.key, issuer.certificate) if issuer else _root(root_key)
    root_name = root.subject
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "示例外单位")])
    leaf = _certificate(name, root_name, chosen.public_key(), begins, ends)
    leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    known = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    named = {usage: usage in usages for usage in known}
    rest = dict.fromkeys(("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    leaf = leaf.add_extension(x509.KeyUsage(**named, **rest), critical=True)
    if timestamps:
        leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    for extension in extensions:
        leaf = leaf.add_extension(extension, critical=False)
    return Stranger(
        key=chosen,
        certificate=leaf.sign(root_key, digest or hashes.SHA256()),
        root=root,
        root_key=root_key,
    )


def sealed_by(stranger: Stranger, prepared: PreparedPdf, directory: Path, *, digest: str = "sha256") -> bytes:
    """``prepared`` with a CMS that openssl made."""
    _write(stranger, directory)
    covered = prepared.data[: prepared.hole_start] + prepared.data[prepared.hole_end :]
    command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-nosmimecap", "-cades", "-md", digest]
    command += ["-signer", str(directory / "stranger.pem"), "-inkey", str(directory / "stranger.key")]
    done = subprocess.run(command, input=covered, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return prepared.fill(done.stdout)


def timestamped_by(stranger: Stranger, prepared: PreparedPdf, directory: Path) -> bytes:
    """``prepared`` with an RFC 3161 token that openssl made, at the machine's time."""
    _write(stranger, directory)
    (directory / "ts.cnf").write_text(
        "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\ncrypto_device = builtin\ndefault_policy = 1.2.3.4\n"
        "digests = sha256\nsigner_digest = sha256\ness_cert_id_alg = sha256\n",
        encoding="ascii",
    )
    (directory / "serial").write_text("01\n", encoding="ascii")
    query = ["openssl", "ts", "-query", "-sha256", "-cert", "-digest", prepared.digest("sha256").hex(), "-out", "query"]
    reply = ["openssl", "ts", "-reply", "-config", "ts.cnf", "-queryfile", "query", "-token_out", "-out", "token"]
    for command in (query, [*reply, "-signer", "stranger.pem", "-inkey", "stranger.key"]):
        done = subprocess.run(command, cwd=directory, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
    return prepared.fill((directory / "token").read_bytes())


def with_revision(data: bytes, objects: dict[int, bytes]) -> bytes:
    """``data`` and one incremental update that replaces or adds ``objects``."""
    out = bytearray(data)
    entries = []
    for number, body in sorted(objects.items()):
        entries.append(b"%d 1\n%010d 00000 n \n" % (number, len(out)))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    previous = int(data.rsplit(b"startxref", 1)[1].split()[0])
    xref = len(out)
    size = max(8, 0, *(number + 1 for number in objects))
    out += b"xref\n" + (b"".join(entries) or b"0 0\n")
    identity = b"<00112233445566778899aabbccddeeff>"
    out += b"trailer\n<< /Size %d /Root 1 0 R /Prev %d /ID [ %b %b ] >>\n" % (size, previous, identity, identity)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % xref)


def _write(stranger: Stranger, directory: Path) -> None:
    key = stranger.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "stranger.key").write_bytes(key)
    (directory / "stranger.pem").write_bytes(stranger.pem)


def _root(chosen: Key | None) -> tuple[Key, x509.Certificate]:
    key = chosen or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stranger Root")])
    builder = _certificate(name, name, key.public_key(), NOW - timedelta(days=9000), NOW + timedelta(days=9000))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return key, builder.sign(key, hashes.SHA256())


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: object, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
