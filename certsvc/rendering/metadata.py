"""What a page says about itself to machines: information dictionary, XMP, attached ``metadata.json``.

The identifier of the license stands in all three and the signature covers them (GB/T 36905; STANDARDS.md 2.3). XMP is
written as ISO 19005-3 §6.6 wants it: custom properties are described by a PDF/A extension schema.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import orjson

from certsvc.clock import SHANGHAI, check_aware
from certsvc.errors import RenderingError
from certsvc.rendering.pdf import constant_text, date_string, name, text_string

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

PRODUCER = "certsvc"
NAMESPACE = "http://ns.certsvc.example/gbt36903/1.0/"
"""XML namespace of the elements of GB/T 36903 in XMP."""
PREFIX = "gbt36903"
ATTACHMENT = "metadata.json"
IDENTIFIER = "certificateIdentifier"
MAX_METADATA_BYTES = 64 * 1024
"""Elements of one license are a few kB; more is not metadata."""

XMP_STEP = 512
"""Bytes by which packets differ in length: at most so much is blank, and so seldom do two of a type differ."""

_GRAPH_END = b"</rdf:Description></rdf:RDF></x:xmpmeta>\n"
_STREAM_END = b"\nendstream"
_PACKET_END = b'<?xpacket end="r"?>' + _STREAM_END

_IDENTIFIER_NAME = name(IDENTIFIER)

_ELEMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters outside XML 1.0 §2.2, and the C1 controls that it only discourages."""


def checked(metadata: Mapping[str, str]) -> dict[str, str]:
    """The elements, sorted by name; RenderingError for a name or value that XML or JSON cannot carry."""
    names, length = _names(tuple(metadata))
    text = "".join(metadata.values())
    # Nothing that is printable is outside XML: the pattern is asked only where there is something else.
    if not text.isprintable() and _NOT_XML.search(text):
        key = next(key for key, value in metadata.items() if _NOT_XML.search(value))
        msg = f"元数据项“{key}”含有控制字符，请删除后重新提交"
        raise RenderingError(msg)
    if length + 3 * len(text) > MAX_METADATA_BYTES:
        msg = f"元数据超过 {MAX_METADATA_BYTES // 1024} kB，请精简"
        raise RenderingError(msg)
    return dict(zip(names, map(metadata.__getitem__, names), strict=True))


@lru_cache(maxsize=256)
def _names(keys: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """The names of the elements, checked and sorted, and their length; the same for every page of a type."""
    for key in keys:
        if not _ELEMENT.fullmatch(key):
            msg = f"元数据项名称“{key[:64]}”无效，只能用字母、数字和下划线"
            raise RenderingError(msg)
    return tuple(sorted(keys)), sum(map(len, keys))


def canonical_json(metadata: Mapping[str, str]) -> bytes:
    """RFC 8785 form of checked metadata: names are ASCII, so their order by code point is the order of the RFC."""
    return orjson.dumps(metadata, option=orjson.OPT_SORT_KEYS)


def info_dictionary(title: str, metadata: Mapping[str, str], at: datetime) -> bytes:
    """The document information dictionary; it says nothing that XMP does not say too (ISO 19005-3 §6.6.3)."""
    when = date_string(at)
    identifier = metadata.get(IDENTIFIER, "")
    extra = _IDENTIFIER_NAME + text_string(identifier) if identifier else b""
    return b"<</Title%s/Producer%s/CreationDate%s/ModDate%s%s>>" % (
        constant_text(title),
        constant_text(PRODUCER),
        when,
        when,
        extra,
    )


def xmp_packet(title: str, metadata: Mapping[str, str], at: datetime) -> tuple[bytes, ...]:
    """The XMP packet as a metadata stream in pieces; never compressed, so that tools without PDF find it.

    The first piece is the same for all packets of one length, and most of a type's have one: they are filled up with
    blanks, as ISO 16684-1 §7.3.2 lets writers do.
    """
    keys = tuple(metadata)
    elements = _elements(keys)
    values, all_values = metadata.values(), "".join(metadata.values())
    if "&" in all_values or "<" in all_values or ">" in all_values:
        text = elements % tuple(map(escape, values))
    else:
        text = elements % tuple(values)
    said, times = text.encode("utf-8"), _times(at)
    length = len(times) + len(said)
    blanks = -length % XMP_STEP
    return _opening(title, keys, length + blanks), times, said, _GRAPH_END, b" " * blanks, _PACKET_END


@lru_cache(maxsize=64)
def _times(at: datetime) -> bytes:
    when = check_aware(at).astimezone(SHANGHAI).isoformat(timespec="seconds")
    return f"<xmp:CreateDate>{when}</xmp:CreateDate><xmp:ModifyDate>{when}</xmp:ModifyDate>\n".encode("ascii")


@lru_cache(maxsize=256)
def _elements(keys: tuple[str, ...]) -> str:
    """What stands around each value, for ``%``; names are ASCII letters."""
    return "".join(f"<{PREFIX}:{key}>%s</{PREFIX}:{key}>\n" for key in keys)


@lru_cache(maxsize=256)
def _opening(title: str, keys: tuple[str, ...], room: int) -> bytes:
    """What stands before the times and values, which take ``room`` bytes with the blanks."""
    head = _head(title, keys)
    length = len(head) + room + len(_GRAPH_END) + len(_PACKET_END) - len(_STREAM_END)
    return b"<</Type/Metadata/Subtype/XML/Length %d>>stream\n%s" % (length, head)


def _head(title: str, keys: tuple[str, ...]) -> bytes:
    """The packet before the times: what describes the elements, the same for every page of a type."""
    properties = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{key}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>GB/T 36903 {key}</pdfaProperty:description></rdf:li>\n"
        for key in keys
    )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"'
        ' xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"'
        ' xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
        ' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
        ' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"'
        f' xmlns:{PREFIX}="{NAMESPACE}">\n'
        "<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>\n"
        "<dc:format>application/pdf</dc:format>"
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li>'
        f'<rdf:li xml:lang="zh-CN">{escape(title)}</rdf:li></rdf:Alt></dc:title>'
        "<dc:language><rdf:Bag><rdf:li>zh-CN</rdf:li></rdf:Bag></dc:language>\n"
        f"<pdf:Producer>{PRODUCER}</pdf:Producer>\n"
        '<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
        "<pdfaSchema:schema>GB/T 36903-2018</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI>"
        f"<pdfaSchema:prefix>{PREFIX}</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>\n{properties}</rdf:Seq></pdfaSchema:property>"
        "</rdf:li></rdf:Bag></pdfaExtension:schemas>\n"
    ).encode()
