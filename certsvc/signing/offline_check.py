"""The check of an offline code without network: a code, what the device holds, a moment, and what the officer ticked.

Nothing is asked and nothing is stored. The steps, in their order:

1. The text is ours, whole and in its one spelling, and both signatures hold (``offline_codes.py``).
2. The showing device was not reported lost; the core and the device's signature are of this time.
3. The status list says that the license stands, and is of this day.
4. What takes the green away: the same code twice, old status data, an identity document that was not compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import check_aware
from certsvc.license.offline import PROOF_AGE_S, TOLERANCE_S, OfflineCode, device_key_id, time_fault
from certsvc.seal.verdict import Reason
from certsvc.signing.offline_codes import open_code

if TYPE_CHECKING:
    from certsvc.signing.offline_bundles import BundleState

GREEN, AMBER, RED = "green", "amber", "red"

MAX_REMEMBERED = 10_000
"""Codes that one device remembers having scanned; they are forgotten by age long before."""

_RED = frozenset(
    {
        Reason.NOT_OURS,
        Reason.CODE_UNKNOWN,
        Reason.CODE_DEVICE_WRONG,
        Reason.DEVICE_BLOCKED,
        Reason.NOT_IN_FORCE,
        Reason.LICENSE_EXPIRED,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OfflineFinding:
    """What the officer's screen shows.

    Attributes:
        light: ``green``, ``amber`` or ``red``; never green with a stale status or without an identity document.
        reasons: most important first.
        code: the code, when its signatures held.
        status_as_of: the moment of the status data, and how old they were; None before any were looked at.
    """

    light: str
    reasons: tuple[Reason, ...]
    code: OfflineCode | None
    at: datetime
    status_as_of: datetime | None = None
    status_age: timedelta | None = None


@dataclass(slots=True)
class SeenCodes:
    """The codes that one device has scanned, as long as the same code could be shown again; ask once per scan."""

    _marks: dict[tuple[bytes, int], datetime] = field(default_factory=dict)

    def again(self, code: OfflineCode, at: datetime) -> bool:
        """Whether this very code was scanned before; it is remembered from now on."""
        ends = timedelta(seconds=PROOF_AGE_S + 2 * TOLERANCE_S)
        self._marks = {mark: seen for mark, seen in self._marks.items() if abs(at - seen) <= ends}
        known = code.mark in self._marks
        if len(self._marks) < MAX_REMEMBERED:
            self._marks.setdefault(code.mark, at)
        return known


def check_code(
    text: str, bundle: BundleState, *, at: datetime, identity_compared: bool, repeated: bool = False
) -> OfflineFinding:
    """The finding over a scanned text at the device's time ``at`` (aware).

    ``repeated`` says that the camera saw this very code before (:class:`SeenCodes`); to tick the identity document and
    look at the same scan again is no repetition.
    """
    at = check_aware(at)
    opened = open_code(text, bundle.code_keys)
    if isinstance(opened, Reason):
        return _finding((opened,), None, at)
    if device_key_id(opened.core.device_key) in bundle.blocked:
        return _finding((Reason.DEVICE_BLOCKED,), opened, at)
    fault = time_fault(opened, at)
    if fault is not None:
        return _finding((Reason(fault.value),), opened, at)
    if bundle.as_of is None:
        return _finding((Reason.STATUS_UNKNOWN,), opened, at)
    age = at - bundle.as_of
    reasons = _status(opened, bundle, age)
    if not reasons:
        if repeated:
            reasons.append(Reason.CODE_REPEATED)
        if age.total_seconds() > bundle.amber_s:
            reasons.append(Reason.STATUS_OLD)
        if not identity_compared:
            reasons.append(Reason.IDENTITY_NOT_COMPARED)
    return _finding(tuple(reasons) or (Reason.OK_OFFLINE,), opened, at, bundle.as_of, age)


def _status(code: OfflineCode, bundle: BundleState, age: timedelta) -> list[Reason]:
    """What the status list says against the license; empty when it stands in a list of this day."""
    entry = code.core.status
    array = bundle.lists.get(entry.list_no)
    if array is None or entry.index >= len(array) * 8:
        return [Reason.STATUS_UNKNOWN]
    if array[entry.index >> 3] >> (entry.index & 7) & 1:
        return [Reason.NOT_IN_FORCE]
    if age < timedelta(seconds=-TOLERANCE_S):
        return [Reason.CLOCK_DIFFERS]
    return [Reason.STATUS_STALE] if age.total_seconds() > bundle.stale_s else []


def _finding(
    reasons: tuple[Reason, ...],
    code: OfflineCode | None,
    at: datetime,
    as_of: datetime | None = None,
    age: timedelta | None = None,
) -> OfflineFinding:
    light = RED if reasons[0] in _RED else GREEN if reasons == (Reason.OK_OFFLINE,) else AMBER
    shown = as_of.astimezone(UTC) if as_of is not None else None
    return OfflineFinding(light=light, reasons=reasons, code=code, at=at, status_as_of=shown, status_age=age)
