"""What may stand behind a seal, and where signed objects may stand: one attack per case, each a single small change."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from signing_pages import NOW, catalog_object, one_page, page_object, prepare, signature_object
from signing_strangers import Stranger, make_stranger, sealed_by, timestamped_by, with_revision

from certsvc.commands.ports import TrustChoice
from certsvc.seal.verdict import FileFindings, Indication, Reason
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.trailing import only_long_term_data
from certsvc.signing.trust import TrustAnchors

RESERVED = 4000
EVIL = b"BT /F1 40 Tf 50 600 Td (PAY 9999999) Tj ET"
FORM_OBJECT = b"<< /Type /XObject /Subtype /Form /BBox [ 0 0 600 800 ] /Length %d >>\nstream\n%b\nendstream"
FACE = FORM_OBJECT % (len(EVIL), EVIL)
CERTIFICATE = b"<< /Length 3 >>\nstream\nabc\nendstream"
STORE = b"<< /Type /DSS /Certs [ 21 0 R ] >>"
FIELD = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Seal1) /V 7 0 R /P 3 0 R /F 132 /Rect [ 0 0 0 0 ] >>"
INVISIBLE = b"/Rect [ 0 0 0 0 ]"


@pytest.fixture(scope="module")
def stranger() -> Stranger:
    return make_stranger()


@pytest.fixture(scope="module")
def sealed(stranger: Stranger, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A page that a stranger certified against every change, its DSS to come as object 20."""
    return sealed_by(stranger, one_page(RESERVED, amount="100"), tmp_path_factory.mktemp("sealed"))


def judged(data: bytes, stranger: Stranger) -> FileFindings:
    choice = TrustChoice(extra_anchors=(stranger.root_pem,), at=NOW)
    return PdfInspector(TrustAnchors(())).inspect(data, choice, NOW)


def catalog(*fields: int, more: bytes = b"", form: bytes = b"") -> bytes:
    """The catalog of :func:`sealed` with a store, and whatever else."""
    text = catalog_object(*(fields or (6, 8)), docmdp=1)
    return text.replace(b"/SigFlags 3", b"/SigFlags 3 " + form)[:-2] + b"/DSS 20 0 R " + more + b">>"


def field(*keys: bytes) -> bytes:
    return b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (New) /F 4 /P 3 0 R " + b" ".join(keys) + b" >>"


def store(**changes: bytes) -> dict[int, bytes]:
    """The objects of a genuine store, with ``o<number>`` changed or added."""
    return {1: catalog(), 20: STORE, 21: CERTIFICATE, **{int(name[1:]): body for name, body in changes.items()}}


def with_field(*keys: bytes, **changes: bytes) -> dict[int, bytes]:
    """A store, and a new field on the page."""
    return store(**{"o1": catalog(6, 8, 22), "o3": page_object(6, 8, 22), "o22": field(*keys), **changes})


def test_a_store_alone_may_stand_behind_a_seal(sealed: bytes, stranger: Stranger) -> None:
    assert judged(sealed, stranger).reason is Reason.OK
    findings = judged(with_revision(sealed, store()), stranger)
    assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK)
    again = with_revision(with_revision(sealed, store()), {20: b"<< /Certs [ 21 0 R 25 0 R ] >>", 25: CERTIFICATE})
    assert judged(again, stranger).reason is Reason.OK
    said = {1: catalog(more=b"/Extensions << /ADBE << /BaseVersion /1.7 /ExtensionLevel 8 >> >> ")}
    assert judged(with_revision(sealed, store() | said), stranger).reason is Reason.OK


def test_a_document_timestamp_may_follow(sealed: bytes, stranger: Stranger, tmp_path: Path) -> None:
    """Written by hand, as another writer would: a store, and a field with a token that openssl made."""
    authority = make_stranger(timestamps=True)
    signature = (
        b"<< /Type /DocTimeStamp /Filter /Adobe.PPKLite /SubFilter /ETSI.RFC3161 /ByteRange %b /Contents <%b> >>"
    )
    place = b"[" + b" ".join([b"%010d" % 0] * 4) + b"]"
    body = signature % (place, b"0" * 2 * RESERVED)
    objects = with_field(INVISIBLE, b"/V 23 0 R", o23=body)
    data = timestamped_by(authority, prepare(with_revision(sealed, objects)), tmp_path)
    choice = TrustChoice(extra_anchors=(stranger.root_pem, authority.root_pem), at=NOW)
    findings = PdfInspector(TrustAnchors(())).inspect(data, choice, NOW)
    seal = next(one for one in findings.signatures if one.kind == "seal")
    assert (seal.reason, findings.modification.value) == (Reason.OK, "good")


