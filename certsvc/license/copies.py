"""Annotated copies (加注件): for whom, for which matter only, until when, and what became of them (pure).

Laws:

1. A copy is *making* from its intent to its registration; only a *given* one was ever handed out.
2. It ends by itself at ``until``, with its license (ended or replaced), or when the holder withdraws it.
3. What was given on a statutory duty cannot be withdrawn: the body may use it by law, and the holder may dispute it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

COPY_SCOPE = "annotated_copy"
"""In the scope of a seal in place of a license type: it may seal annotated copies."""

COPY_FIELD = "sharing-seal"
"""Name of the signature field of every copy."""

COPY_DAYS = 30
"""How long a copy is good unless less was asked for: a case is decided in twenty working days (行政许可法 42)."""

MAX_COPY_DAYS = 90
"""At most: a copy must not become a second license that nobody renews (DOMAIN.md 3)."""


class CopyState(StrEnum):
    """Where a copy stands on the register; that it expired is derived."""

    MAKING = "making"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatedCopy:
    """One annotated copy.

    Attributes:
        fetch_id: the fetch that it was made for; one copy per fetch.
        matter_name: as it stands on the copy.
        purpose: encrypted at rest, with the next two.
        token: of the printed code, which leads to the copy's own check.
        document_id: of the file; the same intent always makes the same page.
        basis: of the fetch; who was given it on consent may lose it.
        until: it is good before this moment.
        signed_at: what the page says of its making.
        sha256, size, object_name: of the sealed file; empty while it is being made.
    """

    copy_id: str
    fetch_id: str
    version_id: str
    client_id: str
    authority_code: str
    matter_code: str
    matter_name: str
    case_no: str
    purpose: str
    token: str
    document_id: str
    basis: str
    until: datetime
    signed_at: datetime
    state: CopyState = CopyState.MAKING
    sha256: str = ""
    size: int = 0
    object_name: str = ""
    given_at: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def number(self) -> str:
        """加注件编号, as printed."""
        return "JZ" + self.copy_id.rpartition("_")[2]

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return now >= self.until


def copy_until(now: datetime, *, wanted: datetime | None, allowed: datetime | None) -> datetime:
    """When a copy ends: as asked for, never after what the holder allowed nor after :data:`MAX_COPY_DAYS`.

    Seconds are cut off, so that the page and the register say the same.
    """
    ends = wanted or now + timedelta(days=COPY_DAYS)
    limits = [now + timedelta(days=MAX_COPY_DAYS), *([allowed] if allowed is not None else [])]
    return min(ends, *limits).replace(second=0, microsecond=0)
