"""Judges signatures that pyHanko cannot read: SES_Signature (GB/T 38540) and CMS of GB/T 35275 in ``/Contents``.

Reading them is done by ``ses`` and ``gm_cms``; coverage and modification are pyHanko's, over the same gap. The order of
checks is that of STANDARDS.md 3.2: format, signature value, signer in the seal's list, seal, certificates, times, hash.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto import x509
from pyhanko.pdf_utils import generic
from pyhanko.sign.general import byte_range_digest
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, extract_contents
from pyhanko.sign.validation.status import SignatureCoverageLevel

from certsvc.clock import check_aware
from certsvc.errors import SigningError
from certsvc.seal.verdict import SEAL_TIMESTAMP, Check, Indication, Reason, SignatureReport, SubIndication
from certsvc.signing.bytes_rules import hole_problem
from certsvc.signing.chains import judge_certificate
from certsvc.signing.der import element_size
from certsvc.signing.fields import SES_SUB_FILTER, VENDOR_CMS_SUB_FILTER
from certsvc.signing.gm_cms import is_gm_cms, read_gm_cms
from certsvc.signing.inner_stamps import future_problem
from certsvc.signing.judgement import (
    COVERAGE,
    STRICT_POLICY,
    Judgement,
    Outcome,
    broken,
    check,
    common_name,
    modification_of,
    within,
)
from certsvc.signing.revoked import UseTime, proven_behind, use_time
from certsvc.signing.seal_object import judge_use
from certsvc.signing.ses import read_signature, sm2_verifies
from certsvc.signing.timestamps import read_token

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.diff_analysis import DiffResult, SuspiciousModification

    from certsvc.seal.verdict import RevocationQuery
    from certsvc.signing.fields import FoundSignature
    from certsvc.signing.trust import TrustStore

DIGEST = "sm3"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadSignature:
    """What the two formats have in common once they were read.

    Attributes:
        certificate: the signer's, in DER.
        beside: other certificates that came along.
        claimed_time: the time that the signer states, or None.
        intact: whether the digest inside is that of the covered bytes.
        valid: whether the signature value is one of the certificate's key.
        refusal: what else is wrong with the seal itself, or None.
        unchecked: parts that were not looked into.
        proven_time: what a trusted timestamp inside proves, or None.
        checked: revocation data spoke of the other certificates inside: the seal's maker, a timestamp's authority.
        wanted: what could still be asked about those.
    """

    certificate: bytes
    beside: tuple[bytes, ...]
    claimed_time: datetime | None
    intact: bool
    valid: bool
    refusal: Outcome | None = None
    unchecked: tuple[str, ...] = ()
    proven_time: datetime | None = None
    checked: bool = True
    wanted: tuple[RevocationQuery, ...] = ()


class SignedGap(EmbeddedPdfSignature):
    """The gap of a signature that holds no CMS of RFC 5652: coverage and modification by pyHanko's rules."""

    def __init__(self, reader: PdfFileReader, field: generic.DictionaryObject, name: str) -> None:
        """Read what the base class reads, but for the CMS."""
        value = field.raw_get("/V")
        self.reader = reader
        self.sig_field = field
        self.sig_object = value.get_object()
        self.byte_range = self.sig_object["/ByteRange"]
        self.pkcs7_content = extract_contents(self.sig_object)
        if not isinstance(value, generic.IndirectObject):
            msg = "the signature is not an object of its own"
            raise TypeError(msg)
        self.signed_revision = reader.xrefs.get_last_change(value.reference)
        self.coverage: SignatureCoverageLevel | None = None  # type: ignore[assignment]  # the base class says None
        self.diff_result: DiffResult | SuspiciousModification | None = None  # type: ignore[assignment]
        self.external_digests: dict[str, bytes] = {}
        self._docmdp = None
        self._fieldmdp = None
        self._docmdp_queried = self._fieldmdp_queried = False
        self.fq_name = name

    def look(self) -> tuple[SignatureCoverageLevel, DiffResult | SuspiciousModification, bool]:
        """Coverage, what changed after it, and whether DocMDP allows that."""
        self._enforce_hybrid_xref_policy()  # type: ignore[no-untyped-call]
        coverage = self.coverage = self.evaluate_signature_coverage()
        diff = self.diff_result = self.evaluate_modifications(STRICT_POLICY)
        self._integrity_checked = True
        allowed = self.summarise_integrity_info()["docmdp_ok"]
        return coverage, diff, allowed is not False

    def covered_digest(self) -> bytes:
        """SM3 of the covered bytes."""
        _, digest = byte_range_digest(self.reader.stream, byte_range=self.byte_range, md_algorithm=DIGEST)
        return bytes(digest)


