"""A key ring in a PKCS#11 token (an HSM; SoftHSM in the tests): keys are used there and cannot be read out.

The optional dependency python-pkcs11 (``pip install certsvc[hsm]``) is imported when a ring is opened. A key's label in
the token is its key id, and its certificate stands in ``certs/<key_id>.pem`` as for the software ring. Only RSA and
P-256 have standard mechanisms in PKCS#11 3.0; SM2 in a token is a vendor's own and is refused here by name.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from certsvc.errors import ConfigurationError, SigningError
from certsvc.signing.certificates import algorithm_of, public_key_of, read_chain
from certsvc.signing.keyfile import check_key_id
from certsvc.signing.keyring import KeyCertificate, proven_public_key

if TYPE_CHECKING:
    from pathlib import Path

_RSA_MECHANISMS = {"sha256": "SHA256_RSA_PKCS", "sha384": "SHA384_RSA_PKCS", "sha512": "SHA512_RSA_PKCS"}
_DIGESTS = frozenset(_RSA_MECHANISMS)
BUSY_S = 1.0
"""How long a probe waits for its turn: a token that has finished no signature in that time does not answer."""


class TokenKeyRing:
    """Keys of one token behind the ``KeyRing`` port. Threads may share it; the token does one operation at a time."""

    def __init__(self, module: Path, token_label: str, pin: str, directory: Path) -> None:
        """Log in and prove every key that has a certificate in ``directory/certs``.

        Raises:
            ConfigurationError: no python-pkcs11, no such module or token, a wrong PIN, a key that could be read out of
                the token, or one that its certificate does not fit.
        """
        self._lock = threading.Lock()
        self._operations: dict[str, int] = {}
        self._finished = 0
        self._public: dict[str, KeyCertificate] = {}
        self._pkcs11 = _library()
        self._session = self._login(module, token_label, pin)
        self._keys: dict[str, Any] = {}
        try:
            self._load(directory)
        except BaseException:
            self.close()
            raise

    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys, sorted."""
        return tuple(sorted(self._keys))

    def certificate(self, key_id: str) -> KeyCertificate:
        """The public half of ``key_id``; SigningError when the ring has no such key."""
        found = self._public.get(key_id)
        if found is None:
            msg = f"密码机中没有密钥 {key_id}：请检查印章登记的密钥编号"
            raise SigningError(msg)
        return found

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        """Signature over ``data``, hashed inside: PKCS#1 v1.5 of RSA keys, DER of EC keys.

        Raises:
            SigningError: no such key, no such digest, or the token refused or failed.
        """
        algorithm = self.certificate(key_id).algorithm
        with self._lock:
            self._operations[key_id] = self._operations.get(key_id, 0) + 1
        return self._sign(key_id, self._keys[key_id], algorithm, digest_algorithm, data)

    def operations(self, key_id: str) -> int:
        """How often :meth:`sign_digest` used the key in this process."""
        with self._lock:
            return self._operations.get(key_id, 0)

    def check(self) -> None:
        """Look for one of the keys in the token, without using it; SigningError when the token does not answer.

        While the token signs it is not asked: that signatures come out is the answer. Seals and this never use it at
        once, for its library is opened for one thread at a time (C_Initialize without arguments).
        """
        names = self._pkcs11
        wanted = {names.Attribute.CLASS: names.ObjectClass.PRIVATE_KEY, names.Attribute.LABEL: min(self._keys)}
        finished = self._finished
        if not self._lock.acquire(timeout=BUSY_S):
            if self._finished == finished:
                msg = "密码机没有应答：有签名正在等待它，请检查密码机与网络"
                raise SigningError(msg)
            return
        try:
            found = list(self._session.get_objects(wanted))
        except (names.exceptions.PKCS11Error, AttributeError) as error:
            msg = f"密码机没有应答（{type(error).__name__}）：请检查密码机与网络，恢复后重新启动本进程"
            raise SigningError(msg) from error
        finally:
            self._lock.release()
        if not found:
            msg = "密码机中找不到启动时的密钥：请检查令牌"
            raise SigningError(msg)

    def close(self) -> None:
        """Log out; keys cannot be used afterwards."""
        with self._lock:
            self._session.close()

    def __repr__(self) -> str:
        """How many keys, and nothing of them."""
        return f"TokenKeyRing({len(self._public)} keys)"

    def __reduce__(self) -> str:
        """Refuse to be pickled: a session belongs to its process."""
        msg = "a key ring cannot be pickled"
        raise RuntimeError(msg)

    def _login(self, module: Path, token_label: str, pin: str) -> Any:
        errors = self._pkcs11.exceptions.PKCS11Error
        try:
            token = self._pkcs11.lib(str(module)).get_token(token_label=token_label)
            return token.open(user_pin=pin)
        except (errors, RuntimeError, OSError) as error:
            msg = f"密码机 {token_label} 无法登录（{type(error).__name__}）：请检查驱动路径、令牌名称与 PIN"
            raise ConfigurationError(msg) from error

    def _load(self, directory: Path) -> None:
        names = self._pkcs11
        attribute = names.Attribute
        # The search is over before a key is used: a token does one operation of a session at a time.
        for key in list(self._session.get_objects({attribute.CLASS: names.ObjectClass.PRIVATE_KEY})):
            key_id = check_key_id(key.label)
            if key[attribute.EXTRACTABLE] or not key[attribute.SENSITIVE]:
                msg = f"密码机中的密钥 {key_id} 可被导出：请在密码机内重新生成不可导出的密钥"
                raise ConfigurationError(msg)
            chain = read_chain(directory / "certs" / f"{key_id}.pem")
            algorithm = algorithm_of(public_key_of(chain[0]))
            if algorithm == "sm2":
                msg = f"密码机密钥 {key_id}：PKCS#11 没有 SM2 标准机制，请改用软件密钥库或省级平台"
                raise ConfigurationError(msg)
            self._keys[key_id] = key

            def trial(
                digest: str, data: bytes, key_id: str = key_id, key: Any = key, algorithm: str = algorithm
            ) -> bytes:
                try:
                    return self._sign(key_id, key, algorithm, digest, data)
                except SigningError:
                    return b""

            self._public[key_id] = KeyCertificate(
                key_id=key_id,
                algorithm=algorithm,
                certificate=chain[0],
                issuers=chain[1:],
                public_key=proven_public_key(key_id, chain, trial),
            )
        if not self._keys:
            msg = "密码机中没有私钥：请检查令牌名称，或先在密码机内生成密钥"
            raise ConfigurationError(msg)

    def _sign(self, key_id: str, key: Any, algorithm: str, digest: str, data: bytes) -> bytes:
        if digest not in _DIGESTS:
            msg = f"摘要算法 {digest} 不支持：可用 {'、'.join(sorted(_DIGESTS))}"
            raise SigningError(msg)
        mechanism = self._pkcs11.Mechanism
        try:
            with self._lock:
                if algorithm != "p256":
                    raw = bytes(key.sign(data, mechanism=getattr(mechanism, _RSA_MECHANISMS[digest])))
                else:
                    raw = bytes(key.sign(hashlib.new(digest, data).digest(), mechanism=mechanism.ECDSA))
                self._finished += 1
        except (self._pkcs11.exceptions.PKCS11Error, AttributeError) as error:
            msg = f"密码机密钥 {key_id} 签名失败（{type(error).__name__}）"
            raise SigningError(msg) from error
        if algorithm != "p256":
            return raw
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))


def _library() -> Any:
    try:
        import pkcs11
        import pkcs11.exceptions
    except ImportError as error:
        msg = "未安装密码机支持：请安装 certsvc[hsm]"
        raise ConfigurationError(msg) from error
    return pkcs11
