"""Rows as an audit reads them: each with its place, and nothing where a row is not what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from certsvc.license.model import LicenseVersion, MoveRecord
from certsvc.license.uses import Grant, Show

if TYPE_CHECKING:
    from certsvc.events.evidence import EvidenceRow
    from certsvc.license.archives import Material
    from certsvc.license.disposal import ErasedRow

RowT = TypeVar("RowT")


@dataclass(frozen=True, kw_only=True, slots=True)
class Read(Generic[RowT]):
    """A row that was read for an audit: ``row`` is None when it cannot be read as what it should be.

    Attributes:
        place: where the page goes on.
        row_id: its id in the columns.
        erased: that its personal columns went by decision (鉴定销毁), or None.
    """

    place: int | str
    row_id: str
    row: RowT | None
    erased: ErasedRow | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadLeaf:
    """An evidence row as its columns are, and opened; ``row`` is None when the details do not open."""

    position: int
    evidence_id: str
    kind: str
    at: datetime
    leaf: bytes
    row: EvidenceRow | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadVersion:
    """A version with its moves, oldest first, and whether its search columns fit what they are made from.

    ``moves`` is None when one of them cannot be read; ``successor`` is the 证照标识 of what replaced it, or empty.
    """

    version: LicenseVersion
    moves: tuple[MoveRecord, ...] | None
    successor: str
    searchable: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadShow:
    """A show code and what the scans of its license say of it.

    Attributes:
        taken: whether there is a scan of the moment and of whom the row says that it was redeemed.
        gave: whether a scan of it gave data.
    """

    show: Show
    taken: bool
    gave: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadMaterial:
    """A 电子材料, and that its name went by decision (鉴定销毁), or None."""

    material: Material
    erased: ErasedRow | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadGrant:
    """A grant and what the ledger of its license says of it.

    Attributes:
        fetched_at: when data were fetched under it, or None.
        answers: how many questions were answered under it.
        of_case: whether one of these uses was for the case that the row names.
        named_case: whether one of them named a case.
    """

    grant: Grant
    fetched_at: datetime | None
    answers: int
    of_case: bool
    named_case: bool
