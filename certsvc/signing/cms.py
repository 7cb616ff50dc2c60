"""The CMS of a PAdES B-B signature (RFC 5652; ETSI EN 319 142-1 §6.3, level B-B), one template per certificate.

Everything in the SignedData but the message digest and the signature is the same for every document that a
certificate signs. So asn1crypto builds it once, and a document costs two joins of bytes and their DER lengths
(PERFORMANCE C: building each CMS anew takes 41 % of the time). Signed attributes: content-type, message-digest and
signing-certificate-v2; no signing-time, because PAdES takes the time from ``/M`` (EN 319 142-1 table 1).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from certsvc.errors import SigningError
from certsvc.signing.der import tlv

if TYPE_CHECKING:
    from cryptography import x509

    from certsvc.signing.keyring import KeyCertificate

DIGEST = "sha256"
"""Digest of the document and of the signed attributes."""

DIGEST_BYTES = 32

MAX_ECDSA_P256_DER = 72
"""SEQUENCE header 2, and twice INTEGER header 2, sign byte 1, value 32."""

_SEQUENCE, _SET, _OCTET_STRING, _CONTEXT_0 = 0x30, 0x31, 0x04, 0xA0
_SIGNED_DATA_OID = core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()
_MARKER = b"\x00" * DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class CmsTemplate:
    """The constant parts of the CMS of one certificate.

    Attributes:
        before_signers: version, digestAlgorithms, encapContentInfo and certificates.
        signer_head: version, signer identifier and digest algorithm of the SignerInfo.
        attributes_head, attributes_tail: the signed attributes around the 32 bytes of the message digest.
        signature_algorithm: its AlgorithmIdentifier.
        signature_size: most bytes that a signature can take.
    """

    before_signers: bytes
    signer_head: bytes
    attributes_head: bytes
    attributes_tail: bytes
    signature_algorithm: bytes
    signature_size: int

    def attributes(self, digest: bytes) -> bytes:
        """Content of the SET of signed attributes for the document digest."""
        if len(digest) != DIGEST_BYTES:
            msg = "the message digest must be SHA-256"
            raise RuntimeError(msg)
        return self.attributes_head + digest + self.attributes_tail

    def to_be_signed(self, digest: bytes) -> bytes:
        """What the key signs: the signed attributes under their universal SET OF tag (RFC 5652 §5.4)."""
        return tlv(_SET, self.attributes(digest))

    def assemble(self, digest: bytes, signature: bytes) -> bytes:
        """The ContentInfo in DER."""
        signer = tlv(
            _SEQUENCE,
            self.signer_head,
            tlv(_CONTEXT_0, self.attributes(digest)),
            self.signature_algorithm,
            tlv(_OCTET_STRING, signature),
        )
        signed_data = tlv(_SEQUENCE, self.before_signers, tlv(_SET, signer))
        return tlv(_SEQUENCE, _SIGNED_DATA_OID, tlv(_CONTEXT_0, signed_data))

    @property
    def max_size(self) -> int:
        """Bytes of the largest CMS that :meth:`assemble` can make."""
        return len(self.assemble(_MARKER, b"\xff" * self.signature_size))


def make_template(public: KeyCertificate) -> CmsTemplate:
    """The template for a key's certificate; leaf and issuing CA are embedded, the root is left out.

    Raises:
        SigningError: the assembled form does not read back as the CMS that was meant.
    """
    leaf = _asn1(public.certificate)
    is_rsa = isinstance(public.public_key, rsa.RSAPublicKey)
    signature_size = public.public_key.key_size // 8 if is_rsa else MAX_ECDSA_P256_DER
    attributes = _attributes(leaf).untag().dump()
    content = bytes(core.SetOf.load(attributes).contents)
    head, marker, tail = content.partition(tlv(_OCTET_STRING, _MARKER))
    if not marker or _MARKER in head or _MARKER in tail:
        msg = "签名属性模板无法建立：摘要位置不唯一"
        raise SigningError(msg)
    digest_algorithm = algos.DigestAlgorithm({"algorithm": DIGEST})
    identifier = cms.IssuerAndSerialNumber({"issuer": leaf.issuer, "serial_number": leaf.serial_number})
    certificates = [leaf.dump(), *(_asn1(issuer).dump() for issuer in public.issuers)]
    template = CmsTemplate(
        before_signers=b"".join(
            (
                core.Integer(1).dump(),
                tlv(_SET, digest_algorithm.dump()),
                tlv(_SEQUENCE, core.ObjectIdentifier("1.2.840.113549.1.7.1").dump()),
                tlv(_CONTEXT_0, *sorted(certificates)),
            )
        ),
        signer_head=core.Integer(1).dump() + identifier.dump() + digest_algorithm.dump(),
        attributes_head=head + tlv(_OCTET_STRING, _MARKER)[:2],
        attributes_tail=tail,
        signature_algorithm=algos.SignedDigestAlgorithm(
            {"algorithm": "sha256_rsa" if is_rsa else "sha256_ecdsa"}
        ).dump(),
        signature_size=signature_size,
    )
    _check_template(template, leaf)
    return template


def message_digest_of(der: bytes) -> tuple[bytes, bytes, bytes]:
    """Read a CMS back: its message digest, the bytes that were signed, and the signature.

    Raises:
        SigningError: not a detached SignedData of one signer with a message digest.
    """
    try:
        signed_data = cms.ContentInfo.load(der, strict=True)["content"]
        (signer,) = signed_data["signer_infos"]
        if signed_data["encap_content_info"]["content"].native is not None:
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
    der = template.assemble(digest, b"\x01" * template.signature_size)
    read_digest, signed, signature = message_digest_of(der)
    forced = cms.ContentInfo.load(der, strict=True).dump(force=True)
    good = (digest, template.to_be_signed(digest), b"\x01" * template.signature_size)
    if (read_digest, signed, signature) != good or forced != der:
        msg = "签名模板自检未通过：编码与 DER 不一致"
        raise SigningError(msg)


def _attributes(leaf: asn1_x509.Certificate) -> cms.CMSAttributes:
    # ESSCertIDv2 (RFC 5035 §4): SHA-256 is the DEFAULT and so is not encoded; issuer and serial are optional and
    # add nothing to a digest of the whole certificate.
    identifier = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(leaf.dump()).digest()})
    return cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [_MARKER]}),
            cms.CMSAttribute(
                {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [identifier]})]}
            ),
        ]
    )


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
