"""Events that are for one reader only: nobody else is given them, by feed, stream, webhook, replay or broker.

What became of a license is for everyone who reads events; that *you* used it, and have to look at your cases, is not,
and neither is what a regulator watches. This is the one place that decides it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.events.copy_payloads import COPY_PAYLOADS
from certsvc.events.envelope import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.events.envelope import Event

ADDRESSED: frozenset[str] = frozenset(PREFIX + payload.NAME for payload in COPY_PAYLOADS)
"""Full types; their data name ``client_id`` and ``authority_code``, the former empty where the whole body is meant."""
REGULATORS_FAMILY = "oversight"
"""审管双推送: for the client of the subscription that is the subject, which the data do not name; of any version."""
_REGULATORS = f"{PREFIX}{REGULATORS_FAMILY}."


def is_addressed(event: Event) -> bool:
    """Whether it is for one reader only."""
    return event.type in ADDRESSED or _is_regulators(event)


def oversights_of(events: Sequence[Event]) -> Sequence[str]:
    """The subscriptions of regulators that these events are about, each once, whose clients ``may_read`` must know."""
    return sorted({event.subject for event in events if _is_regulators(event)})


def may_read(event: Event, *, client_id: str, authority_code: str, overseers: Mapping[str, str]) -> bool:
    """Whether this client, of this body, is given the event.

    ``overseers`` tells the client of every subscription of :func:`oversights_of`; one that it leaves out is nobody's.
    """
    if _is_regulators(event):
        return bool(client_id) and overseers.get(event.subject) == client_id
    if event.type not in ADDRESSED:
        return True
    addressee = event.data.get("client_id")
    if addressee:
        return addressee == client_id
    return bool(authority_code) and event.data.get("authority_code") == authority_code


def _is_regulators(event: Event) -> bool:
    return event.type.startswith(_REGULATORS)
