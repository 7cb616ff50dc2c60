"""An event that came in and could not be carried out: kept as it came, with the reason, until somebody decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ParkedEvent:
    """One parked event.

    Attributes:
        client_id: who sent it, by the subject that only it may write to.
        sequence: its place in the broker's stream of commands.
        headers: of the message, names in lower case.
        code, detail: why it could not be carried out, as the API would have answered.
        state: ``parked``, then ``replayed`` or ``dropped``.
    """

    parked_id: str
    client_id: str
    sequence: int
    headers: Mapping[str, str]
    body: bytes
    code: str
    detail: str
    state: str
    parked_at: datetime
