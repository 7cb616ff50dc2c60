"""The few rules of DER (ITU-T X.690 §10) that this room needs itself: write, measure and read elements, check nesting.

:class:`Element` reads structures of which the very bytes were signed (STANDARDS.md 3.4): it hands out slices, never a
re-encoding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_DEPTH = 64
"""Nesting of ASN.1 in a signature; stops recursion (malformed certificates nest thousands of levels)."""

_LONG_FORM = 0x80
_LENGTH_BITS = 0x7F
_CONSTRUCTED = 0x20
_LONG_TAG = 0x1F
_RESERVED_TAGS = frozenset({0x00, 0x20})
_HEADER_BYTES = 2
_MAX_LENGTH_BYTES = 4


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER element: tag, minimal length, content."""
    content = b"".join(parts)
    size = len(content)
    if size < _LONG_FORM:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(length))) + length + content


def element_size(data: bytes) -> int:
    """Bytes of the first element, header included; ValueError for indefinite or non-minimal lengths."""
    header, content = _header(data)
    return header + content


def check_nesting(data: bytes, depth: int = 0) -> None:
    """ValueError unless ``data`` is elements of minimal length whose children fill them exactly.

    asn1crypto tolerates a stray byte at the end of a SEQUENCE; ISO 32000-2 §12.8.3.3.1 asks for DER.
    """
    if depth > MAX_DEPTH:
        msg = "ASN.1 is nested too deep"
        raise ValueError(msg)
    while data:
        tag = data[0]
        header, content = _header(data)
        if header + content > len(data) or tag in _RESERVED_TAGS or tag & _LONG_TAG == _LONG_TAG:
            msg = "not DER"
            raise ValueError(msg)
        if tag & _CONSTRUCTED:
            check_nesting(data[header : header + content], depth + 1)
        data = data[header + content :]


BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, UTC_TIME, GENERALIZED_TIME = 0x0C, 0x13, 0x16, 0x17, 0x18
SEQUENCE, SET, CONTEXT_0, CONTEXT_1 = 0x30, 0x31, 0xA0, 0xA1

MAX_CHILDREN = 10_000
"""Elements directly inside one; stops lists made to be slow."""

_TIME = re.compile(rb"(\d{4}|\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.\d{1,6})?Z")
_CENTURY_BREAK = 50


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, its whole bytes and its content. Every reader raises ValueError for another kind."""

    tag: int
    whole: bytes
    content: bytes

    @classmethod
    def read(cls, data: bytes, *, nesting: bool = True) -> Element:
        """The one element that ``data`` is, strict DER throughout; ValueError otherwise."""
        if nesting:
            check_nesting(data)
        header, content = _header(data)
        if header + content != len(data):
            msg = "bytes behind the element"
            raise ValueError(msg)
        return cls(data[0], data, data[header:])

    def children(self, tag: int = SEQUENCE) -> list[Element]:
        """The elements inside one of ``tag``."""
        self.expect(tag)
        found, rest = [], self.content
        while rest:
            header, content = _header(rest)
            found.append(Element(rest[0], rest[: header + content], rest[header : header + content]))
            rest = rest[header + content :]
            if len(found) > MAX_CHILDREN:
                msg = "too many elements"
                raise ValueError(msg)
        return found

    def expect(self, *tags: int) -> Element:
        """Itself, when its tag is one of ``tags``."""
        if self.tag not in tags:
            msg = f"element {self.tag:#04x} where {'/'.join(f'{tag:#04x}' for tag in tags)} belongs"
            raise ValueError(msg)
        return self

    def octets(self) -> bytes:
        """Content of an OCTET STRING."""
        return self.expect(OCTET_STRING).content

    def bits(self) -> bytes:
        """Content of a BIT STRING of whole bytes."""
        if not self.expect(BIT_STRING).content.startswith(b"\x00"):
            msg = "BIT STRING with unused bits"
            raise ValueError(msg)
        return self.content[1:]

    def number(self) -> int:
        """Value of an INTEGER in its shortest form."""
        digits = self.expect(INTEGER).content
        value = int.from_bytes(digits, "big", signed=True)
        if not digits or value.to_bytes(len(digits), "big", signed=True) != digits or _padded(digits):
            msg = "INTEGER is not DER"
            raise ValueError(msg)
        return value

    def text(self) -> str:
        """Value of a string (UTF8String, PrintableString or IA5String); bytes of old encodings are tolerated."""
        self.expect(UTF8_STRING, PRINTABLE_STRING, IA5_STRING)
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError:
            return self.content.decode("gb18030", errors="replace")

    def time(self) -> datetime:
        """Value of a GeneralizedTime or UTCTime in UTC."""
        self.expect(UTC_TIME, GENERALIZED_TIME)
        match = _TIME.fullmatch(self.content)
        if match is None or (len(match[1]) == 2) != (self.tag == UTC_TIME):  # noqa: PLR2004  (digits of the year)
            msg = "time is not DER"
            raise ValueError(msg)
        year, *rest = (int(part) for part in match.groups())
        if self.tag == UTC_TIME:
            year += 2000 if year < _CENTURY_BREAK else 1900
        month, day, hour, minute, second = rest
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)

    def oid(self) -> str:
        """Dotted value of an OBJECT IDENTIFIER."""
        digits = self.expect(OID).content
        if not digits or digits[-1] & _LONG_FORM:
            msg = "OBJECT IDENTIFIER is not DER"
            raise ValueError(msg)
        parts, value = [], 0
        for byte in digits:
            value = value << 7 | byte & _LENGTH_BITS
            if not byte & _LONG_FORM:
                parts.append(value)
                value = 0
        first = min(parts[0] // 40, 2)
        return ".".join(str(part) for part in (first, parts[0] - 40 * first, *parts[1:]))


def integer(value: int) -> bytes:
    """INTEGER in DER."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def generalized_time(at: datetime) -> bytes:
    """GeneralizedTime in DER, whole seconds, UTC."""
    return tlv(GENERALIZED_TIME, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode("ascii"))


def _padded(digits: bytes) -> bool:
    return len(digits) > 1 and (digits[0], digits[1] & _LONG_FORM) in {(0, 0), (0xFF, _LONG_FORM)}


def _header(data: bytes) -> tuple[int, int]:
    """Bytes of tag and length, and of the content."""
    if len(data) < _HEADER_BYTES:
        msg = "no DER element"
        raise ValueError(msg)
    first = data[1]
    if first < _LONG_FORM:
        return _HEADER_BYTES, first
    count = first & _LENGTH_BITS
    digits = data[_HEADER_BYTES : _HEADER_BYTES + count]
    size = int.from_bytes(digits, "big")
    if not 1 <= count <= _MAX_LENGTH_BYTES or len(digits) != count or digits[0] == 0 or size < _LONG_FORM:
        msg = "length is not DER"
        raise ValueError(msg)
    return _HEADER_BYTES + count, size