ATTACKS = {
    "overlay with an indirect rectangle, its face a certificate": with_field(
        b"/Rect [ 24 0 R 0 600 800 ] /AP << /N 25 0 R >>", o24=b"0", o25=FACE, o20=b"<< /Certs [ 21 0 R 25 0 R ] >>"
    ),
    "five numbers": with_field(b"/Rect [ 0 0 600 800 0 ] /AP << /N 21 0 R >>", o21=FACE),
    "strings": with_field(b"/Rect [ (0) (0) (600) (800) ] /AP << /N 21 0 R >>", o21=FACE),
    "no rectangle but a face": with_field(b"/AP << /N 21 0 R >>", o21=FACE),
    "an empty signature field": with_field(INVISIBLE),
    "a script": with_field(INVISIBLE, b"/AA << /PO << /S /JavaScript /JS (1) >> >>"),
    "a program": with_field(INVISIBLE, b"/A << /S /Launch /F (x) >>"),
    "an address": with_field(INVISIBLE, b"/A << /S /URI /URI (http://a.example) >>"),
    "kids": with_field(INVISIBLE, b"/Kids [ 8 0 R ]"),
    "a value that is no signature": with_field(INVISIBLE, b"/V (text)"),
    "a widget that is no field": store(o3=page_object(6, 8, 22), o22=field(INVISIBLE)),
    "an annotation": store(o3=page_object(6, 8, 22), o22=b"<< /Type /Annot /Subtype /FreeText /Rect [ 0 0 9 9 ] >>"),
    "drawn anew by the reader": store(o1=catalog(form=b"/NeedAppearances true ")),
    "another default appearance": store(o1=catalog(form=b"/DA (/F1 99 Tf) ")),
    "another quadding": store(o1=catalog(form=b"/Q 2 ")),
    "a form of another kind": store(o1=catalog(form=b"/XFA 21 0 R ")),
    "a field gone": store(o1=catalog(6)),
    "fields in another order": store(o1=catalog(8, 6)),
    "an action on opening": store(o1=catalog(more=b"/OpenAction << /S /JavaScript /JS (1) >> ")),
    "layers": store(o1=catalog(more=b"/OCProperties << /OCGs [ ] /D << >> >> ")),
    "names": store(o1=catalog(more=b"/Names << >> ")),
    "a store with a key of its own": store(o20=b"<< /Certs [ 21 0 R ] /Face 21 0 R >>"),
    "a store that is a stream": store(o20=CERTIFICATE),
    "another value of a field": store(
        o8=b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (Amount) /V (999) /Rect [ 0 0 0 0 ] >>"
    ),
    "another font": store(o5=b"<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>"),
    "other content": store(o4=b"<< /Length %d >>\nstream\n%b\nendstream" % (len(EVIL), EVIL)),
    "another page": store(o2=b"<< /Type /Pages /Kids [ 3 0 R 3 0 R ] /Count 2 >>"),
    "a page turned": store(o3=page_object(6, 8)[:-2] + b"/Rotate 180 >>"),
    "a page with other contents": store(o3=page_object(6, 8).replace(b"4 0 R", b"21 0 R"), o21=FACE),
}


@pytest.mark.parametrize("objects", [pytest.param(one, id=name) for name, one in ATTACKS.items()])
def test_nothing_else_may(sealed: bytes, stranger: Stranger, objects: dict[int, bytes]) -> None:
    findings = judged(with_revision(sealed, objects), stranger)
    assert findings.indication is not Indication.TOTAL_PASSED
    assert findings.reason in {Reason.CHANGED_AFTER_SEALING, Reason.MALFORMED}, findings.detail


def test_the_title_of_the_document_may_not_change(sealed: bytes, stranger: Stranger) -> None:
    data = with_revision(sealed, store(o24=b"<< /Title (Fake) >>")).replace(b"/Size 25", b"/Info 24 0 R /Size 25")
    assert data != with_revision(sealed, store(o24=b"<< /Title (Fake) >>"))
    assert judged(data, stranger).reason is Reason.CHANGED_AFTER_SEALING


DANGLING = {
    "contents": (b"/Contents 4 0 R /Annots", b"/Contents 99 0 R/Annots"),
    "font": (b"/F1 5 0 R >>", b"/F1 99 0 R>>"),
    "annotation": (b"/Annots [ 6 0 R 8 0 R ]", b"/Annots [6 0 R 99 0 R ]"),
}


def with_dangling(stranger: Stranger, directory: Path, where: str = "contents", *, docmdp: int = 1) -> bytes:
    """A sealed page that refers to an object 99 that is not there, which is null (ISO 32000-2 §7.3.10)."""
    page = one_page(RESERVED, amount="100", docmdp=docmdp)
    before, after = DANGLING[where]
    data = page.data.replace(before, after)
    assert len(data) == len(page.data)
    assert data != page.data
    return sealed_by(stranger, replace(page, data=data), directory)


