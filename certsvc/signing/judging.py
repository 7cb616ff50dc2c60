"""Judges one signature of a file: cryptography, coverage, modification and trust, each answered by itself."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import (
    EmbeddedPdfSignature,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
    extract_contents,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import DocumentTimestampStatus, PdfSignatureStatus, SignatureCoverageLevel

from certsvc.clock import check_aware
from certsvc.seal.verdict import Check, Indication, Reason, SignatureReport, SubIndication
from certsvc.signing.bytes_rules import hole_problem
from certsvc.signing.chains import path_problem
from certsvc.signing.cms_rules import cms_problem, signer_problem
from certsvc.signing.inner_stamps import DETAIL as INNER_STAMP
from certsvc.signing.inner_stamps import InnerStamps, future_problem, judge_inner
from certsvc.signing.judgement import (
    COVERAGE,
    STRICT_POLICY,
    Judgement,
    Outcome,
    broken,
    check,
    common_name,
    leaf_problem,
    modification_of,
    not_trusted,
    unsupported,
    usage_problem,
    within,
)
from certsvc.signing.judging_gm import judge_gm, reads_gm
from certsvc.signing.revoked import RevocationJudgement, UseTime, judge_revocation, proven_behind, use_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyhanko.pdf_utils.reader import PdfFileReader

    from certsvc.signing.fields import FoundSignature
    from certsvc.signing.trust import TrustStore


async def judge(
    reader: PdfFileReader, data: bytes, found: FoundSignature, store: TrustStore, proofs: Sequence[Judgement] = ()
) -> Judgement:
    """Judge one signature. Errors of the parser come out as they are; the inspector turns them into a refusal.

    ``proofs`` are document timestamps of the file, judged before: those behind this signature prove a time for it.
    """
    if found.field is None or found.kind == "unknown":
        return unsupported(found)
    if found.kind == "seal" and reads_gm(found, bytes(extract_contents(found.field["/V"]))):
        return await judge_gm(reader, data, found, store, proofs)
    embedded = EmbeddedPdfSignature(reader, found.field, found.name)
    contents = bytes(embedded.pkcs7_content)
    byte_range = tuple(int(number) for number in embedded.byte_range)
    if problem := hole_problem(data, byte_range, contents):
        return broken(found, problem, embedded.signed_revision, Reason.NOT_FULLY_COVERED)
    problem = cms_problem(contents) or signer_problem(embedded.signer_info, embedded.signer_cert)
    if problem:
        return broken(found, problem, embedded.signed_revision)
    try:
        status = await _validate(found, embedded, store)
    except SignatureValidationError as error:
        return broken(found, str(error), embedded.signed_revision)
    outcome = _outcome(found, embedded, status, store)
    inner = judge_inner(status, store)
    used = _use_time(embedded, inner, proofs)
    at = store.moment
    while outcome.reason is Reason.CERT_EXPIRED and used.proven is not None and used.proven < at:
        # EN 319 102-1 §5.5: judged at the time that a timestamp proves; a timestamp inside may then prove an earlier.
        at = used.proven
        status = await _validate(found, embedded, store, at)
        outcome = _outcome(found, embedded, status, store, at=at)
        inner = judge_inner(status, store)
        used = _use_time(embedded, inner, proofs)
    revoked = RevocationJudgement()
    pinned = store.is_pinned(embedded.signer_cert, found.kind)
    anchor = embedded.signer_cert.sha256.hex() if pinned else ""
    if outcome.reason is Reason.OK and status.validation_path is not None and not pinned:
        path = list(status.validation_path.iter_certs(include_root=True))
        anchor = path[0].sha256.hex()
        revoked = judge_revocation(path, store, used)
        outcome = path_problem(path) or revoked.refusal or outcome
    if outcome.reason is Reason.OK:
        stamped = _stamped(status)
        outcome = inner.refusal or (future_problem(stamped, store) if stamped else None) or outcome
    return Judgement(
        report=_report(found, embedded, status, outcome),
        indication=outcome.indication,
        sub_indication=outcome.sub_indication,
        order=embedded.signed_revision,
        revisions_after=reader.xrefs.total_revisions - 1 - embedded.signed_revision,
        pinned=pinned and inner.checked,
        out_of_period=pinned and not within(embedded.signer_cert, store.moment),
        revocation_checked=revoked.checked and inner.checked,
        wanted=(*revoked.wanted, *inner.wanted),
        proven_time=_proven(outcome, status),
        anchor=anchor,
    )


async def _validate(
    found: FoundSignature, embedded: EmbeddedPdfSignature, store: TrustStore, at: datetime | None = None
) -> PdfSignatureStatus | DocumentTimestampStatus:
    """The status by pyHanko, at the store's moment or at an earlier one that is proven."""
    if found.kind == "seal":
        return await _validate_seal(embedded, store, at)
    context = store.context(with_known=not embedded.other_embedded_certs, kind="timestamp", at=at)
    return await async_validate_pdf_timestamp(embedded, context, diff_policy=STRICT_POLICY)


