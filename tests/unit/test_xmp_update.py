"""Which packets say the same: forms of writers that do, and one trick of each kind that does not."""

from __future__ import annotations

import io

import pytest
from pyhanko.pdf_utils.metadata import model, xmp_xml

from certsvc.signing.xmp_update import MAX_DEPTH, MAX_XMP_BYTES, only_brought_up_to_date

BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
END = '<?xpacket end="w"?>'
NAMES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" '
    'xmlns:my="http://a.example/my/"'
)
TITLE = (
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">T</rdf:li><rdf:li xml:lang="zh">证</rdf:li></rdf:Alt></dc:title>'
)
HISTORY = '<xmpMM:History><rdf:Seq><rdf:li rdf:parseType="Resource"><my:a>1</my:a></rdf:li></rdf:Seq></xmpMM:History>'
DATE = "<xmp:ModifyDate>2026-01-01T00:00:00Z</xmp:ModifyDate>"
LATER = DATE.replace("01-01", "02-02")


def packet(*properties: str, about: str = ' rdf:about=""', front: str = BEGIN, end: str = END, more: str = "") -> bytes:
    graph = f"<rdf:Description{about} {NAMES}>{''.join(properties)}</rdf:Description>{more}"
    rdf = f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{graph}</rdf:RDF>'
    return f'{front}<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="A">{rdf}</x:xmpmeta>{" " * 99}{end}'.encode()


def rewritten(before: bytes) -> bytes:
    """As pyHanko brings a packet up to date."""
    roots = xmp_xml.parse_xmp(io.BytesIO(before))
    meta = model.DocumentMetadata(last_modified="now", xmp_unmanaged=True)
    out = io.BytesIO()
    xmp_xml.serialise_xmp(xmp_xml.update_xmp_with_meta(meta, roots=roots), out)
    return out.getvalue()


SECOND = f'<rdf:Description rdf:about="" {NAMES}><pdf:Keywords/></rdf:Description>'


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(packet(TITLE, DATE), id="plain"),
        pytest.param(packet(TITLE, DATE, more=SECOND), id="two descriptions"),
        pytest.param(packet(TITLE, about=""), id="about nothing"),
        pytest.param(packet(TITLE, about=' rdf:about="uuid:1"'), id="about a number"),
        pytest.param(packet(TITLE, about=' about=""'), id="about as once"),
        pytest.param(packet(HISTORY, DATE), id="a history"),
        pytest.param(packet('<my:s my:a="1" my:b="2"/>'), id="a structure of attributes"),
        pytest.param(packet("<my:s><rdf:Description><my:a>1</my:a></rdf:Description></my:s>"), id="a nested one"),
        pytest.param(packet("<xmp:BaseURL>https://a.example</xmp:BaseURL>"), id="an address"),
        pytest.param(packet("<my:a><!-- x -->b</my:a>", front=""), id="a comment"),
    ],
)
def test_packets_that_writers_bring_up_to_date_say_the_same(before: bytes) -> None:
    assert only_brought_up_to_date(before, before.replace(DATE.encode(), LATER.encode()))
    after = rewritten(before)
    assert only_brought_up_to_date(before, after)
    assert only_brought_up_to_date(after, rewritten(after))


@pytest.mark.parametrize(
    "added",
    [
        LATER,
        "<pdf:Producer>Another (1.0) 软件</pdf:Producer>",
        "<xmpMM:InstanceID>uuid:2f-4</xmpMM:InstanceID>",
        "<xmp:MetadataDate>2026-02-02</xmp:MetadataDate>",
    ],
)
def test_these_may_come_and_change(added: str) -> None:
    assert only_brought_up_to_date(packet(TITLE), packet(TITLE, added))
    assert only_brought_up_to_date(packet(TITLE, added), packet(TITLE))


