"""The few rules of DER (ITU-T X.690 §10) that this room needs itself: write an element, measure one, check nesting."""

from __future__ import annotations

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
