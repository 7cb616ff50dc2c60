"""Is this file good? The steps of DESIGN.md 4, Verify.

1. Is it ours? SHA-256 against the register: these bytes, other bytes, none.
2. Structure, coverage, every signature, chain, times: the signing room, in a process of its own. For registered bytes
   the time is that of registration, which the register proves; otherwise it is the moment of asking.
3. License state now.

A check that was not made says so in ``not_checked``. A good signature over bytes that we did not register is never
"passed" on the configured anchors alone: our own seal gives "not our bytes" (no trick on the file survives that
comparison, RELIABILITY 1.3), a foreign one "not issued here". Only anchors that the caller of the command line brings
make a foreign file pass.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.commands.evidence.record import record
from certsvc.commands.ports import TrustChoice
from certsvc.commands.signings.verdict import registered_document, with_register
from certsvc.commands.verifying.facts import public_facts, reason_of, sub_indication_of
from certsvc.commands.verifying.stands import stands
from certsvc.errors import TooLarge
from certsvc.seal.verdict import Check, Indication, Reason, RegistryMatch, SubIndication, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.seal.stampings import Stamping
    from certsvc.seal.verdict import FileFindings, LicenseFacts

ANYONE = "anyone"


def verify_file(deps: Deps, data: bytes, trust: TrustChoice | None = None, *, on_record: bool = True) -> Verdict:
    """The verdict over an uploaded file.

    Args:
        deps: the ports.
        data: the file.
        trust: extra anchors and moment; only the command line may pass one.
        on_record: whether the check is written to the evidence rows.

    Raises:
        TooLarge: more bytes than the limit.
    """
    limit = deps.policy.max_upload_bytes
    if len(data) > limit:
        raise TooLarge(f"文件超过 {limit // (1024 * 1024)} MB，请上传电子证照原文件")
    chosen = trust or TrustChoice()
    now = deps.clock.now()
    moment = chosen.at or now
    digest = hashlib.sha256(data).hexdigest()
    with deps.uow.read() as tx:
        version = tx.licenses.by_sha256(digest)
        facts = public_facts(deps, tx, version, moment) if version is not None else None
        how = stands(deps, tx, version, moment) if version is not None else None
        document = registered_document(tx, digest) if version is None else None
        stamping = tx.stampings.by_sha256(digest) if version is None else None
    times = [row.created_at for row in (version,) if row] + [row.at for row in (document, stamping) if row]
    if chosen.at is None and times:
        chosen = replace(chosen, at=times[0])
    findings = deps.inspector.inspect(data, chosen, now)
    if stamping is not None:
        return conclude_stamped(findings, stamping, now)
    verdict = conclude(deps, findings, version, how, facts, foreign=bool(chosen.extra_anchors), now=now)
    if document is not None:
        verdict = replace(
            with_register(verdict, findings, document), detail=f"时间依据：登记时间 {rfc3339(document.at)}"
        )
    # An anonymous check of a file that is not ours leaves nothing: it would let anyone fill the database.
    if on_record and version is not None:
        with deps.uow() as tx:
            record(
                tx,
                deps,
                kind="verify.answered",
                subject=version.identifier,
                actor=ANYONE,
                content={"sha256": digest, "reason": verdict.reason.value, "indication": verdict.indication.value},
                at=now,
            )
    return verdict


def conclude(
    deps: Deps,
    findings: FileFindings,
    version: LicenseVersion | None,
    how: Standing | None,
    facts: LicenseFacts | None,
    *,
    foreign: bool,
    now: datetime,
) -> Verdict:
    """Findings, register and state into one verdict.

    ``version`` and ``how`` are None when these bytes are not on the register; ``foreign`` says that the caller brought
    anchors of their own.
    """
    match = RegistryMatch.EXACT if how is not None else RegistryMatch.NONE
    indication, sub, reason = findings.indication, findings.sub_indication, findings.reason
    status = Check.NOT_CHECKED
    not_checked = list(findings.not_checked)
    if how is not None:
        status = Check.GOOD if how.good else Check.BAD
        if not how.good and indication is not Indication.TOTAL_FAILED:
            # Also when the file could not be judged: these bytes are on the register, and the license is over.
            indication, sub, reason = Indication.TOTAL_FAILED, sub_indication_of(how), reason_of(how)
        elif indication is Indication.TOTAL_PASSED:
            reason = reason_of(how)
    elif any(deps.sealer.is_own(item.signer_cert_sha256) for item in findings.signatures):
        match = RegistryMatch.OTHER_BYTES
        if indication is Indication.TOTAL_PASSED:
            indication, sub = Indication.TOTAL_FAILED, SubIndication.SIG_CONSTRAINTS_FAILURE
            reason = Reason.NOT_OUR_BYTES
    elif indication is Indication.TOTAL_PASSED and not foreign:
        indication, sub, reason = Indication.INDETERMINATE, SubIndication.GENERIC, Reason.NOT_OURS
    if status is Check.NOT_CHECKED:
        not_checked.append("license_state")
    return Verdict(
        indication=indication,
        sub_indication=sub,
        reason=reason,
        detail=findings.detail if version is None else f"时间依据：登记时间 {rfc3339(version.created_at)}",
        registry_match=match,
        integrity=findings.integrity,
        coverage=findings.coverage,
        modification=findings.modification,
        trust=findings.trust,
        status=status,
        checked_at=now,
        signatures=findings.signatures,
        license=facts,
        not_checked=tuple(not_checked),
    )


def conclude_stamped(findings: FileFindings, stamping: Stamping, now: datetime) -> Verdict:
    """The verdict over a document that was stamped here by hand: exactly the registered bytes, and no license."""
    return Verdict(
        indication=findings.indication,
        sub_indication=findings.sub_indication,
        reason=findings.reason,
        detail=f"本机关登记的盖章文件，不是证照；时间依据：登记时间 {rfc3339(stamping.at)}",
        registry_match=RegistryMatch.EXACT,
        integrity=findings.integrity,
        coverage=findings.coverage,
        modification=findings.modification,
        trust=findings.trust,
        status=Check.NOT_CHECKED,
        checked_at=now,
        signatures=findings.signatures,
        not_checked=(*findings.not_checked, "license_state"),
    )


def conclude_without_register(findings: FileFindings, now: datetime) -> Verdict:
    """A verdict where there is no register to ask: the command line on a machine without one."""
    passed = findings.indication is Indication.TOTAL_PASSED
    return Verdict(
        indication=findings.indication,
        sub_indication=findings.sub_indication,
        reason=Reason.OK_REGISTER_NOT_ASKED if passed else findings.reason,
        detail=findings.detail,
        registry_match=RegistryMatch.NOT_CHECKED,
        integrity=findings.integrity,
        coverage=findings.coverage,
        modification=findings.modification,
        trust=findings.trust,
        status=Check.NOT_CHECKED,
        checked_at=now,
        signatures=findings.signatures,
        not_checked=(*findings.not_checked, "register", "license_state"),
    )
