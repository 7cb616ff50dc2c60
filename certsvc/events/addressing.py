"""Events that are for one reader only: nobody else is given them, by feed, stream, webhook or broker.

What became of a license is for everyone who reads events; that *you* used it, and have to look at your cases, is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.events.copy_payloads import COPY_PAYLOADS
from certsvc.events.envelope import PREFIX

if TYPE_CHECKING:
    from certsvc.events.envelope import Event

ADDRESSED: frozenset[str] = frozenset(PREFIX + payload.NAME for payload in COPY_PAYLOADS)
"""Full types; their data name ``client_id`` and ``authority_code``, the former empty where the whole body is meant."""


def is_addressed(event: Event) -> bool:
    """Whether it is for one reader only."""
    return event.type in ADDRESSED


def may_read(event: Event, *, client_id: str, authority_code: str) -> bool:
    """Whether this client, of this body, is given the event."""
    if event.type not in ADDRESSED:
        return True
    addressee = event.data.get("client_id")
    if addressee:
        return addressee == client_id
    return bool(authority_code) and event.data.get("authority_code") == authority_code
