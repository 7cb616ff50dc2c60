"""Reads electronic seals and their signatures: GM/T 0031-2014 (v1), GB/T 38540-2020 (v4), GM/T 0031-2025 (v5).

The shapes are those of STANDARDS.md 3.1 to 3.3, the tolerances those of 3.4: what was signed is kept as the very bytes
of the file; ``extDatas`` may be a bare SEQUENCE or tagged; times may be UTCTime; a signature may be r ‖ s. Nothing here
decides whether a seal is good: ``seal_object`` and ``judging_ses`` do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.signing.der import (
    BIT_STRING,
    CONTEXT_0,
    IA5_STRING,
    SEQUENCE,
    Element,
    tlv,
)
from certsvc.signing.primitives import load_public_key
from certsvc.signing.sm2 import Sm2PublicKey
from certsvc.signing.sm2_oids import SM2_SIGN, SM2_WITH_SM3

if TYPE_CHECKING:
    from datetime import datetime

MAX_SES_BYTES = 4 * 1024 * 1024
"""Largest seal object or signature that is read; a stamp of 400 dpi is far below."""

MAX_LISTED = 1000
"""Certificates in the list of one seal."""

ALGORITHMS = frozenset({SM2_WITH_SM3, SM2_SIGN})
"""OIDs that name SM2 with SM3 (STANDARDS.md 4.4)."""

V1, V4, V5 = 1, 4, 5
_LIST_OF_CERTIFICATES, _LIST_OF_DIGESTS = 1, 2
_FIELDS_V1, _FIELDS_V4, _FIELDS_V5 = 2, 4, 5
_PROPERTY_V1, _PROPERTY_V4 = 6, 7
_MARK = "ES"


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """The stamp's picture: its type as written (``PNG``, ``ofd`` …), its bytes, and its size in mm."""

    kind: str
    data: bytes
    width_mm: int
    height_mm: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SealObject:
    """A parsed ``SESeal``.

    Attributes:
        version: 1, 4 or 5, by the shape and the header.
        maker_id: ``Vid`` of the header.
        kind: ``property.type``; not standardised, kept as it is.
        certificates: the signers' certificates in DER, or empty when the list holds digests.
        digests: their digests, each with the name of its algorithm as written.
        signed: the bytes that the maker signed.
        timestamp: v5 only: the field as it stands, or empty.
    """

    version: int
    maker_id: str
    seal_id: str
    kind: int
    name: str
    certificates: tuple[bytes, ...]
    digests: tuple[tuple[str, bytes], ...]
    created: datetime
    begins: datetime
    ends: datetime
    picture: Picture
    maker_certificate: bytes
    algorithm: str
    signature: bytes
    signed: bytes
    whole: bytes
    timestamp: bytes = b""

    def lists(self, certificate: bytes) -> bool:
        """Whether ``certificate`` (DER) is one of the seal's signers: bytes equal, or plain SM3 equal."""
        if self.certificates:
            return certificate in self.certificates
        digest = hashlib.new("sm3", certificate).digest()
        return any(value == digest for _, value in self.digests)

    def covers(self, at: datetime) -> bool:
        """Whether ``at`` lies in the seal's period."""
        return self.begins <= at <= self.ends


@dataclass(frozen=True, kw_only=True, slots=True)
class SesSignature:
    """A parsed ``SES_Signature``.

    Attributes:
        signed_at: ``timeInfo``, or None when a v1 signature carries something else there.
        signed: the bytes that the signer signed.
        timestamp: RFC 3161 token over the signature value, or empty.
    """

    version: int
    seal: SealObject
    signed_at: datetime | None
    data_hash: bytes
    property_info: str
    certificate: bytes
    algorithm: str
    signature: bytes
    signed: bytes
    timestamp: bytes = b""


def read_seal(data: bytes) -> SealObject:
    """The seal in ``data``; ValueError when it is none."""
    return _seal(_root(data))


