"""Whether an XMP packet was only brought up to date (ISO 16684-1 §8.4), as writers of long-term data do.

What a reader shows of a document (title, author, license facts) stays; the moment of the change, the program that made
it and the number of the instance may differ. Packets are compared by what they say, because writers choose among the
forms of ISO 16684-1 §7: attributes or elements, one description or several, structures of two kinds. Whatever is none
of these forms is refused on either side, for one reader would show it and the next pass over it: a property that stands
twice, a second graph, text beside elements, remarks that hold a packet of their own.
"""

from __future__ import annotations

import io
import re
from typing import NoReturn
from xml.etree import ElementTree as ET

from pyhanko.pdf_utils.metadata import model

MAX_XMP_BYTES = 1_000_000
"""XML is parsed whole; stops packets made to fill the memory of a worker."""

MAX_DEPTH = 50
"""Nesting of a packet that is compared; stops packets made to exhaust the stack."""

MAX_TEXT = 255
"""Length of a value that may change."""

_RDF, _XML, _X = (f"{{{model.NS[name]}}}" for name in ("rdf", "xml", "x"))
_LANG = f"{_XML}lang"
_ABOUT = (f"{_RDF}about", "about")
"""How the attribute is spelled, and was once."""

_MOMENT = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?")
_LINE = re.compile(rf"[^\x00-\x1f]{{0,{MAX_TEXT}}}")
_MAY_CHANGE = {
    "{http://ns.adobe.com/xap/1.0/}ModifyDate": _MOMENT,
    "{http://ns.adobe.com/xap/1.0/}MetadataDate": _MOMENT,
    "{http://ns.adobe.com/xap/1.0/mm/}InstanceID": re.compile(r"[A-Za-z0-9:._-]{1,99}"),
    "{http://ns.adobe.com/pdf/1.3/}Producer": _LINE,
}
_NEVER = (b"<!DOCTYPE", b"<!ENTITY", b"\0")
"""A DTD, which could name entities; and UTF-16, in which it would not be seen."""
_OTHER_ENCODING = re.compile(rb"<\?xml\b[^>]*\bencoding\s*=\s*[\"'](?!utf-8[\"'])", re.IGNORECASE)
_ASIDE = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)
_BEGIN = re.compile(rb"\s*<\? ?xpacket begin=[\"'](?:\xef\xbb\xbf)?[\"'] id=[\"']W5M0MpCehiHzreSzNTczkc9d[\"'] ?\?>")
_END = re.compile(rb"<\? ?xpacket end=[\"'][rw][\"'] ?\?>\s*\Z")
_NUMBERED = re.compile(r"ns\d+")
"""A prefix that a writer made up."""
_ADDRESS = re.compile(r"https?://")

Value = tuple[object, ...]


def only_brought_up_to_date(before: bytes, after: bytes) -> bool:
    """Whether two packets say the same, but for what may change; False for broken ones."""
    try:
        old, new = _Packet(before), _Packet(after)
    except (ValueError, ET.ParseError):
        return False
    return (
        old.lasting() == new.lasting()
        and new.abouts <= old.abouts | {""}
        and _asides(after) <= _asides(before)
        and _keep_their_names(old.prefixes, new.prefixes)
        and all(name not in new.facts or _is_plain(new.facts[name], form) for name, form in _MAY_CHANGE.items())
    )


def _asides(packet: bytes) -> set[bytes]:
    """Comments, instructions and quoted text; not the marks at both ends, by which simple readers find a packet."""
    begin, end = _BEGIN.match(packet), _END.search(packet, max(len(packet) - MAX_TEXT, 0))
    return set(_ASIDE.findall(packet, begin.end() if begin else 0, end.start() if end else len(packet)))


def _keep_their_names(old: set[tuple[str, str]], new: set[tuple[str, str]]) -> bool:
    """Whether no prefix came to stand for something else: simple readers know prefixes and no namespaces."""
    taken = {prefix for prefix, _ in old} | set(model.NS)
    known = old | set(model.NS.items())
    return all((prefix, uri) in known or prefix not in taken or _NUMBERED.fullmatch(prefix) for prefix, uri in new)


def _is_plain(value: Value, form: re.Pattern[str]) -> bool:
    kind, *rest = value
    return kind == "text" and rest[1] == "" and form.fullmatch(str(rest[0])) is not None


