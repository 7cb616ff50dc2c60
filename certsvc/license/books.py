"""Rows that the books of the service must agree on: the register, its files, outbox, evidence and uses of seals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certsvc.events.evidence import EvidenceRow


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionRow:
    """A license version as the books must agree on it.

    Attributes:
        sha256: digest of its main artifact; empty when that row is missing.
        issued_here: whether our seal made it, or it was registered as it came.
        moves: the names of the moves it has had.
    """

    version_id: str
    identifier: str
    request_id: str
    sha256: str
    issued_here: bool
    moves: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRow:
    """A registered file.

    Attributes:
        place: where its page goes on.
        about: what it is a file of: 证照标识, the id of a stamping or of a round.
        object_name: empty where the name follows from the digest.
        reservation_id: the use of a seal that made it, where the row says so.
    """

    place: str
    about: str
    sha256: str
    object_name: str = ""
    reservation_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadEvidence:
    """An evidence row as it was read; None when it does not open any more."""

    row_no: int
    evidence_id: str
    row: EvidenceRow | None


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedRow:
    """What one business number led to.

    Attributes:
        request_state: how far its request is.
        identifier, sha256: of the license that was issued; empty while there is none.
        place: where its page goes on; empty where there are no pages.
    """

    business_no: str
    request_state: str
    identifier: str
    sha256: str
    place: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Days of issue, both included."""

    first: date
    last: date
