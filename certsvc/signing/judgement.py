"""What judging one signature gives, and the answers that every format shares: certificate, coverage, modification."""

from __future__ import annotations

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
from pyhanko.sign.validation.status import SignatureCoverageLevel

from certsvc.seal.verdict import Check, Indication, Reason, RevocationQuery, SignatureReport, SubIndication

if TYPE_CHECKING:
    from datetime import datetime

    from asn1crypto import x509

    from certsvc.signing.fields import FoundSignature

STRICT_POLICY = StandardDiffPolicy(
    global_rules=DEFAULT_DIFF_POLICY.global_rules,
    form_rule=FormUpdatingRule(field_rules=[SigFieldCreationRule(), SigFieldModificationRule()]),  # type: ignore[no-untyped-call]
)
"""pyHanko's default policy without ``GenericFieldModificationRule``: no value of a form field may change after sealing
(rule c; a shadow attack passes as form filling otherwise)."""

COVERAGE = {
    SignatureCoverageLevel.ENTIRE_FILE: "entire_file",
    SignatureCoverageLevel.ENTIRE_REVISION: "entire_revision",
    SignatureCoverageLevel.CONTIGUOUS_BLOCK_FROM_START: "partial",
    SignatureCoverageLevel.UNCLEAR: "unclear",
}
MODIFICATION = {
    ModificationLevel.NONE: "none",
    ModificationLevel.LTA_UPDATES: "lta_updates",
    ModificationLevel.FORM_FILLING: "form_filling",
    ModificationLevel.ANNOTATIONS: "annotations",
    ModificationLevel.OTHER: "other",
}
SEAL_KEY_USAGES = frozenset({"digital_signature", "non_repudiation"})
"""One of these must be in the key usage of a sealing certificate (GB/T 20518 signing certificate)."""

SEAL_PURPOSES = frozenset(
    {
        "2.5.29.37.0",  # any purpose
        "1.3.6.1.5.5.7.3.2",  # clientAuth: what CAs here give to people and organisations
        "1.3.6.1.5.5.7.3.4",  # emailProtection, likewise
        "1.3.6.1.5.5.7.3.36",  # documentSigning (RFC 9336)
        "1.3.6.1.4.1.311.10.3.12",  # Microsoft document signing
        "1.2.840.113583.1.1.5",  # Adobe authentic documents
    }
)
"""One of these must be in the extended key usage, critical or not, of a sealing certificate that has one (RFC 5280
§4.2.1.12): the key of a web server, a timestamping authority or an OCSP responder seals nothing."""

TSA_PURPOSE = "time_stamping"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The report on one signature and what it means for the file.

    Attributes:
        order: position of its revision in the file; the highest is the last signature.
        revisions_after: how many revisions follow the signed one.
        pinned: the signer's own certificate is the trust anchor, and no timestamp inside could be revoked unseen.
        out_of_period: the pinned certificate is outside its validity at the moment; an anchor is trusted as it is
            (RFC 5280 §6.1.1 d gives anchors no period), so this is told and not judged.
        revocation_checked: revocation data at hand spoke of every certificate of the path.
        proven_time: of a document timestamp that is trusted: everything before it existed then.
        wanted: what could still be asked about revocation.
        anchor: hex SHA-256 of the anchor that the path ends at; empty without one.
        unchecked: parts of the signature that were not looked into, for ``not_checked``.
    """

    report: SignatureReport
    indication: Indication
    sub_indication: SubIndication | None
    order: int = 0
    revisions_after: int = 0
    pinned: bool = False
    out_of_period: bool = False
    unchecked: tuple[str, ...] = ()
    revocation_checked: bool = False
    proven_time: datetime | None = None
    wanted: tuple[RevocationQuery, ...] = ()
    anchor: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one check means for the file, and for the report's trust."""

    indication: Indication
    sub_indication: SubIndication | None
    reason: Reason
    trust: Check = Check.NOT_CHECKED
    detail: str = ""


