"""The base of every payload, apart so that payloads may stand in several files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from certsvc.events.envelope import PREFIX, Event
from certsvc.events.trace import current_trace

if TYPE_CHECKING:
    from datetime import datetime

_PLAIN = frozenset({str, int, bool, float, type(None)})


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
            data=self._data(),
            traceparent=current_trace(),
        )

    def _data(self) -> dict[str, Any]:
        """As ``asdict``, which copies every value deeply, also where there is nothing to copy."""
        kind: Any = type(self)
        data = {name: getattr(self, name) for name in _names(kind)}
        return data if all(value.__class__ in _PLAIN for value in data.values()) else asdict(self)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
