"""Events that are for some readers only: nobody else is given them, by feed, stream, webhook, replay or broker.

What became of a license is for everyone who reads events, save bodies that act on consent alone; that *you* used it,
and have to look at your cases, is not, neither is what a regulator watches, nor who used which license for whose case.
This is the one place that decides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from certsvc.events.copy_payloads import COPY_PAYLOADS
from certsvc.events.envelope import PREFIX
from certsvc.identifiers.license_identifier import issuer_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.events.envelope import Event

ADDRESSED: frozenset[str] = frozenset(PREFIX + payload.NAME for payload in COPY_PAYLOADS)
"""Full types; their data name ``client_id`` and ``authority_code``, the former empty where the whole body is meant."""
REGULATORS_FAMILY = "oversight"
"""审管双推送: for the client of the subscription that is the subject, which the data do not name; of any version."""
_REGULATORS = f"{PREFIX}{REGULATORS_FAMILY}."
USES: tuple[str, ...] = (
    *("license.fetched", "license.scanned", "material.fetched"),
    *("inspection", "consent", "challenge", "dispute"),
)
"""用证、扫码、检查、用证申请、反扫、异议: who did what with whose license; for the issuer, the body itself, overseers.

Families and names of any version. The issuer stands in the 证照标识; the body is ``authority_code``, or that of the
system ``client_id``, which only the register knows. An event that names neither is for overseers alone.
"""
_USES = tuple(f"{PREFIX}{name}." for name in USES)
_NOBODYS: Mapping[str, str] = MappingProxyType({})


def is_addressed(event: Event) -> bool:
    """Whether it is for some readers only."""
    return event.type in ADDRESSED or _is_regulators(event) or _is_use(event)


def oversights_of(events: Sequence[Event]) -> Sequence[str]:
    """The subscriptions of regulators that these events are about, each once, whose clients ``may_read`` must know."""
    return sorted({event.subject for event in events if _is_regulators(event)})


def systems_of(events: Sequence[Event]) -> Sequence[str]:
    """The systems that these uses name, each once, whose bodies ``may_read`` must know."""
    return sorted({str(event.data.get("client_id") or "") for event in events if _is_use(event)} - {""})


def may_read(
    event: Event,
    *,
    client_id: str,
    authority_code: str,
    overseers: Mapping[str, str],
    bodies: Mapping[str, str] = _NOBODYS,
    sees_uses: bool = False,
    addressed_only: bool = False,
) -> bool:
    """Whether this client, of this body, is given the event.

    ``overseers`` tells the client of every subscription of :func:`oversights_of`, ``bodies`` the body of every system
    of :func:`systems_of`; one that they leave out is nobody's. ``sees_uses`` is for who oversees the uses of all.
    ``addressed_only`` is for systems of bodies that act on consent alone: what became of the licenses of the whole
    register is not theirs to learn, only what they used themselves; and they watch over nothing.
    """
    if _is_regulators(event):
        return bool(client_id) and not addressed_only and overseers.get(event.subject) == client_id
    if _is_use(event):
        return (sees_uses and not addressed_only) or _is_party(event, client_id, authority_code, bodies)
    if event.type not in ADDRESSED:
        return not addressed_only
    addressee = event.data.get("client_id")
    if addressee:
        return addressee == client_id
    return bool(authority_code) and event.data.get("authority_code") == authority_code


def _is_use(event: Event) -> bool:
    return event.type.startswith(_USES)


def _is_party(event: Event, client_id: str, authority_code: str, bodies: Mapping[str, str]) -> bool:
    system = str(event.data.get("client_id") or "")
    data = event.data
    parties = {data.get("authority_code"), data.get("issuer_code"), bodies.get(system)}
    parties.add(issuer_in(str(data.get("identifier") or "")))
    return (system != "" and system == client_id) or (authority_code != "" and authority_code in parties)


def _is_regulators(event: Event) -> bool:
    return event.type.startswith(_REGULATORS)
