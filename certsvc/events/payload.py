"""The base of every payload, apart so that payloads may stand in several files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from certsvc.events.envelope import PREFIX, Event
from certsvc.events.trace import current_trace

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload:
    """Base of every payload; ``NAME`` is ``<subject>.<action>.v<major>``."""

    NAME: ClassVar[str] = ""

    def event(self, *, event_id: str, source: str, subject: str, at: datetime) -> Event:
        """Wrap the payload in its envelope; the event belongs to the trace of what is done now."""
        return Event(
            event_id=event_id,
            type=PREFIX + self.NAME,
            source=source,
            subject=subject,
            time=at,
            data=_data_of(self),
            traceparent=current_trace(),
        )


_FLAT = frozenset({str, int, bool, type(None)})


def _data_of(payload: Payload) -> dict[str, Any]:
    """The fields by name; only a payload that holds more than plain values is copied in depth."""
    data = {one.name: getattr(payload, one.name) for one in fields(payload)}
    return data if _FLAT.issuperset(map(type, data.values())) else asdict(payload)
