"""What one more signature shows on a finished file: marks, the field that holds them, the signature dictionary (pure).

One signature may have many marks: a stamp on every page, the slices of a 骑缝章, a date, a handwriting. The first is
the widget of its field, so that a reader shows one signature there; the others stand beside it under the same
signature.

``commands`` says what is wanted, ``rendering`` draws it and writes the update, ``signing`` fills its hole::

    drawing = deps.renderer.stamp_drawing(seal.stamp)  # or png_drawing(picture) for a handwriting
    mark = VisibleMark(page=0, rect=(380.0, 120.0, 499.0, 239.0), drawing=drawing)
    prepared = deps.renderer.prepare_next(
        data,  # kept byte for byte, the update follows it
        NextField(name="Seal2", create=True, marks=(mark,), lock=True),
        NextSignature(
            filter=deps.sealer.filter(form),
            sub_filter=deps.sealer.sub_filter(form),
            signed_at=now,
            signer=seal.name,
            reserved_bytes=deps.sealer.reserved_bytes(seal, form),
        ),
    )
    sealed = deps.sealer.seal(prepared, seal, form, signed_at=now)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

NO_CHANGES, FILL_FORMS, ANNOTATE = 1, 2, 3
"""DocMDP permissions (ISO 32000-2 table 257)."""

Box = tuple[float, float, float, float]
"""Left, lower, right, upper; points in the page's default user space, before /Rotate."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """One form or image XObject and what it draws with; the same object is written once however often it is used.

    Attributes:
        head: entries of the stream's dictionary but for ``/Length``, ``/Resources`` and ``/SMask``.
        data: the stream as it is stored.
        parts: XObjects that the content names.
        states: entries of the ``/ExtGState`` dictionary of the content.
        mask: the soft mask of an image.
    """

    head: bytes
    data: bytes
    parts: tuple[tuple[str, Drawing], ...] = ()
    states: bytes = b""
    mask: Drawing | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VisibleMark:
    """One thing to be seen.

    Attributes:
        page: index of the page, from 0.
        rect: where; the drawing's box is stretched to it (ISO 32000-2 §12.5.5, algorithm 8).
        drawing: a form XObject, or None for an empty place that a later signature fills.
    """

    page: int
    rect: Box
    drawing: Drawing | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NextField:
    """The field of a later signature.

    Attributes:
        name: name of the form field.
        create: make it when the file has none of that name; a certified page should bring it along.
        marks: what it shows; none makes it invisible. An existing field keeps its place: it takes at most one mark,
            whose drawing is put into the field's own rectangle.
        lock: nothing may change after this signature (``/Lock`` over all fields with P=1): for the last signer.
    """

    name: str
    create: bool = False
    marks: tuple[VisibleMark, ...] = ()
    lock: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NextSignature:
    """A signature dictionary to be written, and the size of its hole.

    Attributes:
        docmdp: permissions of a certification signature (1-3), only for the first signature of a file; 0 for none.
        later: empty fields made with it for those who sign afterwards, so that P=2 is kept in the strictest reading.
    """

    filter: str
    sub_filter: str
    signed_at: datetime
    signer: str
    reserved_bytes: int
    kind: str = "Sig"
    reason: str = ""
    location: str = ""
    docmdp: int = 0
    later: tuple[NextField, ...] = field(default=())