class _Packet:
    """What a packet says; ValueError for one that says it in a form that is not known."""

    def __init__(self, packet: bytes) -> None:
        if len(packet) > MAX_XMP_BYTES or any(mark in packet for mark in _NEVER) or _OTHER_ENCODING.search(packet):
            _refuse("an XMP packet that is too large, has a DTD or is no UTF-8")
        packet.decode("utf-8")
        self.prefixes: set[tuple[str, str]] = set()
        self.abouts: set[str] = set()
        self.facts: dict[str, Value] = {}
        graph = self._parsed(packet.strip())
        if graph.tag == f"{_X}xmpmeta":
            _bare(graph, but=f"{_X}xmptk")
            if len(graph) != 1:
                _refuse("more than one graph")
            graph = graph[0]
        if graph.tag != f"{_RDF}RDF":
            _refuse("no graph")
        _bare(graph)
        for node in graph:
            self._description(node)

    def lasting(self) -> dict[str, Value]:
        """The facts that may not change."""
        return {name: value for name, value in self.facts.items() if name not in _MAY_CHANGE}

    def _parsed(self, packet: bytes) -> ET.Element:
        root: ET.Element | None = None
        # Bounded, without DTD, in a worker.
        for event, found in ET.iterparse(io.BytesIO(packet), ("start-ns", "end")):  # noqa: S314
            if event == "start-ns":
                self.prefixes.add(found)
            else:
                root = found
        if root is None:
            _refuse("no XML")
        return root

    def _description(self, node: ET.Element) -> None:
        if node.tag != f"{_RDF}Description":
            _refuse("a typed node")
        abouts = {node.attrib.pop(name) for name in _ABOUT if name in node.attrib} or {""}
        self.abouts |= abouts
        _add(self.facts, _members(node, "", 0))


def _members(node: ET.Element, lang: str, depth: int) -> list[tuple[str, Value]]:
    """The properties of a description or structure, written as attributes and as elements."""
    if depth > MAX_DEPTH:
        _refuse("XMP that is nested too deep")
    _no_text(node)
    named = [(name, value) for name, value in node.attrib.items() if name not in {_LANG, f"{_RDF}parseType"}]
    if _LANG in node.attrib and node.tag == f"{_RDF}Description":
        _refuse("a language of a description")
    found: list[tuple[str, Value]] = [(_property(name), _text(value, lang)) for name, value in named]
    return found + [(_property(child.tag, value=True), _value(child, lang, depth + 1)) for child in node]


def _property(name: str, *, value: bool = False) -> str:
    """A name that is one of a property; ``rdf:value`` is one as an element."""
    if not name.startswith("{") or (name.startswith((_RDF, _XML)) and not (value and name == f"{_RDF}value")):
        _refuse("something that is no property")
    return name


def _value(node: ET.Element, lang: str, depth: int) -> Value:
    """The value of a property or a member of an array (ISO 16684-1 §7.5 to §7.9)."""
    lang = node.attrib.get(_LANG, lang)
    others = {name: value for name, value in node.attrib.items() if name != _LANG}
    if others == {f"{_RDF}parseType": "Resource"}:
        return _structure(_members(node, lang, depth))
    if len(node):
        if others or len(node) > 1:
            _refuse("a value of several parts")
        _no_text(node)
        return _inner(node[0], lang, depth + 1)
    if f"{_RDF}resource" in others:
        if len(others) > 1 or node.text:
            _refuse("a reference with something beside it")
        return _text(others[f"{_RDF}resource"], "")
    if others:
        return _structure(_members(node, lang, depth))
    return _text(node.text or "", lang)


def _inner(node: ET.Element, lang: str, depth: int) -> Value:
    """What stands between a property and its parts."""
    if node.tag == f"{_RDF}Description":
        return _structure(_members(node, lang, depth))
    if node.tag not in {f"{_RDF}{kind}" for kind in ("Seq", "Bag", "Alt")} or depth > MAX_DEPTH:
        _refuse("a value of an unknown kind")
    _bare(node)
    if any(child.tag != f"{_RDF}li" for child in node):
        _refuse("an array of something else")
    return (node.tag, *(_value(child, lang, depth + 1) for child in node))


def _structure(members: list[tuple[str, Value]]) -> Value:
    facts: dict[str, Value] = {}
    _add(facts, members)
    return ("structure", tuple(sorted(facts.items(), key=lambda one: one[0])))


def _add(facts: dict[str, Value], members: list[tuple[str, Value]]) -> None:
    for name, value in members:
        if name in facts:
            _refuse("a property that stands twice")
        facts[name] = value


def _text(value: str, lang: str) -> Value:
    """Text in a language; an address has none, and is the same as a reference to it."""
    return ("text", value, "" if _ADDRESS.match(value) else lang)


def _bare(node: ET.Element, *, but: str = "") -> None:
    if set(node.attrib) - {but}:
        _refuse("attributes where none belong")
    _no_text(node)


def _no_text(node: ET.Element) -> None:
    if any((part or "").strip() for part in (node.text, *(child.tail for child in node))):
        _refuse("text beside elements")


def _refuse(problem: str) -> NoReturn:
    raise ValueError(problem)
