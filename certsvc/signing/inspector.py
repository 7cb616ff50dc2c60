"""Judges the signatures of a PDF without asking the register: the gate of five rules (RELIABILITY.md 1.2).

Steps of :func:`judge_file` (EN 319 102-1 §5.3 in the order of RELIABILITY.md 1.2):

1. Size and magic: a PDF, or a seal object, which ``judging_objects`` judges alone.
2. Structure: a strict reader; an encrypted file is not judged.
3. Every signature, whatever its sub-filter (``fields``).
4. Each signature: gap and CMS byte for byte, digest, signature, coverage, modification, algorithm, chain (``judging``).
5. The file: nothing behind its end, (b) all signatures good, (d) the last one covers everything, (e) one is a seal.

(a) An exception anywhere is "cannot be verified", never good. (c) is the policy in ``judging``. What the caller must
still do: ask the register (is it ours, which state) and, for uploads, run all this in a worker (``isolated``).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from pyhanko.pdf_utils.misc import PdfError

from certsvc.clock import check_aware
from certsvc.seal.verdict import Check, FileFindings, Indication, Reason, Remark, SubIndication
from certsvc.signing.bytes_rules import MAX_FILE_BYTES, byte_range_count, ends_cleanly, looks_like_pdf
from certsvc.signing.covering import shows_on_the_sealed_page
from certsvc.signing.dangling import NullReader
from certsvc.signing.details import details_changed
from certsvc.signing.fields import ends_at, find_signatures
from certsvc.signing.judging import judge
from certsvc.signing.judging_objects import judge_seal_object, may_be_seal_object
from certsvc.signing.listed_anchors import ListedAnchors, listed
from certsvc.signing.placed import stands_outside
from certsvc.signing.revisions import only_security_store_after, security_store
from certsvc.signing.trailing import only_long_term_data
from certsvc.signing.trust import NO_EVIDENCE, Evidence, TrustStore
from certsvc.signing.unlisted import reads_two_ways

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from certsvc.commands.ports import TrustChoice
    from certsvc.signing.judgement import Judgement
    from certsvc.signing.trust import TrustAnchors

NOT_CHECKED_REVOCATION = "revocation"
NOT_CHECKED_PERIOD = "certificate_period"
"""A pinned certificate is outside its period at the moment of verification (an anchor is trusted as it is)."""
NOT_CHECKED_EXTRA_BYTE_RANGE = "unlisted_byte_range"
"""The raw bytes hold more ``/ByteRange`` keys than signatures were found: a warning only (RELIABILITY 1.2)."""

MAX_QUERIES = 8
"""Questions about revocation that one file may cause; stops files made to keep the way out busy."""

LONG_TERM_DATA = "lta_updates"
"""The one kind of revision that may follow the last seal: DSS and document timestamps (rule d)."""

# pyHanko logs names of signers and fields of foreign files, with tracebacks: personal data has no place in our logs.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class PdfInspector:
    """The ``FileInspector`` port in this process: for files that we have just made, and inside the workers."""

    def __init__(self, anchors: TrustAnchors | ListedAnchors) -> None:
        """Judge under ``anchors``: fixed ones, or those of the trust list in force."""
        self._anchors = listed(anchors)

    def inspect(self, data: bytes, trust: TrustChoice, now: datetime) -> FileFindings:
        """Findings in the words of EN 319 102-1; never raises for a bad file.

        Raises:
            InvalidInput: an extra anchor of ``trust`` is not a PEM certificate.
        """
        moment = check_aware(trust.at if trust.at is not None else now)
        anchors = self._anchors.chosen(trust, now)
        return judge_file(data, anchors, moment, evidence_of(trust, now))


def evidence_of(trust: TrustChoice, now: datetime) -> Evidence:
    """What a caller knows beside the file."""
    return Evidence(crls=trust.crls, ocsps=trust.ocsps, proven=trust.proven, now=check_aware(now))


def judge_file(data: bytes, anchors: TrustAnchors, moment: datetime, evidence: Evidence = NO_EVIDENCE) -> FileFindings:
    """Steps 1 to 5 under ``anchors`` at ``moment``; never raises for a bad file."""
    refusal = refuse_at_the_door(data)
    if refusal is not None:
        return refusal
    _refuse_running_loop()
    try:
        if may_be_seal_object(data):
            return judge_seal_object(data, anchors, moment, evidence)
        return asyncio.run(_inspect(data, anchors, moment, evidence))
    except (PdfError, ValueError) as error:
        return cannot_verify(data, Indication.TOTAL_FAILED, Reason.MALFORMED, type(error).__name__)
    except Exception as error:  # noqa: BLE001  (rule a: whatever a hostile file provokes is "cannot be verified")
        return cannot_verify(data, Indication.INDETERMINATE, Reason.MALFORMED, type(error).__name__)


def _refuse_running_loop() -> None:
    """RuntimeError inside an event loop: our own mistake, which must not come out as a verdict about the file."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    msg = "files are judged in threads or workers, never inside an event loop"
    raise RuntimeError(msg)


