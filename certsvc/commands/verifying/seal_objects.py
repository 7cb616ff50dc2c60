"""A seal object (.esl) that holds by itself: is its maker one that may make seals, and how does the seal stand?

A certificate that signs documents does not make seals: a name and a picture under it would be anybody's. The maker is
known when it is our own seal maker (制作管理单位) or one that the operator named; everybody else's word is told, and
decides nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.commands.verifying.conclusion import LICENSE_STATE, as_it_is
from certsvc.seal.model import SealState
from certsvc.seal.verdict import SEAL_MAKER, Check, Indication, Reason, RegistryMatch, SubIndication

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.seal.model import Seal
    from certsvc.seal.verdict import FileFindings, Verdict

SEAL_STATE = "seal_state"


def conclude_seal_object(deps: Deps, data: bytes, findings: FileFindings, *, foreign: bool, now: datetime) -> Verdict:
    """The verdict over a seal object whose structure, maker's signature, chain and period are good.

    ``foreign`` says that the caller of the command line brought anchors, and so takes their makers. How the seal of
    another maker stands nobody here knows, and the verdict says so.
    """
    verdict = as_it_is(findings, now)
    (report,) = findings.signatures
    own, named = deps.seal_maker.is_maker(report.signer_cert_sha256), SEAL_MAKER not in findings.not_checked
    with deps.uow.read() as tx:
        seal = tx.seals.by_id(report.field_name) if own or named else None
    # A maker that was ours under another key is named by the operator: our register still knows its seals.
    if own or seal is not None:
        return _of_ours(deps, data, verdict, seal)
    unknown = replace(verdict, not_checked=(*findings.not_checked, SEAL_STATE, LICENSE_STATE))
    if foreign or named:
        return unknown
    return replace(
        unknown,
        indication=Indication.INDETERMINATE,
        sub_indication=SubIndication.GENERIC,
        reason=Reason.SEAL_MAKER_UNKNOWN,
    )


def _of_ours(deps: Deps, data: bytes, verdict: Verdict, seal: Seal | None) -> Verdict:
    """One of our maker: the very object of the seal that is in use now, or of one that is not."""
    not_checked = (*(one for one in verdict.not_checked if one != SEAL_MAKER), LICENSE_STATE)
    current = seal is not None and deps.seal_maker.has_object(seal.key_id, data)
    if seal is not None and current and seal.state is SealState.ACTIVE:
        exact = replace(verdict, registry_match=RegistryMatch.EXACT, status=Check.GOOD)
        return replace(exact, not_checked=not_checked)
    return replace(
        verdict,
        indication=Indication.TOTAL_FAILED,
        sub_indication=SubIndication.REVOKED,
        reason=Reason.SEAL_NOT_IN_USE,
        registry_match=RegistryMatch.EXACT if current else RegistryMatch.OTHER_BYTES,
        status=Check.BAD,
        not_checked=not_checked,
    )
