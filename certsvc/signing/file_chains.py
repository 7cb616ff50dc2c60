"""Whose revocation lists say something about a file: the issuers above its signatures and timestamps."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from asn1crypto import cms, crl, x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.validation.pdf_embedded import extract_contents

from certsvc.errors import SigningError
from certsvc.signing.dangling import NullReader
from certsvc.signing.der import element_size
from certsvc.signing.fields import SES_SUB_FILTER, find_signatures
from certsvc.signing.gm_cms import read_gm_cms
from certsvc.signing.judging_gm import reads_gm
from certsvc.signing.revisions import stored_certificates
from certsvc.signing.ses import read_signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from certsvc.signing.fields import FoundSignature

_STAMP = "signature_time_stamp_token"
_UNREADABLE = (PdfError, ValueError, KeyError, TypeError, AttributeError, IndexError)


def lists_about(
    data: bytes, crls: Sequence[bytes], beside: Sequence[bytes], known: Iterable[bytes]
) -> tuple[bytes, ...]:
    """Those of ``crls`` whose issuer stands above a signature of ``data`` or a certificate ``beside`` it (DER).

    ``known`` are CAs that a signature may leave out. What is left out of the file would say nothing about it, and a
    list of a busy CA is large.

    Raises:
        SigningError: the file cannot be read.
    """
    try:
        reader = NullReader(io.BytesIO(data))
        held = [der for found in find_signatures(reader) for der in _certificates(found)]
        parsed = [x509.Certificate.load(der) for der in (*held, *stored_certificates(reader), *beside)]
        above: dict[bytes, set[bytes]] = {}
        for certificate in map(x509.Certificate.load, known):
            above.setdefault(certificate.subject.dump(), set()).add(certificate.issuer.dump())
        names, left = set(), [certificate.issuer.dump() for certificate in parsed]
        while left:
            name = left.pop()
            if name not in names:
                names.add(name)
                left += above.get(name, ())
        return tuple(one for one in crls if crl.CertificateList.load(one).issuer.dump() in names)
    except _UNREADABLE as error:
        msg = "文件的证书无法读取：请确认文件未损坏且已签章"
        raise SigningError(msg) from error


def _certificates(found: FoundSignature) -> list[bytes]:
    """What one signature brings along, its signer's among it."""
    if found.field is None or found.kind == "unknown":
        return []
    contents = bytes(extract_contents(found.field["/V"]))
    der = contents[: element_size(contents)]
    if found.kind == "seal" and reads_gm(found, contents):
        if f"/{found.sub_filter}" == SES_SUB_FILTER:
            signature = read_signature(der)
            return [signature.certificate, signature.seal.maker_certificate, *_of_token(signature.timestamp)]
        read = read_gm_cms(der)
        return [read.certificate, *read.others]
    return _of_token(der)


def _of_token(der: bytes) -> list[bytes]:
    """Of a CMS of RFC 5652, and of the timestamps inside it."""
    if not der:
        return []
    signed = cms.ContentInfo.load(der)["content"]
    held = [bytes(one.chosen.dump()) for one in signed["certificates"] or ()]
    for signer in signed["signer_infos"]:
        for attribute in signer["unsigned_attrs"] or ():
            if attribute["type"].native == _STAMP:
                held += [one for token in attribute["values"] for one in _of_token(token.dump())]
    return held
