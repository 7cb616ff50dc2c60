"""The software key ring: private keys that were parsed once and never leave this object."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from certsvc.errors import ConfigurationError, SigningError
from certsvc.signing.certificates import algorithm_of, read_chain
from certsvc.signing.keyfile import DevelopmentKeysRefused, KeyClass, check_key_id, decrypt_key, read_file

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

    from certsvc.signing.certificates import PrivateKey, PublicKey
    from certsvc.signing.master_key import MasterKey

PRODUCTION = "production"
"""The profile that refuses development keys."""

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_PROBE = b"certsvc key ring: does this certificate belong to this key?"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyCertificate:
    """The public half of a key.

    Attributes:
        certificate: the key's own certificate.
        issuers: the CA certificates between it and the root, nearest first; the root is left out.
    """

    key_id: str
    algorithm: str
    certificate: x509.Certificate
    issuers: tuple[x509.Certificate, ...]
    public_key: PublicKey


class SoftwareKeyRing:
    """Private keys in memory, from files encrypted under the master key.

    Every key is opened and parsed at construction, compared with its certificate and proven by a trial signature, so
    that a wrong pair stops the process at its start and not in the middle of an issuance. Threads may share a ring.
    """

    def __init__(self, directory: Path, master: MasterKey, *, profile: str) -> None:
        """Open every key of ``directory``.

        Raises:
            ConfigurationError: no keys, a wrong master key, a damaged file, or a key that its certificate does not fit.
            DevelopmentKeysRefused: ``profile`` is ``production`` and a key is a development key.
        """
        self._keys: dict[str, PrivateKey] = {}
        self._public: dict[str, KeyCertificate] = {}
        self._operations: dict[str, int] = {}
        self._lock = threading.Lock()
        for path in sorted((directory / "private").glob("*.key")):
            self._load(directory, path, master, profile)
        if not self._keys:
            msg = f"密钥库 {directory} 没有密钥：请先执行 certsvc keys init，或检查目录"
            raise ConfigurationError(msg)

    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys, sorted."""
        return tuple(sorted(self._keys))

    def certificate(self, key_id: str) -> KeyCertificate:
        """The public half of ``key_id``; SigningError when the ring has no such key."""
        found = self._public.get(key_id)
        if found is None:
            msg = f"密钥库中没有密钥 {key_id}：请检查印章登记的密钥编号"
            raise SigningError(msg)
        return found

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        """Signature over ``data``, hashed inside with ``digest_algorithm`` (``sha256``, ``sha384``, ``sha512``).

        RSA keys give PKCS#1 v1.5 signatures, EC keys DER-encoded ECDSA signatures.

        Raises:
            SigningError: no such key, no such digest, or the key operation failed.
        """
        self.certificate(key_id)
        digest = _HASHES.get(digest_algorithm)
        if digest is None:
            msg = f"摘要算法 {digest_algorithm} 不支持：可用 {'、'.join(_HASHES)}"
            raise SigningError(msg)
        with self._lock:
            self._operations[key_id] = self._operations.get(key_id, 0) + 1
        try:
            return _sign(self._keys[key_id], digest, data)
        except (ValueError, UnsupportedAlgorithm) as error:
            msg = f"密钥 {key_id} 签名失败"
            raise SigningError(msg) from error

    def operations(self, key_id: str) -> int:
        """How often :meth:`sign_digest` used the key in this process; never more than there were reservations."""
        with self._lock:
            return self._operations.get(key_id, 0)

    def __repr__(self) -> str:
        """How many keys, and nothing of them."""
        return f"SoftwareKeyRing({len(self._keys)} keys)"

    def __reduce__(self) -> str:
        """Refuse to be pickled: keys stay in their process."""
        msg = "a key ring cannot be pickled"
        raise RuntimeError(msg)

    def _load(self, directory: Path, path: Path, master: MasterKey, profile: str) -> None:
        key_id = check_key_id(path.stem)
        opened = decrypt_key(read_file(path), key_id, master)
        if profile == PRODUCTION and opened.key_class is not KeyClass.PRODUCTION:
            msg = f"密钥 {key_id} 是开发密钥，生产环境不得使用：请配置正式密钥库"
            raise DevelopmentKeysRefused(msg)
        try:
            # The blob is authenticated and the trial signature below proves the key, so OpenSSL's slow check of
            # RSA primes (46 ms for 2048 bits, PERFORMANCE C) adds nothing.
            key = serialization.load_der_private_key(opened.pkcs8, password=None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            msg = f"密钥 {key_id} 的内容不是可用的私钥"
            raise ConfigurationError(msg) from error
        algorithm = algorithm_of(key)
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            msg = f"密钥 {key_id} 的算法不支持"
            raise ConfigurationError(msg)
        chain = read_chain(directory / "certs" / f"{key_id}.pem")
        self._public[key_id] = KeyCertificate(
            key_id=key_id,
            algorithm=algorithm,
            certificate=chain[0],
            issuers=chain[1:],
            public_key=_proven_public_key(key_id, key, chain),
        )
        self._keys[key_id] = key


def verify(public_key: PublicKey, signature: bytes, data: bytes, digest_algorithm: str) -> bool:
    """Whether ``signature`` is one over ``data`` by the key ring's conventions (see :meth:`sign_digest`)."""
    digest = _HASHES[digest_algorithm]
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, data, padding.PKCS1v15(), digest)
        else:
            public_key.verify(signature, data, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _sign(key: PrivateKey, digest: hashes.HashAlgorithm, data: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), digest)
    return key.sign(data, ec.ECDSA(digest))


def _proven_public_key(key_id: str, key: PrivateKey, chain: tuple[x509.Certificate, ...]) -> PublicKey:
    """The certificate's public key, after proof that it belongs to ``key`` and that the chain holds together."""
    public = chain[0].public_key()
    if public != key.public_key() or not isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        msg = f"密钥 {key_id} 与其证书不匹配：请检查 certs/{key_id}.pem"
        raise ConfigurationError(msg)
    if not verify(public, _sign(key, _HASHES["sha256"], _PROBE), _PROBE, "sha256"):
        msg = f"密钥 {key_id} 试签未通过：密钥已损坏"
        raise ConfigurationError(msg)
    for below, above in itertools.pairwise(chain):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature) as error:
            msg = f"certs/{key_id}.pem 的证书链不连续：证书不是由其后的证书签发"
            raise ConfigurationError(msg) from error
    return public
