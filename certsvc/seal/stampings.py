"""What a hand stamping is: a preview, the register row of a stamped document, and a batch of them (pure)."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.seal.placing import Found, PageView, PlacedMark


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadReport:
    """What was found in an upload: its pages, and every reason why it may not be stamped (code and what to do).

    ``signatures`` says how many signatures it holds; whether they are good is the inspector's to say.
    """

    pages: tuple[PageView, ...] = ()
    refusals: tuple[tuple[str, str], ...] = ()
    signatures: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class WordSearch:
    """Where a keyword stands in the visible text, and when it stands nowhere the words most like it with their page."""

    found: tuple[Found, ...] = ()
    near: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StampWish:
    """How a document is to be stamped; one or several of the ways, never none.

    Attributes:
        pages: for stamps at a point: see :func:`~certsvc.seal.placing.choose_pages`.
        point_mm: centre of the stamp from the top left, or None.
        keyword: visible text, with ``expected`` occurrences, or empty.
        anchor: ``on`` the keyword or ``after`` it.
        offset_mm: moves the stamp from there.
        seam: 骑缝章 over ``seam_pages``, at most ``seam_most`` pages for one stamp (0: as fits), centre ``seam_y_mm``
            from the top (0: half way).
        date_text: 成文日期 under every whole stamp, or empty.
        watermark: text across every page with a mark, or empty.
        lock: nobody may sign or stamp afterwards.
    """

    pages: str = "last"
    point_mm: tuple[float, float] | None = None
    keyword: str = ""
    expected: int = 1
    anchor: str = "on"
    offset_mm: tuple[float, float] = (0.0, 0.0)
    seam: bool = False
    seam_pages: str = "all"
    seam_most: int = 0
    seam_y_mm: float = 0.0
    date_text: str = ""
    watermark: str = ""
    lock: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StampCase:
    """Why a seal is used: purpose, case number, matter, approval or 首席代表; who asks stands beside it.

    ``purpose`` and ``case_no`` are kept encrypted: they may name people.
    """

    purpose: str
    case_no: str = ""
    matter_code: str = ""
    approval_id: str = ""
    represented_by: str = ""
    """the appointment as 首席代表 in whose name the operator uses the seal, alone"""

    def as_said(self) -> dict[str, str]:
        """To JSON; what an older release does not know stands there only when it is used."""
        return {name: value for name, value in asdict(self).items() if value or name != "represented_by"}


@dataclass(frozen=True, kw_only=True, slots=True)
class StampUpload:
    """An upload that may be stamped: its pages were judged, its bytes are kept until ``expires_at``.

    ``object_name`` is empty when the bytes are gone.
    """

    upload_id: str
    authority_code: str
    operator: str
    object_name: str
    sha256: str
    pages: tuple[PageView, ...]
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StampPreview:
    """What was shown and may be sealed: exactly these bytes with exactly these marks, once, until ``expires_at``."""

    preview_id: str
    seal_id: str
    authority_code: str
    operator: str
    upload_id: str
    sha256: str
    marks: tuple[PlacedMark, ...]
    lock: bool
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    key_id: str
    """the key of the seal that was shown: a seal that is re-made meanwhile may look otherwise"""

    @property
    def content_digest(self) -> str:
        """What an approval of this use is bound to; the same whenever the same file is placed in the same way."""
        return content_digest(self.sha256, self.seal_id, self.key_id, self.marks, lock=self.lock)


def content_digest(sha256: str, seal_id: str, key_id: str, marks: tuple[PlacedMark, ...], *, lock: bool) -> str:
    """Hex SHA-256 over the file, the seal with its key, and every mark: all that is seen of a stamping but its time."""
    said = repr((sha256, seal_id, key_id, lock, [sorted(asdict(mark).items()) for mark in marks]))
    return hashlib.sha256(said.encode("utf-8")).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamping:
    """The register row of a document that was stamped by hand.

    Attributes:
        work_id: the preview, or the file of a batch, that it was made from: asked again, it is this one.
        sha256_before, sha256: of the upload and of the sealed file.
        marks: how many marks it shows.
        object_name: of the sealed file in the object store.
        reservation_id: the use of the seal.
    """

    stamping_id: str
    work_id: str
    seal_id: str
    authority_code: str
    operator: str
    case: StampCase
    sha256_before: str
    sha256: str
    pages: int
    marks: int
    object_name: str
    reservation_id: str
    at: datetime


class ItemState(StrEnum):
    """Life of one file of a batch."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


ITEM_STATE_ZH: dict[ItemState, str] = {
    ItemState.WAITING: "等待盖章",
    ItemState.DONE: "已盖章",
    ItemState.REFUSED: "未盖章",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StampBatch:
    """Several files to be stamped in one way."""

    batch_id: str
    seal_id: str
    authority_code: str
    operator: str
    case: StampCase
    wish: StampWish
    total: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchItem:
    """One file of a batch; ``file_name`` is kept encrypted."""

    item_id: str
    batch_id: str
    number: int
    file_name: str
    upload: str
    state: ItemState = ItemState.WAITING
    stamping_id: str = ""
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedItem:
    """An item under a lease."""

    item: BatchItem
    claim_token: str
