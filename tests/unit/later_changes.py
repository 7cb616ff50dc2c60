"""What somebody does to a sealed file afterwards: an incremental update that draws over its first page."""

from __future__ import annotations

import io

import pikepdf

RED_BOX = b"\nq 1 0 0 rg 60 60 180 90 re f Q\n"


def drawn_over(data: bytes) -> bytes:
    """``data`` and an update with a red box in the lower left of page 1; the sealed bytes stay as they are."""
    with pikepdf.open(io.BytesIO(data)) as document:
        contents = document.pages[0].obj.Contents
        stream = contents[len(contents) - 1] if isinstance(contents, pikepdf.Array) else contents
        number, body = stream.objgen[0], bytes(stream.read_bytes()) + RED_BOX
        root, size = document.Root.objgen[0], int(document.trailer.Size)
        identity = b" ".join(b"<%s>" % bytes(part).hex().encode() for part in document.trailer.ID)
    previous = int(data.rsplit(b"startxref", 1)[1].split()[0])
    out = bytearray(data)
    at = len(out)
    out += b"%d 0 obj\n<< /Length %d >>\nstream\n%b\nendstream\nendobj\n" % (number, len(body), body)
    xref = len(out)
    out += b"xref\n%d 1\n%010d 00000 n \n" % (number, at)
    out += b"trailer\n<< /Size %d /Root %d 0 R /Prev %d /ID [ %b ] >>\n" % (size, root, previous, identity)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % xref)
