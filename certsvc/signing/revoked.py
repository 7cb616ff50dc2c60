"""What a certificate's revocation means for a signature, by when that was made (GM/T 0031-2014 §6.3; EN 319 102-1)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.seal.verdict import Check, Indication, Reason, SubIndication
from certsvc.signing.judgement import Outcome, not_trusted
from certsvc.signing.revocation import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from asn1crypto import x509

    from certsvc.signing.trust import TrustStore


@dataclass(frozen=True, kw_only=True, slots=True)
class UseTime:
    """When a signature was made: as its maker says, or as a trusted timestamp proves."""

    claimed: datetime | None = None
    proven: datetime | None = None


def judge_revocation(path: Sequence[x509.Certificate], store: TrustStore, used: UseTime) -> tuple[Outcome | None, bool]:
    """What does not hold, if anything, and whether every certificate below the anchor was spoken of.

    ``path`` goes from the anchor to the signer. Revoked before the signing is failure; after it, only a timestamp
    proves that it was after; not known is told, or stops the file where the configuration demands an answer.
    """
    unknown = False
    for issuer, certificate in itertools.pairwise(path):
        status = store.revocation.status(certificate, issuer)
        if status.standing is Standing.UNKNOWN:
            unknown = True
        if status.standing is not Standing.REVOKED or status.since is None:
            continue
        if used.proven is not None and used.proven < status.since:
            continue
        at = used.proven or used.claimed
        if at is not None and at < status.since:
            reason = Reason.CERT_REVOKED_AFTER_SIGNING
            return not_trusted(SubIndication.REVOKED_NO_POE, reason, trust=Check.BAD), True
        return _revoked(), True
    if unknown and store.anchors.revocation_required:
        return not_trusted(SubIndication.TRY_LATER, Reason.REVOCATION_UNKNOWN), False
    return None, not unknown and len(path) > 1


def _revoked() -> Outcome:
    failed, sub = Indication.TOTAL_FAILED, SubIndication.REVOKED
    return Outcome(indication=failed, sub_indication=sub, reason=Reason.CERT_REVOKED, trust=Check.BAD)
