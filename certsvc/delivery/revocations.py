"""Fetches revocation lists and OCSP answers for certificates of trusted paths, from hosts that the operator listed.

An address inside an upload is the uploader's: it is asked only when its origin stands on the operator's list
(``egress_allowed``), so that no file makes this service connect to a place of its maker's choice. What came is kept for
some minutes, and so is a failure: a publisher that is away must not make every check slow.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from certsvc.commands.ports import RevocationAnswers
from certsvc.delivery.egress import origin_of
from certsvc.errors import CertsvcError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from certsvc.delivery.egress import Egress
    from certsvc.seal.verdict import RevocationQuery

KEPT_FOR = timedelta(minutes=10)
"""How old a list may be that is used again; those of seal certificates are published at most hourly."""

FAILED_FOR = timedelta(seconds=60)
"""How long a host that did not answer is left alone."""

BUDGET_S = 8.0
"""Wall time for all questions of one file: whoever waits for the verdict waits for this too."""

MAX_KEPT = 256
"""Answers kept, of at most 1 MB each; the oldest go first."""

HTTP_OK = 200
_OCSP_TYPE = "application/ocsp-request"


@dataclass(frozen=True, slots=True)
class _Kept:
    body: bytes
    until: datetime


class FetchedRevocations:
    """Implements ``ports.RevocationSource`` over the egress port. Threads may share one."""

    def __init__(self, egress: Egress, listed: Iterable[str]) -> None:
        """Ask only origins of ``listed`` (URLs as in the setting ``egress_allowed``)."""
        self._egress = egress
        self._listed = frozenset(origin_of(url) for url in listed)
        self._kept: OrderedDict[tuple[str, bytes], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, queries: Sequence[RevocationQuery], now: datetime) -> RevocationAnswers:
        """Everything that could be had in :data:`BUDGET_S`; hosts that failed are named once."""
        lists: list[bytes] = []
        answers: list[bytes] = []
        missing: list[str] = []
        deadline = time.monotonic() + BUDGET_S
        for query in queries:
            body = self._one(query, now, deadline)
            if body:
                (lists if query.kind == "crl" else answers).append(body)
            else:
                missing.append(urlsplit(query.url).hostname or "?")
        unreachable = tuple(dict.fromkeys(missing))
        return RevocationAnswers(crls=tuple(lists), ocsps=tuple(answers), unreachable=unreachable)

    def _one(self, query: RevocationQuery, now: datetime, deadline: float) -> bytes:
        """The answer, or nothing."""
        key = (query.url, query.request)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and now < kept.until:
            return kept.body
        if not self._is_listed(query.url) or time.monotonic() >= deadline:
            return b""
        body = self._fetch(query)
        with self._lock:
            self._kept[key] = _Kept(body, now + (KEPT_FOR if body else FAILED_FOR))
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return body

    def _is_listed(self, url: str) -> bool:
        try:
            return origin_of(url) in self._listed
        except (ValueError, CertsvcError):
            return False

    def _fetch(self, query: RevocationQuery) -> bytes:
        try:
            if query.kind == "ocsp":
                answer = self._egress.post(query.url, {"Content-Type": _OCSP_TYPE}, query.request)
            else:
                answer = self._egress.call("GET", query.url, {})
        except (OSError, CertsvcError):
            return b""
        return answer.body if answer.status == HTTP_OK else b""
