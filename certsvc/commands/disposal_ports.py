"""What the store offers 鉴定销毁: lists, items, holds; and taking personal columns away, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from certsvc.license.archives import Archive, ArchiveKind, Material
    from certsvc.license.disposal import Disposal, DisposalItem, DisposalState, ErasedRow, GoneFile, Hold, ItemState
    from certsvc.license.model import LicenseVersion, MoveRecord
    from certsvc.license.relations import CoHolder


class Disposals(Protocol):
    """Lists with their items, and holds."""

    def insert(self, disposal: Disposal, items: Sequence[DisposalItem]) -> None:
        """Store a list."""
        ...

    def by_id(self, list_id: str) -> Disposal | None:
        """The list."""
        ...

    def items_of(self, list_id: str) -> Sequence[DisposalItem]:
        """Its items in their order."""
        ...

    def of(
        self, authority_codes: Sequence[str] | None, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Disposal]:
        """Lists of these bodies, newest first; None: of all."""
        ...

    def in_state(self, state: DisposalState, *, limit: int) -> Sequence[Disposal]:
        """Lists in a state, in the order of their ids."""
        ...

    def move(self, disposal: Disposal, *, source: DisposalState) -> bool:
        """Set state, opinion, decision, effect and end, if it stands in ``source``."""
        ...

    def move_item(self, item: DisposalItem, *, source: ItemState) -> bool:
        """Set state, reason, moment and new term, if it stands in ``source``."""
        ...

    def about(self, kind: ArchiveKind, subjects: Collection[str]) -> Sequence[tuple[DisposalItem, DisposalState]]:
        """Every item about these subjects, with the state of its list, oldest first."""
        ...

    def place(self, hold: Hold) -> None:
        """Store a hold."""
        ...

    def hold(self, hold_id: str) -> Hold | None:
        """The hold."""
        ...

    def lift(self, hold_id: str, *, by: str, now: datetime) -> bool:
        """Lift one that is placed."""
        ...

    def placed(self, kind: ArchiveKind, subjects: Collection[str]) -> Sequence[Hold]:
        """Holds of these subjects that were not lifted."""
        ...

    def holds_of(
        self, authority_codes: Sequence[str], *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Hold]:
        """Holds of these bodies, newest first, lifted ones too."""
        ...

    def packages_of(self, kind: ArchiveKind, subjects: Collection[str]) -> Sequence[Archive]:
        """Packages of these subjects, oldest first."""
        ...

    def cases_after(self, case_no: str, *, limit: int) -> Sequence[str]:
        """办件编号 that have packages, behind one, in order."""
        ...

    def disputed(self, version_ids: Collection[str]) -> Collection[str]:
        """Those of these versions about which a dispute is undecided."""
        ...


class Erased(Protocol):
    """What went by decision. Every write is of one transaction with its evidence."""

    def version(self, version: LicenseVersion, row: ErasedRow) -> bool:
        """Take away number, holder, data and photo of a version and of its request and import; False: already gone."""
        ...

    def move(self, move: MoveRecord, row: ErasedRow) -> bool:
        """Take the basis out of the decision of a move; False: already gone."""
        ...

    def request(self, request_id: str) -> None:
        """Take the personal part out of a request and its intent."""
        ...

    def material(self, material: Material, row: ErasedRow) -> bool:
        """Take the name of a 电子材料 away, and let it count as destroyed; False: already gone."""
        ...

    def words(self, version_ids: Sequence[str]) -> None:
        """Take away what notices, disputes, inspections and visits say about versions that were erased."""
        ...

    def co_holders(self, license_id: str) -> Sequence[CoHolder]:
        """Take the co-holders of a license away, those of before too; who they were."""
        ...

    def copies(self, version_ids: Collection[str]) -> Sequence[tuple[str, str]]:
        """Object names and digests of the annotated copies of versions; what they were made for is taken away."""
        ...

    def files(self, files: Sequence[GoneFile]) -> None:
        """Put on record that these objects go."""
        ...

    def file(self, object_name: str) -> GoneFile | None:
        """The record of an object that went, or is on its way."""
        ...

    def gone_among(self, object_names: Collection[str]) -> frozenset[str]:
        """Those of these objects that went, or are on their way."""
        ...

    def files_of(self, list_id: str, place: int) -> Sequence[GoneFile]:
        """Those of one item."""
        ...

    def rows(self, noun: str, row_ids: Collection[str]) -> Mapping[str, ErasedRow]:
        """Those of these rows that were erased, by id."""
        ...
