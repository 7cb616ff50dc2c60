"""What the store offers archiving: packages, 电子材料, and what may be due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.license.archives import Archive, ArchiveKind, Material, MaterialState
    from certsvc.license.model import Holder


class Archives(Protocol):
    """Packages on record."""

    def insert(self, archive: Archive) -> bool:
        """Store; False when this state of this subject has a package."""
        ...

    def by_id(self, archive_id: str) -> Archive | None:
        """The package."""
        ...

    def of_state(self, kind: ArchiveKind, authority_code: str, subject: str, state_digest: str) -> Archive | None:
        """The package of this very state: of one body, or the first of any where that is empty."""
        ...

    def states(self, kind: ArchiveKind, subjects: Sequence[str]) -> Mapping[tuple[str, str], frozenset[str]]:
        """State digests that have a package, by body and subject, of these subjects."""
        ...

    def of(
        self, authority_codes: Sequence[str] | None, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Archive]:
        """Packages of these bodies, newest first; None: of all."""
        ...

    def hand_over(self, archive: Archive) -> bool:
        """Note the receipt of ``archive``, if it has none."""
        ...

    def licenses_after(self, license_id: str, *, limit: int) -> Sequence[str]:
        """License ids behind one, in order."""
        ...

    def cases_after(self, case_no: str, *, limit: int) -> Sequence[str]:
        """办件编号 of requests behind one, in order."""
        ...

    def bodies_of_cases(self, case_nos: Sequence[str]) -> Sequence[tuple[str, str]]:
        """办件编号 and USCC of every body with requests under one of these numbers, in order."""
        ...


class Materials(Protocol):
    """电子材料."""

    def insert(self, material: Material) -> bool:
        """Store; False when the case of this body has this file."""
        ...

    def by_id(self, material_id: str) -> Material | None:
        """The material."""
        ...

    def by_ids(self, material_ids: Sequence[str]) -> Mapping[str, Material]:
        """Those of these materials that there are, by id."""
        ...

    def of_holders(self, holders: Sequence[Holder], *, limit: int) -> Sequence[Material]:
        """Materials about these people and organisations, in whatever state, newest first."""
        ...

    def of_kind(self, holder: Holder, code: str, *, limit: int) -> Sequence[Material]:
        """Materials under this code about somebody that count, newest first."""
        ...

    def of_case(
        self, authority_code: str, case_no: str, *, limit: int, only: MaterialState | None = None
    ) -> Sequence[Material]:
        """Materials of a case of one body, oldest first; those in one state, if given."""
        ...

    def count_held(self, authority_code: str, case_no: str) -> int:
        """How many a case has that were not withdrawn; until the transaction ends, nobody else counts those."""
        ...

    def by_file(self, authority_code: str, case_no: str, sha256: str) -> Material | None:
        """The material that this file is in this case."""
        ...

    def move(self, material_id: str, *, source: MaterialState, target: MaterialState, now: datetime) -> bool:
        """Set the state, if it stands in ``source``."""
        ...
