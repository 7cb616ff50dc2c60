"""What the store offers about matters, policies and the staff of client systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from certsvc.license.matters import ListedMatter, MatterChange, MatterListVersion
    from certsvc.license.policies import Policy, PolicyState
    from certsvc.license.staff import StaffMember


class Matters(Protocol):
    """The list of matters and its versions."""

    def newest_version(self) -> MatterListVersion | None:
        """The last import, or None when there was none: then the seed of the catalog counts."""
        ...

    def add_version(self, version: MatterListVersion) -> bool:
        """Store an import; False when another took its number."""
        ...

    def versions(self, *, limit: int) -> Sequence[MatterListVersion]:
        """Imports, newest first."""
        ...

    def put(self, changes: Sequence[MatterChange]) -> None:
        """Store matters as they are from their version on, and what changed."""
        ...

    def keep(self, matters: Sequence[ListedMatter]) -> None:
        """Store matters that stand as the seed has them, at the first import."""
        ...

    def all(self) -> Sequence[ListedMatter]:
        """Every matter, ended ones too, by code."""
        ...

    def page(self, *, authority_code: str, behind: str, limit: int) -> Sequence[ListedMatter]:
        """Matters by code behind ``behind``; of one body, unless ``authority_code`` is empty."""
        ...

    def by_code(self, code: str) -> ListedMatter | None:
        """The matter."""
        ...

    def changes_of(self, code: str, *, limit: int) -> Sequence[MatterChange]:
        """What the versions changed in it, newest first."""
        ...


class Policies(Protocol):
    """用证策略."""

    def mark(self) -> str:
        """A word that is another one after every change of matters or policies; empty before the first."""
        ...

    def set_mark(self, mark: str) -> None:
        """Say that something changed; ``mark`` was never used before."""
        ...

    def request(self, policy: Policy) -> bool:
        """Store a request; False when one of the same matter and type is in hand."""
        ...

    def insert_closed(self, policy: Policy) -> None:
        """Store the closing of a policy of the seed."""
        ...

    def by_id(self, policy_id: str) -> Policy | None:
        """The policy."""
        ...

    def of_pair(self, matter_code: str, type_slug: str) -> Sequence[Policy]:
        """All policies of one matter and type, whatever their state."""
        ...

    def move(self, policy: Policy, *, sources: Collection[PolicyState]) -> bool:
        """Store state and who, when, why of ``policy``, if it stands in one of ``sources``."""
        ...

    def standing(self) -> Sequence[Policy]:
        """Everything requested, approved, open or once open: what decides over the seeds, and what may be orphaned."""
        ...

    def page(
        self,
        *,
        authority_code: str = "",
        type_slugs: Sequence[str] = (),
        limit: int,
        behind: tuple[datetime, str] | None = None,
    ) -> Sequence[Policy]:
        """Newest first; of one body, or of some types, or all."""
        ...

    def count_use(self, policy_id: str, *, day: date, quota: int, uses: int = 1) -> bool:
        """Count so many uses of the day; False, and none is counted, when they are more than ``quota`` leaves."""
        ...

    def used(self, policy_id: str, *, day: date) -> int:
        """How many uses of the day were counted."""
        ...


class Staff(Protocol):
    """经办人 of client systems."""

    def set_all(self, members: Sequence[StaffMember]) -> None:
        """Register or replace accounts."""
        ...

    def member(self, client_id: str, account: str) -> StaffMember | None:
        """The account."""
        ...

    def of_client(self, client_id: str) -> Sequence[StaffMember]:
        """The accounts of a client, by account."""
        ...

    def count(self, client_id: str) -> int:
        """How many accounts a client has."""
        ...