def reads_gm(found: FoundSignature, contents: bytes) -> bool:
    """Whether a signature is one of the formats of this module, by its sub-filter or by what it holds."""
    return f"/{found.sub_filter}" in {SES_SUB_FILTER, VENDOR_CMS_SUB_FILTER} or is_gm_cms(contents)


async def judge_gm(
    reader: PdfFileReader, data: bytes, found: FoundSignature, store: TrustStore, proofs: Sequence[Judgement] = ()
) -> Judgement:
    """Judge one; errors of parsers come out as they are and become a refusal in the inspector.

    ``proofs`` are the document timestamps of the file, judged before.
    """
    gap = SignedGap(reader, found.field, found.name)  # type: ignore[arg-type]  # only fields come here
    contents = bytes(gap.pkcs7_content)
    order = gap.signed_revision
    byte_range = tuple(int(number) for number in gap.byte_range)
    if problem := hole_problem(data, byte_range, contents):
        return broken(found, problem, order, Reason.NOT_FULLY_COVERED)
    size = element_size(contents)
    if size > len(contents) or contents[size:].strip(b"\x00"):
        return broken(found, "bytes after the signature are not zeros", order)
    der, digest = contents[:size], gap.covered_digest()
    try:
        is_ses = f"/{found.sub_filter}" == SES_SUB_FILTER
        behind = proven_behind(proofs, order)
        read = await _read_ses(der, digest, store, behind) if is_ses else _read_cms(der, digest, data, byte_range)
    except ValueError as error:
        return broken(found, str(error), order)
    used = use_time(read.claimed_time, read.proven_time, behind)
    chain = await judge_certificate(read.certificate, read.beside, store, used)
    coverage, diff, allowed = gap.look()
    outcome = _outcome(read, chain.outcome, coverage, modification_of(diff), allowed=allowed)
    certificate = x509.Certificate.load(read.certificate)
    pinned = store.is_pinned(certificate)
    return Judgement(
        report=SignatureReport(
            field_name=found.name,
            format=found.sub_filter,
            kind=found.kind,
            intact=check(good=read.intact),
            valid=check(good=read.valid),
            trust=outcome.trust,
            coverage=COVERAGE[coverage],
            modification=modification_of(diff),
            signer=_name_of(certificate),
            signer_cert_sha256=hashlib.sha256(read.certificate).hexdigest(),
            digest_algorithm=DIGEST,
            claimed_time=read.claimed_time,
            reason=outcome.reason,
            detail=outcome.detail,
            signed_end=sum(byte_range[-2:]),
        ),
        indication=outcome.indication,
        sub_indication=outcome.sub_indication,
        order=order,
        revisions_after=reader.xrefs.total_revisions - 1 - order,
        pinned=pinned and read.checked,
        out_of_period=pinned and not within(certificate, store.moment),
        unchecked=read.unchecked,
        revocation_checked=chain.revocation_checked and read.checked,
        wanted=(*chain.wanted, *read.wanted),
        anchor=chain.anchor,
    )


