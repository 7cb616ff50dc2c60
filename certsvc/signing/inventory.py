"""What the signatures of a file stand on: read from the file, or told by the sealer before there is one to read.

Nothing is judged here; :mod:`certsvc.signing.inspector` does that. A file that cannot be read has no inventory.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from asn1crypto import cms
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.generic import parse_pdf_date
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, extract_contents

from certsvc.clock import check_aware
from certsvc.errors import ConfigurationError, SigningError
from certsvc.seal.care import SignatureFacts, SignatureKind
from certsvc.signing.certificates import algorithm_of, public_key_of
from certsvc.signing.dangling import NullReader
from certsvc.signing.der import element_size
from certsvc.signing.fields import SES_SUB_FILTER, find_signatures
from certsvc.signing.formats import TEMPLATED
from certsvc.signing.gm_cms import read_gm_cms
from certsvc.signing.judging_gm import reads_gm
from certsvc.signing.revisions import security_store
from certsvc.signing.ses import read_signature
from certsvc.signing.ses_format import SesV4
from certsvc.signing.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from certsvc.signing.fields import FoundSignature
    from certsvc.signing.keyring import KeyCertificate

RFC3161 = "rfc3161"
TIMESTAMPED = "pades-b-t"
_STAMP = "signature_time_stamp_token"
_UNREADABLE = (PdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, x509.ExtensionNotFound)


class _Store:
    """Of which issuers and certificates the document security store of a file has revocation data, and since when."""

    def __init__(self, reader: NullReader) -> None:
        lists, answers = security_store(reader)
        self._made: dict[object, datetime] = {}
        for one in lists:
            content = asn1_crl.CertificateList.load(one)
            self._note(content.issuer.dump(), content["tbs_cert_list"]["this_update"].native)
        for one in answers:
            answer = asn1_ocsp.OCSPResponse.load(one).basic_ocsp_response
            for single in answer["tbs_response_data"]["responses"]:
                self._note(int(single["cert_id"]["serial_number"].native), single["this_update"].native)

    def _note(self, of: object, made: datetime) -> None:
        self._made[of] = max(made, self._made.get(of, made))

    def made_about(self, certificate: x509.Certificate) -> datetime | None:
        """When the newest data that speaks of this certificate was made; None without any."""
        found = map(self._made.get, (certificate.serial_number, certificate.issuer.public_bytes()))
        return max((made for made in found if made is not None), default=None)


def facts_of(public: KeyCertificate, seal_id: str, format_name: str, signed_at: datetime) -> SignatureFacts:
    """What a seal that is being made will stand on, without any reading."""
    return _facts(public.certificate, SignatureKind.SEAL, format_name, signed_at, seal_id=seal_id)


def read_inventory(data: bytes) -> tuple[SignatureFacts, ...]:
    """The signatures of a file in the order of its revisions, with the timestamps inside them.

    Raises:
        SigningError: the file cannot be read, or has a signature of a kind that this room does not know.
    """
    try:
        reader = NullReader(io.BytesIO(data))
        store = _Store(reader)
        found = [(_end(one), one) for one in find_signatures(reader)]
        found.sort(key=lambda pair: pair[0])
        return tuple(facts for _, one in found for facts in _read(reader, one, store))
    except _UNREADABLE as error:
        msg = "文件的签名清单无法读取：请确认文件未损坏且已签章"
        raise SigningError(msg) from error


def _end(found: FoundSignature) -> int:
    if found.field is None or found.kind == "unknown":
        msg = "a signature that is not known here"
        raise ValueError(msg)
    numbers = [int(number) for number in found.field["/V"]["/ByteRange"]]
    return sum(numbers[-2:])


def _read(reader: NullReader, found: FoundSignature, store: _Store) -> Iterator[SignatureFacts]:
    if found.field is None:
        return
    contents = bytes(extract_contents(found.field["/V"]))
    if found.kind == "seal" and reads_gm(found, contents):
        yield _read_gm(found, contents, store)
        return
    if found.kind == "timestamp":
        yield _read_stamp(contents, SignatureKind.ARCHIVE_TIMESTAMP, store)
        return
    embedded = EmbeddedPdfSignature(reader, found.field, found.name)
    certificate = x509.load_der_x509_certificate(embedded.signer_cert.dump())
    tokens = [one for one in embedded.signer_info["unsigned_attrs"] or () if one["type"].native == _STAMP]
    signed_at = embedded.self_reported_timestamp or _stated(found)
    name = TIMESTAMPED if tokens else _format_of(found, certificate)
    digest = str(embedded.signer_info["digest_algorithm"]["algorithm"].native)
    known = store.made_about(certificate)
    yield _facts(certificate, SignatureKind.SEAL, name, signed_at, data=known, digest=digest)
    for attribute in tokens:
        for token in attribute["values"]:
            yield _read_stamp(token.dump(), SignatureKind.TIMESTAMP, store)


def _read_gm(found: FoundSignature, contents: bytes, store: _Store) -> SignatureFacts:
    der = contents[: element_size(contents)]
    if f"/{found.sub_filter}" == SES_SUB_FILTER:
        signature = read_signature(der)
        name, certificate_der, signed_at = SesV4.name, signature.certificate, signature.signed_at
    else:
        read = read_gm_cms(der)
        name, certificate_der, signed_at = "gm-cms", read.certificate, read.signed_at
    certificate = x509.load_der_x509_certificate(certificate_der)
    moment = signed_at or _stated(found)
    return _facts(certificate, SignatureKind.SEAL, name, moment, data=store.made_about(certificate))


def _stated(found: FoundSignature) -> datetime:
    """The time in the signature dictionary; ValueError when it states none."""
    value = found.field["/V"] if found.field is not None else {}
    return parse_pdf_date(str(value["/M"]))


def _format_of(found: FoundSignature, certificate: x509.Certificate) -> str:
    """Our name of a CMS format, by its sub-filter and by what its key can do."""
    key = _key_of(certificate)
    for one in TEMPLATED:
        if one.sub_filter == found.sub_filter and key in one.algorithms:
            return one.name
    return found.sub_filter


def _read_stamp(token: bytes, kind: SignatureKind, store: _Store) -> SignatureFacts:
    signed = cms.ContentInfo.load(token[: element_size(token)])["content"]
    (signer,) = signed["signer_infos"]
    sid = signer["sid"].chosen
    held = [x509.load_der_x509_certificate(one.chosen.dump()) for one in signed["certificates"] or ()]
    certificate = next((one for one in held if _is_named(one, sid, signer["sid"].name)), None)
    if certificate is None:
        msg = "a token without the certificate of its authority"
        raise ValueError(msg)
    info = signed["encap_content_info"]["content"].parsed
    at, imprint = (
        check_aware(info["gen_time"].native),
        str(info["message_imprint"]["hash_algorithm"]["algorithm"].native),
    )
    digest = str(signer["digest_algorithm"]["algorithm"].native)
    known = store.made_about(certificate)
    return _facts(certificate, kind, RFC3161, at, data=known, digest=digest, imprint=imprint)


def _is_named(certificate: x509.Certificate, sid: object, how: str) -> bool:
    if how == "issuer_and_serial_number":
        named: cms.IssuerAndSerialNumber = sid
        same = certificate.serial_number == named["serial_number"].native
        return bool(same and certificate.issuer.public_bytes() == named["issuer"].dump())
    key_id = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    return bool(key_id == sid.native)  # type: ignore[attr-defined]  # an octet string


def _facts(
    certificate: x509.Certificate,
    kind: SignatureKind,
    format_name: str,
    signed_at: datetime,
    *,
    data: datetime | None = None,
    seal_id: str = "",
    digest: str = "",
    imprint: str = "",
) -> SignatureFacts:
    key = _key_of(certificate)
    digest = digest or SUITES[key].digest
    stamp = kind in {SignatureKind.TIMESTAMP, SignatureKind.ARCHIVE_TIMESTAMP}
    return SignatureFacts(
        kind=kind,
        format=format_name,
        key=key,
        signature_algorithm=_signature_algorithm(key, digest),
        digest_algorithm=digest,
        certificate_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        serial=f"{certificate.serial_number:x}",
        issuer_key=_issuer_key(certificate),
        issuer=_name(certificate.issuer),
        seal_id=seal_id,
        tsa=_name(certificate.subject) if stamp else "",
        signed_at=check_aware(signed_at).replace(microsecond=0),
        certificate_until=certificate.not_valid_after_utc,
        revocation_at=data,
        imprint=imprint,
    )


def _signature_algorithm(key: str, digest: str) -> str:
    if key.startswith("rsa"):
        return f"rsa_{digest}"
    return f"sm2_{digest}" if key == "sm2" else f"ecdsa_{digest}"


def _key_of(certificate: x509.Certificate) -> str:
    """As :func:`algorithm_of`, and a name for keys that only others use."""
    key = public_key_of(certificate)
    try:
        return algorithm_of(key)
    except ConfigurationError:
        if isinstance(key, rsa.RSAPublicKey):
            return f"rsa{key.key_size}"
        return f"p{key.curve.key_size}" if isinstance(key, ec.EllipticCurvePublicKey) else "other"


def _issuer_key(certificate: x509.Certificate) -> str:
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        found = None
    return found.hex() if found else hashlib.sha256(certificate.issuer.public_bytes()).hexdigest()


def _name(name: x509.Name) -> str:
    """The common name of an authority, else its organisation; of a CA or TSA, never of a person."""
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(oid):
            return str(found[0].value)
    return ""
