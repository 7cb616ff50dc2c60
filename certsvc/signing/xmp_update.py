"""Whether an XMP packet was only brought up to date (ISO 16684-1 §8.4), as writers of long-term data do.

What a reader shows of a document (title, author, license facts) stays; the moment of the change and the program that
made it may differ.
"""

from __future__ import annotations

import io

from pyhanko.pdf_utils.metadata import model, xmp_xml

MAX_XMP_BYTES = 1_000_000
"""XML is parsed whole; stops packets made to fill the memory of a worker."""

_MAY_CHANGE = frozenset(
    {model.XMP_MODDATE, model.PDF_PRODUCER, model.ExpandedName(ns=model.NS["xmp"], local_name="MetadataDate")}
)
_NO_DOCTYPE = (b"<!DOCTYPE", b"<!ENTITY")


def only_brought_up_to_date(before: bytes, after: bytes) -> bool:
    """Whether two packets say the same, but for their moment of change and their producer; False for broken ones."""
    try:
        old, new = _facts(before), _facts(after)
    except ValueError:  # XmpXmlProcessingError is one
        return False
    return old == new


def _facts(packet: bytes) -> dict[model.ExpandedName, model.XmpValue]:
    if len(packet) > MAX_XMP_BYTES or any(mark in packet for mark in _NO_DOCTYPE):
        msg = "an XMP packet that is too large, or has a DTD"
        raise ValueError(msg)
    roots = xmp_xml.parse_xmp(io.BytesIO(packet))
    return {name: value for root in roots for name, value in root if name not in _MAY_CHANGE}
