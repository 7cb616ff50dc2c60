"""Reads a compact JWS strictly: one algorithm list, one key set, canonical base64url, no key from the token itself.

joserfc does the cryptography; the rules around it are here (RFC 7515, RFC 8725; ASVS 5.0 9.1.1-3).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from certsvc.errors import ConfigurationError, Unauthenticated
from certsvc.signing.weak_keys import is_roca

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from joserfc.jwk import Key

MAX_TOKEN_CHARS = 8192
"""Longest token that is read: ours have some 600 characters; stops megabytes in a header."""

MAX_JWKS_CHARS = 64 * 1024
MAX_KEYS = 50
"""Largest key set of one party."""

MIN_RSA_BITS = 2048

ASYMMETRIC = ("ES256", "ES384", "RS256", "PS256")
"""What other parties may sign with. ``none`` and shared-secret algorithms are on no list of this service."""

_SEGMENTS = 3
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_HEADERS = frozenset({"alg", "kid", "typ", "cty", "x5t", "x5t#S256"})
"""Header parameters that may appear. ``jwk``, ``jku``, ``x5u``, ``x5c`` and ``crit`` would let a token choose its key
or its rules, so they refuse the token instead of being ignored."""


@dataclass(frozen=True, slots=True)
class VerifiedJws:
    """Header and payload of a JWS whose signature was verified."""

    header: Mapping[str, object]
    payload: bytes


def load_public_keys(jwks: str) -> KeySet:
    """The public signature keys of a JWKS (RFC 7517 §5).

    Raises:
        ConfigurationError: no JWKS, a private or shared key in it, a weak key, or more than :data:`MAX_KEYS`.
    """
    try:
        if len(jwks) > MAX_JWKS_CHARS:
            msg = "JWKS 过大"
            raise ConfigurationError(msg)
        keys = json.loads(jwks)["keys"]
        if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_KEYS:
            msg = f"JWKS 的 keys 应有 1 至 {MAX_KEYS} 个公钥"
            raise ConfigurationError(msg)
        return KeySet([_public_key(key) for key in keys])
    except (JoseError, Unauthenticated, ValueError, TypeError, KeyError, RecursionError) as error:
        msg = "JWKS 无法读取：应为 RFC 7517 的公钥集合"
        raise ConfigurationError(msg) from error


def verify_jws(
    token: str, keys: KeySet, algorithms: Collection[str], *, max_chars: int = MAX_TOKEN_CHARS
) -> VerifiedJws:
    """Verify a compact JWS of at most ``max_chars`` under one of ``keys``.

    Raises:
        Unauthenticated: malformed, another algorithm than those listed, no such key, or a wrong signature.
    """
    header = read_header(token, max_chars=max_chars)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        msg = "凭证的签名算法不被接受"
        raise Unauthenticated(msg)
    key = _choose(keys, header.get("kid"), algorithm)
    try:
        found = jws.deserialize_compact(token, key, algorithms=[algorithm])
        return VerifiedJws(header, found.payload or b"")
    except (JoseError, ValueError, TypeError, KeyError) as error:
        msg = "凭证签名无效"
        raise Unauthenticated(msg) from error


def read_header(token: str, *, max_chars: int = MAX_TOKEN_CHARS) -> Mapping[str, object]:
    """The header of a compact JWS, not yet verified; Unauthenticated when the token is malformed."""
    parts = token.split(".") if len(token) <= max_chars else []
    if len(parts) != _SEGMENTS:
        msg = "凭证格式有误：应为紧凑格式的 JWS"
        raise Unauthenticated(msg)
    header = _json_object(decode_segment(parts[0]))
    for part in parts[1:]:
        decode_segment(part)
    if not set(header) <= _HEADERS:
        msg = "凭证头部含有不被接受的参数"
        raise Unauthenticated(msg)
    return header


def read_claims(payload: bytes) -> Mapping[str, object]:
    """The claims in a payload; Unauthenticated when it is not one JSON object without repeated names."""
    return _json_object(payload)


def decode_segment(text: str) -> bytes:
    """base64url in its one canonical spelling (RFC 7515 §2); Unauthenticated otherwise."""
    data = None
    if _SEGMENT.fullmatch(text):
        with suppress(binascii.Error):
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if data is None or encode_segment(data) != text:
        msg = "凭证格式有误：不是规范的 base64url"
        raise Unauthenticated(msg)
    return data


def encode_segment(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _json_object(data: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        msg = "凭证内容不是有效的 JSON"
        raise Unauthenticated(msg) from error
    if not isinstance(value, dict):
        msg = "凭证内容不是 JSON 对象"
        raise Unauthenticated(msg)
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        msg = "a name is repeated"
        raise ValueError(msg)
    return values


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _public_key(values: object) -> Key:
    if not isinstance(values, dict) or values.get("kty") not in {"EC", "RSA", "OKP"} or "d" in values:
        msg = "JWKS 只能含 EC、RSA 或 OKP 公钥，不得含私钥或共享密钥"
        raise ConfigurationError(msg)
    if values["kty"] == "EC":
        return ECKey.import_key(values)
    if values["kty"] == "OKP":
        return OKPKey.import_key(values)
    # Measured before the import: joserfc takes a weak key with a warning only.
    modulus = int.from_bytes(decode_segment(str(values.get("n", ""))), "big")
    if modulus.bit_length() < MIN_RSA_BITS:
        msg = f"JWKS 的 RSA 公钥不足 {MIN_RSA_BITS} 位"
        raise ConfigurationError(msg)
    if is_roca(modulus):
        msg = "JWKS 的 RSA 公钥由有缺陷的芯片生成（CVE-2017-15361），私钥可被算出：请重新生成密钥"
        raise ConfigurationError(msg)
    return RSAKey.import_key(values)


def _choose(keys: KeySet, kid: object, algorithm: str) -> Key:
    """The one key that the header names, or the only one; its own ``use``, ``alg`` and ``key_ops`` are obeyed."""
    named = [key for key in keys if kid is None or key.kid == kid]
    if len(named) != 1:
        msg = "凭证的签名密钥未知"
        raise Unauthenticated(msg)
    key = named[0]
    stated = key.as_dict(private=False)
    operations = stated.get("key_ops")
    if (
        stated.get("use") not in {None, "sig"}
        or stated.get("alg") not in {None, algorithm}
        or (isinstance(operations, list) and "verify" not in operations)
    ):
        msg = "凭证的签名密钥不用于此算法"
        raise Unauthenticated(msg)
    return key