CHANGED = {
    "a fact gone": packet(),
    "a fact added": packet(TITLE, "<my:a>1</my:a>"),
    "alternatives in another order": packet(TITLE.replace("x-default", "q").replace('"zh"', '"x-default"')),
    "members in another order": packet(
        TITLE.replace(">T<", ">证<", 1).replace(">证</rdf:li></rdf:Alt", ">T</rdf:li></rdf:Alt")
    ),
    "another kind of array": packet(TITLE.replace("rdf:Alt", "rdf:Bag")),
    "another language": packet(TITLE.replace('"zh"', '"en"')),
    "a numbered member": packet(TITLE.replace("<rdf:Alt>", '<rdf:Alt><rdf:_1 xml:lang="x-default">F</rdf:_1>')),
    "members as attributes": packet(TITLE.replace("<rdf:Alt>", '<rdf:Alt rdf:_1="F">')),
    "text beside an array": packet(TITLE.replace("<rdf:Alt>", "F<rdf:Alt>")),
    "text in a description": packet("F", TITLE),
    "text in the graph": packet(TITLE, more="F"),
    "a value beside text": packet(TITLE.replace('<rdf:li xml:lang="zh"', '<rdf:li my:a="F" xml:lang="zh"')),
    "twice, as attribute": packet(TITLE, about=' rdf:about="" dc:title="F"'),
    "twice, in another description": packet(TITLE, more=f"<rdf:Description {NAMES}>{TITLE}</rdf:Description>"),
    "of something else": packet(TITLE, about=' rdf:about="uuid:9"'),
    "of a node": packet(TITLE, about=' rdf:nodeID="a"'),
    "a typed node": packet(TITLE, more=f"<my:T {NAMES}/>"),
    "a prefix of another name": packet(TITLE).replace(
        b'xmlns:my="http://a.example/my/"', b'xmlns:my="http://b.example/"'
    ),
    "a known prefix": packet(TITLE).replace(b"xmlns:my=", b'xmlns:pdfaid="http://b.example/" xmlns:my='),
    "a packet in a comment": packet(TITLE, f"<!-- {BEGIN} -->"),
    "a mark in the middle": packet(TITLE, END),
    "two marks": packet(TITLE, front=BEGIN + BEGIN),
    "another instruction": packet(TITLE, front='<?xml-stylesheet href="a"?>'),
    "text that is quoted": packet(TITLE.replace(">T<", "><![CDATA[T]]><")),
    "another encoding": packet(TITLE, front='<?xml version="1.0" encoding="ISO-8859-1"?>'),
    "an encoding of seven bits": packet(TITLE, front="<?xml version='1.0' encoding = 'UTF-7'?>"),
    "sixteen bits": packet(TITLE).decode().encode("utf-16"),
    "no encoding at all": packet(TITLE).replace(b">T<", b">\xff<"),
    "a document type": packet(TITLE, front="<!DOCTYPE x [<!ENTITY e 'a'>]>"),
    "an entity of nobody": packet(TITLE.replace(">T<", ">&e;<")),
    "a second graph": packet(TITLE).replace(b"</x:xmpmeta>", b'<rdf:RDF xmlns:rdf="urn:x"/></x:xmpmeta>'),
    "something behind": packet(TITLE) + b"<x/>",
    "a date that tells a story": packet(TITLE, "<xmp:ModifyDate>2026, to Mr Li</xmp:ModifyDate>"),
    "a date of several": packet(TITLE, "<xmp:ModifyDate><rdf:Alt><rdf:li>2026</rdf:li></rdf:Alt></xmp:ModifyDate>"),
    "a date in a language": packet(TITLE, '<xmp:ModifyDate xml:lang="zh">2026</xmp:ModifyDate>'),
    "a producer of lines": packet(TITLE, "<pdf:Producer>A\n\n\nHolder: Li</pdf:Producer>"),
    "a producer without end": packet(TITLE, f"<pdf:Producer>{'a' * 300}</pdf:Producer>"),
    "deep": packet(TITLE, "<my:a><rdf:Seq><rdf:li>" * 999 + "</rdf:li></rdf:Seq></my:a>" * 999),
    "large": packet(TITLE, end=END + " " * MAX_XMP_BYTES),
    "nothing": b"",
}


@pytest.mark.parametrize("after", [pytest.param(one, id=name) for name, one in CHANGED.items()])
def test_packets_that_say_or_hide_something_else_do_not(after: bytes) -> None:
    assert not only_brought_up_to_date(packet(TITLE), after)


def test_what_one_reader_shows_may_not_go_either() -> None:
    """A form that is not known says something to somebody: nobody can tell that it was kept."""
    for said in (TITLE.replace("<rdf:Alt>", '<rdf:Alt rdf:_1="F">'), TITLE.replace('"zh"', '"zh" my:status="F"')):
        assert not only_brought_up_to_date(packet(said), packet(TITLE))


def test_nesting_has_an_end() -> None:
    for depth, passes in ((MAX_DEPTH // 2 - 2, True), (MAX_DEPTH, False)):
        nested = "<my:a><rdf:Description>" * depth + "</rdf:Description></my:a>" * depth
        assert only_brought_up_to_date(packet(nested), packet(nested)) is passes