_WRONG_USAGE = Outcome(
    indication=Indication.INDETERMINATE,
    sub_indication=SubIndication.CHAIN_CONSTRAINTS_FAILURE,
    reason=Reason.WRONG_KEY_USAGE,
    trust=Check.BAD,
)


def leaf_problem(
    kind: str, certificate: x509.Certificate, moment: datetime, *, anchored: bool = False
) -> Outcome | None:
    """What is wrong with the signer's certificate itself, asked before pyHanko's wider answer about the chain.

    ``anchored`` says that it is one of the configured anchors: only then may a CA's certificate sign by itself.
    """
    if moment > certificate.not_valid_after:
        return not_trusted(SubIndication.OUT_OF_BOUNDS_NO_POE, Reason.CERT_EXPIRED, trust=Check.BAD)
    if moment < certificate.not_valid_before:
        return not_trusted(SubIndication.NOT_YET_VALID, Reason.CERT_NOT_YET_VALID, trust=Check.BAD)
    if certificate.ca and not anchored:
        return _WRONG_USAGE
    return usage_problem(kind, certificate)


def usage_problem(kind: str, certificate: x509.Certificate) -> Outcome | None:
    """What is wrong with a certificate that may not make a signature of ``kind``: all that is asked of a pinned one."""
    return None if _usage_allows(kind, certificate) else _WRONG_USAGE


def _usage_allows(kind: str, certificate: x509.Certificate) -> bool:
    """Whether key usage and purposes of a certificate let it make a signature of ``kind`` (``seal``, ``timestamp``)."""
    purposes = certificate.extended_key_usage_value
    if kind == "timestamp":
        return purposes is not None and TSA_PURPOSE in purposes.native
    if purposes is not None and not SEAL_PURPOSES & {one.dotted for one in purposes}:
        return False
    usage = certificate.key_usage_value
    return usage is None or bool(SEAL_KEY_USAGES & set(usage.native))


def within(certificate: x509.Certificate, moment: datetime) -> bool:
    """Whether ``moment`` lies in the certificate's validity."""
    return bool(certificate.not_valid_before <= moment <= certificate.not_valid_after)


def not_trusted(sub: SubIndication, reason: Reason, *, trust: Check = Check.UNKNOWN, detail: str = "") -> Outcome:
    """An outcome that keeps a sound signature from passing."""
    indication = Indication.INDETERMINATE
    return Outcome(indication=indication, sub_indication=sub, reason=reason, trust=trust, detail=detail)


def modification_of(diff: DiffResult | SuspiciousModification | None) -> str:
    """What changed after a signature, in a report's words."""
    if isinstance(diff, DiffResult):
        return MODIFICATION[diff.modification_level]
    return "other" if isinstance(diff, SuspiciousModification) else "unclear"


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name, or empty."""
    native = certificate.subject.native
    name = native.get("common_name", "") if isinstance(native, dict) else ""
    return str(name[0] if isinstance(name, list) else name)


def check(*, good: bool) -> Check:
    """Good or bad."""
    return Check.GOOD if good else Check.BAD


def unsupported(found: FoundSignature) -> Judgement:
    """The judgement of a signature that this room cannot read."""
    return Judgement(
        report=blank(found, "unknown", Reason.UNSUPPORTED_SIGNATURE, f"SubFilter {found.sub_filter or '-'}"),
        indication=Indication.INDETERMINATE,
        sub_indication=SubIndication.GENERIC,
    )


def broken(found: FoundSignature, detail: str, order: int, reason: Reason = Reason.BAD_SIGNATURE) -> Judgement:
    """The judgement of a signature whose structure is not what it must be."""
    return Judgement(
        report=blank(found, found.kind, reason, detail),
        indication=Indication.TOTAL_FAILED,
        sub_indication=SubIndication.FORMAT_FAILURE,
        order=order,
    )


def blank(found: FoundSignature, kind: str, reason: Reason, detail: str) -> SignatureReport:
    """A report in which nothing was checked."""
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
