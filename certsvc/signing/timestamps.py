"""RFC 3161: asks timestamping authorities in turn, checks what they answer, and answers as a development authority.

The client opens no connection: it takes ``post(url, body)``, which the one egress port will give it (DESIGN.md 8). A
token counts only when its status, nonce, imprint and signature are right and its certificate is a TSA's; whether that
certificate leads to an anchor is asked where signatures are judged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization

from certsvc.clock import check_aware
from certsvc.errors import CertsvcError, NoTimestamp, SigningError
from certsvc.signing.cms import message_digest_of
from certsvc.signing.der import SEQUENCE, Element, element_size, tlv
from certsvc.signing.primitives import load_public_key, verify_signature
from certsvc.signing.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cryptography import x509

    from certsvc.clock import Clock
    from certsvc.ids import Ids
    from certsvc.signing.keyring import KeyRing

DIGEST = "sha256"
"""Digest of imprints that we ask for."""

MAX_ANSWER_BYTES = 64 * 1024
"""Longest answer of an authority; a token with its chain is below 10 kB."""

MAX_REQUEST_BYTES = 4096
POLICY = "1.3.6.1.4.1.99999.1.1"
"""Policy of the development authority: an arc that is nobody's."""

_NONCE_BYTES = 8
_DIGESTS = frozenset({"sha256", "sha384", "sha512", "sm3"})
_PURPOSE = "time_stamping"
_GRANTED = {0, 1}
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
_BAD_ALGORITHM, _BAD_REQUEST = {"bad_alg"}, {"bad_request"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A timestamp token that holds by itself.

    Attributes:
        der: the ContentInfo.
        at: the time that it states.
        certificate: the authority's certificate in DER.
        beside: other certificates inside.
    """

    der: bytes
    at: datetime
    certificate: bytes
    beside: tuple[bytes, ...]


class TimestampClient:
    """Gets tokens from the first of several servers that gives a good one."""

    def __init__(self, servers: Sequence[str], post: Callable[[str, bytes], bytes], ids: Ids) -> None:
        """Ask ``servers`` in order; RuntimeError without any."""
        if not servers:
            msg = "a timestamp client needs at least one server"
            raise RuntimeError(msg)
        self._servers = tuple(servers)
        self._post = post
        self._ids = ids
        self._last: Token | None = None

    @property
    def last(self) -> Token | None:
        """The newest good token, by which the authority is known; None before the first."""
        return self._last

    def token(self, data: bytes) -> Token:
        """A token over ``data``.

        Raises:
            SigningError: no server gave a good token; the detail says what each one did.
        """
        return self.token_for(hashlib.new(DIGEST, data).digest())

    def token_for(self, imprint: bytes) -> Token:
        """A token over a SHA-256; SigningError as :meth:`token`."""
        nonce = int.from_bytes(self._ids.salt()[:_NONCE_BYTES], "big")
        request = tsp.TimeStampReq(
            {
                "version": 1,
                "message_imprint": {"hash_algorithm": {"algorithm": DIGEST}, "hashed_message": imprint},
                "nonce": nonce,
                "cert_req": True,
            }
        ).dump()
        failures = []
        for server in self._servers:
            try:
                self._last = _read_answer(self._post(server, request), imprint, nonce)
            except (OSError, CertsvcError, *_UNREADABLE) as error:
                failures.append(f"{server}（{error.detail if isinstance(error, CertsvcError) else error}）")
            else:
                return self._last
        msg = f"时间戳服务均不可用，未签章：{'；'.join(failures)}"
        raise NoTimestamp(msg)

    def in_use(self) -> Token:
        """A token over nothing, by whose certificate the authority that answers now is known; SigningError."""
        return self.token(b"")


class DevelopmentTsa:
    """A timestamping authority for the sandbox and the tests: answers requests in DER with responses in DER."""

    def __init__(self, ring: KeyRing, key_id: str, clock: Clock, ids: Ids) -> None:
        """Sign with ``key_id`` of ``ring``, whose certificate must be a TSA's."""
        self._ring = ring
        self._public = ring.certificate(key_id)
        self._clock = clock
        self._ids = ids

    def __call__(self, request: bytes) -> bytes:
        """The response; a refusal with its reason for a request that cannot be served."""
        if len(request) > MAX_REQUEST_BYTES:
            return _refusal(_BAD_REQUEST)
        try:
            asked = tsp.TimeStampReq.load(request, strict=True)
            imprint = asked["message_imprint"]
            name = str(imprint["hash_algorithm"]["algorithm"].native)
            hashed = bytes(imprint["hashed_message"].native)
            nonce = asked["nonce"].native
            wants_certificates = bool(asked["cert_req"].native)
        except _UNREADABLE:
            return _refusal(_BAD_REQUEST)
        if name not in _DIGESTS or len(hashed) != hashlib.new(name).digest_size:
            return _refusal(_BAD_ALGORITHM)
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": {"hash_algorithm": {"algorithm": name}, "hashed_message": hashed},
                "serial_number": self._ids.cert_serial(),
                "gen_time": self._clock.now().replace(microsecond=0),
                "nonce": nonce,
            }
        )
        token = self._token(info.dump(), with_certificates=wants_certificates)
        return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())

    def _token(self, info: bytes, *, with_certificates: bool) -> cms.ContentInfo:
        suite = SUITES[self._public.algorithm]
        leaf, *issuers = (_asn1(one) for one in (self._public.certificate, *self._public.issuers))
        names = {"cert_hash": hashlib.sha256(leaf.dump()).digest()}
        identifier = tsp.SigningCertificateV2({"certs": [tsp.ESSCertIDv2(names)]})
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute({"type": "message_digest", "values": [hashlib.new(suite.digest, info).digest()]}),
                cms.CMSAttribute({"type": "signing_certificate_v2", "values": [identifier]}),
            ]
        )
        signature = self._ring.sign_digest(self._public.key_id, suite.digest, attributes.untag().dump())
        digest = algos.DigestAlgorithm.load(suite.digest_identifier)
        signer = {
            "version": "v1",
            "sid": cms.IssuerAndSerialNumber({"issuer": leaf.issuer, "serial_number": leaf.serial_number}),
            "digest_algorithm": digest,
            "signed_attrs": attributes,
            "signature_algorithm": algos.SignedDigestAlgorithm.load(suite.signature_identifier),
            "signature": signature,
        }
        signed_data = {
            "version": "v3",
            "digest_algorithms": [digest],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
            "certificates": [leaf, *issuers] if with_certificates else None,
            "signer_infos": [signer],
        }
        return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed_data)})


