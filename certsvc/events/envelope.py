"""The envelope of every event: CloudEvents 1.0, and the law of its names.

``example.certsvc.<subject>.<action>.v<major>``: the subject is a noun of DESIGN.md 2, the action a past participle, the
major version changes only with an incompatible payload. The prefix is the reverse of a reserved domain; an operator
maps it to its own at the edge if it must.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.events.trace import trace_header

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "example.certsvc."
NAME_LAW = re.compile(r"^example\.certsvc\.[a-z]+\.[a-z_]+\.v[1-9][0-9]*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event as it leaves us.

    Attributes:
        event_id: unique within ``source``.
        type: obeys :data:`NAME_LAW`.
        subject: what it is about: the 证照标识, or a request id; order per subject holds.
        data: plain JSON values, no personal data.
        position: place in the feed once sequenced, else 0.
        traceparent: of the request that led to it (CloudEvents extension *distributed tracing*), or empty.
    """

    event_id: str
    type: str
    source: str
    subject: str
    time: datetime
    data: Mapping[str, object]
    position: int = 0
    traceparent: str = ""

    def cloudevent(self) -> dict[str, object]:
        """Structured JSON form (CloudEvents 1.0 §3)."""
        return {
            "specversion": "1.0",
            "id": self.event_id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": rfc3339(self.time),
            "datacontenttype": "application/json",
            "dataschema": f"urn:certsvc:events:{self.type.removeprefix(PREFIX)}",
            **trace_header(self.traceparent),
            "data": dict(self.data),
        }

    def in_feed(self) -> dict[str, object]:
        """The same with its position in front, as feed, stream and webhooks give it; without one it has none yet."""
        return {"position": self.position, **self.cloudevent()} if self.position else self.cloudevent()
