"""From findings, register and state to one verdict (step 6 of ``verify_file``; EN 319 102-1 §5.1.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.commands.verifying.facts import reason_of, sub_indication_of
from certsvc.seal.verdict import Check, Indication, Reason, RegistryMatch, SubIndication, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.verifying.register import RegisterView
    from certsvc.seal.stampings import Stamping
    from certsvc.seal.verdict import FileFindings, SignatureReport

FILE_CHECKS = ("integrity", "coverage", "modification", "trust")
"""Checks of a file; a code or a number says nothing about one."""

LICENSE_STATE = "license_state"
REGISTER = "register"


def conclude(deps: Deps, findings: FileFindings, view: RegisterView | None, *, foreign: bool, now: datetime) -> Verdict:
    """Findings, register and state into one verdict.

    ``view`` is None when these bytes are not on the register; ``foreign`` says that the caller brought anchors.
    """
    match = RegistryMatch.EXACT if view is not None else RegistryMatch.NONE
    indication, sub, reason = findings.indication, findings.sub_indication, findings.reason
    status = Check.NOT_CHECKED
    not_checked = list(findings.not_checked)
    if view is not None:
        how = view.how
        status = Check.GOOD if how.good else Check.BAD
        if not how.good and indication is not Indication.TOTAL_FAILED:
            # Also when the file could not be judged: these bytes are on the register, and the license is over.
            indication, sub, reason = Indication.TOTAL_FAILED, sub_indication_of(how), reason_of(how)
        elif indication is Indication.TOTAL_PASSED:
            reason = reason_of(how)
    elif any(deps.sealer.is_own(item.signer_cert_sha256) and _holds(item) for item in findings.signatures):
        match = RegistryMatch.OTHER_BYTES
        if indication is Indication.TOTAL_PASSED:
            indication, sub = Indication.TOTAL_FAILED, SubIndication.SIG_CONSTRAINTS_FAILURE
            reason = Reason.NOT_OUR_BYTES
    elif indication is Indication.TOTAL_PASSED and not foreign:
        indication, sub, reason = Indication.INDETERMINATE, SubIndication.GENERIC, Reason.NOT_OURS
    if status is Check.NOT_CHECKED:
        not_checked.append(LICENSE_STATE)
    return replace(
        as_it_is(findings, now),
        indication=indication,
        sub_indication=sub,
        reason=reason,
        detail=findings.detail if view is None else f"时间依据：登记时间 {rfc3339(view.version.created_at)}",
        registry_match=match,
        status=status,
        license=view.facts if view is not None else None,
        not_checked=tuple(not_checked),
        later=view.later if view is not None else None,
    )


def _holds(report: SignatureReport) -> bool:
    """Whether the key of the certificate signed: somebody's certificate in a file is not yet that somebody's seal.

    Over what it signed is another question: a seal of ours over other content is still "ours, and other bytes".
    """
    return report.valid is Check.GOOD


def conclude_not_then(findings: FileFindings | None, now: datetime) -> Verdict:
    """The verdict over what was not registered yet at the moment asked about: then, nobody had issued it."""
    seen = as_it_is(findings, now) if findings is not None else unseen(Reason.LICENSE_NOT_REGISTERED_THEN, now)
    return replace(
        seen,
        indication=Indication.TOTAL_FAILED,
        sub_indication=SubIndication.GENERIC,
        reason=Reason.LICENSE_NOT_REGISTERED_THEN,
        detail="",
        registry_match=RegistryMatch.NONE,
        not_checked=(*seen.not_checked, *(() if findings is None else (LICENSE_STATE,))),
    )


def conclude_stamped(findings: FileFindings, stamping: Stamping, now: datetime) -> Verdict:
    """The verdict over a document that was stamped here by hand: exactly the registered bytes, and no license."""
    return replace(
        as_it_is(findings, now),
        detail=f"本机关登记的盖章文件，不是证照；时间依据：登记时间 {rfc3339(stamping.at)}",
        registry_match=RegistryMatch.EXACT,
        not_checked=(*findings.not_checked, LICENSE_STATE),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """What a verdict stands on.

    Attributes:
        at: the moment asked about, or None for now.
        proven: since when the bytes exist, by our register.
        list_version: version of the trust list; None where there is none.
    """

    at: datetime | None = None
    proven: datetime | None = None
    list_version: int | None = None


def with_times(verdict: Verdict, times: Times, unreachable: tuple[str, ...] = ()) -> Verdict:
    """The verdict with what it stands on, and with the hosts that did not answer."""
    basis = "registered" if times.proven is not None else "asked" if times.at is not None else "now"
    return replace(
        verdict,
        as_of=times.at,
        time_basis=basis if verdict.signatures else "",
        list_version=times.list_version,
        unreachable=unreachable,
    )


def unseen(reason: Reason, now: datetime) -> Verdict:
    """The verdict where no file was looked at and the register knows nothing: every check says so."""
    return Verdict(
        indication=Indication.TOTAL_FAILED,
        sub_indication=SubIndication.GENERIC,
        reason=reason,
        detail="",
        registry_match=RegistryMatch.NONE,
        integrity=Check.NOT_CHECKED,
        coverage=Check.NOT_CHECKED,
        modification=Check.NOT_CHECKED,
        trust=Check.NOT_CHECKED,
        status=Check.NOT_CHECKED,
        checked_at=now,
        not_checked=(*FILE_CHECKS, LICENSE_STATE),
    )


def as_it_is(findings: FileFindings, now: datetime) -> Verdict:
    """Findings as a verdict, before anybody was asked about the register."""
    return Verdict(
        indication=findings.indication,
        sub_indication=findings.sub_indication,
        reason=findings.reason,
        detail=findings.detail,
        registry_match=RegistryMatch.NOT_CHECKED,
        integrity=findings.integrity,
        coverage=findings.coverage,
        modification=findings.modification,
        trust=findings.trust,
        status=Check.NOT_CHECKED,
        checked_at=now,
        signatures=findings.signatures,
        not_checked=findings.not_checked,
        remarks=findings.remarks,
    )


def conclude_without_register(findings: FileFindings, now: datetime, at: datetime | None = None) -> Verdict:
    """A verdict where there is no register to ask: the command line on a machine without one."""
    passed = findings.indication is Indication.TOTAL_PASSED and findings.reason is not Reason.OK_SEAL_OBJECT
    verdict = replace(
        as_it_is(findings, now),
        reason=Reason.OK_REGISTER_NOT_ASKED if passed else findings.reason,
        not_checked=(*findings.not_checked, REGISTER, LICENSE_STATE),
    )
    return with_times(verdict, Times(at=at))
