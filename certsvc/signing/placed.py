"""Where the objects of a signed revision stand: inside its signed bytes (rule d, ISO 32000-2 §12.8.1).

A cross-reference table may point behind the signed bytes, and a stream or a string may run over their end. Whoever adds
bytes later then decides what such an object says, though every byte that was signed stays as it was.
"""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.xref import read_object_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.xref import XRefSectionData

_UNREADABLE = (PdfError, ValueError, TypeError, KeyError, IndexError, RecursionError)


def stands_outside(reader: PdfFileReader, data: bytes, signed: Sequence[tuple[int, int]]) -> bool:
    """Whether an object of a signed revision begins or ends behind the bytes that were signed.

    Args:
        reader: over ``data``.
        data: the whole file.
        signed: revision and signed end of every signature.
    """
    sections = [reader.xrefs.get_xref_data(number) for number in range(reader.xrefs.total_revisions)]
    starts = sorted({offset for section in sections for _, offset in entries(section)} | {end for _, end in signed})
    following = dict(itertools.pairwise(starts))
    source = io.BytesIO(data)
    for number, section in enumerate(sections):
        bound = min((end for revision, end in signed if revision >= number), default=None)
        if bound is None:
            break
        for ref, offset in entries(section):
            if offset >= bound:
                return True
            # An object that ends before the next one begins needs no second look; only then nothing lies behind.
            if bound < len(data) and not _closed(data, offset, min(following.get(offset, bound), bound)):
                end = _end_of(reader, source, ref, offset)
                if end is not None and end > bound:
                    return True
    return False


def entries(section: XRefSectionData) -> Iterator[tuple[tuple[int, int], int]]:
    """Number and offset of every object that the section places, in both halves of a hybrid one."""
    for idnum, (generation, offset) in section.standard_xrefs.items():
        yield (idnum, generation), offset
    if section.hybrid is not None:
        yield from entries(section.hybrid.xref_data)


def _closed(data: bytes, start: int, limit: int) -> bool:
    """Whether the object at ``start`` is over before ``limit`` without having to be read.

    Without a stream and without a literal string nothing can run over the word ``endobj``.
    """
    text = data[start:limit].rstrip()
    return text.endswith(b"endobj") and b"stream" not in text and b"(" not in text


def _end_of(reader: PdfFileReader, source: io.BytesIO, ref: tuple[int, int], start: int) -> int | None:
    """Where reading the object at ``start`` stops; None when nobody can read it."""
    source.seek(start)
    try:
        read_object_header(source, strict=False)  # type: ignore[no-untyped-call]
        generic.read_object(source, generic.Reference(*ref, pdf=reader))
    except _UNREADABLE:
        return None
    return source.tell()
