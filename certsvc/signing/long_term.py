"""PAdES B-T, B-LT and B-LTA (EN 319 142-1 §6): timestamp in the signature, validation data, document timestamp.

B-T is a format of the registry: the token goes into the unsigned attributes, over the signature value. B-LT and B-LTA
are revisions behind the sealed one, which no DocMDP forbids; pyHanko writes them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto import cms, core, crl, ocsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.pdf_embedded import extract_contents

from certsvc.errors import SigningError
from certsvc.signing.der import SEQUENCE, SET, tlv
from certsvc.signing.fields import find_signatures
from certsvc.signing.pades import PadesBaseline
from certsvc.signing.timestamps import DIGEST

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from certsvc.signing.cms import CmsTemplate
    from certsvc.signing.keyring import KeyRing
    from certsvc.signing.timestamps import TimestampClient

TOKEN_BYTES = 8192
"""Room for a token: the largest seen of public authorities with their chain are about 7 kB."""

_TOKEN_ATTRIBUTE = core.ObjectIdentifier("1.2.840.113549.1.9.16.2.14").dump()
"""id-aa-signatureTimeStampToken (RFC 3161 appendix A)."""


class PadesTimestamped(PadesBaseline):
    """PAdES B-T: as B-B, with a timestamp over the signature value."""

    name = "pades-b-t"

    def __init__(self, client: TimestampClient) -> None:
        """Take tokens from ``client``."""
        super().__init__()
        self._client = client

    def reserved_bytes(self, ring: KeyRing, key_id: str) -> int:
        """As for B-B, and room for a token."""
        return super().reserved_bytes(ring, key_id) + TOKEN_BYTES

    def finished(self, template: CmsTemplate, digest: bytes, signature: bytes, signed_at: datetime | None) -> bytes:
        """The CMS with its token; SigningError when no authority gives one, or a larger one than there is room for."""
        token = self._client.token(signature).der
        if len(token) > TOKEN_BYTES - MARGIN:
            msg = f"时间戳 {len(token)} 字节，超出预留空间"
            raise SigningError(msg)
        unsigned = tlv(SEQUENCE, _TOKEN_ATTRIBUTE, tlv(SET, token))
        return template.assemble(digest, signature, signed_at, unsigned=unsigned)


MARGIN = 64
"""Headers around a token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationData:
    """What a later reader needs to judge a seal: certificates beside it, CRLs and OCSP responses in DER."""

    certificates: tuple[x509.Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()


def add_validation_data(sealed: bytes, data: ValidationData) -> bytes:
    """B-LT: the file with a document security store behind it, for the last signature of the form.

    Raises:
        SigningError: a file without signatures, or broken.
    """
    out = io.BytesIO(sealed)
    try:
        contents = _last_contents(sealed)
        DocumentSecurityStore.add_dss(
            out,
            contents.hex().encode("ascii").upper(),
            certs=[_asn1(one) for one in data.certificates],
            crls=[crl.CertificateList.load(one) for one in data.crls],
            ocsps=[ocsp.OCSPResponse.load(one) for one in data.ocsps],
            force_write=True,
        )
    except (PdfError, ValueError, KeyError, TypeError) as error:
        msg = "验证数据无法写入文件：请确认文件未损坏且已签章"
        raise SigningError(msg) from error
    return out.getvalue()


def add_document_timestamp(data: bytes, client: TimestampClient) -> bytes:
    """B-LTA: the file with a document timestamp over everything before it.

    Raises:
        SigningError: no authority gives a token, or the file is broken.
    """
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(data))
        stamper = PdfTimeStamper(_Stamper(client))
        stamped: io.BytesIO = stamper.timestamp_pdf(writer, DIGEST, bytes_reserved=2 * TOKEN_BYTES)
        return stamped.getvalue()
    except (PdfError, ValueError, KeyError, TypeError) as error:
        msg = "文档时间戳无法写入文件：请确认文件未损坏"
        raise SigningError(msg) from error


class _Stamper(TimeStamper):
    """pyHanko's view of our client."""

    def __init__(self, client: TimestampClient) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._client = client

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        if md_algorithm != DIGEST:
            msg = f"timestamps are taken over {DIGEST}"
            raise RuntimeError(msg)
        return cms.ContentInfo.load(self._client.token_for(message_digest).der)


def _last_contents(sealed: bytes) -> bytes:
    reader = PdfFileReader(io.BytesIO(sealed), strict=True)
    found = [one for one in find_signatures(reader) if one.field is not None]
    if not found or found[-1].field is None:
        msg = "no signature"
        raise ValueError(msg)
    return bytes(extract_contents(found[-1].field["/V"]))


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
