"""Reads a CMS with the OIDs of GB/T 35275 (GM/T 0010), in the forms found in the wild (STANDARDS.md 4.4).

Form 1 has no signed attributes: SM2 over the content, which in a PDF is the SM3 of the covered bytes as an OCTET STRING
(the vendor form of STANDARDS.md 4.6), or the covered bytes themselves when nothing is inside. Form 2 signs attributes.
What no signature covers (versions, identifiers, parameters, order) must have the one value that the standard gives it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.signing.der import CONTEXT_0, OCTET_STRING, SEQUENCE, SET, Element, element_size, tlv
from certsvc.signing.ses import sm2_verifies
from certsvc.signing.sm2_oids import GM_DATA, GM_SIGNED_DATA, SM2_SIGN, SM2_WITH_SM3, SM3

if TYPE_CHECKING:
    from datetime import datetime

MAX_CERTIFICATES = 64
"""Certificates in one signature; stops path building over made-up forests."""

SIGNED_DATA = "1.2.840.113549.1.7.2"
DATA = "1.2.840.113549.1.7.1"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_TIME = "1.2.840.113549.1.9.5"
_NO_PARAMETERS = (b"", b"\x05\x00")
_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class GmCms:
    """A parsed SignedData of one signer.

    Attributes:
        content: what is inside, or None when it is detached.
        attributes: the SET OF signed attributes in DER, or empty.
        message_digest: the attribute's value, or empty.
    """

    certificate: bytes
    others: tuple[bytes, ...]
    content: bytes | None
    attributes: bytes
    message_digest: bytes
    signed_at: datetime | None
    signature: bytes

    def is_over(self, digest: bytes) -> bool:
        """Whether it speaks of the bytes with this SM3 digest; form 1 without content says so by its signature only."""
        if self.content is not None and self.content != digest:
            return False
        if not self.attributes:
            return True
        return self.message_digest == (digest if self.content is None else hashlib.new("sm3", self.content).digest())

    def verifies(self, covered: bytes) -> bool:
        """Whether the signature value is one of the certificate's key over what it must be over."""
        signed = self.attributes or (covered if self.content is None else self.content)
        return sm2_verifies(self.certificate, SM2_WITH_SM3, self.signature, signed)


def is_gm_cms(contents: bytes) -> bool:
    """Whether ``contents`` starts as a ContentInfo with the signedData of GB/T 35275."""
    try:
        node = Element.read(contents[: element_size(contents)], nesting=False)
        return node.children()[0].oid() == GM_SIGNED_DATA
    except (ValueError, IndexError):
        return False


def read_gm_cms(der: bytes) -> GmCms:
    """The signature in ``der``; ValueError when it is anything but one clean SignedData of one signer."""
    kind, wrapped = _parts(Element.read(der).children(), 2)
    _must(kind.oid() in {GM_SIGNED_DATA, SIGNED_DATA}, "not a SignedData")
    (signed_data,) = _parts(wrapped.children(CONTEXT_0), 1)
    version, digests, content, *rest = signed_data.children()
    _must(version.number() == _VERSION, "version of SignedData")
    (digest,) = _parts(digests.children(SET), 1)
    _algorithm(digest, {SM3})
    _must(len(rest) >= 2 and rest[0].tag == CONTEXT_0, "no certificates")  # noqa: PLR2004  (certificates and signers)
    certificates = [one.expect(SEQUENCE).whole for one in rest[0].children(CONTEXT_0)]
    _must(len(certificates) <= MAX_CERTIFICATES, "too many certificates")
    _must(len(rest) == 2, "revocation data inside the signature")  # noqa: PLR2004
    (signer,) = _parts(rest[-1].children(SET), 1)
    return _signer(signer, certificates, _content(content))


def _content(node: Element) -> bytes | None:
    kind, *inner = node.children()
    _must(kind.oid() in {GM_DATA, DATA}, "content is not data")
    if not inner:
        return None
    (wrapped,) = inner
    (octets,) = _parts(wrapped.children(CONTEXT_0), 1)
    return octets.octets()


def _signer(node: Element, certificates: list[bytes], content: bytes | None) -> GmCms:
    version, identifier, digest, *rest = node.children()
    _must(version.number() == _VERSION, "version of SignerInfo")
    _algorithm(digest, {SM3})
    attributes = rest.pop(0) if rest and rest[0].tag == CONTEXT_0 else None
    algorithm, value = _parts(rest, 2)
    _algorithm(algorithm, {SM2_WITH_SM3, SM2_SIGN})
    certificate = _named(identifier, certificates)
    found = _attributes(attributes) if attributes is not None else {}
    time = found.get(_SIGNING_TIME)
    return GmCms(
        certificate=certificate,
        others=tuple(one for one in certificates if one != certificate),
        content=content,
        attributes=tlv(SET, attributes.content) if attributes is not None else b"",
        message_digest=found[_MESSAGE_DIGEST].octets() if attributes is not None else b"",
        signed_at=time.time() if time is not None else None,
        signature=value.expect(OCTET_STRING).content,
    )


def _attributes(node: Element) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for attribute in node.children(CONTEXT_0):
        kind, values = _parts(attribute.children(), 2)
        (value,) = _parts(values.children(SET), 1)
        _must(kind.oid() not in found, "a signed attribute stands twice")
        found[kind.oid()] = value
    _must(_CONTENT_TYPE in found and found[_CONTENT_TYPE].oid() in {GM_DATA, DATA}, "content type attribute")
    _must(_MESSAGE_DIGEST in found, "no message digest")
    return found


def _named(identifier: Element, certificates: list[bytes]) -> bytes:
    """The certificate that issuer and serial name, byte for byte."""
    issuer, serial = _parts(identifier.children(), 2)
    for der in certificates:
        fields = Element.read(der).children()[0].children()
        offset = 1 if fields[0].tag == CONTEXT_0 else 0
        if fields[offset].whole == serial.whole and fields[offset + 2].whole == issuer.whole:
            return der
    msg = "the signer's certificate is not inside"
    raise ValueError(msg)


def _algorithm(node: Element, oids: set[str]) -> None:
    oid, *parameters = node.children()
    _must(oid.oid() in oids, "algorithm")
    _must(b"".join(one.whole for one in parameters) in _NO_PARAMETERS, "parameters of an algorithm")


def _parts(nodes: list[Element], count: int) -> list[Element]:
    _must(len(nodes) == count, f"{len(nodes)} elements where {count} belong")
    return nodes


def _must(good: bool, what: str) -> None:
    if not good:
        raise ValueError(what)
