"""The ports of hand stamping: what reads uploads in worker processes, and what the store keeps of stampings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.page_ports import TakenApart
    from certsvc.license.archives import PdfFacts
    from certsvc.seal.differences import Comparison
    from certsvc.seal.marks import NextField, NextSignature
    from certsvc.seal.model import StampSpec
    from certsvc.seal.placing import PlacedMark
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.seal.stampings import (
        BatchItem,
        ClaimedItem,
        StampBatch,
        Stamping,
        StampPreview,
        StampUpload,
        UploadReport,
        WordSearch,
    )


class UploadDesk(Protocol):
    """Reads files of others, each call in a worker process with limits of time and memory.

    Every method may raise UploadRefused (the file killed its worker or took too long) and Unavailable (all busy).
    """

    def judge(self, data: bytes) -> UploadReport:
        """Pages and reasons against stamping."""
        ...

    def find(self, data: bytes, keyword: str) -> WordSearch:
        """Where ``keyword`` stands in the visible text."""
        ...

    def picture(self, data: bytes, *, page: int, width_px: int) -> bytes:
        """A page as PNG, annotations drawn."""
        ...

    def compare(self, data: bytes, *, end: int) -> Comparison:
        """The pages that look different from those of the first ``end`` bytes, within limits."""
        ...

    def prepare(self, data: bytes, field: NextField, signature: NextSignature) -> PreparedPdf:
        """The file and an update with marks and a hole; SigningError as ``Renderer.prepare_next``."""
        ...

    def take_apart(self, data: bytes) -> TakenApart:
        """Its pages, for annotated copies; UploadRefused for a file that cannot be copied."""
        ...

    def facts(self, data: bytes) -> PdfFacts:
        """What it is to an archive; UploadRefused for a file that cannot be read."""
        ...


class MarkPainter(Protocol):
    """Draws what stands on pages."""

    def drop(self, stamp: StampSpec) -> float:
        """How far below the centre of the stamp a date is set, in points."""
        ...

    def date_size(self, text: str) -> tuple[float, float]:
        """Width and height of a date in points; MissingGlyph."""
        ...

    def field(self, name: str, stamp: StampSpec, marks: Sequence[PlacedMark], *, lock: bool) -> NextField:
        """A new field that shows ``marks``; MissingGlyph or RenderingError for what cannot be drawn."""
        ...


class Stampings(Protocol):
    """Previews, the register of stamped documents, and batches."""

    def insert_upload(self, upload: StampUpload) -> None:
        """Store what was judged."""
        ...

    def upload(self, upload_id: str) -> StampUpload | None:
        """The upload, whatever its age."""
        ...

    def insert_preview(self, preview: StampPreview) -> None:
        """Store a preview."""
        ...

    def preview(self, preview_id: str) -> StampPreview | None:
        """The preview, whatever its age."""
        ...

    def take_preview(self, preview_id: str, *, now: datetime) -> bool:
        """Use it once, if in time; False otherwise."""
        ...

    def stale_uploads(self, *, before: datetime, limit: int) -> Sequence[StampUpload]:
        """Uploads that ended before ``before`` and whose bytes are there still."""
        ...

    def forget_object(self, upload_id: str) -> None:
        """The bytes of the upload are gone."""
        ...

    def insert(self, stamping: Stamping) -> None:
        """Register a stamped document; IntegrityError when these bytes are registered."""
        ...

    def by_id(self, stamping_id: str) -> Stamping | None:
        """The stamping."""
        ...

    def by_work(self, work_id: str) -> Stamping | None:
        """The stamping that was made from this preview or file of a batch."""
        ...

    def by_sha256(self, sha256: str) -> Stamping | None:
        """The stamping whose sealed file has this digest (hex)."""
        ...

    def of_authority(self, authority_code: str, *, limit: int) -> Sequence[Stamping]:
        """Stampings with the seals of an authority, newest first."""
        ...

    def insert_batch(self, batch: StampBatch, items: Sequence[BatchItem]) -> None:
        """Store a batch and its items."""
        ...

    def batch(self, batch_id: str) -> StampBatch | None:
        """The batch."""
        ...

    def items(self, batch_id: str) -> Sequence[BatchItem]:
        """Its items in their order."""
        ...

    def claim_item(self, *, worker: str, token: str, now: datetime, lease_s: int) -> ClaimedItem | None:
        """Take the oldest item that waits, or whose lease ran out; two workers never hold the same one."""
        ...

    def finish_item(
        self,
        item_id: str,
        *,
        claim_token: str,
        stamping_id: str,
        code: str,
        detail: str,
        kept_from: datetime | None = None,
    ) -> bool:
        """To ``done`` with its stamping, or ``refused`` with a reason; False when the claim was lost.

        The item forgets its upload, unless ``kept_from`` says since when a refused one is kept to be run again.
        """
        ...

    def count_try(self, item_id: str) -> int:
        """One more try that came to nothing; how many there were since the item was accepted or run again."""
        ...

    def defer_item(self, item_id: str, *, claim_token: str, ready_at: datetime, code: str, detail: str) -> bool:
        """Let it wait until then, and say for what; False when the claim was lost."""
        ...

    def run_again(self, batch_id: str, *, now: datetime) -> int:
        """The refused items of a batch whose uploads are kept wait again, with all their tries; how many."""
        ...

    def kept_items(self, *, before: datetime, limit: int) -> Sequence[BatchItem]:
        """Refused items whose uploads have been kept since before ``before``, the oldest first."""
        ...

    def forget_kept(self, item_id: str, *, before: datetime) -> bool:
        """The upload is given up, if the item is still refused and kept since before ``before``."""
        ...

    def keeps(self, object_name: str, work_id: str) -> bool:
        """Whether the upload or item of this id still needs the object."""
        ...
