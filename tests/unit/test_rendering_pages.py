"""Pages: sound PDF by qpdf and pikepdf, the hole, metadata in three places, refusals that name the field."""

from __future__ import annotations

import io
import json
import re
import subprocess
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering_samples import LANDSCAPE, METADATA, PORTRAIT, SIGNATURE, VALUES, job, renderer

from certsvc.catalog.loader import load_catalog
from certsvc.catalog.model import Box, FacePlan, FieldKind
from certsvc.errors import ConfigurationError, MissingGlyph, RenderingError
from certsvc.rendering.metadata import NAMESPACE
from certsvc.rendering.page import PageRenderer, chinese_date
from certsvc.seal.model import StampSpec

CATALOG = load_catalog()


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "page.pdf"
    path.write_bytes(data)
    return path


def text_of(path: Path) -> str:
    """What pdftotext extracts, without white space."""
    done = subprocess.run(["pdftotext", "-raw", "-enc", "UTF-8", str(path), "-"], check=True, capture_output=True)
    return re.sub(r"\s", "", done.stdout.decode("utf-8"))


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize("face", [PORTRAIT, LANDSCAPE, replace(PORTRAIT, style="plain")])
@pytest.mark.parametrize("docmdp", [0, 1])
def test_qpdf_finds_nothing_wrong(face: FacePlan, sandbox: bool, docmdp: int, tmp_path: Path) -> None:
    page = job(face, sandbox=sandbox, signature=replace(SIGNATURE, docmdp=docmdp))
    path = written(tmp_path, renderer().render(page).data)
    done = subprocess.run(["qpdf", "--check", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No syntax or stream encoding errors" in done.stdout


@pytest.mark.parametrize("slug", [kind.slug for kind in CATALOG.types])
def test_every_type_of_the_catalog_is_drawn_with_its_sample(slug: str, tmp_path: Path) -> None:
    kind, sample = CATALOG.type(slug), CATALOG.sample(slug)
    values = {f"field:{key}": value for key, value in sample["data"].items()}
    values |= {"holder_name": sample["holder_name"], "validity": "2026年1月1日至2030年12月31日"}
    issuer = CATALOG.authority(sample["issuer_code"]).name
    photo = job().photo if kind.photo else None
    page = job(license_type=kind, values=values, issuer_name=issuer, photo=photo, stamp=StampSpec(ring_text=issuer))
    path = written(tmp_path, renderer().render(page).data)
    subprocess.run(["qpdf", "--check", str(path)], check=True, capture_output=True)
    text = text_of(path)
    for expected in (kind.face.title, issuer, "2026年1月1日", "扫码核验", *kind.face.notes):
        assert re.sub(r"\s", "", expected) in text
    for item in kind.face.items:
        if item.label:
            assert item.label in text
        if values.get(item.source):
            assert "".join(renderer().check_text(values[item.source])) in text


@pytest.mark.parametrize("slug", [kind.slug for kind in CATALOG.types])
def test_every_value_that_the_catalog_accepts_fits_its_box_or_flows(slug: str) -> None:
    kind = CATALOG.type(slug)
    values = {"holder_name": "名，" * 50}
    for spec in kind.fields:
        if spec.kind is FieldKind.TEXT:
            values[f"field:{spec.key}"] = ("一二三四五六七八九，" * spec.max_length)[: spec.max_length]
    photo = job().photo if kind.photo else None
    pages = renderer().render(job(license_type=kind, values=values, photo=photo)).page_count
    assert (pages > 1) == any(item.flow for item in kind.face.items)


def test_the_same_job_makes_the_same_bytes_in_any_process_order() -> None:
    first = renderer().render(job()).data
    renderer().render(job(values={**VALUES, "holder_name": "另一持证人"}))
    fresh = PageRenderer([Path(__file__).resolve().parents[2] / ".fonts"])
    assert renderer().render(job()).data == first
    assert fresh.render(job()).data == first


def test_threads_do_not_disturb_each_other() -> None:
    jobs = [job(values={**VALUES, "holder_name": f"示例第{i}号餐馆𠮷"}) for i in range(8)]
    alone = [renderer().render(page).data for page in jobs]
    results: dict[int, bytes] = {}

    def work(index: int) -> None:
        results[index] = renderer().render(jobs[index]).data

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results[index] for index in range(len(jobs))] == alone


@settings(max_examples=25, deadline=None)
@given(reserved=st.integers(1, 30_000), reason=st.text(max_size=40), docmdp=st.integers(0, 3))
def test_the_byte_range_covers_all_but_the_hole(reserved: int, reason: str, docmdp: int) -> None:
    field = replace(SIGNATURE, reserved_bytes=reserved, reason=reason, docmdp=docmdp)
    prepared = renderer().render(job(signature=field))
    hole = prepared.data[prepared.hole_start : prepared.hole_end]
    assert hole == b"<" + b"0" * (2 * reserved) + b">"
    assert prepared.data[: prepared.hole_start].endswith(b"/Contents")
    assert prepared.capacity == reserved
    with pikepdf.open(io.BytesIO(prepared.data)) as pdf:
        signature: Any = pdf.Root.AcroForm.Fields[0].V
        assert tuple(int(n) for n in signature.ByteRange) == prepared.byte_range
        assert sum(prepared.byte_range[1::2]) + len(hole) == len(prepared.data)
        assert str(signature.get("/Reason", "")) == reason
        assert ("/Perms" in pdf.Root) == (docmdp > 0)
        if docmdp:
            assert pdf.Root.Perms.DocMDP.objgen == signature.objgen
            assert int(signature.Reference[0].TransformParams.P) == docmdp
        else:
            assert "/Reference" not in signature


def test_the_signature_dictionary_says_who_when_and_where() -> None:
    with pikepdf.open(io.BytesIO(renderer().render(job()).data)) as pdf:
        form: Any = pdf.Root.AcroForm
        field = form.Fields[0]
        assert int(form.SigFlags) == 3
        assert (str(field.FT), str(field.T), str(field.Subtype)) == ("/Sig", "IssuerSeal", "/Widget")
        assert field.objgen == pdf.pages[0].Annots[0].objgen
        assert (str(field.V.Filter), str(field.V.SubFilter)) == ("/Adobe.PPKLite", "/ETSI.CAdES.detached")
        assert str(field.V.M) == "D:20260101090203+08'00'"
        assert str(field.V.Name) == "示例省示例市市场监督管理局"
        assert str(field.V.Location) == SIGNATURE.location
        width = float(field.Rect[2]) - float(field.Rect[0])
        assert width == pytest.approx(42 / 25.4 * 72, abs=0.02)


def test_metadata_stands_in_xmp_the_attachment_and_the_information_dictionary() -> None:
    with pikepdf.open(io.BytesIO(renderer().render(job()).data)) as pdf:
        attached = pdf.attachments["metadata.json"]
        data = attached.get_file().read_bytes()
        assert json.loads(data) == METADATA
        assert data == json.dumps(METADATA, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        assert pdf.Root.AF[0].AFRelationship == "/Data"
        assert str(pdf.docinfo["/certificateIdentifier"]) == METADATA["certificateIdentifier"]
        assert str(pdf.docinfo["/Title"]) == "食品经营许可证"
        with pdf.open_metadata() as xmp:
            assert {key: xmp[f"{{{NAMESPACE}}}{key}"] for key in METADATA} == METADATA
            assert xmp["dc:title"] == "食品经营许可证"
            assert (xmp["pdfaid:part"], xmp["pdfaid:conformance"]) == ("3", "B")
            assert xmp["pdf:Producer"] == str(pdf.docinfo["/Producer"])
            assert xmp["xmp:CreateDate"] == "2026-01-01T09:02:03+08:00"
        assert pdf.Root.Lang == "zh-CN"
        assert bytes(pdf.trailer.ID[0]) == bytes(range(16))


def test_pdf_a_basics_hold() -> None:
    with pikepdf.open(io.BytesIO(renderer().render(job()).data)) as pdf:
        intent: Any = pdf.Root.OutputIntents[0]
        assert intent.S == "/GTS_PDFA1"
        profile = intent.DestOutputProfile.read_bytes()
        assert profile[16:20] == b"RGB "
        assert pdf.pages[0].Group.CS == "/DeviceRGB"
        fonts = [obj for obj in pdf.objects if isinstance(obj, pikepdf.Dictionary) and obj.get("/Type") == "/Font"]
        assert fonts
        for font in fonts:
            if font.Subtype == "/Type0":
                assert "/ToUnicode" in font
            else:
                assert "/FontFile2" in font.FontDescriptor
        for obj in pdf.objects:
            if isinstance(obj, pikepdf.Dictionary | pikepdf.Stream):
                assert not {"/JS", "/JavaScript", "/OpenAction", "/AA", "/OCProperties"} & set(obj.keys())


@pytest.mark.parametrize(
    ("metadata", "named"),
    [({"bad key": "x"}, "bad key"), ({"a": "x\x00"}, "“a”"), ({"a/b": "x"}, "a/b"), ({"a": "x" * 70_000}, "元数据")],
)
def test_metadata_that_cannot_be_written_is_refused(metadata: dict[str, str], named: str) -> None:
    with pytest.raises(RenderingError, match=re.escape(named)):
        renderer().render(job(metadata=metadata))


def test_data_never_becomes_pdf_syntax(tmp_path: Path) -> None:
    evil = ") >> /OpenAction << /S /JavaScript /JS (app.alert(1)) >> endobj <x> ]]> \\"
    page = job(
        values={**VALUES, "holder_name": evil},
        metadata={**METADATA, "certificateName": evil},
        printed_code=f"https://zz.gov.cn.example/{evil}",
        signature=replace(SIGNATURE, reason=evil, location=evil, name=evil.replace(".", "")),
        stamp=StampSpec(ring_text="示例)(\\"),
    )
    path = written(tmp_path, renderer().render(page).data)
    subprocess.run(["qpdf", "--check", str(path)], check=True, capture_output=True)
    with pikepdf.open(path) as pdf:
        assert "/OpenAction" not in pdf.Root
        assert str(pdf.Root.AcroForm.Fields[0].V.Reason) == evil
        assert json.loads(pdf.attachments["metadata.json"].get_file().read_bytes())["certificateName"] == evil


def test_the_sandbox_page_says_so_and_the_production_page_does_not(tmp_path: Path) -> None:
    mark = "样本仅供测试不具有法律效力"
    assert mark in text_of(written(tmp_path, renderer().render(job()).data))
    assert mark not in text_of(written(tmp_path, renderer().render(job(sandbox=False)).data))


def test_the_watermark_hides_nothing_and_the_stamp_leaves_the_date_readable(tmp_path: Path) -> None:
    text = text_of(written(tmp_path, renderer().render(job(issued_on=date(2026, 11, 9))).data))
    assert "2026年11月9日" in text
    assert VALUES["field:business_scope"] in text


def test_dates_have_no_leading_zeros() -> None:
    assert chinese_date(date(2026, 1, 1)) == "2026年1月1日"


def test_a_missing_glyph_is_named_with_its_field() -> None:
    with pytest.raises(MissingGlyph, match=r"经营者名称.*U\+E123"):
        renderer().render(job(values={**VALUES, "holder_name": "张\ue123"}))
    with pytest.raises(MissingGlyph, match=r"发证机关.*U\+1F600"):
        renderer().render(job(issuer_name="示例\U0001f600局"))


@pytest.mark.parametrize("char", ["\u202e", "\u200b", "\x07", "\ufeff", "\t"])
def test_invisible_characters_are_refused(char: str) -> None:
    with pytest.raises(MissingGlyph, match=f"{ord(char):04X}"):
        renderer().render(job(values={**VALUES, "holder_name": f"张{char}三"}))


def test_a_value_that_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(RenderingError, match="经营项目"):
        renderer().render(job(values={**VALUES, "field:business_scope": "热食类食品制售，" * 200}))
    with pytest.raises(RenderingError, match="经营项目"):
        renderer().render(job(values={**VALUES, "field:business_scope": "字" * 1_000_000}))


@pytest.mark.parametrize(
    "change", [{"accent": "blue"}, {"accent": "#12"}, {"style": "baroque"}, {"orientation": "diagonal"}]
)
def test_a_face_that_cannot_be_drawn_is_a_fault_of_the_configuration(change: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        renderer().render(job(replace(PORTRAIT, **change)))  # type: ignore[arg-type]  # the table names its fields


def test_a_missing_font_directory_says_how_to_get_the_fonts(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="font_setup"):
        PageRenderer([tmp_path])


def test_a_damaged_font_file_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    for file in (Path(__file__).resolve().parents[2] / ".fonts").iterdir():
        (tmp_path / file.name).write_bytes(b"not a font")
    with pytest.raises(ConfigurationError, match="字体文件"):
        PageRenderer([tmp_path])


def test_without_a_photo_the_box_stays_empty(tmp_path: Path) -> None:
    path = written(tmp_path, renderer().render(job(photo=None)).data)
    with pikepdf.open(path) as pdf:
        assert "/Photo" not in pdf.pages[0].Resources.XObject


def test_the_stamp_keeps_its_nominal_size_whatever_its_box() -> None:
    face = replace(PORTRAIT, stamp=Box(x=120.0, y=200.0, w=60.0, h=60.0))
    page = job(face, stamp=StampSpec(ring_text="示例省教育厅", diameter_mm=45.0))
    with pikepdf.open(io.BytesIO(renderer().render(page).data)) as pdf:
        rect = [float(v) for v in pdf.Root.AcroForm.Fields[0].Rect]
    assert rect[2] - rect[0] == pytest.approx(45 / 25.4 * 72, abs=0.02)
    assert (rect[0] + rect[2]) / 2 == pytest.approx(150 / 25.4 * 72, abs=0.02)


def test_times_are_those_of_the_job() -> None:
    at = datetime(2030, 12, 31, 16, 0, 0, tzinfo=UTC)
    data = renderer().render(job(signature=replace(SIGNATURE, signed_at=at))).data
    assert b"D:20310101000000+08'00'" in data