def refuse_at_the_door(data: bytes) -> FileFindings | None:
    """Step 1: size and magic, without any parsing."""
    if len(data) > MAX_FILE_BYTES:
        return cannot_verify(data, Indication.INDETERMINATE, Reason.TOO_LARGE, f"{len(data)} > {MAX_FILE_BYTES}")
    if not looks_like_pdf(data) and not may_be_seal_object(data):
        return cannot_verify(data, Indication.TOTAL_FAILED, Reason.NOT_A_PDF, "")
    return None


def cannot_verify(data: bytes, indication: Indication, reason: Reason, detail: str) -> FileFindings:
    """Findings of a file that was not judged; ``detail`` is for operators and quotes nothing of the file."""
    sub = SubIndication.FORMAT_FAILURE if indication is Indication.TOTAL_FAILED else SubIndication.GENERIC
    if reason in {Reason.TIMED_OUT, Reason.CANNOT_CHECK_NOW}:
        sub = SubIndication.TRY_LATER
    return FileFindings(
        indication=indication,
        sub_indication=sub,
        reason=reason,
        detail=detail,
        integrity=Check.UNKNOWN,
        coverage=Check.UNKNOWN,
        modification=Check.UNKNOWN,
        trust=Check.NOT_CHECKED,
        sha256=hashlib.sha256(data).hexdigest(),
        not_checked=("signatures", NOT_CHECKED_REVOCATION),
    )


async def _inspect(data: bytes, anchors: TrustAnchors, moment: datetime, evidence: Evidence) -> FileFindings:
    reader = NullReader(io.BytesIO(data))
    if reader.encrypt_dict is not None:
        return cannot_verify(data, Indication.INDETERMINATE, Reason.ENCRYPTED, "")
    found = find_signatures(reader)
    if not found:
        return cannot_verify(data, Indication.INDETERMINATE, Reason.NO_SIGNATURE, "")
    crls, ocsps = security_store(reader)
    store = TrustStore(anchors, moment, replace(evidence, brought_crls=crls, brought_ocsps=ocsps))
    stamps: list[Judgement] = []
    # EN 319 102-1 §5.6.2.3: each timestamp holds at the time that one behind it proves, so the last is judged first.
    for one in sorted((one for one in found if one.kind == "timestamp"), key=ends_at, reverse=True):
        stamps.append(await judge(reader, data, one, store, tuple(stamps)))
    seals = [await judge(reader, data, one, store, stamps) for one in found if one.kind != "timestamp"]
    judged = [*seals, *stamps]
    judged.sort(key=lambda one: one.order)
    seals_end = max([one.order for one in judged if one.report.kind != "timestamp"], default=judged[-1].order)
    store_only = only_security_store_after(reader, judged[-1].order) and only_long_term_data(reader, seals_end)
    ends = [(one.order, one.report.signed_end) for one in judged if one.report.signed_end]
    outside = stands_outside(reader, data, ends) or reads_two_ways(reader, data, ends)
    findings = _combine(data, judged, store_only=store_only, outside=outside)
    return replace(findings, remarks=_remarks(reader, judged))


def _remarks(reader: NullReader, judged: list[Judgement]) -> tuple[Remark, ...]:
    """What to look at beside the outcome; a later timestamp shows nothing, or the file fails."""
    seals = [one.order for one in judged if one.report.kind == "seal" and one.report.valid is Check.GOOD]
    told = []
    if len(seals) > 1 and shows_on_the_sealed_page(reader, min(seals)):
        told.append(Remark.LATER_SIGNATURE_SHOWS)
    if len(seals) > 1 and details_changed(reader, min(seals)):
        told.append(Remark.DETAILS_CHANGED_LATER)
    return tuple(told)


