"""Judges one signature of a file: cryptography, coverage, modification and trust, each answered by itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyhanko.sign.diff_analysis import (
    DiffResult,
    FormUpdatingRule,
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.policies import DEFAULT_DIFF_POLICY
from pyhanko.sign.diff_analysis.rules.form_field_rules import SigFieldCreationRule, SigFieldModificationRule
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import (
    EmbeddedPdfSignature,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
)
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from certsvc.seal.verdict import Check, Indication, Reason, SignatureReport, SubIndication
from certsvc.signing.bytes_rules import hole_problem
from certsvc.signing.cms_rules import cms_problem, signer_problem

if TYPE_CHECKING:
    from datetime import datetime

    from asn1crypto import x509
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation.status import DocumentTimestampStatus

    from certsvc.signing.fields import FoundSignature
    from certsvc.signing.trust import TrustStore

STRICT_POLICY = StandardDiffPolicy(
    global_rules=DEFAULT_DIFF_POLICY.global_rules,
    form_rule=FormUpdatingRule(field_rules=[SigFieldCreationRule(), SigFieldModificationRule()]),  # type: ignore[no-untyped-call]
)
"""pyHanko's default policy without ``GenericFieldModificationRule``: no value of a form field may change after sealing
(rule c; a shadow attack passes as form filling otherwise)."""

_COVERAGE = {
    SignatureCoverageLevel.ENTIRE_FILE: "entire_file",
    SignatureCoverageLevel.ENTIRE_REVISION: "entire_revision",
    SignatureCoverageLevel.CONTIGUOUS_BLOCK_FROM_START: "partial",
    SignatureCoverageLevel.UNCLEAR: "unclear",
}
_MODIFICATION = {
    ModificationLevel.NONE: "none",
    ModificationLevel.LTA_UPDATES: "lta_updates",
    ModificationLevel.FORM_FILLING: "form_filling",
    ModificationLevel.ANNOTATIONS: "annotations",
    ModificationLevel.OTHER: "other",
}
SEAL_KEY_USAGES = frozenset({"digital_signature", "non_repudiation"})
"""One of these must be in the key usage of a sealing certificate (GB/T 20518 signing certificate)."""

TSA_PURPOSE = "time_stamping"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The report on one signature and what it means for the file.

    Attributes:
        order: position of its revision in the file; the highest is the last signature.
        revisions_after: how many revisions follow the signed one.
        pinned: the signer's own certificate is the trust anchor.
        out_of_period: the pinned certificate is outside its validity at the moment; an anchor is trusted as it is
            (RFC 5280 §6.1.1 d gives anchors no period), so this is told and not judged.
    """

    report: SignatureReport
    indication: Indication
    sub_indication: SubIndication | None
    order: int = 0
    revisions_after: int = 0
    pinned: bool = False
    out_of_period: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    indication: Indication
    sub_indication: SubIndication | None
    reason: Reason
    trust: Check = Check.NOT_CHECKED
    detail: str = ""


async def judge(reader: PdfFileReader, data: bytes, found: FoundSignature, store: TrustStore) -> Judgement:
    """Judge one signature. Errors of the parser come out as they are; the inspector turns them into a refusal."""
    if found.field is None or found.kind == "unknown":
        return _unsupported(found)
    embedded = EmbeddedPdfSignature(reader, found.field, found.name)
    contents = bytes(embedded.pkcs7_content)
    byte_range = tuple(int(number) for number in embedded.byte_range)
    if problem := hole_problem(data, byte_range, contents):
        return _broken(found, problem, embedded.signed_revision, Reason.NOT_FULLY_COVERED)
    problem = cms_problem(contents) or signer_problem(embedded.signer_info, embedded.signer_cert)
    if problem:
        return _broken(found, problem, embedded.signed_revision)
    context = store.context()
    status: PdfSignatureStatus | DocumentTimestampStatus
    try:
        if found.kind == "seal":
            status = await async_validate_pdf_signature(embedded, context, diff_policy=STRICT_POLICY)
        else:
            status = await async_validate_pdf_timestamp(embedded, context, diff_policy=STRICT_POLICY)
    except SignatureValidationError as error:
        return _broken(found, str(error), embedded.signed_revision)
    outcome = _outcome(found, embedded, status, store)
    certificate = embedded.signer_cert
    coverage = status.coverage or SignatureCoverageLevel.UNCLEAR
    pinned = store.is_pinned(certificate)
    claimed = embedded.self_reported_timestamp
    return Judgement(
        report=SignatureReport(
            field_name=found.name,
            format=found.sub_filter,
            kind=found.kind,
            intact=_check(good=bool(status.intact)),
            valid=_check(good=bool(status.valid)),
            trust=outcome.trust,
            coverage=_COVERAGE[coverage],
            modification=_modification(status.diff_result),
            signer=_common_name(certificate),
            signer_cert_sha256=hashlib.sha256(certificate.dump()).hexdigest(),
            digest_algorithm=str(status.md_algorithm),
            claimed_time=claimed if claimed is not None and claimed.tzinfo is not None else None,
            reason=outcome.reason,
            detail=outcome.detail,
        ),
        indication=outcome.indication,
        sub_indication=outcome.sub_indication,
        order=embedded.signed_revision,
        revisions_after=reader.xrefs.total_revisions - 1 - embedded.signed_revision,
        pinned=pinned,
        out_of_period=pinned and not _within(certificate, store.moment),
    )


