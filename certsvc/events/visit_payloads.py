"""Payloads of visits (检查) and of what came of scans: no name, no note, no place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitOpened(Payload):
    """Officers have shown who they are, and may scan until a moment."""

    NAME: ClassVar[str] = "visit.opened.v1"
    visit_id: str
    authority_code: str
    departments: list[str]
    """USCCs of the other bodies of a 联合检查"""
    task_kind: str
    task_no: str
    region: str
    officers: int
    repeated: bool
    """whether the one who is visited was visited shortly before"""
    valid_until: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitJoined(Payload):
    """More officers take part."""

    NAME: ClassVar[str] = "visit.joined.v1"
    visit_id: str
    authority_code: str
    officers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitClosed(Payload):
    """An officer ended it."""

    NAME: ClassVar[str] = "visit.closed.v1"
    visit_id: str
    authority_code: str
    departments: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitRated(Payload):
    """The one who was visited marked it."""

    NAME: ClassVar[str] = "visit.rated.v1"
    visit_id: str
    authority_code: str
    mark: int
    """5 非常满意 to 1 非常不满意"""
    bad: bool
    """差评: somebody has to answer it"""


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectionRecorded(Payload):
    """What came of looking at a license; ``seq`` above 0 corrects what was recorded before."""

    NAME: ClassVar[str] = "inspection.recorded.v1"
    inspection_id: str
    scan_id: str
    seq: int
    visit_id: str
    authority_code: str
    identifier: str
    license_type: str
    outcome: str
    due_on: str
    """last day of a 责令改正, or empty"""


@dataclass(frozen=True, kw_only=True, slots=True)
class OfficerChanged(Payload):
    """An entry of the register of officers was made, changed or ended."""

    NAME: ClassVar[str] = "officer.changed.v1"
    badge: str
    authority_code: str
    kinds: list[str]
    valid_until: str
    ended: bool


VISIT_PAYLOADS: tuple[type[Payload], ...] = (
    VisitOpened,
    VisitJoined,
    VisitClosed,
    VisitRated,
    InspectionRecorded,
    OfficerChanged,
)
