"""The ports of what draws: jobs of pages, the renderer, and the press that draws and seals many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from certsvc.catalog.model import LicenseType
    from certsvc.errors import CertsvcError
    from certsvc.seal.marks import Drawing, NextField, NextSignature
    from certsvc.seal.model import Seal, StampSpec
    from certsvc.seal.prepared import PreparedPdf


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureField:
    """What the signature dictionary of a page says (ISO 32000-2 table 255).

    Attributes:
        name: field name.
        sub_filter: ``ETSI.CAdES.detached`` for PAdES.
        reason, location: shown by readers.
        signed_at: value of ``/M``.
        docmdp: DocMDP permission (1-3) of a certification signature, or 0 for an approval signature.
        reserved_bytes: how many bytes of DER the hole must hold.
    """

    name: str
    sub_filter: str
    reason: str
    location: str
    signed_at: datetime
    docmdp: int
    reserved_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PageJob:
    """Everything a page needs; the same job always makes the same bytes.

    Attributes:
        values: text per ``FaceItem.source`` (``field:<key>``, ``holder_name`` …), face masks already applied.
        photo: baseline JPEG as :meth:`Renderer.normalise_photo` gave it, or None.
        printed_code: text of the printed QR code (an https URL).
        metadata: GB/T 36903 element name -> value, for XMP, the info dictionary and the attached file.
        issued_on: 成文日期, printed under the stamp.
        sandbox: whether 样本 仅供测试 不具有法律效力 goes across the page.
        document_id: 16 bytes, both halves of the trailer's ``/ID``.
        copy_label: ``副本`` and the like, printed in place of the face's subtitle, or empty.
        copy_number: number of the copy such as ``2-1``, or empty.
        annex: whether this is the 附页: what flows (``FaceItem.flow``) in full, from the same record.
        later_fields: names of empty signature fields that the page brings along for further seals (DESIGN.md 4).
    """

    license_type: LicenseType
    values: Mapping[str, str]
    photo: bytes | None
    printed_code: str
    issuer_name: str
    issued_on: date
    metadata: Mapping[str, str]
    stamp: StampSpec
    signature: SignatureField
    sandbox: bool
    document_id: bytes
    copy_label: str = ""
    copy_number: str = ""
    annex: bool = False
    later_fields: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyJob:
    """Everything an annotated copy (加注件) needs beside the file it is made of.

    Attributes:
        title: of the document.
        watermark: lines of the block that goes over every page.
        notes: lines of the note at the foot.
        printed_code: text of the QR code to the copy's own check.
        elements: GB/T 36903 elements beside those that the file brings, or in their place; the four of 加注件 too.
        signer: who seals, as readers show it.
        document_id: 16 bytes, both halves of the trailer's ``/ID``.
    """

    title: str
    watermark: tuple[str, ...]
    notes: tuple[str, ...]
    printed_code: str
    elements: Mapping[str, str]
    signature: SignatureField
    signer: str
    document_id: bytes


class TakenApart(Protocol):
    """A file whose pages a copy is made over; only the renderer looks into it."""

    @property
    def elements(self) -> Mapping[str, str]:
        """GB/T 36903 elements that the file attaches, if it is one of ours."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSheet:
    """One sheet of a workbook: title, heading, and rows as they come."""

    title: str
    header: tuple[str, ...]
    rows: Iterable[tuple[str, ...]]


