"""What stands behind the first signed end must read alike for every reader (rule d, ISO 32000-2 §7.5.4, §7.5.5).

A reader that finds a table of cross-references broken searches the bytes for ``4 0 obj`` and takes the last one, inside
a stream as anywhere else. Whoever may add certificates to a store can so add a page: a header of an object in a stream,
and a table that the reader of this room takes and the next reader does not. Hence, behind the first signed end:

1. Every header of an object is one that a table places.
2. Tables and their beginnings are spelled as the standard spells them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.xref import XRefSectionType

from certsvc.signing.placed import entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyhanko.pdf_utils.reader import PdfFileReader

MAX_NUMBER = 8_388_607
"""Highest number of an object (ISO 32000-1 annex C); readers give up above, each at another one."""

MAX_WORDS = 100_000
"""Words ``obj`` that are looked at; stops files made to be slow."""

_GAP = rb"(?:[\0\t\n\f\r ]|%[^\r\n]*[\r\n])"
_HEADER = re.compile(rb"%b*[0-9]+%b+[0-9]+%b*obj" % (_GAP, _GAP, _GAP))
_WORD = re.compile(rb"(?<=[0-9\0\t\n\f\r ])obj")
_BEFORE = re.compile(rb"[0-9]%b+[0-9]+%b*\Z" % (_GAP, _GAP))
_WINDOW = 500
"""Bytes before a word ``obj`` in which its numbers must stand."""

_POINTER = re.compile(rb"startxref[\0\t\n\f\r ]+[0-9]{1,20}[\0\t\n\f\r ]+%%EOF")
_XREF = re.compile(rb"[\0\t\n\f\r ]*xref[\0\t\n\f\r ]+")
_PART = re.compile(rb"([0-9]{1,10}) +([0-9]{1,10}) *[\r\n]+")
_ENTRY = re.compile(rb"[0-9]{10} [0-9]{5} [fn](?: ?\r\n| \n| \r|\n|\r)\s*")
_WIDTHS, _WIDEST = 3, 8


def reads_two_ways(reader: PdfFileReader, data: bytes, signed: Sequence[tuple[int, int]]) -> bool:
    """Whether what stands behind the first signed end could be read in another way by a reader that repairs.

    Args:
        reader: over ``data``.
        data: the whole file.
        signed: revision and signed end of every signature.
    """
    if not signed or min(end for _, end in signed) >= len(data):
        return False
    first, end = min(signed)
    later = range(first + 1, reader.xrefs.total_revisions)
    return (
        data.count(b"startxref", end) != len(_POINTER.findall(data, end))
        or not all(_spelled_well(reader, data, number) for number in later)
        or _hides_objects(reader, data, end)
    )


def _hides_objects(reader: PdfFileReader, data: bytes, start: int) -> bool:
    """Whether the header of an object stands behind ``start`` that no table places."""
    listed = _listed(reader, data)
    for count, word in enumerate(_WORD.finditer(data, start)):
        if count > MAX_WORDS:
            return True
        before = data[max(word.start() - _WINDOW, 0) : word.start()]
        if word.end() not in listed and (not before.strip(b"\0\t\n\f\r ") or _BEFORE.search(before)):
            return True
    return False


def _listed(reader: PdfFileReader, data: bytes) -> set[int]:
    """Where the headers of all objects end that the tables place, and of the tables that are objects."""
    places: set[int] = set()
    for number in range(reader.xrefs.total_revisions):
        section = reader.xrefs.get_xref_data(number)
        places.add(reader.xrefs.get_xref_container_info(number).start_location)
        if section.hybrid is not None:
            places.add(section.hybrid.meta_info.start_location)
        places |= {offset for _, offset in entries(section)}
    headers = (_HEADER.match(data, place) for place in places)
    return {header.end() for header in headers if header is not None}


def _spelled_well(reader: PdfFileReader, data: bytes, number: int) -> bool:
    """Whether the table of a revision is one that no reader repairs."""
    section, info = reader.xrefs.get_xref_data(number), reader.xrefs.get_xref_container_info(number)
    streams = [] if section.hybrid is None else [section.hybrid.meta_info.stream_ref]
    if info.xref_section_type is XRefSectionType.STREAM:
        streams.append(info.stream_ref)
    elif not _is_plain(data, info.declared_startxref):
        return False
    return all(_stream_counts_well(reader, one) for one in streams)


def _is_plain(data: bytes, start: int) -> bool:
    """Whether a table is plain from its word ``xref`` to its ``trailer``, with numbers that every reader takes."""
    head = _XREF.match(data, start)
    if head is None:
        return False
    position = head.end()
    while part := _PART.match(data, position):
        first, count = int(part[1]), int(part[2])
        if first + count > MAX_NUMBER + 1:
            return False
        position = part.end()
        for _ in range(count):
            entry = _ENTRY.match(data, position)
            if entry is None:
                return False
            position = entry.end()
    return data.startswith(b"trailer", position)


def _stream_counts_well(reader: PdfFileReader, ref: generic.Reference | None) -> bool:
    """Whether the numbers of a table that is a stream are written straight into it, and within bounds."""
    table = None if ref is None else reader.get_object(ref)  # type: ignore[no-untyped-call]
    if not isinstance(table, generic.StreamObject):
        return False
    widths, index = table.get("/W"), table.get("/Index", generic.ArrayObject())
    if not isinstance(widths, generic.ArrayObject) or not isinstance(index, generic.ArrayObject):
        return False
    whole = [*list.__iter__(widths), *list.__iter__(index), table.raw_get("/Size")]
    if not all(isinstance(one, generic.NumberObject) and 0 <= one <= MAX_NUMBER + 1 for one in whole):
        return False
    numbers = [int(one) for one in list.__iter__(index)]
    ends = (first + count for first, count in zip(numbers[::2], numbers[1::2], strict=False))
    return len(widths) == _WIDTHS and max(widths) <= _WIDEST and max(ends, default=0) <= MAX_NUMBER + 1
