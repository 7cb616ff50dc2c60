"""The software key ring: private keys that were parsed once and never leave this object."""

from __future__ import annotations

import itertools
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import structlog
from cryptography.hazmat.primitives import hashes

from certsvc.errors import CertsvcError, ConfigurationError, SigningError
from certsvc.signing.certificates import (
    algorithm_of,
    is_issued_by,
    load_private_key,
    owner_code_of,
    public_key_of,
    read_chain,
)
from certsvc.signing.keyfile import (
    KEY_ID_PATTERN,
    DevelopmentKeysRefused,
    KeyClass,
    check_key_id,
    decrypt_key,
    read_file,
)
from certsvc.signing.primitives import SM3, sign, verify_signature
from certsvc.signing.sm2 import Sm2PrivateKey, Sm2PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from certsvc.signing.master_key import MasterKey
    from certsvc.signing.primitives import AnyPublicKey, PrivateKey

    _Mark = tuple[int, int, int]

log = structlog.get_logger("certsvc.keys")

PRODUCTION = "production"
"""The profile that refuses development keys."""

_PROBE = b"certsvc key ring: does this certificate belong to this key?"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyCertificate:
    """The public half of a key.

    Attributes:
        certificate: the key's own certificate.
        issuers: the CA certificates between it and the root, nearest first; the root is left out.
        fingerprint: SHA-256 of the certificate, counted once: every seal asks for it, as for what follows.
        owner_code: USCC of the certificate's owner, or empty.
        valid_from, valid_until: the time in which this certificate and all its issuers are in their period.
    """

    key_id: str
    algorithm: str
    certificate: x509.Certificate
    issuers: tuple[x509.Certificate, ...]
    public_key: AnyPublicKey
    fingerprint: bytes = field(init=False)
    owner_code: str = field(init=False)
    valid_from: datetime = field(init=False)
    valid_until: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Read the certificate once, so that no seal has to."""
        chain = (self.certificate, *self.issuers)
        object.__setattr__(self, "fingerprint", self.certificate.fingerprint(hashes.SHA256()))
        object.__setattr__(self, "owner_code", owner_code_of(self.certificate))
        object.__setattr__(self, "valid_from", max(one.not_valid_before_utc for one in chain))
        object.__setattr__(self, "valid_until", min(one.not_valid_after_utc for one in chain))


class KeyRing(Protocol):
    """What sealing needs of a key ring: public halves, and signatures. Software, token and remote rings have it.

    Each proves at its start, by a trial signature, that every key belongs to its certificate. A ring may find keys
    that were made after its start, when they are asked for.
    """

    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys that are known so far, sorted."""
        ...

    def certificate(self, key_id: str) -> KeyCertificate:
        """The public half of ``key_id``; SigningError when the ring has no such key."""
        ...

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        """Signature over ``data``, hashed inside; SigningError when there is no such key or it failed."""
        ...

    def operations(self, key_id: str) -> int:
        """How often :meth:`sign_digest` used the key in this process."""
        ...