def read_signature(data: bytes) -> SesSignature:
    """The signature in ``data``; ValueError when it is none."""
    root = _root(data)
    parts = root.children()
    return _signature_v1(parts) if len(parts) == _FIELDS_V1 else _signature_v4(parts)


def sm2_verifies(certificate: bytes, algorithm: str, signature: bytes, signed: bytes) -> bool:
    """Whether ``signature`` over ``signed`` is one of the certificate's SM2 key; False also for other algorithms."""
    if algorithm not in ALGORITHMS:
        return False
    try:
        key = load_public_key(spki_in(certificate))
    except ValueError:
        return False
    return isinstance(key, Sm2PublicKey) and key.verify_lenient(signature, signed)


def spki_in(certificate: bytes) -> bytes:
    """SubjectPublicKeyInfo of a certificate, as it stands there (asn1crypto trips over names in some)."""
    fields = Element.read(certificate).children()[0].children()
    position = 6 if fields[0].tag == CONTEXT_0 else 5
    if len(fields) <= position:
        msg = "certificate without a key"
        raise ValueError(msg)
    return fields[position].expect(SEQUENCE).whole


def _root(data: bytes) -> Element:
    if len(data) > MAX_SES_BYTES:
        msg = "seal data larger than the limit"
        raise ValueError(msg)
    return Element.read(data)


def _seal(node: Element) -> SealObject:
    parts = node.children()
    if len(parts) == _FIELDS_V1:
        return _seal_v1(node, parts)
    if len(parts) not in {_FIELDS_V4, _FIELDS_V5}:
        msg = "SESeal has another number of fields"
        raise ValueError(msg)
    info, certificate, algorithm, signature = parts[:4]
    timestamp = _tagged_bits(parts[4]) if len(parts) == _FIELDS_V5 else b""
    return _sealed_info(
        info,
        five=len(parts) == _FIELDS_V5,
        maker=(certificate.octets(), algorithm.oid(), signature.bits()),
        signed=info.whole,
        whole=node.whole,
        timestamp=timestamp,
    )


def _seal_v1(node: Element, parts: list[Element]) -> SealObject:
    info, sign_info = parts
    certificate, algorithm, signature = _exactly(sign_info.children(), 3)
    return _sealed_info(
        info,
        five=False,
        maker=(certificate.octets(), algorithm.oid(), signature.bits()),
        # STANDARDS.md 3.1: the maker of a v1 seal signs its certificate and algorithm too.
        signed=tlv(SEQUENCE, info.whole, certificate.whole, algorithm.whole),
        whole=node.whole,
        timestamp=b"",
    )


def _sealed_info(
    info: Element, *, five: bool, maker: tuple[bytes, str, bytes], signed: bytes, whole: bytes, timestamp: bytes
) -> SealObject:
    parts = info.children()
    if len(parts) not in {4, 5}:
        msg = "SES_SealInfo has another number of fields"
        raise ValueError(msg)
    header, seal_id, properties, picture = parts[:4]
    if len(parts) > 4:  # noqa: PLR2004  (extDatas)
        _extensions(parts[4])
    mark, version, maker_id = _exactly(header.children(), 3)
    if mark.expect(IA5_STRING).text() != _MARK:
        msg = "SES_Header is not that of a seal"
        raise ValueError(msg)
    if five and version.number() != V5:
        # Nothing that is signed says that it is there: in an older seal it was put there by somebody else.
        msg = "a timestamp in a seal that is not of v5"
        raise ValueError(msg)
    fields = properties.children()
    is_v1 = len(fields) == _PROPERTY_V1
    if not is_v1 and len(fields) != _PROPERTY_V4:
        msg = "SES_ESPropertyInfo has another number of fields"
        raise ValueError(msg)
    kind, name, *rest = fields
    list_kind = _LIST_OF_CERTIFICATES if is_v1 else rest.pop(0).number()
    listed, created, begins, ends = rest
    certificates, digests = _listed(listed, list_kind)
    picture_kind, data, width, height = _exactly(picture.children(), 4)
    return SealObject(
        version=V1 if is_v1 else V5 if version.number() == V5 else V4,
        maker_id=maker_id.text(),
        seal_id=seal_id.text(),
        kind=kind.number(),
        name=name.text(),
        certificates=certificates,
        digests=digests,
        created=created.time(),
        begins=begins.time(),
        ends=ends.time(),
        picture=Picture(
            kind=picture_kind.text(), data=data.octets(), width_mm=width.number(), height_mm=height.number()
        ),
        maker_certificate=maker[0],
        algorithm=maker[1],
        signature=maker[2],
        signed=signed,
        whole=whole,
        timestamp=timestamp,
    )


