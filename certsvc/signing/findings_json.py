"""Findings as JSON between worker and parent: a worker that a hostile file took over can send text, not objects."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from certsvc.seal.verdict import (
    Check,
    FileFindings,
    Indication,
    Reason,
    Remark,
    RevocationQuery,
    SignatureReport,
    SubIndication,
)


def dump_findings(findings: FileFindings) -> bytes:
    """``findings`` as UTF-8 JSON."""
    return json.dumps(asdict(findings), default=_as_text, ensure_ascii=True).encode("ascii")


def load_findings(data: bytes) -> FileFindings:
    """The findings again; ValueError when ``data`` is anything else."""
    try:
        values = json.loads(data)
        return FileFindings(
            indication=Indication(values["indication"]),
            sub_indication=None if values["sub_indication"] is None else SubIndication(values["sub_indication"]),
            reason=Reason(values["reason"]),
            detail=str(values["detail"]),
            integrity=Check(values["integrity"]),
            coverage=Check(values["coverage"]),
            modification=Check(values["modification"]),
            trust=Check(values["trust"]),
            sha256=str(values["sha256"]),
            signatures=tuple(_report(one) for one in values["signatures"]),
            not_checked=tuple(str(one) for one in values["not_checked"]),
            wanted=tuple(_query(one) for one in values["wanted"]),
            anchors=tuple(str(one) for one in values["anchors"]),
            remarks=tuple(Remark(one) for one in values["remarks"]),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = "not the findings of a file"
        raise ValueError(msg) from error


def _query(values: dict[str, str]) -> RevocationQuery:
    return RevocationQuery(kind=str(values["kind"]), url=str(values["url"]), request=bytes.fromhex(values["request"]))


def _report(values: dict[str, str]) -> SignatureReport:
    claimed = values["claimed_time"]
    return SignatureReport(
        field_name=str(values["field_name"]),
        format=str(values["format"]),
        kind=str(values["kind"]),
        intact=Check(values["intact"]),
        valid=Check(values["valid"]),
        trust=Check(values["trust"]),
        coverage=str(values["coverage"]),
        modification=str(values["modification"]),
        signer=str(values["signer"]),
        signer_cert_sha256=str(values["signer_cert_sha256"]),
        digest_algorithm=str(values["digest_algorithm"]),
        claimed_time=datetime.fromisoformat(claimed) if claimed else None,
        reason=Reason(values["reason"]),
        detail=str(values["detail"]),
        signed_end=int(values["signed_end"]),
    )


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    msg = f"{type(value).__name__} in findings"
    raise TypeError(msg)
