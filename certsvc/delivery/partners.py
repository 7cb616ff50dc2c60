"""Asks the public verification API of another city, whose origin two people listed by confirming its recognition.

The answer is never kept: a license that was revoked a second ago must not pass here. Only a failure is, for some
seconds: a partner that is away must not hold every verification for the whole time limit.
"""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.delivery.egress import Egress
from certsvc.errors import CertsvcError
from certsvc.seal.partner_answer import PartnerAnswer, read_answer

if TYPE_CHECKING:
    from certsvc.seal.trust_list import Recognition

TIMEOUT_S = 4.0
"""One question: somebody waits for the verdict, and eight of them are all that is judged at one time."""

MAX_ANSWER_BYTES = 64 * 1024
"""Longest answer; a verdict over a digest has some two kilobytes."""

FAILED_FOR = timedelta(seconds=5)
"""How long a channel that did not answer is left alone."""

PATH = "/v1/verifications"
HTTP_OK = 200


class PartnerChannels:
    """Implements ``trust_ports.PartnerRegisters`` over the egress port. Threads may share one."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Ask each partner within ``timeout_s``."""
        self._timeout_s = timeout_s
        self._failed: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def ask(self, recognition: Recognition, sha256: str, at: datetime | None, now: datetime) -> PartnerAnswer | None:
        """Its answer for a file, now or as of ``at``; None when none came in time, or none that can be read."""
        channel = recognition.channel
        with self._lock:
            failed = self._failed.get(channel)
        if failed is not None and failed <= now < failed + FAILED_FOR:
            return None
        answer = self._fetch(channel, sha256, at)
        with self._lock:
            if answer is None:
                self._failed[channel] = now
            else:
                self._failed.pop(channel, None)
        return answer

    def _fetch(self, channel: str, sha256: str, at: datetime | None) -> PartnerAnswer | None:
        question = {"sha256": sha256, **({"at": rfc3339(at)} if at is not None else {})}
        # Only the origin that stands in the confirmed recognition: being there is being listed.
        egress = Egress(allowed=(channel,), timeout_s=self._timeout_s, max_bytes=MAX_ANSWER_BYTES)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            answer = egress.post(channel + PATH, headers, json.dumps(question).encode("ascii"))
            return read_answer(json.loads(answer.body)) if answer.status == HTTP_OK else None
        except (OSError, CertsvcError, ValueError, RecursionError):
            return None