async def _read_ses(der: bytes, digest: bytes, store: TrustStore, behind: datetime | None) -> ReadSignature:
    signature = read_signature(der)
    seal = signature.seal
    valid = sm2_verifies(signature.certificate, signature.algorithm, signature.signature, signature.signed)
    stamped = await _timestamp(signature.timestamp, signature.signature, store, behind)
    use = await judge_use(signature, store, proven=use_time(None, stamped.at, behind).proven)
    in_seal = (SEAL_TIMESTAMP,) if seal.timestamp else ()
    return ReadSignature(
        certificate=signature.certificate,
        beside=(),
        claimed_time=check_aware(signature.signed_at) if signature.signed_at is not None else None,
        intact=signature.data_hash == digest,
        valid=valid,
        refusal=stamped.refusal or use.refusal,
        unchecked=(*stamped.unchecked, *in_seal, *use.unchecked),
        proven_time=stamped.at,
        checked=stamped.checked and use.checked,
        wanted=(*stamped.wanted, *use.wanted),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stamped:
    at: datetime | None = None
    refusal: Outcome | None = None
    unchecked: tuple[str, ...] = ()
    checked: bool = True
    wanted: tuple[RevocationQuery, ...] = ()


async def _timestamp(der: bytes, signature: bytes, store: TrustStore, behind: datetime | None) -> _Stamped:
    """What a timestamp beside the signature proves: no signature covers it, so a bad one makes the file bad."""
    if not der:
        return _Stamped()
    try:
        token = read_token(der, signature)
    except SigningError:
        failed, sub = Indication.TOTAL_FAILED, SubIndication.SIG_CONSTRAINTS_FAILURE
        detail = "timestamp inside the signature"
        return _Stamped(
            refusal=Outcome(indication=failed, sub_indication=sub, reason=Reason.BAD_SIGNATURE, detail=detail)
        )
    used = UseTime(claimed=token.at, proven=behind)
    chain = await judge_certificate(token.certificate, token.beside, store, used, kind="timestamp")
    trusted = chain.outcome.reason is Reason.OK
    if trusted and (future := future_problem(token.at, store)):
        return _Stamped(refusal=future)
    if not trusted:
        return _Stamped(unchecked=(SEAL_TIMESTAMP,), wanted=chain.wanted)
    return _Stamped(at=token.at, checked=chain.pinned or chain.revocation_checked, wanted=chain.wanted)


def _read_cms(der: bytes, digest: bytes, data: bytes, byte_range: tuple[int, ...]) -> ReadSignature:
    _, start, end, rest = byte_range
    read = read_gm_cms(der)
    covered = data[:start] + data[end : end + rest]
    return ReadSignature(
        certificate=read.certificate,
        beside=read.others,
        claimed_time=read.signed_at,
        intact=read.is_over(digest),
        valid=read.verifies(covered),
    )


def _outcome(
    read: ReadSignature, trusted: Outcome, coverage: SignatureCoverageLevel, modification: str, *, allowed: bool
) -> Outcome:
    """The first of: digest, signature, seal, coverage, modification, trust that does not hold."""
    failed: tuple[SubIndication, Reason] | None = None
    if not read.intact:
        failed = (SubIndication.HASH_FAILURE, Reason.DIGEST_MISMATCH)
    elif not read.valid:
        failed = (SubIndication.SIG_CRYPTO_FAILURE, Reason.BAD_SIGNATURE)
    elif read.refusal is not None and read.refusal.indication is Indication.TOTAL_FAILED:
        return read.refusal
    elif coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        failed = (SubIndication.FORMAT_FAILURE, Reason.NOT_FULLY_COVERED)
    elif modification == "other" or not allowed:
        failed = (SubIndication.HASH_FAILURE, Reason.CHANGED_AFTER_SEALING)
    if failed is not None:
        trust = trusted.trust if read.valid else Check.NOT_CHECKED
        sub, reason = failed
        return Outcome(indication=Indication.TOTAL_FAILED, sub_indication=sub, reason=reason, trust=trust)
    if trusted.reason is Reason.OK and read.refusal is not None:
        return read.refusal
    return trusted


def _name_of(certificate: x509.Certificate) -> str:
    # STANDARDS.md 3.4: names of some CAs hold bytes that their string type does not allow.
    try:
        return common_name(certificate)
    except ValueError:
        return ""
