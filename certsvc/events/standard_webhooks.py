"""Standard Webhooks 1.0.0, scheme ``v1``: what is signed and how, and the exact bytes that carry an event.

The signature is HMAC-SHA256 over ``<id>.<timestamp>.<body>``. The id is that of the event and stays the same over all
tries and replays, so a receiver that keeps ids handles nothing twice; the timestamp is that of the try.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from certsvc.events.cloudevents import STRUCTURED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certsvc.events.envelope import Event

SECRET_PREFIX = "whsec_"  # noqa: S105
LEAST_SECRET_BYTES, MOST_SECRET_BYTES = 24, 64
"""Bytes of a secret (Standard Webhooks, "Signature scheme"): fewer can be guessed, more add nothing to SHA-256."""

VERSION = "v1"
CONTENT_TYPE = f"{STRUCTURED}; charset=utf-8"

MAX_RETRY_AFTER = timedelta(hours=24)
"""Longest wait that a receiver may ask for: a wrong number in a header must not silence it for a year."""


def secret_text(raw: bytes) -> str:
    """The spelling of a secret that receivers are given; RuntimeError for too few or too many bytes."""
    if not LEAST_SECRET_BYTES <= len(raw) <= MOST_SECRET_BYTES:
        msg = f"a webhook secret has {LEAST_SECRET_BYTES} to {MOST_SECRET_BYTES} bytes"
        raise RuntimeError(msg)
    return SECRET_PREFIX + base64.b64encode(raw).decode("ascii")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,<base64>`` over one message; ``timestamp`` in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"{VERSION},{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode('ascii')}"


def headers_of(secrets: Iterable[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of one try: a signature per secret in use, separated by spaces, the newest secret first."""
    timestamp = int(at.timestamp())
    return {
        "content-type": CONTENT_TYPE,
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, message_id, timestamp, body) for secret in secrets),
    }


def body_of(event: Event) -> bytes:
    """The event as it stands in the feed, with its position, in one spelling: the same bytes on every try."""
    return json.dumps(event.in_feed(), ensure_ascii=False, separators=(",", ":")).encode()


def retry_after(header: str, now: datetime) -> timedelta | None:
    """The wait that ``Retry-After`` asks for (RFC 9110 §10.2.3), at most :data:`MAX_RETRY_AFTER`; None when unreadable.

    Seconds or a date; a date that has passed asks for no wait.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), MAX_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return min(max(until - now, timedelta(0)), MAX_RETRY_AFTER)
