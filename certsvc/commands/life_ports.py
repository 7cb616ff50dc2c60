"""What the store offers beside ``store_ports``: links, facts, reminders, publications, receipts and status entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import date, datetime

    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.publication import Proposal, Publication
    from certsvc.license.dues import DueKind, DueRow
    from certsvc.license.facts import Fact
    from certsvc.license.links import VersionLink
    from certsvc.license.status_list import Mark


class Links(Protocol):
    """Which version follows which."""

    def insert(self, link: VersionLink) -> None:
        """Store; IntegrityError when the two are linked already or one of them is unknown."""
        ...

    def after(self, version_id: str) -> Sequence[VersionLink]:
        """What follows a version."""
        ...

    def before(self, version_id: str) -> Sequence[VersionLink]:
        """What a version follows."""
        ...

    def followed(self, version_ids: Sequence[str]) -> Collection[str]:
        """Those of these versions that something follows."""
        ...


class Facts(Protocol):
    """Facts about licenses; appended, never changed."""

    def hold(self, license_id: str) -> None:
        """Let nobody else note a fact about this license, or move it, until the end of the transaction."""
        ...

    def append(self, fact: Fact, *, key: str) -> bool:
        """Store; False when a fact with this key is there."""
        ...

    def by_key(self, key: str) -> Fact | None:
        """The fact with this key."""
        ...

    def of(self, license_id: str) -> Sequence[Fact]:
        """The facts of a license, oldest first."""
        ...

    def of_many(self, license_ids: Sequence[str]) -> Mapping[str, Sequence[Fact]]:
        """The facts of several licenses, each oldest first; a license without facts has an empty sequence."""
        ...

    def dependants(self, license_id: str) -> Sequence[str]:
        """Ids of the licenses that were noted to depend on this one."""
        ...


class Dues(Protocol):
    """Reminders that were announced, and how far the daily sweep came."""

    def announce(self, row: DueRow) -> bool:
        """Remember; True the first time this version has this reminder."""
        ...

    def announced(self, issuer_code: str, kind: DueKind, *, behind: str, limit: int) -> Sequence[DueRow]:
        """Reminders of one kind of one issuer about versions behind ``behind``, in the order of their ids."""
        ...

    def finished(self, sweep: str, day: date) -> bool:
        """Whether the sweep of this day, or of a later one, is finished; takes no lock."""
        ...

    def place(self, sweep: str, day: date) -> str | None:
        """Where the sweep of this day goes on (empty at first), or None when it is finished.

        The row stays locked until the end of the transaction, so that two sweepers take turns.
        """
        ...

    def keep_place(self, sweep: str, day: date, *, behind: str, finished: bool) -> None:
        """Remember how far the sweep of this day came, in the transaction of what it did."""
        ...


class SourceReports(Protocol):
    """When the sources of registered licenses say that something happened there."""

    def insert(self, move_id: str, version_id: str, happened_at: datetime) -> None:
        """Store; IntegrityError when the move has one or is unknown."""
        ...

    def last(self, version_id: str) -> datetime | None:
        """When the newest thing that a source reported of this version happened."""
        ...

    def of_move(self, move_id: str) -> datetime | None:
        """When what this move carries out happened at the source."""
        ...


class Receipts(Protocol):
    """What a caller sent under a key (Idempotency-Key, or event source and id), and what it led to."""

    def find(self, caller: str, key: str) -> tuple[str, str] | None:
        """Body hash and result id bound to the key."""
        ...

    def find_all(self, keys: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
        """Those of these callers' keys that are bound to something."""
        ...

    def bind(self, caller: str, key: str, *, body_hash: str, result_id: str, now: datetime) -> bool:
        """Bind the key; False when it is bound already."""
        ...

    def keyed(self, text: str, use: str) -> bytes:
        """32 bytes under the master key: the same for the same text and use, and told by nobody who has not the key."""
        ...


class Statuses(Protocol):
    """The entries of status lists; the states are those of the register."""

    def lists(self) -> int:
        """How many lists there are; the first is there before the first license."""
        ...

    def marks(self, list_no: int) -> Sequence[Mark]:
        """Every version of a list that is neither valid nor provisional, neighbours together."""
        ...

    def places(self, list_no: int) -> Callable[[int], int]:
        """What makes an index of a place in the row of a list; it may be used after the unit of work."""
        ...

    def take(self, count: int) -> Sequence[int]:
        """The next ``count`` numbers, for versions that this unit of work registers."""
        ...

    def number_some(self, *, limit: int) -> int:
        """Give entries to at most ``limit`` versions that an older release registered without one; how many."""
        ...


class Publications(Protocol):
    """Proposed and published type files; rows are never changed."""

    def epoch(self) -> int:
        """How many times the catalog was published."""
        ...

    def propose(self, proposal: Proposal) -> bool:
        """Store; False when the same file was proposed under this slug and version."""
        ...

    def proposal(self, proposal_id: str) -> Proposal | None:
        """The proposal."""
        ...

    def same_proposal(self, slug: str, version: int, digest: str) -> Proposal | None:
        """The proposal of exactly this file."""
        ...

    def proposals(self) -> Sequence[Proposal]:
        """Every proposal, by slug and version."""
        ...

    def publish(self, publication: Publication) -> bool:
        """Store and raise the epoch; False, and nothing written, when this version of the type was published."""
        ...

    def publish_all(self, publications: Sequence[Publication]) -> None:
        """Store those that were not published, and raise the epoch once."""
        ...

    def digests(self) -> Mapping[tuple[str, int], str]:
        """Digest of every published file by slug and version."""
        ...

    def publication(self, slug: str, version: int) -> Publication | None:
        """The published file of one version of a type."""
        ...

    def publications(self) -> Sequence[Publication]:
        """Everything that was ever published, by slug and version."""
        ...

    def in_effect(self) -> Sequence[Publication]:
        """The newest published version of every type."""
        ...


class CatalogSource(Protocol):
    """Holds the catalog in effect and follows its epoch."""

    @property
    def current(self) -> Catalog:
        """The catalog in effect; swapped as a whole, never changed."""
        ...

    def follow(self) -> bool:
        """Look at the epoch, and take up a newer catalog; True when it was swapped.

        A catalog that does not load leaves the last good one in effect and is logged once.
        """
        ...
