"""Reports upward: a carrier that queues them with every event, and a sender that brings them to the province.

The two are apart so that a province that is slow, full or away holds up nothing else: the relay only writes rows.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.report_ports import Acknowledgement, Answered
from certsvc.commands.reporting.queue import queue_reports
from certsvc.commands.reporting.send import send_reports
from certsvc.delivery.egress import EgressRefused
from certsvc.errors import CertsvcError, Unavailable
from certsvc.events.standard_webhooks import retry_after
from certsvc.events.strict_json import read_json

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.delivery.egress import Egress
    from certsvc.events.envelope import Event

log = structlog.get_logger("certsvc.reports")

NAME = "province_reports"
LOOK_S = 2.0
"""Pause when nothing is due; one read of a partial index."""
MAX_REASON = 500
"""Characters kept of a province's reason: what somebody else writes must not fill our rows."""
QUOTA_PAUSE = timedelta(minutes=1)
"""How long to stay away when the province says too many and not until when."""
HTTP_OK, HTTP_MANY = 200, 429
REFUSED = frozenset({400, 413, 422})
"""Answers about what was sent; every other one is about the province, and is waited out."""


class ReportQueue:
    """Implements ``ports.Carrier``: events become rows."""

    name = NAME

    def carry(self, deps: Deps, events: Sequence[Event]) -> None:
        """Queue what is to be reported."""
        queue_reports(deps, events)

    def close(self) -> None:
        """Nothing: the sender has the connections."""


class HttpProvince:
    """Implements ``report_ports.Province`` over the one way out."""

    def __init__(self, egress: Egress, url: str, token: str, *, source: str) -> None:
        """Send to ``url`` with a bearer ``token``, as ``source``."""
        self._egress = egress
        self._url = url
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self._source = source

    def send(self, items: Sequence[Mapping[str, object]], *, now: datetime) -> Answered:
        """Send reports in order."""
        body = json.dumps({"source": self._source, "items": list(items)}, ensure_ascii=False).encode("utf-8")
        try:
            answer = self._egress.post(self._url, self._headers, body)
        except EgressRefused:
            raise
        except OSError as error:
            raise Unavailable(f"省级平台没有应答（{error}），稍后自动重报") from error
        if answer.status == HTTP_OK:
            return Answered(about=_acknowledgements(answer.body))
        if answer.status == HTTP_MANY:
            away = retry_after(answer.headers.get("retry-after", ""), now)
            return Answered(about={}, away=away or QUOTA_PAUSE)
        if answer.status in REFUSED:
            return Answered(about={}, refused=f"省级平台拒收（HTTP {answer.status}）")
        raise Unavailable(f"省级平台应答 HTTP {answer.status}，稍后自动重报")


class ReportSender:
    """Sends what is due, in a thread of its own."""

    def __init__(self, deps: Deps, *, owner: str) -> None:
        """Send through ``deps.province`` as ``owner`` of the lease."""
        self._deps = deps
        self._owner = owner

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop."""
        wait = 0.0
        while not stop.wait(wait):
            try:
                wait = self.once()
            except CertsvcError as error:
                log.warning("reports wait", action="reports.error", reason=error.code)
                wait = LOOK_S
            except Exception:
                log.exception("reports failed", action="reports.crashed")
                wait = LOOK_S

    def once(self) -> float:
        """One sending; seconds to wait before the next."""
        province = self._deps.province
        if province is None:
            return LOOK_S
        away = send_reports(self._deps, province, owner=self._owner)
        return LOOK_S if away is None else away.total_seconds()


def _acknowledgements(body: bytes) -> dict[str, Acknowledgement]:
    """What is said of each report; Unavailable for an answer that cannot be read."""
    try:
        said = read_json(body)
        results = said["results"]
        return {
            str(one["id"]): Acknowledgement(
                accepted=one["code"] == "accepted", reason=str(one.get("reason", ""))[:MAX_REASON]
            )
            for one in results
            if one["code"] in {"accepted", "rejected"}
        }
    except (CertsvcError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable("省级平台的应答无法识别，稍后自动重报") from error
