"""Receipts: a verdict as a statement that can be shown to somebody else and checked later.

A receipt names what was asked (by digest: it holds no file, no code and no number), the verdict, what was not checked,
the trust list and the source of time. It is never given under anchors that a caller brought (DESIGN.md 4).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.seal.reason_words import REMARKS, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.commands.ports import Deps
    from certsvc.ids import Ids
    from certsvc.seal.verdict import Verdict

TIME_SOURCE = "system-clock"
"""Where ``checked_at`` comes from: the clock of this machine, which the operator keeps by NTP."""

MAX_SIGNATURES = 10
"""Signatures that a receipt lists; their number is always told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a verification was about: ``file``, ``digest``, ``code`` or ``number``, and its SHA-256 in hex.

    Codes and numbers are digested with a ``salt`` that stands beside the receipt and not in it: whoever is shown the
    receipt alone cannot try names and numbers until one fits, and showing the salt proves what was asked.
    """

    kind: str
    sha256: str
    salt: str = ""

    @classmethod
    def file(cls, data: bytes) -> Asked:
        """About a file."""
        return cls(kind="file", sha256=hashlib.sha256(data).hexdigest())

    @classmethod
    def about(cls, ids: Ids, kind: str, *parts: str) -> Asked:
        """About texts that a receipt must not repeat."""
        salt = ids.token()
        return cls(kind=kind, sha256=hashlib.sha256("\x1f".join((salt, *parts)).encode()).hexdigest(), salt=salt)


def receipt_of(deps: Deps, verdict: Verdict, asked: Asked) -> str:
    """The verdict as a compact JWS; Unavailable where no receipt key was made."""
    words = WORDS[verdict.reason]
    claims: dict[str, object] = {
        "asked": {"kind": asked.kind, "sha256": asked.sha256},
        "checked_at": rfc3339(verdict.checked_at),
        "as_of": rfc3339(verdict.as_of) if verdict.as_of is not None else None,
        "indication": verdict.indication.value,
        "sub_indication": verdict.sub_indication.value if verdict.sub_indication else None,
        "reason": verdict.reason.value,
        "text": words.zh,
        "checks": {
            "registry_match": verdict.registry_match.value,
            "integrity": verdict.integrity.value,
            "coverage": verdict.coverage.value,
            "modification": verdict.modification.value,
            "trust": verdict.trust.value,
            "status": verdict.status.value,
        },
        "not_checked": list(verdict.not_checked),
        "remarks": [{"code": one.value, "text": REMARKS[one][0]} for one in verdict.remarks],
        "unreachable": list(verdict.unreachable),
        "signatures": [
            {"certificate_sha256": one.signer_cert_sha256, "format": one.format, "reason": one.reason.value}
            for one in verdict.signatures[:MAX_SIGNATURES]
        ],
        "signature_count": len(verdict.signatures),
        "license": _license(verdict),
        "copy": verdict.copy.number if verdict.copy is not None else "",
        "trust_list": _trust_list(deps, verdict),
        "recognition": _recognition(verdict),
        "time_source": TIME_SOURCE,
        "time_basis": verdict.time_basis,
    }
    return deps.verification_receipts.sign(claims, now=verdict.checked_at)


def read_receipt(deps: Deps, receipt: str) -> Mapping[str, object]:
    """The claims of a receipt of ours; InvalidInput when it is none."""
    return deps.verification_receipts.read(receipt)


def _trust_list(deps: Deps, verdict: Verdict) -> dict[str, object]:
    """The version that the verdict stands on, or was in force: a digest over its anchors, and how many there are."""
    log, number = deps.trust.log, verdict.list_version
    listed = log.version(number) if number is not None else log.known_at(verdict.as_of or verdict.checked_at)
    return {"version": listed.version, "sha256": listed.fingerprint(), "anchors": len(listed.anchors)}


def _recognition(verdict: Verdict) -> dict[str, object] | None:
    cited = verdict.recognition
    if cited is None:
        return None
    return {
        "partner": cited.partner,
        "partner_name": cited.partner_name,
        "list_version": cited.list_version,
        "effective_from": rfc3339(cited.effective_from),
        "note": cited.note,
    }


def _license(verdict: Verdict) -> dict[str, str] | None:
    facts = verdict.license
    if facts is None:
        return None
    return {"identifier": facts.identifier, "type": facts.type_slug, "state": facts.state, "origin": facts.origin}
