"""Electronic seal objects (``SESeal``, .esl): made and exported as GB/T 38540 v4, imported and verified as v1, v4, v5.

A seal object says which certificates may use a stamp and until when, signed by the seal's maker (制作管理单位). The
stamp's picture is given by the caller; the keys stay in the key ring.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization

from certsvc.clock import check_aware
from certsvc.errors import InvalidInput, SigningError
from certsvc.seal.verdict import SEAL_MAKER, Check, Indication, Reason, SubIndication
from certsvc.signing.chains import judge_certificate
from certsvc.signing.der import (
    BIT_STRING,
    IA5_STRING,
    OCTET_STRING,
    SEQUENCE,
    UTF8_STRING,
    Element,
    generalized_time,
    integer,
    tlv,
)
from certsvc.signing.judgement import Outcome, not_trusted, within
from certsvc.signing.keyfile import check_key_id
from certsvc.signing.revocation import SKEW
from certsvc.signing.revoked import UseTime
from certsvc.signing.ses import V4, SealObject, read_seal, sm2_verifies
from certsvc.signing.suites import SUITES
from certsvc.signing.trust import TrustStore

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from certsvc.seal.verdict import RevocationQuery
    from certsvc.signing.keyring import KeyRing
    from certsvc.signing.ses import SesSignature
    from certsvc.signing.trust import TrustAnchors

VENDOR = "CERTSVC"
"""``Vid`` of the header of seals made here."""

UNIT_SEAL = 1
"""``property.type`` of an organisation's seal (GM/T 0031-2014: 1 单位, 2 个人)."""

MAX_PICTURE_BYTES = 1024 * 1024
MIN_SIDE_MM, MAX_SIDE_MM = 10, 100
"""Sides of a stamp's picture (国发〔1999〕25号: up to 60 mm)."""

EXTENSION = ".esl"

_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_SEAL_ID = 64
_FAILED = Indication.TOTAL_FAILED


@dataclass(frozen=True, kw_only=True, slots=True)
class SealDraft:
    """What a seal object says before its maker signs it.

    Attributes:
        seal_id: ``esID``, ASCII.
        name: name of the seal.
        certificates: certificates of its signers, at least one.
        picture: the stamp as PNG.
        width_mm, height_mm: nominal size of the picture.
        created, begins, ends: aware times; whole seconds are written.
    """

    seal_id: str
    name: str
    certificates: tuple[x509.Certificate, ...]
    picture: bytes
    width_mm: int
    height_mm: int
    created: datetime
    begins: datetime
    ends: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SealReport:
    """What was found about a seal object by itself.

    Attributes:
        valid: the maker's signature over it.
        trust: the maker's certificate, up to an anchor.
        in_period: whether the moment lies in the seal's period.
        reason: ``ok``, or the first thing that does not hold.
    """

    seal: SealObject
    valid: Check
    trust: Check
    in_period: Check
    reason: Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class UseJudgement:
    """The seal in a signature.

    Attributes:
        refusal: what does not hold, or None.
        checked: revocation data spoke of the maker's whole path.
        wanted: what could still be asked about it.
        unchecked: ``seal_maker`` where nobody said that the maker's certificate is one of a maker of seals.
    """

    refusal: Outcome | None = None
    checked: bool = True
    unchecked: tuple[str, ...] = ()
    wanted: tuple[RevocationQuery, ...] = ()


def make_seal(draft: SealDraft, ring: KeyRing, maker_key_id: str) -> bytes:
    """A v4 seal object in DER, signed by the maker's SM2 key and read back.

    Raises:
        InvalidInput: no signer, a period that ends before it begins, or a picture that is not a PNG of a lawful size.
        SigningError: the maker has no SM2 key, would make its own seal, or what was made does not verify.
    """
    _check_draft(draft)
    maker = ring.certificate(maker_key_id)
    if maker.algorithm != "sm2":
        msg = f"制章密钥 {maker_key_id} 须为 SM2 密钥"
        raise SigningError(msg)
    if maker.certificate in draft.certificates:
        msg = f"制章密钥 {maker_key_id} 不能为自己制作印章：印章请另用密钥，或把 seal_maker_key 改为制作管理单位的密钥"
        raise SigningError(msg)
    info = _info(draft)
    suite = SUITES[maker.algorithm]
    signature = ring.sign_digest(maker_key_id, suite.digest, info)
    algorithm = suite.signature_identifier[2:]
    der = tlv(
        SEQUENCE,
        info,
        tlv(OCTET_STRING, _der(maker.certificate)),
        algorithm,
        tlv(BIT_STRING, b"\x00", signature),
    )
    made = read_seal(der)
    if made.version != V4 or not maker_signed(made):
        msg = "制成的印章数据自检未通过，已丢弃"
        raise SigningError(msg)
    return der


