"""The stamp as an object of a page, and as a picture of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import RenderingError
from certsvc.rendering.layout import MM, Rect
from certsvc.rendering.pdf import FileWriter, num, stream
from certsvc.rendering.raster import page_png
from certsvc.rendering.stamp import stamp_operators, stamp_size

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family
    from certsvc.seal.model import StampSpec

DPI_RANGE = (72, 1200)
"""300 and 600 are what seal makers ask for; more than 1200 only eats memory."""


def stamp_rect(box: Rect, stamp: StampSpec) -> Rect:
    """The stamp in its nominal size around the centre of its box: never scaled to fit."""
    w, h = (side * MM for side in stamp_size(stamp))
    return Rect(box.x + (box.w - w) / 2, box.middle - h / 2, w, h)


def write_stamp(out: FileWriter, family: Family, stamp: StampSpec, rect: Rect) -> int:
    """The appearance stream: the stamp is one transparency group, blended so that the date below stays legible."""
    w, h = (num(side / 2) for side in stamp_size(stamp))
    box = f"/Type/XObject/Subtype/Form/BBox[-{w} -{h} {w} {h}]/Resources<<>>"
    group = b"/Group<</S/Transparency/CS/DeviceRGB/I true>>"
    picture = out.add(stream(box.encode("ascii") + group, stamp_operators(stamp, family), pack=True))
    outer = f"/Type/XObject/Subtype/Form/BBox[0 0 {num(rect.w)} {num(rect.h)}]".encode("ascii")
    resources = b"/Resources<</ExtGState<</M<</BM/Multiply>>>>/XObject<</S %d 0 R>>>>" % picture
    body = f"q /M gs {MM:.5f} 0 0 {MM:.5f} {num(rect.w / 2)} {num(rect.h / 2)} cm /S Do Q"
    return out.add(stream(outer + resources, body.encode("ascii")))


def stamp_png(stamp: StampSpec, family: Family, dpi: int) -> bytes:
    """The stamp alone as a PNG with a transparent ground, its nominal size at ``dpi`` (42 mm: 496 px at 300 dpi).

    Raises:
        MissingGlyph, RenderingError: a stamp that cannot be drawn, or a resolution out of range.
    """
    if not DPI_RANGE[0] <= dpi <= DPI_RANGE[1]:
        msg = f"“分辨率”应为 {DPI_RANGE[0]} 至 {DPI_RANGE[1]} dpi"
        raise RenderingError(msg)
    w, h = stamp_size(stamp)
    out = FileWriter()
    move = f"{MM:.6f} 0 0 {MM:.6f} {w * MM / 2:.5f} {h * MM / 2:.5f} cm\n".encode("ascii")
    contents = out.add(stream(b"", move + stamp_operators(stamp, family)))
    media = f"{w * MM:.5f} {h * MM:.5f}".encode("ascii")
    page = out.add(
        b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %s]/Resources<<>>/Contents %d 0 R>>" % (contents + 2, media, contents)
    )
    pages = out.add(b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % page)
    out.close(b"/Root %d 0 R" % out.add(b"<</Type/Catalog/Pages %d 0 R>>" % pages))
    size = round(w / 25.4 * dpi), round(h / 25.4 * dpi)
    return page_png(b"".join(out.parts), size=size, dpi=dpi, transparent=True)
