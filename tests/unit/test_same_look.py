"""A later signature may not change how the fields of a sealed form are drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from signing_pages import NOW, catalog_object, one_page, page_object, prepare, signature_object
from signing_strangers import Stranger, make_stranger, sealed_by, with_revision

from certsvc.commands.ports import TrustChoice
from certsvc.seal.verdict import Indication, Reason
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.trust import TrustAnchors

RESERVED = 4000
FORM = b"/DR << /Font << /F1 5 0 R >> >> /DA (/F1 12 Tf) "
OTHER_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>"


@pytest.fixture(scope="module")
def stranger() -> Stranger:
    return make_stranger()


def catalog(*fields: int, form: bytes) -> bytes:
    return catalog_object(*fields, docmdp=0).replace(b"/SigFlags 3", b"/SigFlags 3 " + form)


def sealed_twice(stranger: Stranger, directory: Path, form: bytes, *, amount: str) -> bytes:
    """Two approvals; with ``amount`` the page has a text field. The second one gives the form these keys."""
    fields = (6, 8) if amount else (6,)
    seal = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Seal1) /V 17 0 R /P 3 0 R /Rect [ 0 0 0 0 ] >>"
    objects = {1: catalog(*fields, form=FORM), 6: seal, 7: b"null", 17: signature_object(RESERVED)}
    unsigned = with_revision(one_page(RESERVED, docmdp=0, amount=amount).data, objects)
    first = sealed_by(stranger, prepare(unsigned), directory)
    field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Two) /V 20 0 R /P 3 0 R /F 132 /Rect [ 0 0 0 0 ] >>"
    later = {1: catalog(*fields, 19, form=form), 3: page_object(*fields, 19), 19: field, 21: OTHER_FONT}
    return sealed_by(stranger, prepare(with_revision(first, later | {20: signature_object(RESERVED)})), directory)


@pytest.mark.parametrize(
    ("form", "kept"),
    [
        (FORM, True),
        (FORM.replace(b"5 0 R", b"5 0 R /F2 21 0 R"), True),
        (FORM + b"/NeedAppearances true ", False),
        (FORM + b"/Q 2 ", False),
        (FORM.replace(b"12 Tf", b"90 Tf 1 g"), False),
        (FORM.replace(b"/DA (/F1 12 Tf)", b""), False),
        (FORM.replace(b"5 0 R", b"21 0 R"), False),
    ],
)
def test_fields_are_drawn_as_they_were_sealed(form: bytes, kept: bool, stranger: Stranger, tmp_path: Path) -> None:
    choice = TrustChoice(extra_anchors=(stranger.root_pem,), at=NOW)
    for amount, passes in (("100", kept), ("", True)):
        data = sealed_twice(stranger, tmp_path, form, amount=amount)
        findings = PdfInspector(TrustAnchors(())).inspect(data, choice, NOW)
        assert (findings.indication is Indication.TOTAL_PASSED) is passes, findings
        assert findings.reason is (Reason.OK if passes else Reason.CHANGED_AFTER_SEALING)
