"""Whether an XMP packet was only brought up to date (ISO 16684-1 §8.4), as writers of long-term data do.

What a reader shows of a document (title, author, license facts) stays; the moment of the change and the program that
made it may differ. The later packet must hold nothing beside what was read from it: a property that stands twice, as
an attribute or in a second graph would be shown by one reader and passed over by the next.
"""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

from pyhanko.pdf_utils.metadata import model, xmp_xml

MAX_XMP_BYTES = 1_000_000
"""XML is parsed whole; stops packets made to fill the memory of a worker."""

MAX_DEPTH = 50
"""Nesting of a packet that is compared; stops packets made to exhaust the stack."""

_MAY_CHANGE = frozenset(
    {model.XMP_MODDATE, model.PDF_PRODUCER, model.ExpandedName(ns=model.NS["xmp"], local_name="MetadataDate")}
)
_NEVER = (b"<!DOCTYPE", b"<!ENTITY", b"\0")
"""A DTD, which could name entities; and UTF-16, in which it would not be seen."""
_TOOLKIT = f"{{{model.NS['x']}}}xmptk"
"""The name of the program that wrote the packet."""

_GRAMMAR = (f"{{{model.NS['rdf']}}}", f"{{{model.NS['xml']}}}")
"""Attributes of RDF and XML themselves, which are no properties."""

Tree = tuple[str, tuple[tuple[str, str], ...], str, tuple["Tree", ...]]


def only_brought_up_to_date(before: bytes, after: bytes) -> bool:
    """Whether two packets say the same, but for their moment of change and their producer; False for broken ones."""
    try:
        old, new = _read(before), _read(after)
        written = io.BytesIO()
        xmp_xml.serialise_xmp(new, written)
        return _facts(old) == _facts(new) and _tree(_parsed(after)) == _tree(_parsed(written.getvalue()))
    except (ValueError, ET.ParseError):  # XmpXmlProcessingError is a ValueError
        return False


def _read(packet: bytes) -> list[model.XmpStructure]:
    if len(packet) > MAX_XMP_BYTES or any(mark in packet for mark in _NEVER):
        msg = "an XMP packet that is too large, has a DTD or is no UTF-8"
        raise ValueError(msg)
    return xmp_xml.parse_xmp(io.BytesIO(packet))


def _facts(roots: list[model.XmpStructure]) -> dict[model.ExpandedName, model.XmpValue]:
    found: dict[model.ExpandedName, model.XmpValue] = {}
    for name, value in (pair for root in roots for pair in root):
        if name in found:
            msg = "a property stands twice"
            raise ValueError(msg)
        found[name] = value
    return {name: value for name, value in found.items() if name not in _MAY_CHANGE}


def _parsed(packet: bytes) -> ET.Element:
    return ET.fromstring(packet.strip())  # noqa: S314  (bounded, without DTD, in a worker)


def _tree(element: ET.Element, depth: int = 0) -> Tree:
    """Names, values and children of an element, whatever its prefixes and line ends, and the order of the children.

    A property that is an attribute is the same as one that is an element (ISO 16684-1 §7.9.2.2).
    """
    if depth > MAX_DEPTH:
        msg = "XMP that is nested too deep"
        raise ValueError(msg)
    properties = {name: value for name, value in element.attrib.items() if "{" in name and name != _TOOLKIT}
    grammar = {name for name in properties if name.startswith(_GRAMMAR)}
    children: list[Tree] = [(name, (), value, ()) for name, value in properties.items() if name not in grammar]
    children += [_tree(child, depth + 1) for child in element]
    attributes = sorted((name, value) for name, value in element.attrib.items() if name in grammar or "{" not in name)
    text = (part.strip() for part in (element.text or "", *(child.tail or "" for child in element)))
    return element.tag, tuple(attributes), "\n".join(filter(None, text)), tuple(sorted(children, key=repr))