async def _validate_seal(
    embedded: EmbeddedPdfSignature, store: TrustStore, at: datetime | None = None
) -> PdfSignatureStatus:
    """The status by pyHanko; a timestamp inside the signature stands on anchors of timestamps alone.

    What a certificate may be used for is asked in ``leaf_problem``, alike for every format; pyHanko's own rule wants
    nonRepudiation, which certificates of GB/T 20518 may lack.
    """
    with_known = not embedded.other_embedded_certs
    return await async_validate_pdf_signature(
        embedded,
        store.context(with_known=with_known, at=at),
        ts_validation_context=store.context(with_known=with_known, kind="timestamp", at=at),
        key_usage_settings=KeyUsageConstraints(key_usage=()),
        diff_policy=STRICT_POLICY,
    )


def _report(
    found: FoundSignature,
    embedded: EmbeddedPdfSignature,
    status: PdfSignatureStatus | DocumentTimestampStatus,
    outcome: Outcome,
) -> SignatureReport:
    certificate, claimed = embedded.signer_cert, embedded.self_reported_timestamp
    return SignatureReport(
        field_name=found.name,
        format=found.sub_filter,
        kind=found.kind,
        intact=check(good=bool(status.intact)),
        valid=check(good=bool(status.valid)),
        trust=outcome.trust,
        coverage=COVERAGE[status.coverage or SignatureCoverageLevel.UNCLEAR],
        modification=modification_of(status.diff_result),
        signer=common_name(certificate),
        signer_cert_sha256=hashlib.sha256(certificate.dump()).hexdigest(),
        digest_algorithm=str(status.md_algorithm),
        claimed_time=claimed if claimed is not None and claimed.tzinfo is not None else None,
        reason=outcome.reason,
        detail=outcome.detail,
        signed_end=sum([int(number) for number in embedded.byte_range][-2:]),
    )


def _proven(outcome: Outcome, status: PdfSignatureStatus | DocumentTimestampStatus) -> datetime | None:
    """The time of a document timestamp that holds."""
    return _stamped(status) if outcome.reason is Reason.OK else None


def _stamped(status: PdfSignatureStatus | DocumentTimestampStatus) -> datetime | None:
    """The time that a document timestamp states; None for a seal."""
    return check_aware(status.timestamp) if isinstance(status, DocumentTimestampStatus) else None


def _use_time(embedded: EmbeddedPdfSignature, inner: InnerStamps, proofs: Sequence[Judgement]) -> UseTime:
    claimed = embedded.self_reported_timestamp
    claimed = claimed if claimed is not None and claimed.tzinfo is not None else None
    return use_time(claimed, inner.proven, proven_behind(proofs, embedded.signed_revision))


