"""The CMS of a signature in a PDF, one template per certificate (RFC 5652; EN 319 142-1 §6.3; GB/T 35275).

Everything in the SignedData but the message digest and the signature is the same for every document that a
certificate signs. So asn1crypto builds it once, and a document costs two joins of bytes and their DER lengths
(PERFORMANCE C: building each CMS anew takes 41 % of the time). Signed attributes of PAdES B-B: content-type,
message-digest and signing-certificate-v2; no signing-time, because PAdES takes the time from ``/M`` (EN 319 142-1
table 1). Those of the SM2 form: content-type, signing-time and message-digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization

from certsvc.errors import SigningError
from certsvc.signing.der import check_nesting, tlv
from certsvc.signing.suites import SUITES, Suite

if TYPE_CHECKING:
    from cryptography import x509

    from certsvc.signing.keyring import KeyCertificate

DIGEST_BYTES = 32
"""SHA-256 and SM3 alike."""

_SEQUENCE, _SET, _OCTET_STRING, _CONTEXT_0, _CONTEXT_1 = 0x30, 0x31, 0x04, 0xA0, 0xA1
_SIGNED_DATA_OID = core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()
_DATA_OID = core.ObjectIdentifier("1.2.840.113549.1.7.1").dump()
_MARKER = b"\x00" * DIGEST_BYTES
_MARKER_TIME = datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)
_LAST_UTC_TIME_YEAR = 2049
"""RFC 5652 §11.3: signing times through 2049 are UTCTime, which has one length."""


@dataclass(frozen=True, slots=True)
class CmsTemplate:
    """The constant parts of the CMS of one certificate.

    Attributes:
        suite: algorithms of the key.
        before_signers: version, digestAlgorithms, encapContentInfo and certificates.
        signer_head: version, signer identifier and digest algorithm of the SignerInfo.
        attributes_head, attributes_middle, attributes_tail: the signed attributes around the signing time (where the
            form has one) and the 32 bytes of the message digest.
        signing_time: whether the signed attributes carry a signing time, between head and middle.
        signature_size: most bytes that a signature can take.
        max_size: bytes of the largest CMS that :meth:`assemble` can make, without unsigned attributes.
    """

    suite: Suite
    before_signers: bytes
    signer_head: bytes
    attributes_head: bytes
    attributes_middle: bytes
    attributes_tail: bytes
    signing_time: bool
    signature_size: int
    max_size: int = field(init=False)
    _frames: dict[int, tuple[bytes, bytes]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Measure once: every page asks how large its hole must be."""
        largest = self.assemble(_MARKER, b"\xff" * self.signature_size, _MARKER_TIME if self.signing_time else None)
        object.__setattr__(self, "max_size", len(largest))

    def attributes(self, digest: bytes, signed_at: datetime | None = None) -> bytes:
        """Content of the SET of signed attributes for the document digest and, where the form has one, the time."""
        if len(digest) != DIGEST_BYTES or self.signing_time != (signed_at is not None):
            msg = "the template needs a digest of 32 bytes, and a time exactly when its form has one"
            raise RuntimeError(msg)
        time = utc_time(signed_at) if signed_at is not None else b""
        return b"".join((self.attributes_head, time, self.attributes_middle, digest, self.attributes_tail))

    def to_be_signed(self, digest: bytes, signed_at: datetime | None = None) -> bytes:
        """What the key signs: the signed attributes under their universal SET OF tag (RFC 5652 §5.4)."""
        return tlv(_SET, self.attributes(digest, signed_at))

    def assemble(
        self, digest: bytes, signature: bytes, signed_at: datetime | None = None, *, unsigned: bytes = b""
    ) -> bytes:
        """The ContentInfo in DER; ``unsigned`` is the content of the SET of unsigned attributes."""
        attributes, size = self.attributes(digest, signed_at), len(signature)
        if unsigned or not 0 < size <= self.signature_size:
            return self._whole(attributes, signature, unsigned)
        frame = self._frames.get(size)
        if frame is None:
            # All that differs between signatures of one length are the attributes and the signature, which comes last.
            blank = bytes(size)
            between = self.suite.signature_identifier + tlv(_OCTET_STRING, blank)[:-size]
            before = self._whole(attributes, blank, b"")[: -len(attributes) - len(between) - size]
            frame = self._frames[size] = before, between
        before, between = frame
        return b"".join((before, attributes, between, signature))

    def _whole(self, attributes: bytes, signature: bytes, unsigned: bytes) -> bytes:
        signer = tlv(
            _SEQUENCE,
            self.signer_head,
            tlv(_CONTEXT_0, attributes),
            self.suite.signature_identifier,
            tlv(_OCTET_STRING, signature),
            tlv(_CONTEXT_1, unsigned) if unsigned else b"",
        )
        signed_data = tlv(_SEQUENCE, self.before_signers, tlv(_SET, signer))
        return tlv(_SEQUENCE, _SIGNED_DATA_OID, tlv(_CONTEXT_0, signed_data))


@lru_cache(maxsize=64)  # a page asks twice, and pages of one second for the same
def utc_time(at: datetime) -> bytes:
    """``UTCTime`` in DER, 15 bytes; SigningError beyond 2049."""
    if at.year > _LAST_UTC_TIME_YEAR:
        msg = "签章时间超出 2049 年，签名模板不支持"
        raise SigningError(msg)
    return b"\x17\x0d" + f"{at.astimezone(UTC):%y%m%d%H%M%S}Z".encode("ascii")


