"""PDF/A-3b: every kind of page passes every check, and every check sees its fault."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from rendering_pdfa_checks import CHECKS, findings
from rendering_samples import LANDSCAPE, PORTRAIT, VALUES, job, renderer, sample_job
from test_rendering_base import drawn, face
from test_rendering_continuation import FLOW, TABLE, VERTICAL, numbered

from certsvc.catalog.loader import load_catalog
from certsvc.commands.page_ports import PageJob
from certsvc.seal.model import StampSpec

CATALOG = load_catalog()
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "pdfa-checks.md"
LONG = {**VALUES, "field:business_scope": numbered(120), "field:words": "学高为师，𠮷（示例）2026年"}
PAGES: dict[str, PageJob] = {
    "portrait": job(),
    "landscape": job(LANDSCAPE),
    "production": job(sandbox=False),
    "plain": job(replace(PORTRAIT, style="plain")),
    "rare": job(values={**VALUES, "holder_name": "𠮷野㑇㛃𬎆 Łukasiewicz·阿依古丽"}),
    "continued": job(FLOW, values=LONG),
    "table": job(TABLE, values={**VALUES, "field:list": "\n".join(f"{i}|设备|{i}" for i in range(50))}),
    "vertical": job(VERTICAL, values=LONG),
    "annex": job(FLOW, values=LONG, annex=True),
    "copy": job(LANDSCAPE, copy_label="副本", copy_number="2-1"),
    "base": job(face(drawn())),
    "square": job(sandbox=False, stamp=StampSpec(ring_text="张示例", shape="square")),
    "oval": job(stamp=StampSpec(ring_text="示例餐饮有限公司", shape="oval", number="91990000MA0000015Q")),
}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_kind_of_page_passes_every_check(name: str, tmp_path: Path) -> None:
    data = renderer().render(PAGES[name]).data
    assert findings(data) == []
    qpdf(data, tmp_path)


@pytest.mark.parametrize("slug", [kind.slug for kind in CATALOG.types])
def test_every_type_of_the_catalog_passes_every_check(slug: str, tmp_path: Path) -> None:
    data = renderer().render(sample_job(CATALOG, slug)).data
    assert findings(data) == []
    qpdf(data, tmp_path)


def qpdf(data: bytes, folder: Path) -> None:
    path = folder / "page.pdf"
    path.write_bytes(data)
    done = subprocess.run(["qpdf", "--check", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def broken(change: Callable[[Any], None]) -> bytes:
    with pikepdf.open(io.BytesIO(renderer().render(job()).data)) as pdf:
        change(pdf)
        out = io.BytesIO()
        pdf.save(out, static_id=False)
    return out.getvalue()


def first(pdf: Any, key: str, value: str) -> Any:
    """The first object with ``key`` saying ``value``."""
    return next(
        one
        for one in pdf.objects
        if isinstance(one, pikepdf.Dictionary | pikepdf.Stream) and str(one.get(key, "")) == value
    )


def intent(pdf: Any) -> None:
    del pdf.Root.OutputIntents


def cmyk(pdf: Any) -> None:
    pdf.pages[0].contents_add(b"0 0 0 1 k")


def unknown(pdf: Any) -> None:
    pdf.pages[0].contents_add(b"1 2 nonsense")


def nameless(pdf: Any) -> None:
    pdf.pages[0].contents_add(b"/Nobody Do")


def nested(pdf: Any) -> None:
    pdf.pages[0].contents_add(b"q " * 30 + b"Q " * 30)


def trim(pdf: Any) -> None:
    del pdf.pages[0].TrimBox


def group(pdf: Any) -> None:
    del pdf.pages[0].Group


def blend(pdf: Any) -> None:
    first(pdf, "/Subtype", "/Widget").AP.N.Resources.ExtGState.M.BM = pikepdf.Name.Strange


def font_file(pdf: Any) -> None:
    del first(pdf, "/Type", "/FontDescriptor").FontFile2


def font_name(pdf: Any) -> None:
    first(pdf, "/Subtype", "/Type0").BaseFont = pikepdf.Name("/Plain")


def width(pdf: Any) -> None:
    first(pdf, "/Subtype", "/CIDFontType2").DW = 700


def to_unicode(pdf: Any) -> None:
    del first(pdf, "/Subtype", "/Type0").ToUnicode


def hidden(pdf: Any) -> None:
    first(pdf, "/Subtype", "/Widget").F = 2


def appearance(pdf: Any) -> None:
    widget = first(pdf, "/Subtype", "/Widget")
    widget.AP.D = widget.AP.N


def needs(pdf: Any) -> None:
    pdf.Root.AcroForm.NeedAppearances = True


def script(pdf: Any) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="1")


def part(pdf: Any) -> None:
    raw = pdf.Root.Metadata.read_bytes().replace(b"<pdfaid:part>3", b"<pdfaid:part>2")
    pdf.Root.Metadata = pdf.make_stream(raw, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)


def undescribed(pdf: Any) -> None:
    raw = pdf.Root.Metadata.read_bytes().replace(b"<pdfaProperty:name>KZ_JYXM", b"<pdfaProperty:name>KZ_XX")
    pdf.Root.Metadata = pdf.make_stream(raw, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)


def title(pdf: Any) -> None:
    pdf.docinfo["/Title"] = "另一标题"


def relation(pdf: Any) -> None:
    del first(pdf, "/Type", "/Filespec").AFRelationship


def date(pdf: Any) -> None:
    del first(pdf, "/Type", "/EmbeddedFile").Params.ModDate


def interpolate(pdf: Any) -> None:
    first(pdf, "/Subtype", "/Image").Interpolate = True


def outside(pdf: Any) -> None:
    first(pdf, "/Subtype", "/Image").F = "x.jpg"


def permissions(pdf: Any) -> None:
    pdf.Root.Perms.UR3 = pdf.Root.Perms.DocMDP


FAULTS: list[tuple[str, Callable[[Any], None]]] = [
    ("output-intent", intent),
    ("colour", cmyk),
    ("operators", unknown),
    ("operators", nameless),
    ("limits", nested),
    ("boxes", trim),
    ("transparency", group),
    ("transparency", blend),
    ("fonts", font_file),
    ("fonts", font_name),
    ("widths", width),
    ("to-unicode", to_unicode),
    ("annotations", hidden),
    ("annotations", appearance),
    ("forms", needs),
    ("actions", script),
    ("xmp", part),
    ("xmp", undescribed),
    ("info", title),
    ("attachments", relation),
    ("attachments", date),
    ("images", interpolate),
    ("streams", outside),
    ("permissions", permissions),
]


@pytest.mark.parametrize(("name", "change"), FAULTS, ids=[change.__name__ for _, change in FAULTS])
def test_every_check_sees_its_fault(name: str, change: Callable[[Any], None]) -> None:
    only = [found for one, _, _, function in CHECKS if one == name for found in _run(function, broken(change))]
    assert only


def _run(function: Any, data: bytes) -> list[str]:
    from rendering_pdfa_checks import Opened

    with pikepdf.open(io.BytesIO(data)) as pdf:
        try:
            return list(function(Opened(data, pdf)))
        except (AttributeError, KeyError) as error:
            return [f"the check could not go on: {error}"]


def test_header_trailer_and_byte_range_are_read_from_the_bytes() -> None:
    data = renderer().render(job()).data
    for name, changed in (
        ("header", data.replace(b"%\xe2\xe3\xcf\xd3", b"%abcd", 1)),
        ("trailer", data + b"more"),
        ("forms", data.replace(b"%%EOF\n", b"%%EOF", 1)),
    ):
        assert any(found.startswith(f"{name}:") for found in findings(changed)), name


def test_the_document_lists_exactly_these_checks() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| ([\d.]+) \| (.+?) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [(name, clause, sentence) for name, clause, sentence, _ in CHECKS]
    assert {name for name, _ in FAULTS} | {"header", "trailer"} == {name for name, _, _, _ in CHECKS}
