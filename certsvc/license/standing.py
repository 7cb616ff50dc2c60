"""How a license stands at a moment: its state and its dates together, in the words of a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.license.states import STATE_ZH, State

if TYPE_CHECKING:
    from certsvc.license.model import LicenseVersion

EXPIRED_ZH = "已过有效期"
NOT_YET_ZH = "未到生效日期"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Whether the license is good now, and the name of what it is.

    Attributes:
        good: in force today.
        code: a state, ``expired`` or ``not_yet_valid``; the reason code of a verdict is ``license_`` and this.
        zh: the same in Chinese.
    """

    good: bool
    code: str
    zh: str


def standing(version: LicenseVersion, now: datetime) -> Standing:
    """The standing at ``now``; an ending outranks a date, because it is a decision."""
    if version.state is not State.VALID:
        return Standing(good=False, code=version.state.value, zh=STATE_ZH[version.state])
    if version.expired(now):
        return Standing(good=False, code="expired", zh=EXPIRED_ZH)
    if local_day(now) < version.valid_from:
        return Standing(good=False, code="not_yet_valid", zh=NOT_YET_ZH)
    return Standing(good=True, code=State.VALID.value, zh=STATE_ZH[State.VALID])
