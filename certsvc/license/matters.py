"""Matters (事项) as their one source lists them: versions of the list, and what each version changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedMatter:
    """One matter of the list.

    Attributes:
        code: 实施编码 or 业务办理项编码 (GB/T 39554.1).
        authority_code: USCC of the body that handles it (实施主体, or whom it entrusted).
        ends_on: first day on which it is handled no more, or None.
        version: the version of the list that changed it last.
    """

    code: str
    name: str
    authority_code: str
    ends_on: date | None
    version: int = 0

    def in_force(self, day: date) -> bool:
        """Whether it is handled on ``day``."""
        return self.ends_on is None or day < self.ends_on


class MatterChangeKind(StrEnum):
    """What a version did to a matter."""

    ADDED = "added"
    CHANGED = "changed"
    ENDED = "ended"
    RESTORED = "restored"


MATTER_CHANGE_ZH: dict[MatterChangeKind, str] = {
    MatterChangeKind.ADDED: "新增",
    MatterChangeKind.CHANGED: "变更",
    MatterChangeKind.ENDED: "终止",
    MatterChangeKind.RESTORED: "恢复",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class MatterChange:
    """What one version changed in one matter.

    Attributes:
        was: the matter before; None when it is new.
        now: the matter from this version on.
    """

    version: int
    kind: MatterChangeKind
    at: datetime
    was: ListedMatter | None
    now: ListedMatter


@dataclass(frozen=True, kw_only=True, slots=True)
class MatterListVersion:
    """One import of the list.

    Attributes:
        version: 1 and up; 0 is the seed of the catalog, which is no version.
        source: where the list comes from, as its importer calls it.
        digest: hex SHA-256 of the file.
    """

    version: int
    source: str
    digest: str
    imported_by: str
    imported_at: datetime
    matters: int
    added: int
    changed: int
    ended: int


def compare(old: ListedMatter | None, new: ListedMatter, day: date) -> MatterChangeKind | None:
    """What became of a matter between two versions, as things stand on ``day``; None when it stayed as it was."""
    if old is None:
        return MatterChangeKind.ADDED
    if (old.name, old.authority_code, old.ends_on) == (new.name, new.authority_code, new.ends_on):
        return None
    if old.in_force(day) and not new.in_force(day):
        return MatterChangeKind.ENDED
    if new.in_force(day) and not old.in_force(day):
        return MatterChangeKind.RESTORED
    return MatterChangeKind.CHANGED