def _outcome(
    found: FoundSignature,
    embedded: EmbeddedPdfSignature,
    status: PdfSignatureStatus | DocumentTimestampStatus,
    store: TrustStore,
) -> _Outcome:
    """The first of: digest, signature, coverage, modification, algorithm, trust that does not hold."""
    failed = Indication.TOTAL_FAILED
    trusted = _trust(found, embedded, status, store)
    if not status.intact:
        return _Outcome(
            indication=failed,
            sub_indication=SubIndication.HASH_FAILURE,
            reason=Reason.DIGEST_MISMATCH,
            trust=trusted.trust,
        )
    if not status.valid:
        return _Outcome(
            indication=failed,
            sub_indication=SubIndication.SIG_CRYPTO_FAILURE,
            reason=Reason.BAD_SIGNATURE,
            trust=trusted.trust,
        )
    coverage = status.coverage
    if coverage is None or coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        return _Outcome(
            indication=failed,
            sub_indication=SubIndication.FORMAT_FAILURE,
            reason=Reason.NOT_FULLY_COVERED,
            trust=trusted.trust,
        )
    if _modification(status.diff_result) == "other" or getattr(status, "docmdp_ok", True) is False:
        return _Outcome(
            indication=failed,
            sub_indication=SubIndication.HASH_FAILURE,
            reason=Reason.CHANGED_AFTER_SEALING,
            trust=trusted.trust,
        )
    if trusted.reason is Reason.OK and isinstance(status, PdfSignatureStatus) and not status.bottom_line:
        return _constraint(status)
    return trusted


def _constraint(status: PdfSignatureStatus) -> _Outcome:
    """A timestamp inside the signature, or a constraint of its field (seed value), that does not hold."""
    inner = [stamp for stamp in (status.timestamp_validity, status.content_timestamp_validity) if stamp is not None]
    sound = all(stamp.intact and stamp.valid for stamp in inner)
    if inner and sound and not all(stamp.trusted for stamp in inner):
        chain = SubIndication.NO_CERTIFICATE_CHAIN_FOUND
        return _not_trusted(chain, Reason.UNTRUSTED_CHAIN, detail="timestamp inside the signature")
    detail = "seed value of the field" if sound else "timestamp inside the signature"
    return _not_trusted(SubIndication.SIG_CONSTRAINTS_FAILURE, Reason.BAD_SIGNATURE, detail=detail)