class SoftwareKeyRing:
    """Private keys in memory, from files encrypted under the master key.

    Every key is opened and parsed at construction, compared with its certificate and proven by a trial signature, so
    that a wrong pair stops the process at its start and not in the middle of an issuance. A key that was made later, by
    this process or another, is opened and proven in the same way when it is first asked for; so is a certificate that
    takes the place of another of the same key. Threads may share a ring.
    """

    def __init__(self, directory: Path, master: MasterKey, *, profile: str) -> None:
        """Open every key of ``directory``.

        Raises:
            ConfigurationError: no keys, a wrong master key, a damaged file, or a key that its certificate does not fit.
            DevelopmentKeysRefused: ``profile`` is ``production`` and a key is a development key.
        """
        self._directory = directory
        self._certs = str(directory / "certs")
        self._master = master
        self._profile = profile
        # Both are replaced as a whole when a key is added: readers need no lock.
        self._keys: dict[str, PrivateKey] = {}
        self._public: dict[str, KeyCertificate] = {}
        self._marks: dict[str, _Mark | None] = {}
        self._operations: dict[str, int] = {}
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        for path in sorted((directory / "private").glob("*.key")):
            self._load(path)
        if not self._keys:
            first = "keys create token-1" if profile == PRODUCTION else "keys init"
            msg = f"密钥库 {directory} 没有密钥：请先执行 certsvc {first}，或检查目录"
            raise ConfigurationError(msg)

    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys that are known so far, sorted."""
        return tuple(sorted(self._public))

    def certificate(self, key_id: str) -> KeyCertificate:
        """The public half of ``key_id``; SigningError when the ring has no such key.

        Raises:
            SigningError: no such key, in memory or in the directory.
            ConfigurationError: a key that came to the directory later and does not open or fit its certificate.
        """
        found = self._public.get(key_id)
        if found is None:
            found = self._made_later(key_id)
        elif self._mark(key_id) not in (None, self._marks[key_id]):
            found = self._changed(key_id)
        if found is None:
            msg = f"密钥库中没有密钥 {key_id}：请检查印章登记的密钥编号"
            raise SigningError(msg)
        return found

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        """Signature over ``data``, hashed inside with ``digest_algorithm``.

        The digest is ``sha256``, ``sha384`` or ``sha512``, for SM2 keys ``sm3`` (with Z in front). RSA keys give PKCS#1
        v1.5 signatures, EC and SM2 keys DER-encoded ones.

        Raises:
            SigningError: no such key, no such digest for it, or the key operation failed.
        """
        if key_id not in self._keys:
            self.certificate(key_id)
        with self._lock:
            self._operations[key_id] = self._operations.get(key_id, 0) + 1
        try:
            return sign(self._keys[key_id], digest_algorithm, data)
        except ValueError as error:
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

    def _made_later(self, key_id: str) -> KeyCertificate | None:
        path = self._directory / "private" / f"{key_id}.key"
        if not KEY_ID_PATTERN.fullmatch(key_id) or not path.exists():
            return None
        with self._loading:
            if key_id not in self._public:
                self._load(path)
        return self._public[key_id]

    def _mark(self, key_id: str) -> _Mark | None:
        """What tells one certificate file from the next under its name: such files are replaced whole."""
        try:
            found = os.stat(f"{self._certs}/{key_id}.pem")  # noqa: PTH116  (asked at every signature)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _changed(self, key_id: str) -> KeyCertificate:
        """Take up the certificate that a CA gave to the key meanwhile, proven as at the start.

        One that does not fit is told once and not taken: the one before is known to be good.
        """
        with self._loading:
            mark = self._mark(key_id)
            if mark != self._marks[key_id]:
                try:
                    public = self._public_half(key_id, self._keys[key_id])
                except CertsvcError:
                    log.exception("certificate not taken up", action="keys.bad_certificate", key_id=key_id)
                else:
                    self._public = {**self._public, key_id: public}
                    log.info("certificate taken up", action="keys.certificate", key_id=key_id)
                self._marks = {**self._marks, key_id: mark}
            return self._public[key_id]

    def _public_half(self, key_id: str, key: PrivateKey) -> KeyCertificate:
        chain = read_chain(self._directory / "certs" / f"{key_id}.pem")
        return KeyCertificate(
            key_id=key_id,
            algorithm=algorithm_of(key),
            certificate=chain[0],
            issuers=chain[1:],
            public_key=proven_public_key(key_id, chain, _trial(key, chain[0])),
        )

    def _load(self, path: Path) -> None:
        key_id = check_key_id(path.stem)
        opened = decrypt_key(read_file(path), key_id, self._master)
        if self._profile == PRODUCTION and opened.key_class is not KeyClass.PRODUCTION:
            msg = f"密钥 {key_id} 是开发密钥，生产环境不得使用：请配置正式密钥库"
            raise DevelopmentKeysRefused(msg)
        key = load_private_key(opened.pkcs8)
        if isinstance(key, Sm2PrivateKey) and not key.prepare():
            log.warning("no short way to sign with SM2", action="keys.no_signer", key_id=key_id)
        # The mark before the file is read: what replaces it in between is seen at the next look.
        mark = self._mark(key_id)
        public = self._public_half(key_id, key)
        # The key first: whoever finds the public half finds the key.
        self._keys = {**self._keys, key_id: key}
        self._marks = {**self._marks, key_id: mark}
        self._public = {**self._public, key_id: public}


def verify(public_key: AnyPublicKey, signature: bytes, data: bytes, digest_algorithm: str) -> bool:
    """Whether ``signature`` is one over ``data`` by the key ring's conventions (see :meth:`sign_digest`)."""
    return verify_signature(public_key, signature, data, digest_algorithm)


def proven_public_key(
    key_id: str, chain: tuple[x509.Certificate, ...], trial: Callable[[str, bytes], bytes]
) -> AnyPublicKey:
    """The first certificate's public key, after proof that ``trial`` signs with its private half.

    Every certificate of ``chain`` must have been issued by the next.
    ``trial`` takes the digest's name and data; every key ring calls this for every key before it serves.

    Raises:
        ConfigurationError: another key, a damaged one, or a broken chain.
    """
    try:
        public = public_key_of(chain[0])
        algorithm = algorithm_of(public)
    except ValueError as error:
        msg = f"certs/{key_id}.pem 的公钥算法不支持"
        raise ConfigurationError(msg) from error
    digest = SM3 if algorithm == "sm2" else "sha256"
    tried = trial(digest, _PROBE)
    if not verify_signature(public, tried, _PROBE, digest):
        msg = f"密钥 {key_id} 与其证书不匹配：试签未通过，请检查 certs/{key_id}.pem"
        raise ConfigurationError(msg)
    for below, above in itertools.pairwise(chain):
        if not is_issued_by(below, above):
            msg = f"certs/{key_id}.pem 的证书链不连续：证书不是由其后的证书签发"
            raise ConfigurationError(msg)
    # Every page of this key is checked after it was signed.
    if isinstance(public, Sm2PublicKey) and not public.prepare(tried, _PROBE):
        log.warning("no tables for SM2", action="keys.no_tables", key_id=key_id)
    return public


def _trial(key: PrivateKey, certificate: x509.Certificate) -> Callable[[str, bytes], bytes]:
    """Signs with ``key``; a key of another algorithm than the certificate's gives a signature that fits nothing."""
    same = algorithm_of(key) == algorithm_of(public_key_of(certificate))
    return lambda digest, data: sign(key, digest, data) if same else b""
