"""Files of the key ring: encrypted private keys, and writing that never overwrites.

A private key stands on disk only as AES-256-GCM ciphertext of its PKCS#8 DER. The header is authenticated with it::

    magic "CSKR" | version 1 | class (1 production, 2 development) | KEK id (8) | nonce (12) | ciphertext and tag

The class cannot be changed without the master key, so a development key cannot be passed off as another one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from certsvc.errors import ConfigurationError
from certsvc.signing.master_key import KEK_ID_BYTES, KeyUse

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.ids import Ids
    from certsvc.signing.master_key import MasterKey

MAX_KEY_FILE = 64 * 1024
"""No private key of ours is longer; stops a wrong file from being read into memory."""

KEY_ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Key ids become file names: no dots, slashes or empty ids (path traversal)."""

_MAGIC = b"CSKR\x01"
_NONCE_BYTES = 12
_HEADER = len(_MAGIC) + 1 + KEK_ID_BYTES


class KeyClass(IntEnum):
    """Where a key comes from; authenticated inside the key file."""

    PRODUCTION = 1
    DEVELOPMENT = 2


class DevelopmentKeysRefused(ConfigurationError):
    """Production was asked to start with keys of the development PKI."""

    code = "development_keys_refused"
    title_zh = "生产环境拒绝使用开发密钥"
    title_en = "Development keys are refused in production"


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """A decrypted private key (PKCS#8 DER) and its class."""

    pkcs8: bytes
    key_class: KeyClass

    def __repr__(self) -> str:
        """Without the key: no log line can carry it."""
        return f"OpenedKey({self.key_class.name})"


def check_key_id(key_id: str) -> str:
    """Return ``key_id`` when it may be a file name; ConfigurationError otherwise."""
    if not KEY_ID_PATTERN.fullmatch(key_id):
        msg = f"密钥编号 {key_id!r} 不合规：只能用字母、数字、下划线和连字符，最长 64 位"
        raise ConfigurationError(msg)
    return key_id


def encrypt_key(pkcs8: bytes, key_id: str, key_class: KeyClass, master: MasterKey, ids: Ids) -> bytes:
    """The bytes of a key file for ``key_id``."""
    header = _MAGIC + bytes((key_class,)) + master.kek_id
    nonce = ids.salt()[:_NONCE_BYTES]
    sealed = AESGCM(master.subkey(KeyUse.KEY_RING)).encrypt(nonce, pkcs8, header + key_id.encode("ascii"))
    return header + nonce + sealed


def decrypt_key(data: bytes, key_id: str, master: MasterKey) -> OpenedKey:
    """The private key in the bytes of a key file.

    Raises:
        ConfigurationError: not a key file, another master key, another key's file, or damaged.
    """
    if len(data) <= _HEADER + _NONCE_BYTES or not data.startswith(_MAGIC):
        msg = f"密钥 {key_id} 的文件不是本系统的密钥文件"
        raise ConfigurationError(msg)
    header = data[:_HEADER]
    if header[len(_MAGIC) + 1 :] != master.kek_id:
        msg = f"主密钥与密钥 {key_id} 不匹配：请提供制作密钥库时所用的主密钥文件"
        raise ConfigurationError(msg)
    nonce, sealed = data[_HEADER : _HEADER + _NONCE_BYTES], data[_HEADER + _NONCE_BYTES :]
    try:
        pkcs8 = AESGCM(master.subkey(KeyUse.KEY_RING)).decrypt(nonce, sealed, header + key_id.encode("ascii"))
        return OpenedKey(pkcs8, KeyClass(header[len(_MAGIC)]))
    except (InvalidTag, ValueError) as error:
        msg = f"密钥 {key_id} 的文件已损坏或被改动：请从备份恢复"
        raise ConfigurationError(msg) from error


def read_file(path: Path) -> bytes:
    """The bytes of a key or certificate file, at most :data:`MAX_KEY_FILE`; ConfigurationError when that fails."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_KEY_FILE + 1)
    except OSError as error:
        msg = f"密钥库文件 {path} 无法读取（{error.strerror}）"
        raise ConfigurationError(msg) from error
    if len(data) > MAX_KEY_FILE:
        msg = f"密钥库文件 {path} 超过 {MAX_KEY_FILE} 字节：请检查路径"
        raise ConfigurationError(msg)
    return data


def write_new(path: Path, data: bytes, ids: Ids, *, mode: int = 0o600) -> bool:
    """Write ``data`` to a new file, whole or not at all; False when the file exists already (it stays as it is).

    Raises:
        ConfigurationError: the directory cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{ids.token()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            # A hard link fails when the name is taken, where a rename would silently replace the file.
            os.link(temporary, path)
        finally:
            temporary.unlink()
        _sync_directory(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        msg = f"密钥库文件 {path} 无法写入（{error.strerror}）"
        raise ConfigurationError(msg) from error
    return True


def remove_file(path: Path) -> None:
    """Remove a file so that a power cut does not bring it back; nothing happens when it is not there.

    Raises:
        ConfigurationError: the directory cannot be written.
    """
    try:
        path.unlink()
        _sync_directory(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        msg = f"密钥库文件 {path} 无法删除（{error.strerror}）"
        raise ConfigurationError(msg) from error


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
