"""Events out over the broker: every event of the feed, in order, in structured form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from certsvc.delivery.broker import Outgoing
from certsvc.events.addressing import is_addressed
from certsvc.events.cloudevents import STRUCTURED
from certsvc.events.envelope import PREFIX
from certsvc.events.trace import trace_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.delivery.broker import Broker
    from certsvc.events.envelope import Event

NAME = "jetstream"


class JetStreamCarrier:
    """Implements ``ports.Carrier``: ``<prefix>.events.<type>``, with the event's id as ``Nats-Msg-Id``."""

    name = NAME

    def __init__(self, broker: Broker) -> None:
        """Publish to ``broker``."""
        self._broker = broker

    def carry(self, deps: Deps, events: Sequence[Event]) -> None:  # noqa: ARG002  (nothing is looked up)
        """Publish all; Unavailable when not every one was acknowledged.

        What is for one reader only is left to the feed, the stream and webhooks, which know who reads.
        """
        self._broker.publish([message_of(event, self._broker.prefix) for event in events if not is_addressed(event)])

    def close(self) -> None:
        """Nothing: who made the broker ends it."""


def message_of(event: Event, prefix: str) -> Outgoing:
    """The message of an event. ``position`` tells readers the order, and where to ask the feed for what they miss."""
    return Outgoing(
        subject=f"{prefix}.events.{event.type.removeprefix(PREFIX)}",
        key=event.event_id,
        body=orjson.dumps(event.in_feed()),
        headers={"content-type": STRUCTURED, **trace_header(event.traceparent)},
    )