def read_token(der: bytes, data: bytes) -> Token:
    """The token in ``der`` over ``data``.

    Raises:
        SigningError: over something else, not signed by the TSA certificate inside, or not a token.
    """
    try:
        content = cms.ContentInfo.load(der, strict=True)["content"]["encap_content_info"]["content"]
        imprint = content.parsed["message_imprint"]
        name = str(imprint["hash_algorithm"]["algorithm"].native)
        same = name in _DIGESTS and hashlib.new(name, data).digest() == imprint["hashed_message"].native
        token = _checked(der)
    except _UNREADABLE as error:
        msg = "时间戳无法读取"
        raise SigningError(msg) from error
    if not same:
        msg = "时间戳不是对此数据签发的"
        raise SigningError(msg)
    return token


def _read_answer(answer: bytes, imprint: bytes, nonce: int) -> Token:
    if len(answer) > MAX_ANSWER_BYTES:
        msg = f"应答超过 {MAX_ANSWER_BYTES} 字节"
        raise SigningError(msg)
    status = Element.read(answer).children()[0].children()[0].number()
    if status not in _GRANTED:
        msg = f"拒绝签发（状态 {status}）"
        raise SigningError(msg)
    response = tsp.TimeStampResp.load(answer, strict=True)
    der = response["time_stamp_token"].dump()
    info = response["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    same = info["message_imprint"]["hashed_message"].native == imprint
    same = same and info["message_imprint"]["hash_algorithm"]["algorithm"].native == DIGEST
    if not same or info["nonce"].native != nonce:
        msg = "应答与请求不符"
        raise SigningError(msg)
    return _checked(bytes(der))


def _checked(der: bytes) -> Token:
    """The parsed token, after its signature was verified with the TSA certificate inside."""
    signed_data = cms.ContentInfo.load(der[: element_size(der)], strict=True)["content"]
    encapsulated = signed_data["encap_content_info"]
    if encapsulated["content_type"].native != "tst_info":
        msg = "应答不是时间戳"
        raise SigningError(msg)
    digest, signed, signature = message_digest_of(der, detached=False)
    (signer,) = signed_data["signer_infos"]
    certificates = [choice.chosen for choice in signed_data["certificates"] if choice.name == "certificate"]
    certificate = _signer_of(signer, certificates)
    name = str(signer["digest_algorithm"]["algorithm"].native)
    body = encapsulated["content"]
    content = bytes(body.contents)
    key = load_public_key(certificate["tbs_certificate"]["subject_public_key_info"].dump())
    good = name in _DIGESTS and hashlib.new(name, content).digest() == digest
    if not good or not verify_signature(key, signature, signed, name):
        msg = "时间戳签名无效"
        raise SigningError(msg)
    purposes = certificate.extended_key_usage_value
    if purposes is None or purposes.native != [_PURPOSE]:
        msg = "时间戳证书的用途不是时间戳"
        raise SigningError(msg)
    return Token(
        der=der,
        at=check_aware(body.parsed["gen_time"].native),
        certificate=certificate.dump(),
        beside=tuple(one.dump() for one in certificates if one is not certificate),
    )


def _signer_of(signer: cms.SignerInfo, certificates: list[asn1_x509.Certificate]) -> asn1_x509.Certificate:
    sid = signer["sid"].chosen
    for certificate in certificates:
        if signer["sid"].name == "issuer_and_serial_number":
            same = certificate.serial_number == sid["serial_number"].native
            if same and certificate.issuer.dump() == sid["issuer"].dump():
                return certificate
        elif certificate.key_identifier == sid.native:
            return certificate
    msg = "时间戳内没有签发者证书"
    raise SigningError(msg)


def _refusal(reasons: set[str]) -> bytes:
    # asn1crypto wants a token in every response; RFC 3161 §2.4.2 has none in a refusal.
    return tlv(SEQUENCE, tsp.PKIStatusInfo({"status": "rejection", "fail_info": reasons}).dump())


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