class Renderer(Protocol):
    """Makes pages. Fonts, templates and colour profiles are loaded once, at construction."""

    def render(self, job: PageJob) -> PreparedPdf:
        """The page with a hole for the signature.

        Raises:
            MissingGlyph: a character that no font has, naming it and its field.
            RenderingError: a value that does not fit its box at the smallest size.
        """
        ...

    def copy_source(self, sha256: str, load: Callable[[], bytes]) -> TakenApart:
        """A file *of ours* with this digest taken apart, kept for the next copy; ``load`` gives its bytes if needed.

        Raises:
            RenderingError: a file that cannot be copied.
        """
        ...

    def render_copy(self, job: CopyJob, source: TakenApart) -> PreparedPdf:
        """The annotated copy with a hole for the signature.

        Raises:
            MissingGlyph: a character of the note that no font has.
            RenderingError: a note without room, or metadata that cannot be written.
        """
        ...

    def prove(self, types: Iterable[LicenseType], stamp: StampSpec) -> None:
        """Draw the constant part of every face, base pages included, without touching what runs.

        Raises:
            ConfigurationError: names the type whose face cannot be used, and says why.
        """
        ...

    def normalise_photo(self, data: bytes) -> bytes:
        """A baseline sRGB JPEG without metadata, at most 50 kB, 358 x 441 px or smaller.

        Raises:
            InvalidInput: not a JPEG or PNG picture, or damaged.
            TooLarge: more bytes or pixels than the limits.
        """
        ...

    def stamp_drawing(self, stamp: StampSpec) -> Drawing:
        """The stamp for a mark on a finished page, in its nominal size from the origin (:mod:`certsvc.seal.marks`).

        Raises:
            MissingGlyph, RenderingError: a stamp that cannot be drawn.
        """
        ...

    def stamp_points(self, stamp: StampSpec) -> tuple[float, float]:
        """Width and height of the stamp on paper, in points."""
        ...

    def png_drawing(self, data: bytes) -> tuple[Drawing, float]:
        """A PNG with alpha, such as a handwriting, for a mark; and its width over its height.

        Raises:
            InvalidInput: no PNG.
            TooLarge: more bytes or pixels than the limits.
        """
        ...

    def prepare_next(self, data: bytes, field: NextField, signature: NextSignature) -> PreparedPdf:
        """A finished file of *ours* and an update with a hole for one more signature; uploads go to a worker.

        Raises:
            SigningError: broken, encrypted, certified or locked against it, no such field, no such page.
        """
        ...

    def normalise_picture(self, data: bytes) -> bytes:
        """A baseline JPEG without metadata, small enough to keep; InvalidInput or TooLarge for what is none."""
        ...

    def sample_photo(self) -> bytes:
        """A drawn silhouette, normalised: what stands for a photo on the page of a sample."""
        ...

    def qr_png(self, text: str, *, scale: int = 6) -> bytes:
        """A QR picture of ``text`` (level M, quiet zone of 4 modules) as PNG."""
        ...

    def stamp_png(self, stamp: StampSpec, dpi: int = 300) -> bytes:
        """The picture of a seal (印模) on a transparent ground at its nominal size.

        Raises:
            MissingGlyph: a character that no font has.
            RenderingError: a text without room, or a shape or size that no seal has.
        """
        ...

    def stamp_size(self, stamp: StampSpec) -> tuple[float, float]:
        """Outer width and height of a seal's picture in mm."""
        ...

    def preview_png(self, data: bytes, width_px: int, *, page: int = 0) -> bytes:
        """Page ``page`` (from 0) of a PDF of ours as an opaque PNG, ``width_px`` wide.

        Raises:
            InvalidInput: no PDF, or no such page.
            TooLarge: a file or picture over the limits.
        """
        ...

    def table_xlsx(self, title: str, header: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> bytes:
        """A table of text as XLSX; no cell is ever a formula."""
        ...

    def book_xlsx(self, sheets: Sequence[TextSheet]) -> bytes:
        """Several tables of text in one XLSX file, whose cells stay text when people write in them; nothing is kept."""
        ...

    def check_glyphs(self, text: str) -> tuple[str, ...]:
        """The characters of ``text`` that no font draws."""
        ...

    def check_text(self, text: str) -> tuple[str, ...]:
        """The extracted-text form of a page is compared with this in tests: characters as printed, in order."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SealTask:
    """One prepared page, the seal that seals it, in which format, and when."""

    prepared: PreparedPdf
    seal: Seal
    format: str
    signed_at: datetime


class Press(Protocol):
    """Draws and seals many pages, in this process or in several at once. What fails is told per page."""

    def draw(self, jobs: Sequence[PageJob]) -> list[PreparedPdf | CertsvcError]:
        """The pages of ``jobs``, in their order; see :meth:`Renderer.render`."""
        ...

    def seal(self, tasks: Sequence[SealTask]) -> list[bytes | CertsvcError]:
        """The sealed files of ``tasks``, in their order; see :meth:`Sealer.seal`. Each is one use of a key."""
        ...
