"""The page as it was sealed beside the page now, from nothing but the file that the asker holds.

What was sealed is the part of the file that a sound seal on the trust list covers: signatures of others cannot make
something pass for it. The registered original is never given out here: it holds personal data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.ports import TrustChoice
from certsvc.commands.seals.authorities import own_crls
from certsvc.errors import TooLarge, UploadRefused
from certsvc.seal.differences import Compared, Comparison
from certsvc.seal.verdict import Check

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.seal.verdict import FileFindings

SEAL = "seal"


def compare_with_sealed(deps: Deps, data: bytes) -> Comparison:
    """The pages of ``data`` that look different from its sealed part.

    Raises:
        TooLarge: more bytes than the limit.
        Unavailable: all workers are busy.
    """
    limit = deps.policy.max_upload_bytes
    if len(data) > limit:
        raise TooLarge(f"文件超过 {limit // (1024 * 1024)} MB，请上传电子证照原文件")
    findings = deps.inspector.inspect(data, TrustChoice(crls=own_crls(deps)), deps.clock.now())
    ends = sealed_ends(findings)
    if not ends:
        return Comparison(outcome=Compared.NO_SEAL)
    if not data[ends[-1] :].strip():
        return Comparison(outcome=Compared.NOTHING_AFTER)
    try:
        return deps.uploads.compare(data, end=ends[-1])
    except UploadRefused:
        return Comparison(outcome=Compared.CANNOT_DRAW)


def sealed_ends(findings: FileFindings) -> list[int]:
    """Where the parts end that sound and trusted seals cover, in order."""
    return sorted(
        one.signed_end
        for one in findings.signatures
        if one.kind == SEAL and one.signed_end and (one.intact, one.valid, one.trust) == (Check.GOOD,) * 3
    )
