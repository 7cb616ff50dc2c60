"""What time brings: rounds whose deadline passed, seals that wait, signers whose certificate ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.signers.change import expire_signers
from certsvc.commands.signings.end import expire_rounds
from certsvc.commands.signings.seal import seal_waiting_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.seal.signer import SignerUse


@dataclass(frozen=True, kw_only=True, slots=True)
class Maintained:
    """How much one look changed."""

    rounds_expired: int
    rounds_sealed: int
    signers_expired: int


def maintain_signings(deps: Deps) -> Maintained:
    """One look; every part is bounded and can be run by many processes at once."""
    return Maintained(
        rounds_expired=expire_rounds(deps),
        rounds_sealed=seal_waiting_rounds(deps),
        signers_expired=expire_signers(deps),
    )


def unanswered_signer_uses(deps: Deps, *, older_than_s: int, limit: int = 100) -> Sequence[SignerUse]:
    """Uses of people's keys without an answer: each may or may not have signed."""
    with deps.uow.read() as tx:
        return tx.signers.unanswered(before=deps.clock.now() - timedelta(seconds=older_than_s), limit=limit)
