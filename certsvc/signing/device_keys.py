"""Public keys of devices: P-256, made by WebCrypto and brought as JWK (RFC 7517, RFC 7518 §6.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certsvc.errors import InvalidInput, Unauthenticated
from certsvc.signing.jws import decode_segment
from certsvc.signing.statements import p256_jwk, raw_signature_holds, read_p256_jwk

if TYPE_CHECKING:
    from collections.abc import Mapping

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth"})
_CURVE = ec.SECP256R1()


def read_device_jwk(jwk: Mapping[str, object]) -> tuple[bytes, str]:
    """The compressed point of a device's JWK, and its thumbprint (RFC 7638).

    Raises:
        InvalidInput: another kind of key, a private one, or a point that is not on the curve.
    """
    if _PRIVATE & set(jwk):
        raise InvalidInput("设备公钥含有私钥部分：私钥不得离开设备，请重新生成密钥（不可导出）后只提交公钥")
    key = read_p256_jwk(jwk)
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint), p256_jwk(key)["kid"]


def load_point(point: bytes) -> ec.EllipticCurvePublicKey | None:
    """The key of a compressed point; None when it is none on the curve."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
    except ValueError:
        return None


def signed_by(point: bytes, signature: str, message: bytes) -> bool:
    """Whether ``signature`` (base64url of ``r`` and ``s``, as WebCrypto gives them) is this key's over ``message``."""
    key = load_point(point)
    try:
        return key is not None and raw_signature_holds(key, decode_segment(signature), message)
    except Unauthenticated:
        return False