def _trust(
    found: FoundSignature,
    embedded: EmbeddedPdfSignature,
    status: PdfSignatureStatus | DocumentTimestampStatus,
    store: TrustStore,
) -> _Outcome:
    certificate = embedded.signer_cert
    problem = status.trust_problem_indic
    name = problem.standard_name if problem is not None else ""
    if "CRYPTO_CONSTRAINTS_FAILURE" in name:
        return _not_trusted(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, Reason.WEAK_ALGORITHM)
    if not status.valid:
        return _not_trusted(SubIndication.SIG_CRYPTO_FAILURE, Reason.BAD_SIGNATURE, trust=Check.NOT_CHECKED)
    if name in {"REVOKED_NO_POE", "REVOKED_CA_NO_POE"}:
        return _not_trusted(SubIndication.REVOKED_NO_POE, Reason.CERT_REVOKED, trust=Check.BAD)
    if name == "NO_CERTIFICATE_CHAIN_FOUND":
        return _not_trusted(SubIndication.NO_CERTIFICATE_CHAIN_FOUND, Reason.UNTRUSTED_CHAIN)
    if not store.is_pinned(certificate) and (refusal := _leaf_problem(found, certificate, store.moment)):
        return refusal
    if problem is not None:
        sub = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
        if name in set(SubIndication):
            sub = SubIndication(name)
        return _not_trusted(sub, Reason.UNTRUSTED_CHAIN)
    return _Outcome(indication=Indication.TOTAL_PASSED, sub_indication=None, reason=Reason.OK, trust=Check.GOOD)


def _leaf_problem(found: FoundSignature, certificate: x509.Certificate, moment: datetime) -> _Outcome | None:
    """What is wrong with the signer's certificate itself, asked before pyHanko's wider answer about the chain."""
    if moment > certificate.not_valid_after:
        return _not_trusted(SubIndication.OUT_OF_BOUNDS_NO_POE, Reason.CERT_EXPIRED, trust=Check.BAD)
    if moment < certificate.not_valid_before:
        return _not_trusted(SubIndication.NOT_YET_VALID, Reason.CERT_NOT_YET_VALID, trust=Check.BAD)
    if not _usage_allows(found, certificate):
        return _not_trusted(SubIndication.CHAIN_CONSTRAINTS_FAILURE, Reason.WRONG_KEY_USAGE, trust=Check.BAD)
    return None


def _usage_allows(found: FoundSignature, certificate: x509.Certificate) -> bool:
    if found.kind == "timestamp":
        purposes = certificate.extended_key_usage_value
        return purposes is not None and TSA_PURPOSE in purposes.native
    usage = certificate.key_usage_value
    return usage is None or bool(SEAL_KEY_USAGES & set(usage.native))


def _within(certificate: x509.Certificate, moment: datetime) -> bool:
    return bool(certificate.not_valid_before <= moment <= certificate.not_valid_after)


def _not_trusted(sub: SubIndication, reason: Reason, *, trust: Check = Check.UNKNOWN, detail: str = "") -> _Outcome:
    indication = Indication.INDETERMINATE
    return _Outcome(indication=indication, sub_indication=sub, reason=reason, trust=trust, detail=detail)


def _modification(diff: DiffResult | SuspiciousModification | None) -> str:
    if isinstance(diff, DiffResult):
        return _MODIFICATION[diff.modification_level]
    return "other" if isinstance(diff, SuspiciousModification) else "unclear"


def _common_name(certificate: x509.Certificate) -> str:
    native = certificate.subject.native
    name = native.get("common_name", "") if isinstance(native, dict) else ""
    return str(name[0] if isinstance(name, list) else name)


def _check(*, good: bool) -> Check:
    return Check.GOOD if good else Check.BAD


def _unsupported(found: FoundSignature) -> Judgement:
    return Judgement(
        report=_blank(found, "unknown", Reason.UNSUPPORTED_SIGNATURE, f"SubFilter {found.sub_filter or '-'}"),
        indication=Indication.INDETERMINATE,
        sub_indication=SubIndication.GENERIC,
    )


def _broken(found: FoundSignature, detail: str, order: int, reason: Reason = Reason.BAD_SIGNATURE) -> Judgement:
    return Judgement(
        report=_blank(found, found.kind, reason, detail),
        indication=Indication.TOTAL_FAILED,
        sub_indication=SubIndication.FORMAT_FAILURE,
        order=order,
    )


def _blank(found: FoundSignature, kind: str, reason: Reason, detail: str) -> SignatureReport:
    return SignatureReport(
        field_name=found.name,
        format=found.sub_filter,
        kind=kind,
        intact=Check.UNKNOWN,
        valid=Check.UNKNOWN,
        trust=Check.NOT_CHECKED,
        coverage="unclear",
        modification="unclear",
        signer="",
        signer_cert_sha256="",
        digest_algorithm="",
        claimed_time=None,
        reason=reason,
        detail=detail,
    )
