"""A decision as a plain JSON value, for the encrypted columns that hold one."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from certsvc.license.model import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping


def decision_out(decision: Decision) -> dict[str, Any]:
    """Dates are written by the JSON writer."""
    return asdict(decision)


def decision_in(value: Mapping[str, Any]) -> Decision:
    """What :func:`decision_out` described."""
    return Decision(
        authority_code=value["authority_code"],
        document_no=value["document_no"],
        decided_on=date.fromisoformat(value["decided_on"]),
        basis=value["basis"],
        until=date.fromisoformat(value["until"]) if value["until"] else None,
    )
