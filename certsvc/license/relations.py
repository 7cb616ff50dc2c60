"""Facts about people that others may act by: guardians, 法定代表人, deaths; given by systems that have the right to.

Laws (DOMAIN.md 3):

* A guardian acts for a minor: under 14 alone, from 14 to 17 beside the minor, from the 18th birthday on not at all. A
  day is a day in Asia/Shanghai, and the birthday is the one in the holder's code.
* A company has one 法定代表人; a new fact ends the one before it.
* Facts are appended and ended, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.citizen_id import CitizenId
from certsvc.identifiers.holder_code import HolderCodeType

if TYPE_CHECKING:
    from certsvc.license.model import Holder

GUARDIAN_CONSENTS_BELOW = 14
"""Full years below which a minor shows nothing alone (个人信息保护法 31)."""

OF_AGE = 18
"""Full years from which nobody is a guardian by age (民法典 17)."""


class RelationKind(StrEnum):
    """What was stated."""

    GUARDIAN = "guardian"
    """监护: ``other`` is guardian of ``subject``"""
    REPRESENTATIVE = "representative"
    """法定代表人: ``other`` represents the company ``subject``"""
    DECEASED = "deceased"
    """死亡: ``subject`` has died; there is no other"""


RELATION_ZH: dict[RelationKind, str] = {
    RelationKind.GUARDIAN: "监护人",
    RelationKind.REPRESENTATIVE: "法定代表人",
    RelationKind.DECEASED: "死亡",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """One fact.

    Attributes:
        other: None for a death.
        authority_code, client_id: who stated it.
        from_on: first day, and day of death.
        until_on: last day, or None.
    """

    relation_id: str
    kind: RelationKind
    subject: Holder
    other: Holder | None
    authority_code: str
    client_id: str
    document_no: str
    from_on: date
    until_on: date | None
    created_at: datetime
    ended_at: datetime | None = None

    def holds(self, day: date) -> bool:
        """Whether it is in force on a day; a guardian's ends with the minor's coming of age whatever it says."""
        within = self.ended_at is None and self.from_on <= day and (self.until_on is None or day <= self.until_on)
        return within and (self.kind is not RelationKind.GUARDIAN or minor(self.subject, day))


def age_on(holder: Holder, day: date) -> int | None:
    """Full years of age by the holder's code; None where the code says nothing of it."""
    if holder.code_type != HolderCodeType.CITIZEN_ID:
        return None
    try:
        return CitizenId.parse(holder.code).age_on(day)
    except InvalidIdentifier:
        return None


def minor(holder: Holder, day: date) -> bool:
    """Whether a guardian may act for the holder; without a birthday in the code the fact's own end decides."""
    age = age_on(holder, day)
    return age is None or age < OF_AGE


def needs_guardian(holder: Holder, day: date) -> bool:
    """Whether the holder is too young to show or consent alone."""
    age = age_on(holder, day)
    return age is not None and age < GUARDIAN_CONSENTS_BELOW


@dataclass(frozen=True, kw_only=True, slots=True)
class CoHolder:
    """One of several holders of a license (共有人、户内成员): shows the own part, the others stay masked.

    Attributes:
        data: the own part: field key -> value where it differs from the license's.
    """

    co_holder_id: str
    license_id: str
    holder: Holder
    data: dict[str, str]
    added_at: datetime
    removed_at: datetime | None = None