@pytest.mark.parametrize("where", DANGLING)
def test_a_store_may_follow_a_page_that_refers_to_nothing(where: str, stranger: Stranger, tmp_path: Path) -> None:
    data = with_dangling(stranger, tmp_path, where)
    assert judged(data, stranger).reason is Reason.OK
    findings = judged(with_revision(data, store()), stranger)
    assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK), findings.detail


@pytest.mark.parametrize("where", DANGLING)
@pytest.mark.parametrize("generation", [0, 1])
def test_a_number_that_waited_in_the_sealed_page_may_not_be_given_later(
    where: str, generation: int, stranger: Stranger, tmp_path: Path
) -> None:
    """Under any generation: readers are lenient about it."""
    given = with_revision(with_dangling(stranger, tmp_path, where), store(o99=FACE))
    at = given.index(b"\n99 0 obj") + 1
    entry = b"99 1\n%010d 0000" % at
    assert given.count(entry + b"0 n") == 1
    given = given.replace(entry + b"0", entry + b"%d" % generation).replace(b"\n99 0 obj", b"\n99 %d obj" % generation)
    findings = judged(given, stranger)
    assert findings.indication is Indication.TOTAL_FAILED
    assert findings.reason in {Reason.CHANGED_AFTER_SEALING, Reason.MALFORMED}


def test_nor_may_it_be_given_together_with_another_seal(stranger: Stranger, tmp_path: Path) -> None:
    """Nothing may follow the *last* seal; the one before has a revision behind it in which a number could be given."""
    first = with_dangling(stranger, tmp_path, docmdp=0)
    widget = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Two) /V 10 0 R /P 3 0 R /F 132 /Rect [ 0 0 0 0 ] >>"
    second = {1: catalog_object(6, 8, 9, docmdp=0), 9: widget, 10: signature_object(RESERVED)}
    page = page_object(6, 8, 9).replace(b"/Contents 4 0 R", b"/Contents 99 0 R")
    for given, passes in (({}, True), ({99: FACE}, False)):
        data = sealed_by(stranger, prepare(with_revision(first, second | {3: page} | given)), tmp_path)
        assert (judged(data, stranger).indication is Indication.TOTAL_PASSED) is passes


def test_what_the_page_uses_may_not_be_overwritten_as_a_member_of_the_store(stranger: Stranger, tmp_path: Path) -> None:
    """The contents of the sealed page are an array that its store names too: adding to the store would draw."""
    unsigned = one_page(RESERVED, amount="100").data
    for shared, contents in ((True, b"26 0 R"), (False, b"4 0 R")):
        objects = store(
            o3=page_object(6, 8).replace(b"/Contents 4 0 R", b"/Contents " + contents),
            o20=b"<< /Type /DSS /Certs 26 0 R >>",
            o26=b"[ 21 0 R ]",
            o7=b"null",
            o6=FIELD.replace(b"7 0 R", b"27 0 R"),
            o27=signature_object(RESERVED, docmdp=1),
        )
        objects[1] = catalog().replace(b"7 0 R", b"27 0 R")
        data = sealed_by(stranger, prepare(with_revision(unsigned, objects)), tmp_path)
        assert judged(data, stranger).reason is Reason.OK
        more = with_revision(data, {26: b"[ 21 0 R 28 0 R ]", 28: FACE})
        # The rule alone: pyHanko's policy refuses arrays that are overwritten so, whatever else uses them.
        assert only_long_term_data(PdfFileReader(io.BytesIO(more)), 1) is not shared


