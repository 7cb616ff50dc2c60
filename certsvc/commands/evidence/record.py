"""Write an evidence row in the transaction of what it proves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certsvc.events.evidence import make_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork


def record(
    tx: UnitOfWork, deps: Deps, *, kind: str, subject: str, actor: str, content: Mapping[str, Any], at: datetime
) -> None:
    """Add one evidence row to ``tx``; ``content`` holds plain JSON values."""
    row = make_evidence(
        evidence_id=deps.ids.new("evd"),
        kind=kind,
        at=at,
        salt=deps.ids.salt(),
        subject=subject,
        actor=actor,
        content=content,
    )
    tx.outbox.add_evidence(row)
