"""Put a move of a seal on record: history, event and evidence, in the transaction of the move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.events.seal_payloads import SEAL_MOVED
from certsvc.seal.version import SealMoveRecord

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.life import SealMove
    from certsvc.seal.model import SealState

SERVICE = "certsvc"
"""Who acts when nobody asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a move carries: a code for machines, and the person's own words and numbers."""

    code: str = ""
    reason: str = ""
    document_no: str = ""
    filing_no: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """Which version of which seal moved, from where."""

    seal_id: str
    version: int
    owner_code: str
    source: SealState | None


def note_move(
    deps: Deps, tx: UnitOfWork, move: SealMove, moved: Moved, said: Said, *, actor: str, at: datetime
) -> None:
    """Append to the history, tell the world, and prove it."""
    source = moved.source.value if moved.source else ""
    tx.seal_lives.record(
        SealMoveRecord(
            move_id=deps.ids.new("smv"),
            seal_id=moved.seal_id,
            version=moved.version,
            name=move.name,
            from_state=source,
            to_state=move.target,
            actor=actor,
            at=at,
            code=said.code,
            reason=said.reason,
            document_no=said.document_no,
            filing_no=said.filing_no,
        )
    )
    payload = SEAL_MOVED[move.event](
        seal_id=moved.seal_id,
        version=moved.version,
        owner_code=moved.owner_code,
        from_state=source,
        to_state=move.target.value,
        code=said.code,
        document_no=said.document_no,
        filing_no=said.filing_no,
    )
    tx.outbox.add(
        payload.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=moved.seal_id, at=at)
    )
    content = {
        "move": move.name,
        "version": moved.version,
        "from": source,
        "to": move.target.value,
        "code": said.code,
        "reason": said.reason,
        "document_no": said.document_no,
        "filing_no": said.filing_no,
    }
    record(tx, deps, kind=f"seal.{move.event}", subject=moved.seal_id, actor=actor, content=content, at=at)
