"""Makes the development PKI that ``keys/dev.toml`` declares.

Layout of the key ring's directory::

    certs/<key_id>.pem       certificate, then its issuing CA (public)
    private/<key_id>.key     encrypted private keys of seals and tokens
    ca/<key_id>.key, .pem    keys and certificates of root and issuing CAs; a running service does not load them
    trust/<root>.pem         the roots as trust anchors (public)
    trust/intermediates/     the issuing CAs, known to path building and not trusted by themselves (public)

Every step writes a new file or finds it there: running it again, also after a crash in the middle, completes what is
missing and changes nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.errors import ConfigurationError
from certsvc.signing import certificates
from certsvc.signing.declaration import load_declaration
from certsvc.signing.keyfile import KeyClass, decrypt_key, encrypt_key, read_file, write_new
from certsvc.signing.trust import INTERMEDIATES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509

    from certsvc.clock import Clock
    from certsvc.ids import Ids
    from certsvc.signing.certificates import PrivateKey
    from certsvc.signing.declaration import KeyDeclaration
    from certsvc.signing.master_key import MasterKey

CERTS, PRIVATE, CA, TRUST = "certs", "private", "ca", "trust"
KNOWN = f"{TRUST}/{INTERMEDIATES}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DevKeys:
    """What :func:`init_dev_keys` found or made.

    Attributes:
        directory: for :class:`certsvc.signing.keyring.SoftwareKeyRing`.
        trust_dir: for :class:`certsvc.signing.trust.TrustAnchors`.
        made: key ids whose keys are new; empty when everything was there.
    """

    directory: Path
    trust_dir: Path
    made: tuple[str, ...]


def init_dev_keys(keys_toml: Path, out_dir: Path, master_key: MasterKey, clock: Clock, ids: Ids) -> DevKeys:
    """Build the PKI declared in ``keys_toml`` below ``out_dir``; existing keys and certificates stay as they are.

    Raises:
        ConfigurationError: the declaration is wrong, the directory cannot be written, or existing keys do not open
            with this master key.
    """
    declaration = load_declaration(keys_toml)
    if not declaration.issuers:
        msg = f"密钥声明 {keys_toml} 没有声明根证书和签发机构（[root]、[[issuer]]），不能据以制作开发用密钥"
        raise ConfigurationError(msg)
    for name, mode in ((CERTS, 0o755), (TRUST, 0o755), (KNOWN, 0o755), (PRIVATE, 0o700), (CA, 0o700)):
        _make_directory(out_dir / name, mode)
    maker = _Maker(out_dir, master_key, clock, ids)

    roots: dict[str, tuple[x509.Certificate, PrivateKey]] = {}
    for root in (declaration.root, declaration.sm2_root):
        if root is not None:
            roots[root.key_id] = maker.root(root)

    issuers: dict[str, tuple[x509.Certificate, PrivateKey]] = {}
    for issuer in (*declaration.issuers, *declaration.people_issuers):
        key = maker.key(issuer.key, CA)
        above = roots[declaration.root_for(issuer).key_id]
        issuers[issuer.key.key_id] = (maker.issuer(issuer.key, key, *above), key)

    for leaf in declaration.leaves:
        issuer_certificate, issuer_key = issuers[declaration.issuer_for(leaf.algorithm).key.key_id]
        maker.leaf(leaf, issuer_certificate, issuer_key)
    return DevKeys(directory=out_dir, trust_dir=out_dir / TRUST, made=tuple(maker.made))


class _Maker:
    """Makes one missing key or certificate at a time."""

    def __init__(self, out_dir: Path, master: MasterKey, clock: Clock, ids: Ids) -> None:
        self._out = out_dir
        self._master = master
        self._clock = clock
        self._ids = ids
        self.made: list[str] = []

    def key(self, declared: KeyDeclaration, place: str) -> PrivateKey:
        """The private key of ``declared``, from its file or new."""
        path = self._out / place / f"{declared.key_id}.key"
        if not path.exists():
            fresh = certificates.pkcs8(certificates.generate_key(declared.algorithm))
            sealed = encrypt_key(fresh, declared.key_id, KeyClass.DEVELOPMENT, self._master, self._ids)
            if write_new(path, sealed, self._ids):
                self.made.append(declared.key_id)
        # Read back what is on disk: what was written is what the service will load, and a rival's key wins.
        opened = decrypt_key(read_file(path), declared.key_id, self._master)
        key = certificates.load_private_key(opened.pkcs8)
        if certificates.algorithm_of(key) != declared.algorithm:
            msg = f"密钥 {declared.key_id} 的算法与 keys/dev.toml 声明的 {declared.algorithm} 不一致：请使用新的 key_id"
            raise ConfigurationError(msg)
        return key

    def certificate(
        self,
        declared: KeyDeclaration,
        key: PrivateKey,
        place: str,
        make: Callable[[int], tuple[x509.Certificate, ...]],
    ) -> x509.Certificate:
        """The certificate of ``key``, from its file or new; it must match the key."""
        path = self._out / place / f"{declared.key_id}.pem"
        if not path.exists():
            write_new(path, certificates.pem(*make(self._ids.cert_serial())), self._ids, mode=0o644)
        found = certificates.read_chain(path)[0]
        if certificates.public_key_of(found) != key.public_key():
            msg = f"证书 {path} 与私钥不匹配：请恢复原文件，或更换 key_id 重新制作"
            raise ConfigurationError(msg)
        return found

    def root(self, declared: KeyDeclaration) -> tuple[x509.Certificate, PrivateKey]:
        """A root's certificate, put among the anchors, and its key."""
        key, now = self.key(declared, CA), self._clock.now()

        def make(serial: int) -> tuple[x509.Certificate, ...]:
            return (certificates.make_root(declared, key, serial=serial, now=now),)

        found = self.certificate(declared, key, CA, make)
        write_new(self._out / TRUST / f"{declared.key_id}.pem", certificates.pem(found), self._ids, mode=0o644)
        return found, key

    def issuer(
        self, declared: KeyDeclaration, key: PrivateKey, root: x509.Certificate, root_key: PrivateKey
    ) -> x509.Certificate:
        """The certificate of an issuing CA."""
        now = self._clock.now()

        def make(serial: int) -> tuple[x509.Certificate, ...]:
            return (certificates.make_issuer(declared, key, root, root_key, serial=serial, now=now),)

        found = self.certificate(declared, key, CA, make)
        write_new(self._out / KNOWN / f"{declared.key_id}.pem", certificates.pem(found), self._ids, mode=0o644)
        return found

    def leaf(self, declared: KeyDeclaration, issuer: x509.Certificate, issuer_key: PrivateKey) -> x509.Certificate:
        """The certificate of a seal or a token signer."""
        key, now = self.key(declared, PRIVATE), self._clock.now()

        def make(serial: int) -> tuple[x509.Certificate, ...]:
            public = key.public_key()
            return (certificates.make_leaf(declared, public, issuer, issuer_key, serial=serial, now=now), issuer)

        return self.certificate(declared, key, CERTS, make)


def _make_directory(path: Path, mode: int) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        msg = f"密钥库目录 {path} 无法建立（{error.strerror}）"
        raise ConfigurationError(msg) from error
