"""Fetches revocation lists and OCSP answers for certificates of trusted paths, from hosts that the operator listed.

An address inside an upload is the uploader's: it is asked only when its origin stands on the operator's list
(``egress_allowed``), so that no file makes this service connect to a place of its maker's choice. What came is kept for
some minutes, and so is a failure: a publisher that is away must not make every check slow.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from certsvc.commands.trust_ports import RevocationAnswers, SourceStanding
from certsvc.delivery.egress import origin_of
from certsvc.errors import CertsvcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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
    """Implements ``trust_ports.RevocationSource`` over the egress port. Threads may share one."""

    def __init__(
        self,
        egress: Egress,
        listed: Iterable[str],
        *,
        is_answer: Callable[[str, bytes], bool],
        timeout_s: float = 4.0,
    ) -> None:
        """Ask only origins of ``listed`` (URLs as in ``egress_allowed``); ``egress`` waits ``timeout_s`` for one.

        ``is_answer`` tells a list or an OCSP answer from an error page.
        """
        self._is_answer = is_answer
        self._timeout_s = timeout_s
        self._egress = egress
        self._listed = frozenset(origin_of(url) for url in listed)
        self._kept: OrderedDict[tuple[str, bytes], _Kept] = OrderedDict()
        self._lock = threading.Lock()
        # By listed origin, so that it holds no more than the operator wrote.
        self._standing: dict[str, SourceStanding] = {}

    def ask(self, queries: Sequence[RevocationQuery], now: datetime) -> RevocationAnswers:
        """Everything that could be had in :data:`BUDGET_S`; listed hosts that failed are named once.

        A host that is not listed was not asked, so that it is no failure of its.
        """
        lists: list[bytes] = []
        answers: list[bytes] = []
        missing: list[str] = []
        deadline = time.monotonic() + BUDGET_S
        for query in queries:
            if not self._is_listed(query.url):
                continue
            body = self._one(query, now, deadline)
            if body:
                (lists if query.kind == "crl" else answers).append(body)
            else:
                missing.append(urlsplit(query.url).hostname or "?")
        unreachable = tuple(dict.fromkeys(missing))
        return RevocationAnswers(crls=tuple(lists), ocsps=tuple(answers), unreachable=unreachable)

    def _one(self, query: RevocationQuery, now: datetime, deadline: float) -> bytes:
        """The answer, or nothing."""
        # A failure is the host's: another question to it would wait as long.
        key, host = (query.url, query.request), (origin_of(query.url), b"")
        with self._lock:
            kept = [one for one in (self._kept.get(key), self._kept.get(host)) if one is not None and now < one.until]
        if kept:
            return kept[0].body
        if time.monotonic() + self._timeout_s > deadline:
            return b""
        body = self._fetch(query)
        with self._lock:
            self._kept[key if body else host] = _Kept(body, now + (KEPT_FOR if body else FAILED_FOR))
            self._note(query, now, answered=bool(body))
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return body

    def standing(self) -> Sequence[SourceStanding]:
        """The publishers that were asked since the start of this process, by host."""
        with self._lock:
            return sorted(self._standing.values(), key=lambda one: one.host)

    def _note(self, query: RevocationQuery, now: datetime, *, answered: bool) -> None:
        """Under the lock."""
        origin, host = origin_of(query.url), urlsplit(query.url).hostname or "?"
        known = self._standing.get(origin) or SourceStanding(host=host, kinds=(), answered_at=None, failed_at=None)
        kinds = tuple(sorted({*known.kinds, query.kind}))
        said = replace(known, answered_at=now) if answered else replace(known, failed_at=now)
        self._standing[origin] = replace(said, kinds=kinds)

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
        return answer.body if answer.status == HTTP_OK and self._is_answer(query.kind, answer.body) else b""
