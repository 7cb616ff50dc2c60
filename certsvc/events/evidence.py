"""Evidence rows and the canonical bytes of their leaves, fixed now so that a log can be built on them.

A leaf is the RFC 8785 form of ``{"v": 1, "id", "kind", "at", "subject", "actor", "content"}``. ``subject``, ``actor``
and ``content`` are SHA-256 over a salt and the value, so a leaf tells nothing by itself and a row whose details were
erased still proves its place. The salt and the details stay in the row; the details are encrypted by the store.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from certsvc.clock import rfc3339
from certsvc.events.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAF_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceRow:
    """One thing that happened, to be proved later.

    Attributes:
        kind: ``license.issued``, ``seal.used``, ``show.made``, ``scan.answered``, ``fetch.given`` …
        leaf: the canonical bytes.
        salt: 16 random bytes.
        details: canonical JSON of what the digests stand for.
        position: leaf index once sequenced (from 1), else 0.
    """

    evidence_id: str
    kind: str
    at: datetime
    salt: bytes
    leaf: bytes
    details: bytes
    position: int = 0


def salted_digest(salt: bytes, value: bytes) -> str:
    """Hex SHA-256 of ``salt || value``."""
    return hashlib.sha256(salt + value).hexdigest()


def make_evidence(
    *, evidence_id: str, kind: str, at: datetime, salt: bytes, subject: str, actor: str, content: Mapping[str, Any]
) -> EvidenceRow:
    """Build a row; ``content`` holds plain JSON values."""
    body = canonical(dict(content))
    leaf = canonical(
        {
            "v": LEAF_VERSION,
            "id": evidence_id,
            "kind": kind,
            "at": rfc3339(at),
            "subject": salted_digest(salt, subject.encode()),
            "actor": salted_digest(salt, actor.encode()),
            "content": salted_digest(salt, body),
        }
    )
    # The same bytes as of the whole (names sorted), without writing the content a second time.
    details = b'{"actor":%b,"content":%b,"subject":%b}' % (canonical(actor), body, canonical(subject))
    return EvidenceRow(evidence_id=evidence_id, kind=kind, at=at, salt=salt, leaf=leaf, details=details)