DESCRIPTION = """<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
><dc:format>{}</dc:format></rdf:Description>"""
TYPED = """<dc:Thing xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>{}</dc:format></dc:Thing>"""
GRAPH = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{}</rdf:RDF>"""
FACTS = """<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"{attribute}><dc:format>{facts}</dc:format>
<xmp:ModifyDate>{moment}</xmp:ModifyDate></rdf:Description>"""


def packet(
    facts: str = "application/pdf",
    moment: str = "2026-01-01T00:00:00Z",
    *,
    head: str = "",
    front: str = "",
    more: str = "",
    behind: str = "",
    attribute: str = "",
) -> bytes:
    """A packet in the form in which writers of long-term data write it, with something added in one place."""
    graph = GRAPH.format(front + FACTS.format(facts=facts, moment=moment, attribute=attribute) + more)
    body = f'{head}<x:xmpmeta xmlns:x="adobe:ns:meta/">{graph}{behind}</x:xmpmeta>'.encode()
    return b"<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%b\nendstream" % (len(body), body)


@pytest.mark.parametrize(
    ("later", "contents", "passes"),
    [
        (packet(moment="2026-02-02T00:00:00Z"), b"4 0 R", True),
        (packet("text/plain"), b"4 0 R", False),
        (packet(more=DESCRIPTION.format("Fake")), b"4 0 R", False),
        (packet(front=DESCRIPTION.format("text/plain")), b"4 0 R", False),
        (packet(more=TYPED.format("text/plain")), b"4 0 R", False),
        (packet(behind=GRAPH.format(DESCRIPTION.format("text/plain"))), b"4 0 R", False),
        (packet(attribute=' dc:format="text/plain"'), b"4 0 R", False),
        (packet(moment="2026-02-02T00:00:00Z", head="<!DOCTYPE x [<!ENTITY e 'a'>]>"), b"4 0 R", False),
        (packet().replace(b"<x:xmpmeta", b"<y:xmpmeta"), b"4 0 R", False),
        (packet().replace(b"/Subtype /XML", b"/Subtype /XML /Extra 1"), b"4 0 R", False),
        (FACE, b"4 0 R", False),
        (packet(moment="2026-02-02T00:00:00Z"), b"28 0 R", False),
    ],
)
def test_a_packet_of_metadata_may_be_brought_up_to_date_and_say_nothing_else(
    later: bytes, contents: bytes, passes: bool, stranger: Stranger, tmp_path: Path
) -> None:
    """As writers of long-term data do; not where the page draws the packet, and not another fact of the document."""
    packed = catalog(more=b"/Metadata 28 0 R ")
    objects = store(
        o1=packed.replace(b"7 0 R", b"27 0 R"),
        o3=page_object(6, 8).replace(b"/Contents 4 0 R", b"/Contents " + contents),
        o6=FIELD.replace(b"7 0 R", b"27 0 R"),
        o7=b"null",
        o27=signature_object(RESERVED, docmdp=1),
        o28=packet(),
    )
    data = sealed_by(stranger, prepare(with_revision(one_page(RESERVED, amount="100").data, objects)), tmp_path)
    assert judged(data, stranger).reason is Reason.OK
    findings = judged(
        with_revision(data, {20: b"<< /Certs [ 21 0 R 29 0 R ] >>", 28: later, 29: CERTIFICATE}), stranger
    )
    assert (findings.reason is Reason.OK) is passes, findings.detail
    if not passes:
        assert findings.reason in {Reason.CHANGED_AFTER_SEALING, Reason.MALFORMED}


# Where the objects of the sealed revision stand ----------------------------------------------------------------------


def behind(data: bytes, blob: bytes) -> bytes:
    """``data``, then ``blob``, then a genuine store."""
    return with_revision(data + blob, store())


def test_a_signed_table_may_not_point_behind_the_signed_bytes(stranger: Stranger, tmp_path: Path) -> None:
    page = one_page(RESERVED, amount="100")
    far = 40_000
    at = page.data.index(b"\n4 0 obj") + 1
    entry = b"%010d 00000 n" % at
    assert page.data.count(entry) == 1
    data = sealed_by(stranger, replace(page, data=page.data.replace(entry, b"%010d 00000 n" % far)), tmp_path)
    content = b"4 0 obj\n<< /Length %d >>\nstream\n%b\nendstream\nendobj\n" % (len(EVIL), EVIL)
    findings = judged(behind(data, b"%" + b" " * (far - len(data) - 2) + b"\n" + content), stranger)
    assert (findings.indication, findings.reason) == (Indication.TOTAL_FAILED, Reason.NOT_FULLY_COVERED)
    assert judged(data, stranger).reason is Reason.NOT_FULLY_COVERED


@pytest.mark.parametrize("kind", ["stream", "string"])
def test_a_signed_object_may_not_run_over_the_signed_end(kind: str, stranger: Stranger, tmp_path: Path) -> None:
    page = one_page(RESERVED, text="x" * 60, amount="100")
    start = page.data.index(b"\n4 0 obj") + 1
    end = page.data.index(b"endobj", start) + len(b"endobj")
    length = 50_000
    body = b"4 0 obj\n<</Length %d>>\nstream\n%%" % length if kind == "stream" else b"4 0 obj\n<</Length (%"
    data = page.data[:start] + body + b" " * (end - start - len(body)) + page.data[end:]
    data = sealed_by(stranger, replace(page, data=data), tmp_path)
    begins = data.index(body) + len(body) - 1
    if kind == "stream":
        fill = length - (len(data) - begins) - len(EVIL) - 1
        blob = b" " * fill + b"\n" + EVIL + b"\nendstream\nendobj\n"
    else:
        blob = b")>>\nendobj\n"
    findings = judged(behind(data, blob), stranger)
    assert findings.indication is Indication.TOTAL_FAILED
    assert findings.reason is Reason.NOT_FULLY_COVERED, findings.detail
