"""Which seals may close a signing round without a person of the seal at hand, and which never will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import SealUnavailable
from certsvc.seal.model import SEAL_STATE_ZH, SealState
from certsvc.seal.use import Against, SealUse, refusal_of

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.seal.model import Seal

SCOPE = frozenset({Against.TYPE, Against.MATTER, Against.REGION})

OVER = frozenset({SealState.CANCELLED, SealState.EXPIRED})
"""A seal never leaves these: who needs one applies for a new seal, with another id."""


def round_use(deps: Deps, seal: Seal, operator: str) -> SealUse:
    """What the use of a seal at the end of a round is about: a document, for the region of the seal's owner."""
    known = deps.catalog.has_authority(seal.owner_code)
    return SealUse(operator=operator, region=deps.catalog.authority(seal.owner_code).region if known else "")


def check_round_seal(deps: Deps, seal: Seal, operator: str) -> None:
    """SealUnavailable for a seal that only its keepers use, that needs approvals, or whose scope has no documents.

    Nobody of the seal sees the document of a round, so a seal that wants to be used by hand is never used here.
    """
    refused = _by_its_rules(deps, seal, operator)
    if refused:
        raise SealUnavailable(refused)


def why_never(deps: Deps, seal: Seal | None, operator: str) -> str:
    """Why no later try could set this seal either, or empty: for a stopped seal or a used-up budget one waits."""
    if seal is None:
        return "印章不存在：请改用其他印章重新发起，或由保管人办理文件盖章"
    if seal.state in OVER:
        return f"印章“{seal.name}”已{SEAL_STATE_ZH[seal.state]}：请改用其他印章重新发起，或由保管人办理文件盖章"
    return _by_its_rules(deps, seal, operator)


def _by_its_rules(deps: Deps, seal: Seal, operator: str) -> str:
    if seal.rules.manual_needed or seal.rules.keepers:
        return (
            f"印章“{seal.name}”须由其保管人用印或经批准：请在签署完成后由保管人办理文件盖章，或改用可由系统用印的印章"
        )
    use = round_use(deps, seal, operator)
    refusal = refusal_of(seal, use, deps.clock.now(), key_id=seal.key_id, type_name="证照以外的文件")
    return refusal.detail if refusal is not None and refusal.against in SCOPE else ""
