"""An import of 存量: a table of licenses that were issued before, checked, sampled and approved before any is made.

Laws (DOMAIN.md 4):

* Checking issues nothing; a row with a fault is never issued.
* Rows stay 待核实 until a person of the department, who is not the uploader, has judged every row of a sample that we
  drew, and has approved the import. One refused row of the sample refuses the import.
* What was approved is issued row by row, each once, on the issue spine; what the catalog or the register no longer
  allows by then is refused by itself.
* The sample can be drawn again by anyone from the recorded seed: rows are ranked by SHA-256 of seed and row number.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.license.stock import Trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LEAST_SAMPLE = 20
"""Rows of a sample at least, or all of a smaller import: fewer show nothing."""
SAMPLE_SHARE = 0.01
MOST_SAMPLE = 2_000
"""What people can be asked to judge by hand."""


class ImportState(StrEnum):
    """Where an import stands."""

    UPLOADED = "uploaded"
    CHECKED = "checked"
    APPROVED = "approved"
    FINISHED = "finished"
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    DROPPED = "dropped"


IMPORT_STATE_ZH: dict[ImportState, str] = {
    ImportState.UPLOADED: "检查中",
    ImportState.CHECKED: "待核实",
    ImportState.APPROVED: "已批准，制证中",
    ImportState.FINISHED: "已办结",
    ImportState.UNREADABLE: "文件无法读取",
    ImportState.REFUSED: "不予批准",
    ImportState.DROPPED: "已放弃",
}

WORKING: frozenset[ImportState] = frozenset({ImportState.UPLOADED, ImportState.APPROVED})
"""States in which the service has something to do."""


class RowState(StrEnum):
    """Where a row stands."""

    FAULTY = "faulty"
    PASSED = "passed"
    QUEUED = "queued"
    ISSUED = "issued"
    REFUSED = "refused"


ROW_STATE_ZH: dict[RowState, str] = {
    RowState.FAULTY: "有误",
    RowState.PASSED: "待核实",
    RowState.QUEUED: "制证中",
    RowState.ISSUED: "已制证",
    RowState.REFUSED: "未制证",
}


class Judgement(StrEnum):
    """What was found when a row of the sample was compared with the original."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is wrong with a row: heading of the column, stable code, what is wrong and what to do."""

    column: str
    code: str
    detail: str

    @property
    def sentence(self) -> str:
        """As it stands in result files."""
        return f"「{self.column}」{self.detail}" if self.column else self.detail


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportBatch:
    """One upload.

    Attributes:
        authority_code: the department that answers for the data and whose seal goes on: the issuer, or its successor.
        sha256: hex digest of the upload; the same bytes for the same type are one open import.
        form: ``csv``, ``xlsx`` or ``zip``.
        upload: name of the stored bytes until they are checked, or empty.
        columns: key and heading of every column, in the order of the upload; a column without a key is ignored.
        problems: what is wrong with the file as a whole.
        total: rows of the table, counted as far as it has been read.
        seed: hex, from which the sample was drawn; empty before.
        decided_by: who approved, refused or dropped it.
        waits_for: why nothing is being issued right now, or empty.
        tries: how many times a worker took it up since it last came on.
        keep_until: until when the contents of its rows are kept, unless something is still to be done with them.
    """

    import_id: str
    authority_code: str
    type_slug: str
    trust: Trust
    state: ImportState
    sha256: str
    form: str
    upload: str
    columns: tuple[tuple[str, str], ...]
    problems: tuple[Fault, ...]
    total: int
    uploaded_by: str
    uploaded_at: datetime
    keep_until: datetime
    seed: str = ""
    sample_size: int = 0
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""
    waits_for: str = ""
    tries: int = 0
    forgotten: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRow:
    """One row of an import.

    Attributes:
        row_no: as a spreadsheet counts: the heading is row 1.
        cells: text by column key; empty once it was forgotten.
        number: 证照编号 as it was read, to find it in other imports; empty for a faulty row.
        row_key: keyed digest of the cells, given by the store.
        identifier: 证照标识 of the license that was made from it, or empty.
    """

    row_no: int
    state: RowState
    cells: Mapping[str, str]
    faults: tuple[Fault, ...] = ()
    photo: bytes | None = field(default=None, repr=False)
    number: str = ""
    row_key: str = ""
    request_id: str = ""
    identifier: str = ""
    sampled: bool = False
    judged: Judgement | None = None
    judged_by: str = ""
    judged_at: datetime | None = None
    judge_reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedImport:
    """An import that one worker holds under a lease; ``claim_token`` guards every later write."""

    batch: ImportBatch
    claim_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedRequest:
    """A request that was made for a row, once it has ended: the license's identifier, or why there is none."""

    row_no: int
    identifier: str
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far an import is: rows by state, and judged rows of the sample."""

    batch: ImportBatch
    rows: Mapping[RowState, int]
    judged: Mapping[Judgement, int]

    @property
    def done(self) -> int:
        """Rows of which nothing more is to be done."""
        return sum(self.rows[state] for state in (RowState.FAULTY, RowState.ISSUED, RowState.REFUSED))


def least_sample(passed: int) -> int:
    """How many rows a sample has at least: one in a hundred, and never fewer than all or twenty."""
    return min(passed, MOST_SAMPLE, max(LEAST_SAMPLE, math.ceil(passed * SAMPLE_SHARE)))


def draw_sample(seed: str, rows: Iterable[int], size: int) -> list[int]:
    """The ``size`` row numbers that come first by SHA-256 of ``seed:row``, in their order in the table.

    A larger size adds rows and takes none away, so that a bad row cannot be drawn out of the sample.
    """
    return sorted(sorted(rows, key=lambda row: hashlib.sha256(f"{seed}:{row}".encode()).digest())[:size])
