"""The end of a round that everybody signed: event and evidence, in the transaction that ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.events.signing_payloads import SigningCompleted

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.signing_round import SigningRound


def tell_completed(tx: UnitOfWork, deps: Deps, signing: SigningRound, now: datetime) -> None:
    """Tell that ``signing`` is complete; its head is the final document."""
    seal_id = signing.seal.seal_id if signing.seal else ""
    payload = SigningCompleted(
        round_id=signing.round_id,
        authority_code=signing.authority_code,
        sha256=signing.head.sha256,
        seal_id=seal_id,
    )
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=signing.round_id, at=now))
    content = {"sha256": signing.head.sha256, "seal_id": seal_id}
    record(
        tx,
        deps,
        kind="signing.completed",
        subject=signing.round_id,
        actor="certsvc",
        content=content,
        at=now,
    )
