"""What the store offers about officers, their visits, and what came of scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from certsvc.license.model import Holder
    from certsvc.license.officers import Officer
    from certsvc.license.uses import Scan
    from certsvc.license.visits import Duty, Inspection, Picture, Rating, Visit, VisitOfficer


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryFilter:
    """Which scans of one body are wanted; what is empty or None asks for all.

    Attributes:
        since, until: moments; ``until`` is not within.
        before: scan id of the last row that was read, to go on behind it.
        outcome: word of ``Outcome``: what was recorded at last.
    """

    authority_code: str
    since: datetime | None = None
    until: datetime | None = None
    badge: str = ""
    version_ids: tuple[str, ...] = ()
    outcome: str = ""
    visit_id: str = ""
    before: str = ""


class Officers(Protocol):
    """The register of officers."""

    def enter(self, entries: Sequence[Officer]) -> bool:
        """Store, or replace what the entries of these badges said; False when one is another body's or was ended."""
        ...

    def by_badges(self, badges: Sequence[str]) -> Mapping[str, Officer]:
        """The entries, by badge."""
        ...

    def of_subject(self, subject: str) -> Sequence[Officer]:
        """The entries of an account, newest first."""
        ...

    def of_authority(self, authority_code: str, *, behind: str, limit: int) -> Sequence[Officer]:
        """A body's entries behind a badge, in the order of badges."""
        ...

    def end(self, badge: str, *, day: date) -> bool:
        """End an entry; False when there is none, or it was ended before."""
        ...


class Visits(Protocol):
    """Visits and who is in them."""

    def open(self, visit: Visit, *, token_sha256: str) -> bool:
        """Store with its officers; False when one of them is in an open visit, and then some may be stored."""
        ...

    def join(self, officers: Sequence[VisitOfficer]) -> bool:
        """Store more officers of a visit; False when one of them is in an open visit, and then some may be stored."""
        ...

    def hold(self, visit_id: str) -> Visit | None:
        """The visit; nobody else changes it until the end of the transaction."""
        ...

    def by_id(self, visit_id: str) -> Visit | None:
        """The visit."""
        ...

    def by_ids(self, visit_ids: Sequence[str]) -> Mapping[str, Visit]:
        """Those of these visits that there are, by id."""
        ...

    def by_token(self, token_sha256: str) -> Visit | None:
        """The visit with this proof."""
        ...

    def duties(self, subjects: Sequence[str], *, now: datetime) -> Mapping[str, Duty]:
        """In which open visit each of these accounts is, if its badge is still in force on the register; by account."""
        ...

    def close(self, visit_id: str, *, at: datetime) -> None:
        """End it, and let its officers go."""
        ...

    def leave(self, visit_id: str, authority_code: str, *, at: datetime) -> int:
        """Let the officers of one body go; how many there were."""
        ...

    def let_go(self, badges: Sequence[str], *, now: datetime) -> None:
        """Let officers out of visits that have lapsed."""
        ...

    def name_target(self, visit_id: str, holder: Holder) -> bool:
        """Name who is visited, if nobody is named yet."""
        ...

    def target_of(self, holder: Holder) -> bytes:
        """The blind index of a holder."""
        ...

    def of_target(self, target: bytes, *, since: datetime, limit: int) -> Sequence[Visit]:
        """Visits of one holder since a moment, newest first."""
        ...

    def of_versions(self, version_ids: Sequence[str], *, limit: int) -> Sequence[Visit]:
        """Visits in which these versions were scanned, newest first."""
        ...

    def of_authority(self, authority_code: str, *, before: str, limit: int) -> Sequence[Visit]:
        """Visits that officers of this body are or were in, newest first."""
        ...

    def rate(self, rating: Rating) -> bool:
        """Store a mark; False when this holder has marked the visit before."""
        ...

    def ratings_of(self, visit_ids: Sequence[str]) -> Sequence[Rating]:
        """The marks of these visits, oldest first."""
        ...


class Inspections(Protocol):
    """What came of scans: appended, never changed."""

    def append(self, inspection: Inspection) -> bool:
        """Store; False when the scan has a record of this number."""
        ...

    def of_scans(self, scan_ids: Sequence[str]) -> Mapping[str, Sequence[Inspection]]:
        """The records of each of these scans that has any, oldest first."""
        ...

    def scan(self, scan_id: str) -> Scan | None:
        """The scan."""
        ...

    def history(self, wanted: HistoryFilter, *, limit: int) -> Sequence[Scan]:
        """Scans of a body, newest first."""
        ...

    def add_picture(self, picture: Picture) -> bool:
        """Store; False when the scan has this picture."""
        ...

    def pictures_of(self, scan_ids: Sequence[str]) -> Mapping[str, Sequence[Picture]]:
        """The pictures of each of these scans that has any, oldest first."""
        ...

    def has_picture_object(self, object_name: str) -> bool:
        """Whether a picture is stored under this name."""
        ...

    def hold_scan(self, scan_id: str) -> None:
        """Let nobody else add a picture to this scan until the end of the transaction."""
        ...

    def pictures_over(self, *, now: datetime, limit: int) -> Sequence[Picture]:
        """Pictures that are to be removed, oldest first."""
        ...

    def drop_pictures(self, picture_ids: Sequence[str]) -> None:
        """Forget pictures."""
        ...

    def seal_picture(self, picture_id: str, data: bytes) -> bytes:
        """The bytes of a picture as its object holds them: encrypted, bound to the picture."""
        ...

    def open_picture(self, picture_id: str, sealed: bytes) -> bytes:
        """The bytes again; IntegrityError when they were changed or are another picture's."""
        ...
