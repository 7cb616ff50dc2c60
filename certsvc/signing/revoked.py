"""What a certificate's revocation means for a signature, by when that was made (GM/T 0031-2014 §6.3; EN 319 102-1)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.seal.verdict import Check, Indication, Reason, RevocationQuery, SubIndication
from certsvc.signing.judgement import Outcome, not_trusted
from certsvc.signing.revocation import Standing
from certsvc.signing.revocation_queries import queries_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from asn1crypto import x509

    from certsvc.signing.judgement import Judgement
    from certsvc.signing.trust import TrustStore


@dataclass(frozen=True, kw_only=True, slots=True)
class UseTime:
    """When a signature was made: as its maker says, or as a trusted timestamp proves."""

    claimed: datetime | None = None
    proven: datetime | None = None


def use_time(claimed: datetime | None, *proven: datetime | None) -> UseTime:
    """The earliest time that a trusted timestamp proves, in the signature or behind it, or the one that is claimed."""
    return UseTime(claimed=claimed, proven=min((at for at in proven if at is not None), default=None))


def proven_behind(proofs: Sequence[Judgement], order: int) -> datetime | None:
    """The earliest time that document timestamps behind the revision ``order`` prove for all of it."""
    times = [one.proven_time for one in proofs if one.order > order]
    return min((at for at in times if at is not None), default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class RevocationJudgement:
    """What revocation means for a signature.

    Attributes:
        refusal: what does not hold, or None.
        checked: whether every certificate below the anchor was spoken of.
        wanted: what could still be asked about the others.
    """

    refusal: Outcome | None = None
    checked: bool = False
    wanted: tuple[RevocationQuery, ...] = ()


def judge_revocation(path: Sequence[x509.Certificate], store: TrustStore, used: UseTime) -> RevocationJudgement:
    """Judge every certificate of ``path``, which goes from the anchor to the signer.

    Revoked before the signing is failure; after it, only a timestamp or our register proves that it was after; not
    known is told, or stops the file where the configuration demands an answer.
    """
    wanted: list[RevocationQuery] = []
    unknown = False
    times = [at for at in (used.proven, store.proven) if at is not None]
    proven = min(times, default=None)
    for issuer, certificate in itertools.pairwise(path):
        status = store.revocation.status(certificate, issuer)
        if status.standing is Standing.UNKNOWN:
            unknown = True
            wanted += queries_of(certificate, issuer)
        if status.standing is not Standing.REVOKED or status.since is None:
            continue
        if proven is not None and proven < status.since:
            continue
        at = proven or used.claimed
        if at is not None and at < status.since:
            refusal = not_trusted(SubIndication.REVOKED_NO_POE, Reason.CERT_REVOKED_AFTER_SIGNING, trust=Check.BAD)
            return RevocationJudgement(refusal=refusal, checked=True)
        return RevocationJudgement(refusal=_revoked(), checked=True)
    missing: Outcome | None = None
    if unknown and store.anchors.revocation_required:
        missing = not_trusted(SubIndication.TRY_LATER, Reason.REVOCATION_UNKNOWN)
    return RevocationJudgement(refusal=missing, checked=not unknown and len(path) > 1, wanted=tuple(wanted))


def _revoked() -> Outcome:
    failed, sub = Indication.TOTAL_FAILED, SubIndication.REVOKED
    return Outcome(indication=failed, sub_indication=sub, reason=Reason.CERT_REVOKED, trust=Check.BAD)
