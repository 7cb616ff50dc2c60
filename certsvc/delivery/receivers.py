"""Calls the receivers of webhooks through the one way out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certsvc.commands.webhook_ports import Reply
from certsvc.delivery.egress import EgressRefused, TooLate
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.events.standard_webhooks import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.delivery.egress import Egress

_URL = re.compile(r"[\x21-\x7e]+")
"""Printable ASCII without spaces: what else a URL may hold is written in percent signs (RFC 3986 §2.1)."""


class HttpReceivers:
    """Implements ``webhook_ports.Receivers``. Threads may share one."""

    def __init__(self, egress: Egress) -> None:
        """Call through ``egress``, whose time limit is that of one try."""
        self._egress = egress

    def check(self, url: str) -> None:
        """InvalidInput for a URL that is never called."""
        if not _URL.fullmatch(url) or "#" in url:
            raise _refused("url", "网址只能是可见的 ASCII 字符，且不带 # 片段；其他字符请用百分号编码")
        try:
            self._egress.check(url)
        except EgressRefused as error:
            raise _refused(error.code, error.detail) from error

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Reply:
        """Send; the answer is its status."""
        try:
            answer = self._egress.post_only(url, headers, body)
        except TooLate as error:
            raise TimeoutError(str(error)) from error
        return Reply(status=answer.status, retry_after=retry_after(answer.headers.get("retry-after", ""), now))


def _refused(code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer="/url", code=code, detail=detail),))