def make_template(public: KeyCertificate, *, signing_time: bool = False) -> CmsTemplate:
    """The template for a key's certificate; leaf and issuing CA are embedded, the root is left out.

    With ``signing_time`` the signed attributes are content-type, signing-time and message-digest (GB/T 35275 form 2 of
    STANDARDS.md 4.4), without it those of PAdES.

    Raises:
        SigningError: the assembled form does not read back as the CMS that was meant.
    """
    leaf = _asn1(public.certificate)
    suite = SUITES[public.algorithm]
    head, middle, tail = _around(_attributes(leaf, suite, signing_time=signing_time))
    identifier = cms.IssuerAndSerialNumber({"issuer": leaf.issuer, "serial_number": leaf.serial_number})
    certificates = [leaf.dump(), *(_asn1(issuer).dump() for issuer in public.issuers)]
    template = CmsTemplate(
        suite=suite,
        before_signers=b"".join(
            (
                core.Integer(1).dump(),
                tlv(_SET, suite.digest_identifier),
                tlv(_SEQUENCE, _DATA_OID),
                tlv(_CONTEXT_0, *sorted(certificates)),
            )
        ),
        signer_head=core.Integer(1).dump() + identifier.dump() + suite.digest_identifier,
        attributes_head=head,
        attributes_middle=middle,
        attributes_tail=tail,
        signing_time=signing_time,
        signature_size=suite.signature_size,
    )
    _check_template(template, leaf)
    return template


def message_digest_of(der: bytes, *, detached: bool = True) -> tuple[bytes, bytes, bytes]:
    """Read a CMS back: its message digest, the bytes that were signed, and the signature.

    Raises:
        SigningError: not a SignedData, detached unless told otherwise, of one signer with a message digest.
    """
    try:
        signed_data = cms.ContentInfo.load(der, strict=True)["content"]
        (signer,) = signed_data["signer_infos"]
        if detached and signed_data["encap_content_info"]["content"].native is not None:
            msg = "签名结构有误：应为分离式签名"
            raise SigningError(msg)
        attributes = signer["signed_attrs"]
        digests = [a["values"][0].native for a in attributes if a["type"].native == "message_digest"]
        (digest,) = digests
        return bytes(digest), bytes(attributes.untag().dump()), bytes(signer["signature"].native)
    except (ValueError, KeyError, TypeError) as error:
        msg = "签名结构无法读回"
        raise SigningError(msg) from error


def _check_template(template: CmsTemplate, leaf: asn1_x509.Certificate) -> None:
    digest = hashlib.sha256(leaf.dump()).digest()
    at = _MARKER_TIME if template.signing_time else None
    der = template.assemble(digest, b"\x01" * template.signature_size, at)
    read_digest, signed, signature = message_digest_of(der)
    # What we wrote is encoded anew and compared; certificates come as their authority encoded them, which takes long.
    signers = cms.ContentInfo.load(der, strict=True)["content"]["signer_infos"]
    good = (digest, template.to_be_signed(digest, at), b"\x01" * template.signature_size)
    msg = "签名模板自检未通过：编码与 DER 不一致"
    if (read_digest, signed, signature) != good or signers.copy().dump(force=True) != signers.dump():
        raise SigningError(msg)
    try:
        check_nesting(der)
    except ValueError as error:
        raise SigningError(msg) from error


def _around(attributes: cms.CMSAttributes) -> tuple[bytes, bytes, bytes]:
    """The DER of the attributes cut at the markers: before the time, between time and digest, after the digest."""
    content = bytes(core.SetOf.load(attributes.untag().dump()).contents)
    head, time, rest = content.partition(utc_time(_MARKER_TIME))
    if not time:
        head, rest = b"", content
    middle, digest, tail = rest.partition(_MARKER)
    if not digest or _MARKER in tail:
        msg = "签名属性模板无法建立：摘要位置不唯一"
        raise SigningError(msg)
    return head, middle, tail


def _attributes(leaf: asn1_x509.Certificate, suite: Suite, *, signing_time: bool) -> cms.CMSAttributes:
    attributes = [
        cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
        cms.CMSAttribute({"type": "message_digest", "values": [_MARKER]}),
    ]
    if signing_time:
        time = cms.Time({"utc_time": _MARKER_TIME})
        return cms.CMSAttributes([*attributes, cms.CMSAttribute({"type": "signing_time", "values": [time]})])
    # ESSCertIDv2 (RFC 5035 §4): SHA-256 is the DEFAULT and so is not encoded; issuer and serial are optional and
    # add nothing to a digest of the whole certificate.
    names = {"cert_hash": hashlib.new(suite.digest, leaf.dump()).digest()}
    identifier = tsp.ESSCertIDv2(
        names if suite.digest == "sha256" else {"hash_algorithm": {"algorithm": suite.digest}, **names}
    )
    signing_certificate = tsp.SigningCertificateV2({"certs": [identifier]})
    return cms.CMSAttributes(
        [*attributes, cms.CMSAttribute({"type": "signing_certificate_v2", "values": [signing_certificate]})]
    )


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
