"""What the timestamps inside a signature of RFC 5652 prove: a time, once their authority holds (EN 319 102-1 §5.4).

pyHanko says whether a token is sound and leads to an anchor; whether its authority was revoked, and whether its time
can be true, is asked here, as for every other timestamp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.clock import check_aware
from certsvc.seal.verdict import Reason, RevocationQuery, SubIndication
from certsvc.signing.chains import path_problem
from certsvc.signing.judgement import Outcome, not_trusted
from certsvc.signing.revocation import SKEW
from certsvc.signing.revoked import UseTime, judge_revocation

if TYPE_CHECKING:
    from datetime import datetime

    from pyhanko.sign.validation.status import DocumentTimestampStatus, PdfSignatureStatus, TimestampSignatureStatus

    from certsvc.signing.trust import TrustStore

DETAIL = "timestamp inside the signature"
FUTURE = "timestamp of the future"


@dataclass(frozen=True, kw_only=True, slots=True)
class InnerStamps:
    """The timestamps inside one signature.

    Attributes:
        proven: the time that a timestamp over the signature proves, or None.
        refusal: what does not hold, or None; a token that pyHanko does not trust is not judged here.
        checked: revocation data spoke of the path of every token.
        wanted: what could still be asked about the others.
    """

    proven: datetime | None = None
    refusal: Outcome | None = None
    checked: bool = True
    wanted: tuple[RevocationQuery, ...] = ()


def judge_inner(status: PdfSignatureStatus | DocumentTimestampStatus, store: TrustStore) -> InnerStamps:
    """Judge the tokens that pyHanko trusts: over the signature, and over its content."""
    over = getattr(status, "timestamp_validity", None)
    content = getattr(status, "content_timestamp_validity", None)
    found = [(one, _judge(one, store)) for one in (over, content) if one is not None and _trusted(one)]
    judged = [one for _, one in found]
    return InnerStamps(
        proven=next((one.proven for stamp, one in found if stamp is over), None),
        refusal=next((one.refusal for one in judged if one.refusal is not None), None),
        checked=all(one.checked for one in judged),
        wanted=tuple(query for one in judged for query in one.wanted),
    )


def future_problem(at: datetime, store: TrustStore) -> Outcome | None:
    """A refusal when a timestamp names a time that is not yet: it proves nothing, and would outlive revocations."""
    if at <= store.now + SKEW:
        return None
    return not_trusted(SubIndication.SIG_CONSTRAINTS_FAILURE, Reason.BAD_SIGNATURE, detail=FUTURE)


def _trusted(stamp: TimestampSignatureStatus) -> bool:
    return bool(stamp.intact and stamp.valid and stamp.trusted)


def _judge(stamp: TimestampSignatureStatus, store: TrustStore) -> InnerStamps:
    at = check_aware(stamp.timestamp)
    refusal = future_problem(at, store)
    if refusal is not None or store.is_pinned(stamp.signing_cert, "timestamp"):
        return InnerStamps(proven=None if refusal else at, refusal=refusal)
    path = list(stamp.validation_path.iter_certs(include_root=True)) if stamp.validation_path is not None else []
    revoked = judge_revocation(path, store, UseTime(claimed=at))
    refusal = path_problem(path) or _refusal_of(revoked.refusal)
    return InnerStamps(proven=None if refusal else at, refusal=refusal, checked=revoked.checked, wanted=revoked.wanted)


def _refusal_of(refusal: Outcome | None) -> Outcome | None:
    """What an authority that does not hold means for the signature around its token: no proof, never a failure."""
    if refusal is None or refusal.reason is Reason.REVOCATION_UNKNOWN:
        return refusal
    return not_trusted(SubIndication.REVOKED_NO_POE, Reason.UNTRUSTED_CHAIN, trust=refusal.trust, detail=DETAIL)