def _listed(node: Element, kind: int) -> tuple[tuple[bytes, ...], tuple[tuple[str, bytes], ...]]:
    items = node.children()
    if not 1 <= len(items) <= MAX_LISTED:
        msg = "the seal lists no signer, or too many"
        raise ValueError(msg)
    if kind == _LIST_OF_CERTIFICATES:
        return tuple(item.octets() for item in items), ()
    if kind != _LIST_OF_DIGESTS:
        msg = "certListType is neither 1 nor 2"
        raise ValueError(msg)
    pairs = [_exactly(item.children(), 2) for item in items]
    return (), tuple((name.text(), value.octets()) for name, value in pairs)


def _signature_v1(parts: list[Element]) -> SesSignature:
    to_sign, signature = parts
    version, seal, time, data_hash, info, certificate, algorithm = _exactly(to_sign.children(), 7)
    version.number()
    return SesSignature(
        version=V1,
        seal=_seal(seal),
        signed_at=_time_in_bits(time.bits()),
        data_hash=data_hash.bits(),
        property_info=info.text(),
        certificate=certificate.octets(),
        algorithm=algorithm.oid(),
        signature=signature.bits(),
        signed=to_sign.whole,
    )


def _signature_v4(parts: list[Element]) -> SesSignature:
    if len(parts) not in {_FIELDS_V4, _FIELDS_V5}:
        msg = "SES_Signature has another number of fields"
        raise ValueError(msg)
    to_sign, certificate, algorithm, signature = parts[:4]
    fields = to_sign.children()
    if len(fields) not in {5, 6}:
        msg = "TBS_Sign has another number of fields"
        raise ValueError(msg)
    version, seal, time, data_hash, info = fields[:5]
    if len(fields) > 5:  # noqa: PLR2004  (extDatas)
        _extensions(fields[5])
    return SesSignature(
        version=version.number(),
        seal=_seal(seal),
        signed_at=time.time(),
        data_hash=data_hash.bits(),
        property_info=info.text(),
        certificate=certificate.octets(),
        algorithm=algorithm.oid(),
        signature=signature.bits(),
        signed=to_sign.whole,
        timestamp=_tagged_bits(parts[4]) if len(parts) == _FIELDS_V5 else b"",
    )


def _time_in_bits(value: bytes) -> datetime | None:
    """A v1 ``timeInfo``: UTCTime by the text of the standard; tokens and texts of others are no time of ours."""
    try:
        return Element.read(value).time()
    except ValueError:
        return None


def _tagged_bits(node: Element) -> bytes:
    """A ``[0]`` around a BIT STRING, or in its place."""
    if node.tag == BIT_STRING:
        return node.bits()
    (inner,) = _exactly(node.children(CONTEXT_0), 1)
    return inner.bits()


def _extensions(node: Element) -> None:
    if node.tag == CONTEXT_0:
        (node,) = _exactly(node.children(CONTEXT_0), 1)
    for one in node.children():
        fields = one.children()
        if len(fields) not in {2, 3}:
            msg = "ExtData has another number of fields"
            raise ValueError(msg)
        fields[0].oid()
        fields[-1].octets()


def _exactly(parts: list[Element], count: int) -> list[Element]:
    if len(parts) != count:
        msg = f"{len(parts)} fields where {count} belong"
        raise ValueError(msg)
    return parts
