"""What the worker processes of :mod:`certsvc.signing.isolated` do with a file: judge it.

The request holds the moment, and anchors, intermediates and CRLs in hexadecimal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from certsvc.signing.findings_json import dump_findings
from certsvc.signing.inspector import judge_file
from certsvc.signing.trust import TrustAnchors

ANCHOR_PARTS = ("anchors", "intermediates", "crls")
"""Names in a request of the parts of :class:`~certsvc.signing.trust.TrustAnchors`, in their order."""

ANSWER = "certsvc.signing.inspection_worker:answer"
"""How a pool names :func:`answer`."""


def answer(request: dict[str, Any], data: bytes) -> bytes:
    """Findings in JSON."""
    anchors, intermediates, crls = (tuple(bytes.fromhex(der) for der in request[name]) for name in ANCHOR_PARTS)
    trust = TrustAnchors(anchors, intermediates, crls, revocation_required=request["revocation_required"])
    return dump_findings(judge_file(data, trust, datetime.fromisoformat(request["moment"])))
