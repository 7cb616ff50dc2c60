"""Judges a seal object (``SESeal``, .esl) that somebody wants verified: GB/T 38540 §7.2, GM/T 0031-2014 §6.1.2.

1. Structure: strict DER to the last byte.
2. The maker's signature over the seal's information.
3. The maker's certificate: path to an anchor, period, usage, revocation.
4. The seal's own period at the moment.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from asn1crypto import x509

from certsvc.seal.verdict import (
    SEAL_MAKER,
    SEAL_TIMESTAMP,
    Check,
    FileFindings,
    Indication,
    Reason,
    SignatureReport,
    SubIndication,
)
from certsvc.signing.chains import judge_certificate
from certsvc.signing.judgement import Outcome, check, common_name
from certsvc.signing.revoked import UseTime
from certsvc.signing.seal_object import maker_signed
from certsvc.signing.ses import MAX_SES_BYTES, read_seal
from certsvc.signing.trust import TrustStore

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.signing.ses import SealObject
    from certsvc.signing.trust import Evidence, TrustAnchors

KIND = "seal_object"
_DER_SEQUENCE = b"\x30"
_FAILED = Indication.TOTAL_FAILED


def may_be_seal_object(data: bytes) -> bool:
    """Whether the file starts as DER of a size that a seal object can have; nothing is parsed."""
    return data.startswith(_DER_SEQUENCE) and len(data) <= MAX_SES_BYTES


def judge_seal_object(data: bytes, anchors: TrustAnchors, moment: datetime, evidence: Evidence) -> FileFindings:
    """Steps 1 to 4; ValueError when ``data`` is no seal object."""
    seal = read_seal(data)
    store = TrustStore(anchors, moment, evidence)
    chain = asyncio.run(judge_certificate(seal.maker_certificate, (), store, UseTime(claimed=seal.created)))
    valid = maker_signed(seal)
    outcome = _outcome(seal, chain.outcome, store.moment, valid=valid)
    not_checked = [] if chain.revocation_checked else ["revocation"]
    if seal.timestamp:
        not_checked.append(SEAL_TIMESTAMP)
    if not store.is_maker(seal.maker_certificate):
        not_checked.append(SEAL_MAKER)
    return FileFindings(
        indication=outcome.indication,
        sub_indication=outcome.sub_indication,
        reason=outcome.reason,
        detail=outcome.detail,
        integrity=check(good=valid),
        coverage=Check.GOOD,
        modification=check(good=valid),
        trust=outcome.trust,
        sha256=hashlib.sha256(data).hexdigest(),
        signatures=(_report(seal, outcome, valid=valid),),
        not_checked=tuple(not_checked),
        wanted=chain.wanted,
        anchors=(chain.anchor,),
    )


def _outcome(seal: SealObject, trusted: Outcome, moment: datetime, *, valid: bool) -> Outcome:
    """The first of steps 2 to 4 that does not hold."""
    if not valid:
        sub = SubIndication.SIG_CRYPTO_FAILURE
        return Outcome(indication=_FAILED, sub_indication=sub, reason=Reason.BAD_SIGNATURE, trust=Check.NOT_CHECKED)
    if trusted.reason is not Reason.OK:
        return trusted
    if not seal.covers(moment):
        sub = SubIndication.EXPIRED if moment > seal.ends else SubIndication.NOT_YET_VALID
        return Outcome(indication=_FAILED, sub_indication=sub, reason=Reason.SEAL_EXPIRED, trust=trusted.trust)
    passed = Indication.TOTAL_PASSED
    return Outcome(indication=passed, sub_indication=None, reason=Reason.OK_SEAL_OBJECT, trust=trusted.trust)


def _report(seal: SealObject, outcome: Outcome, *, valid: bool) -> SignatureReport:
    try:
        maker = common_name(x509.Certificate.load(seal.maker_certificate))
    except (ValueError, TypeError, KeyError):
        maker = ""
    return SignatureReport(
        field_name=seal.seal_id,
        format=f"SESeal v{seal.version}",
        kind=KIND,
        intact=check(good=valid),
        valid=check(good=valid),
        trust=outcome.trust,
        coverage="entire_file",
        modification="none" if valid else "other",
        signer=maker,
        signer_cert_sha256=hashlib.sha256(seal.maker_certificate).hexdigest(),
        digest_algorithm="sm3",
        claimed_time=seal.created,
        reason=outcome.reason,
        detail=outcome.detail,
    )
