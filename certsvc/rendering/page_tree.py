"""Pages, page tree and catalog: the last constant objects, because they point to everything that follows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from PIL import ImageCms

from certsvc.rendering.pdf import num, stream, text_string

if TYPE_CHECKING:
    from certsvc.rendering.ornament import Sheet
    from certsvc.rendering.pdf import FileWriter


@dataclass(frozen=True, slots=True)
class Numbers:
    """Object numbers that the constant part promises and every file keeps.

    The file specification and the metadata come first: they begin alike on every page, so that they are digested with
    the constant part.

    Attributes:
        more: contents of the continuation pages.
        code: the printed code; photo and fonts follow it.
    """

    filespec: int
    metadata: int
    resources: int
    contents: int
    info: int
    embedded: int
    widget: int
    signature: int
    more: tuple[int, ...]
    code: int


@cache
def srgb_profile() -> bytes:
    """An sRGB ICC profile; its creation date is blanked so that the same job makes the same bytes."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[24:36] = (2026).to_bytes(2, "big") + (1).to_bytes(2, "big") * 2 + bytes(6)
    data[84:100] = bytes(16)  # the profile id is a digest over the header: absent is allowed (ICC.1 §7.2.18)
    return bytes(io.BytesIO(data).getvalue())


def write_intent(out: FileWriter) -> int:
    """The output intent with its profile (ISO 19005-3 §6.2.3)."""
    profile = out.add(stream(b"/N 3", srgb_profile(), pack=True))
    return out.add(
        b"<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB IEC61966-2.1)"
        b"/DestOutputProfile %d 0 R>>" % profile
    )


def write_tree(
    out: FileWriter, sheet: Sheet, intent: int, *, pages: int, certified: bool, later: tuple[str, ...] = ()
) -> tuple[Numbers, int, int]:
    """Write pages, tree and catalog; returns the promised numbers, that of the first page and that of the catalog.

    Only the first page carries the signature's widget: it covers all of them. ``later`` are the invisible fields of
    further seals, which stand there from the first revision on, so that sealing again adds no field.
    """
    first = out.next_number + len(later)
    empty = b"".join(
        b" %d 0 R"
        % out.add(
            b"<</Type/Annot/Subtype/Widget/FT/Sig/T%s/F 132/Rect[0 0 0 0]/P %d 0 R>>" % (text_string(name), first)
        )
        for name in later
    )
    tree, catalog = first + pages, first + pages + 1
    start = catalog + 1
    more = tuple(range(start + 8, start + 7 + pages))
    filespec, metadata, resources, contents, info, embedded, widget, signature = range(start, start + 8)
    n = Numbers(filespec, metadata, resources, contents, info, embedded, widget, signature, more, start + 7 + pages)
    box = b"0 0 %s %s" % (num(sheet.width).encode(), num(sheet.height).encode())
    for contents in (n.contents, *more):
        annotations = b"/Annots[%d 0 R%s]" % (n.widget, empty) if contents == n.contents else b""
        out.add(
            b"<</Type/Page/Parent %d 0 R/MediaBox[%s]/TrimBox[%s]/Resources %d 0 R/Contents %d 0 R%s"
            b"/Group<</S/Transparency/CS/DeviceRGB>>>>" % (tree, box, box, n.resources, contents, annotations)
        )
    kids = b" ".join([b"%d 0 R" % (first + i) for i in range(pages)])
    out.add(b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, pages))
    perms = b"/Perms<</DocMDP %d 0 R>>" % n.signature if certified else b""
    out.add(
        b"<</Type/Catalog/Pages %d 0 R/Lang(zh-CN)/MarkInfo<</Marked false>>/ViewerPreferences<</DisplayDocTitle true>>"
        b"/Metadata %d 0 R/OutputIntents[%d 0 R]/AF[%d 0 R]/Names<</EmbeddedFiles<</Names[%s %d 0 R]>>>>"
        b"/AcroForm<</SigFlags 3/Fields[%d 0 R%s]>>"
        b"/Extensions<</ESIC<</Type/DeveloperExtensions/BaseVersion/1.7/ExtensionLevel 1>>>>%s>>"
        % (tree, n.metadata, intent, n.filespec, text_string("metadata.json"), n.filespec, n.widget, empty, perms)
    )
    return n, first, catalog
