"""The register of officers (执法人员名册): who may inspect, for which body, in which trades, where, and until when.

It is data of the authority, kept by its own registrar, who is no officer. A badge (执法证号) is the person's number in
the register: it is never given to somebody else, and an ended entry stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from certsvc.identifiers.region import SANDBOX_PREFIX

BADGE_FORM = re.compile(r"[0-9]{8,14}")
"""Digits that begin with a province's code. Forms in use differ in how many there are, so a range is taken."""
MAX_KINDS = 20
MAX_OFFICERS = 2000
"""Rows of one import; a city's largest body has fewer officers."""
FIRST_PROVINCE, LAST_PROVINCE = 11, 82

_SHOWN_HEAD, _SHOWN_TAIL = 2, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Officer:
    """One entry.

    Attributes:
        badge: 执法证号.
        subject: the account that the person signs in with, or empty for one who never does.
        name: personal.
        authority_code: USCC of the body on whose register it stands.
        unit: 执法机构 within the body.
        kinds: 执法类别, the words of ``LicenseType.domain``.
        region: GB/T 2260 code of where the person may inspect; the regions within it count too.
        valid_until: last day of the badge.
        ended_on: day on which the entry was ended, or None.
    """

    badge: str
    subject: str
    name: str
    authority_code: str
    unit: str
    kinds: tuple[str, ...]
    region: str
    valid_until: date
    ended_on: date | None
    entered_by: str
    entered_at: datetime

    def in_force(self, day: date) -> bool:
        """Whether the person may inspect on ``day``, a day in Asia/Shanghai."""
        return self.ended_on is None and day <= self.valid_until


def badge_fault(badge: str, *, sandbox: bool) -> str:
    """What is wrong with the form of a badge, in Chinese; empty when nothing is."""
    if not BADGE_FORM.fullmatch(badge):
        return "执法证号应为 8 至 14 位数字"
    if badge.startswith(SANDBOX_PREFIX):
        return "" if sandbox else "99 开头的执法证号仅供沙箱使用"
    if not FIRST_PROVINCE <= int(badge[:2]) <= LAST_PROVINCE:
        return "执法证号前两位应为省级行政区划代码"
    return ""


def masked_badge(badge: str) -> str:
    """A badge as anyone may see it: enough to compare with the card in the officer's hand, not enough to copy."""
    hidden = max(len(badge) - _SHOWN_HEAD - _SHOWN_TAIL, 0)
    return badge[:_SHOWN_HEAD] + "*" * hidden + badge[-_SHOWN_TAIL:]
