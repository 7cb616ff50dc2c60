"""Inspections that officers made without network and send later."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certsvc.license.visits import Outcome

MAX_RECORDS = 200
"""Records in one batch; a device sends the next batch when this one was answered. Bounds the signatures of one call."""

MAX_AGE = timedelta(days=30)
"""How late a record is taken; afterwards nobody knows the code any more."""

RECORD_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
"""What a device calls its record: random, at least 96 bits in base64url."""

MAX_AHEAD = timedelta(days=366)
"""How far a device's clock may run ahead; one that is further away says nothing at all."""

DECIDED = re.compile(r"[a-z0-9_]{0,64}")
"""Light and reason that a device showed: codes of ours, or of a later release."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuedOutcome:
    """What the officer noted on the device: as ``license.visits.Inspection``, before the register knows of it."""

    outcome: Outcome
    due_on: date | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuedInspection:
    """A record as a device sent it.

    Attributes:
        made_at: the device's clock.
        code: the text that was scanned.
        light, reason: what the device showed.
        identity_checked: whether an identity document was compared.
        visit_id: the visit that the device showed, or empty.
        said: what came of it, or None.
    """

    record_id: str
    made_at: datetime
    code: str
    light: str
    reason: str
    identity_checked: bool
    status_as_of: datetime | None = None
    visit_id: str = ""
    said: QueuedOutcome | None = None

    def digest(self) -> str:
        """Hex SHA-256 over all of it: what makes a record the same when it is sent again."""
        values = [
            self.record_id,
            self.made_at.isoformat(),
            self.code,
            self.light,
            self.reason,
            self.identity_checked,
            self.status_as_of.isoformat() if self.status_as_of else "",
        ]
        # Only where there is any: a record that was taken before there were these is still the same.
        if self.visit_id or self.said:
            values.append(self.visit_id)
        if self.said:
            due = self.said.due_on.isoformat() if self.said.due_on else ""
            values += [self.said.outcome.value, due, self.said.note]
        return hashlib.sha256(json.dumps(values).encode("ascii")).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectionRecord:
    """A record that was taken.

    Attributes:
        digest: of what was sent.
        then, now: reason codes: what the register says of the moment of the inspection, and of that of arrival.
        flags: what stands out, such as ``after_block``.
    """

    device_id: str
    record_id: str
    digest: str
    scan_id: str
    made_at: datetime
    received_at: datetime
    light: str
    reason: str
    identity_checked: bool
    then: str
    now: str
    flags: tuple[str, ...]


AFTER_BLOCK = "after_block"
"""made after the device had been blocked"""
RECEIVED_AFTER_BLOCK = "received_after_block"
"""made before the device was blocked, by its own clock, and sent after"""
CLOCK_AHEAD = "clock_ahead"
"""made, by the device's clock, after it arrived here"""
ENDED_MEANWHILE = "ended_meanwhile"
"""good at the inspection, not good at arrival"""
GOOD_MEANWHILE = "good_meanwhile"
"""not good at the inspection, good at arrival"""
DECIDED_OTHERWISE = "decided_otherwise"
"""the device showed green, and the register says that it was not"""
NOT_IN_VISIT = "not_in_visit"
"""says a visit in which the officer was not at that moment"""

FLAG_ZH = {
    AFTER_BLOCK: "设备挂失之后作出的检查记录，请核实由谁作出",
    RECEIVED_AFTER_BLOCK: "设备挂失之后才收到的检查记录，请核实",
    CLOCK_AHEAD: "设备时钟快于服务器，检查时间按收到时间记",
    ENDED_MEANWHILE: "检查时证照有效，现已不再有效",
    GOOD_MEANWHILE: "检查时证照不在有效状态，现已有效",
    DECIDED_OTHERWISE: "设备当时显示通过，按登记并非如此，请复核",
    NOT_IN_VISIT: "写明的检查当时不在进行中，或检查人不在其中，按不在检查中登记，请核实",
}
"""Flags in words."""
