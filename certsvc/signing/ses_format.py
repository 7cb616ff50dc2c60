"""``ses-v4``: a SES_Signature of GB/T 38540-2020 straight in ``/Contents`` (STANDARDS.md 3.2, 4.6 mode 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives import serialization

from certsvc.clock import check_aware
from certsvc.errors import SigningError
from certsvc.signing.der import BIT_STRING, IA5_STRING, OCTET_STRING, SEQUENCE, generalized_time, integer, tlv
from certsvc.signing.pades import MARGIN_BYTES, check_hole, check_room, check_unchanged
from certsvc.signing.seal_object import maker_signed
from certsvc.signing.ses import V4, read_seal, read_signature, sm2_verifies
from certsvc.signing.suites import SUITES

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.seal.prepared import PreparedPdf
    from certsvc.signing.keyring import KeyCertificate, KeyRing

PROPERTY_INFO = "/ByteRange"
"""``propertyInfo`` names what was hashed; in OFD it is the path of Signature.xml, for PDF no text is public."""

_SUITE = SUITES["sm2"]
_OID_OF_ALGORITHM = _SUITE.signature_identifier[2:]


class SealObjects(Protocol):
    """Gives the seal object that goes with a key."""

    def seal_of(self, key_id: str) -> bytes:
        """``SESeal`` in DER; SigningError when there is none."""
        ...


class SesV4:
    """Fills a prepared page with a SES_Signature; needs an SM2 key and the seal object that lists its certificate."""

    name = "ses-v4"
    filter = "Gomain.GMPkiLite"
    sub_filter = "GM.sm2seal"
    algorithms = frozenset({"sm2"})

    def __init__(self, seals: SealObjects) -> None:
        """Use the seal objects of ``seals``."""
        self._seals = seals

    def reserved_bytes(self, ring: KeyRing, key_id: str) -> int:
        """Size of the largest signature with this seal and certificate, and a margin."""
        return self._largest(ring.certificate(key_id), self._seals.seal_of(key_id)) + MARGIN_BYTES

    def sign(self, prepared: PreparedPdf, ring: KeyRing, key_id: str, *, signed_at: datetime) -> bytes:
        """The sealed file.

        Raises:
            SigningError: no seal object, one that does not list this certificate or is out of its period, a page whose
                hole is not as declared, a failed key operation, or a result that does not read back as good.
        """
        check_hole(prepared)
        public, seal_der = ring.certificate(key_id), self._seals.seal_of(key_id)
        certificate = _der(public)
        check_seal(seal_der, certificate, public, check_aware(signed_at))
        check_room(prepared, self._largest(public, seal_der))
        digest = prepared.digest(_SUITE.digest)
        to_sign = tlv(
            SEQUENCE,
            integer(V4),
            seal_der,
            generalized_time(signed_at),
            tlv(BIT_STRING, b"\x00", digest),
            tlv(IA5_STRING, PROPERTY_INFO.encode("ascii")),
        )
        signature = ring.sign_digest(key_id, _SUITE.digest, to_sign)
        sealed = prepared.fill(_assemble(to_sign, certificate, signature))
        _check_sealed(check_unchanged(sealed, prepared), digest, certificate)
        return sealed

    def _largest(self, public: KeyCertificate, seal_der: bytes) -> int:
        info = tlv(IA5_STRING, PROPERTY_INFO.encode("ascii"))
        fixed = integer(V4), seal_der, b"\x18\x0f" + bytes(15), tlv(BIT_STRING, bytes(33)), info
        return len(_assemble(tlv(SEQUENCE, *fixed), _der(public), bytes(_SUITE.signature_size)))


def check_seal(seal_der: bytes, certificate: bytes, public: KeyCertificate, signed_at: datetime) -> None:
    """Before the key is used (V1 6.2): the seal is good, in its period, and lists the signer's certificate.

    Raises:
        SigningError: one of these does not hold, or the key is no SM2 key.
    """
    if public.algorithm != "sm2":
        msg = f"签章格式 {SesV4.name} 不能使用 {public.algorithm} 密钥：请改用 sm2"
        raise SigningError(msg)
    try:
        seal = read_seal(seal_der)
    except ValueError as error:
        msg = f"密钥 {public.key_id} 的印章数据无法读取：请重新制作印章"
        raise SigningError(msg) from error
    if seal.version != V4 or not maker_signed(seal):
        msg = f"密钥 {public.key_id} 的印章数据无效或不是 GB/T 38540 格式：请重新制作印章"
        raise SigningError(msg)
    if not seal.lists(certificate):
        msg = f"密钥 {public.key_id} 的证书不在印章的签章人列表内：证书更换后须重新制作印章"
        raise SigningError(msg)
    if not seal.covers(signed_at):
        msg = f"密钥 {public.key_id} 的印章在签章时间不在有效期内：请重新制作印章"
        raise SigningError(msg)


def _assemble(to_sign: bytes, certificate: bytes, signature: bytes) -> bytes:
    value = tlv(BIT_STRING, b"\x00", signature)
    return tlv(SEQUENCE, to_sign, tlv(OCTET_STRING, certificate), _OID_OF_ALGORITHM, value)


def _check_sealed(der: bytes, digest: bytes, certificate: bytes) -> None:
    """Read back what was written: the same hash and certificate, a signature that verifies."""
    read = read_signature(der)
    good = read.data_hash == digest and read.certificate == certificate
    if not good or not sm2_verifies(read.certificate, read.algorithm, read.signature, read.signed):
        msg = "签章结果自检未通过：签名与准备的页面不符，文件已丢弃"
        raise SigningError(msg)


def _der(public: KeyCertificate) -> bytes:
    return public.certificate.public_bytes(serialization.Encoding.DER)
