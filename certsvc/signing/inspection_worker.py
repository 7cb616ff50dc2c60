"""What the worker processes of :mod:`certsvc.signing.isolated` do with a file: judge it.

The request holds the moment, since when the file provably existed, and anchors, intermediates, makers of seals, CRLs
and OCSP answers in hexadecimal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from certsvc.signing.findings_json import dump_findings
from certsvc.signing.inspector import judge_file
from certsvc.signing.trust import Evidence, TrustAnchors

ANCHOR_PARTS = ("anchors", "stamps", "intermediates", "makers", "crls", "ocsps")
"""Names in a request of its lists of DER."""

ANSWER = "certsvc.signing.inspection_worker:answer"
"""How a pool names :func:`answer`."""


def answer(request: dict[str, Any], data: bytes) -> bytes:
    """Findings in JSON."""
    parts = (tuple(bytes.fromhex(der) for der in request[name]) for name in ANCHOR_PARTS)
    anchors, stamps, intermediates, makers, crls, ocsps = parts
    required = request["revocation_required"]
    trust = TrustAnchors(anchors, intermediates, revocation_required=required, stamps=stamps, makers=makers)
    proven = datetime.fromisoformat(request["proven"]) if request["proven"] else None
    now = datetime.fromisoformat(request["now"])
    evidence = Evidence(crls=crls, ocsps=ocsps, proven=proven, now=now)
    return dump_findings(judge_file(data, trust, datetime.fromisoformat(request["moment"]), evidence))