def _outcome(
    found: FoundSignature,
    embedded: EmbeddedPdfSignature,
    status: PdfSignatureStatus | DocumentTimestampStatus,
    store: TrustStore,
    *,
    at: datetime | None = None,
) -> Outcome:
    """The first of: digest, signature, coverage, modification, algorithm, trust that does not hold."""
    failed = Indication.TOTAL_FAILED
    trusted = _trust(found, embedded, status, store, at or store.moment)
    if not status.intact:
        return Outcome(
            indication=failed,
            sub_indication=SubIndication.HASH_FAILURE,
            reason=Reason.DIGEST_MISMATCH,
            trust=trusted.trust,
        )
    if not status.valid:
        return Outcome(
            indication=failed,
            sub_indication=SubIndication.SIG_CRYPTO_FAILURE,
            reason=Reason.BAD_SIGNATURE,
            trust=trusted.trust,
        )
    coverage = status.coverage
    if coverage is None or coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        return Outcome(
            indication=failed,
            sub_indication=SubIndication.FORMAT_FAILURE,
            reason=Reason.NOT_FULLY_COVERED,
            trust=trusted.trust,
        )
    if modification_of(status.diff_result) == "other" or getattr(status, "docmdp_ok", True) is False:
        return Outcome(
            indication=failed,
            sub_indication=SubIndication.HASH_FAILURE,
            reason=Reason.CHANGED_AFTER_SEALING,
            trust=trusted.trust,
        )
    if trusted.reason is Reason.OK and isinstance(status, PdfSignatureStatus) and not status.bottom_line:
        return _constraint(status)
    return trusted


def _constraint(status: PdfSignatureStatus) -> Outcome:
    """A timestamp inside the signature, or a constraint of its field (seed value), that does not hold."""
    inner = [stamp for stamp in (status.timestamp_validity, status.content_timestamp_validity) if stamp is not None]
    sound = all(stamp.intact and stamp.valid for stamp in inner)
    if inner and sound and not all(stamp.trusted for stamp in inner):
        chain = SubIndication.NO_CERTIFICATE_CHAIN_FOUND
        return not_trusted(chain, Reason.UNTRUSTED_CHAIN, detail=INNER_STAMP)
    detail = "seed value of the field" if sound else INNER_STAMP
    return not_trusted(SubIndication.SIG_CONSTRAINTS_FAILURE, Reason.BAD_SIGNATURE, detail=detail)


def _trust(
    found: FoundSignature,
    embedded: EmbeddedPdfSignature,
    status: PdfSignatureStatus | DocumentTimestampStatus,
    store: TrustStore,
    moment: datetime,
) -> Outcome:
    certificate = embedded.signer_cert
    problem = status.trust_problem_indic
    name = problem.standard_name if problem is not None else ""
    if "CRYPTO_CONSTRAINTS_FAILURE" in name:
        return not_trusted(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, Reason.WEAK_ALGORITHM)
    if not status.valid:
        return not_trusted(SubIndication.SIG_CRYPTO_FAILURE, Reason.BAD_SIGNATURE, trust=Check.NOT_CHECKED)
    if name in {"REVOKED_NO_POE", "REVOKED_CA_NO_POE"}:
        return not_trusted(SubIndication.REVOKED_NO_POE, Reason.CERT_REVOKED, trust=Check.BAD)
    if name == "NO_CERTIFICATE_CHAIN_FOUND":
        return not_trusted(SubIndication.NO_CERTIFICATE_CHAIN_FOUND, Reason.UNTRUSTED_CHAIN)
    if store.is_pinned(certificate, found.kind):
        if refusal := usage_problem(found.kind, certificate):
            return refusal
    else:
        anchored = store.is_anchor(certificate, found.kind)
        if refusal := leaf_problem(found.kind, certificate, moment, anchored=anchored):
            return refusal
    if problem is not None:
        sub = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
        if name in set(SubIndication):
            sub = SubIndication(name)
        return not_trusted(sub, Reason.UNTRUSTED_CHAIN)
    return Outcome(indication=Indication.TOTAL_PASSED, sub_indication=None, reason=Reason.OK, trust=Check.GOOD)
