"""What the register of rounds adds to the judgement of a file: that these bytes were signed here, and when.

A person may withdraw at any time, and the certificate is revoked with it. What was signed before stays good (the
register holds every revision with its time, so no signature on it can have been made after the withdrawal); a file that
the register does not hold has no such proof.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.seal.signing_round import RoundState
from certsvc.seal.verdict import Check, Indication, Reason, RegistryMatch, SubIndication, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.verdict import FileFindings

LATE_REVOCATION = frozenset({Reason.OK, Reason.CERT_REVOKED_AFTER_SIGNING})


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredDocument:
    """A file that is a revision of a round.

    Attributes:
        at: when the revision was registered.
        final: whether it is the last revision of a complete round.
    """

    round_id: str
    at: datetime
    final: bool


def registered_document(tx: UnitOfWork, sha256: str) -> RegisteredDocument | None:
    """The revision that these bytes are, if a signature made it; an unsigned upload proves nothing."""
    found = tx.signings.registered(sha256)
    if found is None or found[1].number == 0:
        return None
    round_id, revision = found
    signing = tx.signings.by_id(round_id)
    final = signing is not None and signing.state is RoundState.COMPLETE and signing.head.number == revision.number
    return RegisteredDocument(round_id=round_id, at=revision.at, final=final)


def sound(findings: FileFindings) -> bool:
    """Whether every signature holds for one who knows that all were made when they claim.

    That is: nothing is wrong, or the one thing is a revocation after the claimed time, which our register proves.
    """
    if findings.indication is Indication.TOTAL_PASSED:
        return True
    good = (findings.integrity, findings.coverage, findings.modification)
    return (
        findings.indication is Indication.INDETERMINATE
        and all(check is Check.GOOD for check in good)
        and bool(findings.signatures)
        and all(report.reason in LATE_REVOCATION for report in findings.signatures)
    )


def with_register(verdict: Verdict, findings: FileFindings, document: RegisteredDocument) -> Verdict:
    """The verdict over a file that the register of rounds holds."""
    known = replace(verdict, registry_match=RegistryMatch.EXACT)
    if not sound(findings):
        return replace(
            known,
            indication=findings.indication,
            sub_indication=findings.sub_indication,
            reason=findings.reason,
        )
    if not document.final:
        return replace(
            known,
            indication=Indication.INDETERMINATE,
            sub_indication=SubIndication.GENERIC,
            reason=Reason.SIGNING_UNFINISHED,
        )
    return replace(known, indication=Indication.TOTAL_PASSED, sub_indication=None, reason=Reason.OK_SIGNED_DOCUMENT)