def export_seal(directory: Path, key_id: str, der: bytes) -> Path:
    """Write a seal object as ``<key_id>.esl``; a seal that is made again replaces the file whole."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{check_key_id(key_id)}{EXTENSION}"
    fresh = path.with_suffix(".new")
    fresh.write_bytes(der)
    fresh.replace(path)
    return path


def import_seal(data: bytes) -> SealObject:
    """The seal object of an uploaded .esl file.

    Raises:
        InvalidInput: not a seal object of v1, v4 or v5, or its maker's signature is not good.
    """
    try:
        seal = read_seal(data)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        msg = f"印章文件无法读取：不是 GB/T 38540 或 GM/T 0031 的印章数据（{error}）"
        raise InvalidInput(msg) from error
    if not maker_signed(seal):
        msg = "印章文件的制章者签名无效：文件被改动过，请向制作管理单位重新索取"
        raise InvalidInput(msg)
    return seal


def maker_signed(seal: SealObject) -> bool:
    """Whether the maker's signature is good; certificate and period are not asked."""
    try:
        # No signature covers the count of unused bits, and some readers overlook it: it must be zero.
        Element.read(seal.maker_certificate).children()[2].bits()
    except (ValueError, IndexError):
        return False
    return sm2_verifies(seal.maker_certificate, seal.algorithm, seal.signature, seal.signed)


def verify_seal(seal: SealObject, anchors: TrustAnchors, moment: datetime) -> SealReport:
    """Judge a seal object by itself at ``moment`` (V1 6.1.2: signature, certificate, period), then its maker."""
    store = TrustStore(anchors, check_aware(moment))
    valid = maker_signed(seal)
    used = UseTime(claimed=seal.created)
    trusted = asyncio.run(judge_certificate(seal.maker_certificate, (), store, used)).outcome
    in_period = seal.covers(store.moment)
    reason = Reason.OK
    if not valid:
        reason = Reason.BAD_SIGNATURE
    elif trusted.reason is not Reason.OK:
        reason = trusted.reason
    elif not in_period:
        reason = Reason.CERT_EXPIRED if store.moment > seal.ends else Reason.CERT_NOT_YET_VALID
    elif not store.is_maker(seal.maker_certificate):
        reason = Reason.SEAL_MAKER_UNKNOWN
    return SealReport(
        seal=seal,
        valid=Check.GOOD if valid else Check.BAD,
        trust=trusted.trust if valid else Check.NOT_CHECKED,
        in_period=Check.GOOD if in_period else Check.BAD,
        reason=reason,
    )


async def judge_use(signature: SesSignature, store: TrustStore, *, proven: datetime | None = None) -> UseJudgement:
    """What is wrong with the seal in a signature: signer not listed, maker, period at the signing time.

    ``proven`` is when the signature, and the seal in it, provably existed.
    """
    seal = signature.seal
    if not seal.lists(signature.certificate):
        return UseJudgement(refusal=_failure(SubIndication.SIG_CONSTRAINTS_FAILURE, "signer is not in the seal's list"))
    if not maker_signed(seal):
        return UseJudgement(refusal=_failure(SubIndication.SIG_CRYPTO_FAILURE, "maker of the seal"))
    if seal.maker_certificate == signature.certificate:
        # GB/T 38540: a seal is made for its signer by another; a name and a picture of one's own making are nobody's.
        sub = SubIndication.CHAIN_CONSTRAINTS_FAILURE
        return UseJudgement(refusal=not_trusted(sub, Reason.SEAL_MAKER_UNKNOWN, detail="maker of the seal"))
    maker = await judge_certificate(seal.maker_certificate, (), store, UseTime(claimed=seal.created, proven=proven))
    refusal = replace(maker.outcome, detail="maker of the seal") if maker.outcome.reason is not Reason.OK else None
    return UseJudgement(
        refusal=refusal or _problem_of_time(signature, store),
        checked=maker.pinned or maker.revocation_checked,
        wanted=maker.wanted,
        # No field of a certificate says it: any leaf below an anchor of seals has a chain that is as good.
        unchecked=() if store.is_maker(seal.maker_certificate) else (SEAL_MAKER,),
    )


