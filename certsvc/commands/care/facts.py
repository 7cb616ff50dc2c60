"""What a file stands on, as it is registered with it: told by the sealer, or read where a timestamp was added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.seal.care import with_seals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.issuance.sealing import SealStep
    from certsvc.commands.ports import Deps
    from certsvc.seal.care import SignatureFacts

STAMPED = frozenset({"pades-b-t"})
"""Formats whose seals have a timestamp inside, of an authority that the sealer did not choose."""


def sealed_facts(
    deps: Deps, data: bytes, steps: Sequence[SealStep], signed_at: datetime, *, preserved: bool
) -> tuple[SignatureFacts, ...]:
    """The signatures of a file that was just sealed as a plan says; only one with timestamps is read for it."""
    if preserved or any(step.format in STAMPED for step in steps):
        return with_seals(deps.sealer.read_facts(data), [step.seal.seal_id for step in steps])
    return tuple(deps.sealer.facts(step.seal, step.format, signed_at=signed_at) for step in steps)