def _combine(data: bytes, judged: list[Judgement], *, store_only: bool, outside: bool) -> FileFindings:
    """Step 5: one answer for the file from those of its signatures, ordered by revision."""
    covered = Check.BAD if outside else _coverage(data, judged)
    modified = _modified(judged, store_only=store_only)
    worst = min(judged, key=_rank)
    indication, sub, reason = worst.indication, worst.sub_indication, worst.report.reason
    if indication is not Indication.TOTAL_FAILED:
        if covered is Check.BAD:
            indication, sub = Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE
            reason = Reason.NOT_FULLY_COVERED
        elif modified is Check.BAD:
            indication, sub = Indication.TOTAL_FAILED, SubIndication.HASH_FAILURE
            reason = Reason.CHANGED_AFTER_SEALING
        elif all(one.report.kind == "timestamp" for one in judged):
            indication, sub = Indication.INDETERMINATE, SubIndication.GENERIC
            reason = Reason.ONLY_TIMESTAMPS
    return FileFindings(
        indication=indication,
        sub_indication=sub,
        reason=reason,
        detail=worst.report.detail,
        integrity=_integrity(judged, covered, modified),
        coverage=covered,
        modification=modified,
        trust=_all(one.report.trust for one in judged),
        sha256=hashlib.sha256(data).hexdigest(),
        signatures=tuple(one.report for one in judged),
        not_checked=_not_checked(data, judged),
        wanted=tuple(dict.fromkeys(query for one in judged for query in one.wanted))[:MAX_QUERIES],
        anchors=tuple(one.anchor for one in judged if one.report.kind != "timestamp"),
    )


def _rank(one: Judgement) -> int:
    order = (Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED)
    return order.index(one.indication)


def _coverage(data: bytes, judged: list[Judgement]) -> Check:
    """Rule d: the last signature covers the file, or what follows it is a revision of long-term data."""
    reports = [one.report for one in judged]
    if any(report.coverage == "unclear" and report.reason is Reason.UNSUPPORTED_SIGNATURE for report in reports):
        return Check.UNKNOWN
    if not ends_cleanly(data) or any(report.coverage in {"partial", "unclear"} for report in reports):
        return Check.BAD
    last = judged[-1]
    if last.report.coverage == "entire_file":
        return Check.GOOD
    # Bytes after the last signature that form no revision belong to nothing that was judged.
    return Check.GOOD if last.revisions_after > 0 else Check.BAD


def _modified(judged: list[Judgement], *, store_only: bool) -> Check:
    """Rule c and the other half of d: after the last seal only long-term data; before it, no other changes either."""
    reports = [one.report for one in judged]
    if any(report.reason is Reason.CHANGED_AFTER_SEALING or report.modification == "other" for report in reports):
        return Check.BAD
    if any(report.modification == "unclear" for report in reports):
        return Check.UNKNOWN
    seals = [one for one in judged if one.report.kind == "seal"]
    for last in (*judged[-1:], *seals[-1:]):
        if last.report.coverage != "entire_file" and last.report.modification != LONG_TERM_DATA:
            return Check.BAD
    return Check.GOOD if store_only else Check.BAD


def _integrity(judged: list[Judgement], covered: Check, modified: Check) -> Check:
    """Good when every signature is cryptographically sound over an unmodified file; a weak algorithm proves nothing."""
    answers = [check for one in judged for check in (one.report.intact, one.report.valid)]
    combined = _all((*answers, covered, modified))
    if combined is Check.GOOD and any(one.report.reason is Reason.WEAK_ALGORITHM for one in judged):
        return Check.UNKNOWN
    return combined


def _all(checks: Iterable[Check]) -> Check:
    answers = set(checks)
    for worst in (Check.BAD, Check.UNKNOWN, Check.NOT_CHECKED):
        if worst in answers:
            return worst
    return Check.GOOD


def _not_checked(data: bytes, judged: list[Judgement]) -> tuple[str, ...]:
    missing = []
    if not all(one.pinned or one.revocation_checked for one in judged):
        missing.append(NOT_CHECKED_REVOCATION)
    if any(one.out_of_period for one in judged):
        missing.append(NOT_CHECKED_PERIOD)
    missing.extend(sorted({part for one in judged for part in one.unchecked}))
    if byte_range_count(data) > len(judged):
        missing.append(NOT_CHECKED_EXTRA_BYTE_RANGE)
    return tuple(missing)