def _problem_of_time(signature: SesSignature, store: TrustStore) -> Outcome | None:
    if signature.signed_at is None:
        return not_trusted(SubIndication.SIG_CONSTRAINTS_FAILURE, Reason.BAD_SIGNATURE, detail="no signing time")
    if not signature.seal.covers(signature.signed_at):
        return _failure(SubIndication.SIG_CONSTRAINTS_FAILURE, "signed outside the period of the seal")
    signer, at = asn1_x509.Certificate.load(signature.certificate), check_aware(signature.signed_at)
    if not store.is_pinned(signer) and not within(signer, at):
        return _failure(SubIndication.SIG_CONSTRAINTS_FAILURE, "signed outside the period of the certificate")
    if at > store.now + SKEW:
        sub = SubIndication.SIG_CONSTRAINTS_FAILURE
        return not_trusted(sub, Reason.BAD_SIGNATURE, detail="signing time of the future")
    return None


class SealDirectory:
    """The seal objects of a key ring's directory, by key id; read at every use, since seals are made again."""

    def __init__(self, directory: Path) -> None:
        """Read ``<key_id>.esl`` files of ``directory``."""
        self._directory = directory

    def seal_of(self, key_id: str) -> bytes:
        """The seal object of ``key_id`` in DER; SigningError when there is none."""
        path = self._directory / f"{check_key_id(key_id)}{EXTENSION}"
        try:
            return path.read_bytes()
        except OSError as error:
            msg = f"密钥 {key_id} 没有印章数据（{path.name}）：请先制作印章"
            raise SigningError(msg) from error


def _info(draft: SealDraft) -> bytes:
    certificates = [tlv(OCTET_STRING, _der(certificate)) for certificate in draft.certificates]
    return tlv(
        SEQUENCE,
        tlv(SEQUENCE, _ia5("ES"), integer(V4), _ia5(VENDOR)),
        _ia5(draft.seal_id),
        tlv(
            SEQUENCE,
            integer(UNIT_SEAL),
            tlv(UTF8_STRING, draft.name.encode("utf-8")),
            integer(1),
            tlv(SEQUENCE, *certificates),
            *(generalized_time(at) for at in (draft.created, draft.begins, draft.ends)),
        ),
        tlv(
            SEQUENCE,
            _ia5("PNG"),
            tlv(OCTET_STRING, draft.picture),
            integer(draft.width_mm),
            integer(draft.height_mm),
        ),
    )


def _check_draft(draft: SealDraft) -> None:
    if not draft.certificates:
        msg = "印章至少要有一张签章人证书（certificates）"
        raise InvalidInput(msg)
    if not draft.seal_id.isascii() or not 1 <= len(draft.seal_id) <= _MAX_SEAL_ID:
        msg = f"印章编号（seal_id）应为 1 至 {_MAX_SEAL_ID} 个 ASCII 字符"
        raise InvalidInput(msg)
    if not check_aware(draft.begins) < check_aware(draft.ends):
        msg = "印章有效期（begins、ends）的截止时间应晚于起始时间"
        raise InvalidInput(msg)
    if not draft.picture.startswith(_PNG) or len(draft.picture) > MAX_PICTURE_BYTES:
        msg = f"印模（picture）应为 PNG 图片，不超过 {MAX_PICTURE_BYTES // 1024} kB"
        raise InvalidInput(msg)
    if not all(MIN_SIDE_MM <= side <= MAX_SIDE_MM for side in (draft.width_mm, draft.height_mm)):
        msg = f"印模尺寸（width_mm、height_mm）应在 {MIN_SIDE_MM} 与 {MAX_SIDE_MM} 毫米之间"
        raise InvalidInput(msg)


def _failure(sub: SubIndication, detail: str) -> Outcome:
    reason = Reason.BAD_SIGNATURE
    return Outcome(indication=_FAILED, sub_indication=sub, reason=reason, trust=Check.NOT_CHECKED, detail=detail)


def _ia5(text: str) -> bytes:
    return tlv(IA5_STRING, text.encode("ascii"))


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
