"""The master key (KEK): 32 bytes from outside the database and ``var/``, and the subkeys derived from it.

The master key itself encrypts nothing; every use has its own subkey by HKDF-SHA-256 (RFC 5869), so that a leaked
subkey of one use tells nothing about another.
"""

from __future__ import annotations

import base64
import hmac
import os
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from certsvc.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.ids import Ids

MASTER_KEY_BYTES = 32
"""AES-256 and HMAC-SHA-256 strength."""

MAX_MASTER_KEY_FILE = 256
"""No master key file is longer: stops a wrong path (a log, a device) from being read into memory."""

KEK_ID_BYTES = 8
"""Length of the public name of a master key: enough to tell keys apart, no help in guessing one."""


class KeyUse(StrEnum):
    """What a subkey is for; the value goes into the HKDF ``info`` and may never change."""

    COLUMNS = "columns"
    BLIND_INDEX = "blind-index"
    KEY_RING = "key-ring"
    TOKENS = "tokens"
    PEOPLE = "people-keys"
    KEK_ID = "kek-id"


class MasterKey:
    """Holds the master key and derives subkeys; it never shows the key itself."""

    __slots__ = ("_key", "_subkeys")

    def __init__(self, key: bytes) -> None:
        """Take 32 bytes; RuntimeError for another length, because callers check the file first."""
        if len(key) != MASTER_KEY_BYTES:
            msg = f"a master key has {MASTER_KEY_BYTES} bytes"
            raise RuntimeError(msg)
        self._key = key
        self._subkeys: dict[KeyUse, bytes] = {}

    def subkey(self, use: KeyUse) -> bytes:
        """The 32-byte subkey of ``use``."""
        found = self._subkeys.get(use)
        if found is None:
            info = b"certsvc/v1/" + use.value.encode("ascii")
            found = HKDF(algorithm=hashes.SHA256(), length=MASTER_KEY_BYTES, salt=None, info=info).derive(self._key)
            self._subkeys[use] = found
        return found

    @property
    def kek_id(self) -> bytes:
        """8 bytes that name this master key without revealing it; key files carry them."""
        return hmac.digest(self.subkey(KeyUse.KEK_ID), b"kek-id", "sha256")[:KEK_ID_BYTES]

    def __repr__(self) -> str:
        """Only the public name, so that no log line can carry the key."""
        return f"MasterKey({self.kek_id.hex()})"

    def __reduce__(self) -> str:
        """Refuse to be pickled: a master key stays in its process."""
        msg = "a master key cannot be pickled"
        raise RuntimeError(msg)


def load_master_key(path: Path) -> MasterKey:
    """Read the master key from ``path``: 32 raw bytes, or 64 hexadecimal digits with an optional line end.

    Raises:
        ConfigurationError: no such file, unreadable, or of another shape.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MASTER_KEY_FILE + 1)
    except OSError as error:
        msg = (
            f"主密钥文件 {path} 无法读取（{error.strerror}）：请检查路径与权限；"
            f"还没有主密钥的，先运行 certsvc keys master {path}"
        )
        raise ConfigurationError(msg) from error
    if len(data) == MASTER_KEY_BYTES:
        return MasterKey(data)
    text = data.strip()
    if len(text) == MASTER_KEY_BYTES * 2:
        try:
            return MasterKey(bytes.fromhex(text.decode("ascii")))
        except ValueError:
            pass
    msg = f"主密钥文件 {path} 格式不对：应为 32 个原始字节或 64 个十六进制字符"
    raise ConfigurationError(msg)


def create_master_key(path: Path, ids: Ids) -> MasterKey:
    """Write a new random master key to ``path`` (mode 0600) and return it.

    Raises:
        ConfigurationError: the file exists already (a master key is never overwritten) or cannot be written.
    """
    key = base64.urlsafe_b64decode(ids.secret() + "=")
    master = MasterKey(key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.hex().encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        msg = f"主密钥文件 {path} 已存在：不会覆盖，请直接使用或另选路径"
        raise ConfigurationError(msg) from error
    except OSError as error:
        msg = f"主密钥文件 {path} 无法写入（{error.strerror}）"
        raise ConfigurationError(msg) from error
    return master
