"""Stamping by hand over the API: shown, sealed exactly so, checked by others; and every refusal with its reason."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import pem, x509
from fixtures_city import ServedCity
from pikepdf import Array, Dictionary, Name, String
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from stamp_desk import Desk, desk_of
from upload_documents import A3, A4, A4_WIDE, changed, letter, picture, red_box, with_page

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.stamping.uploads import KEPT_S, sweep_uploads
from certsvc.seal.placing import MM
from certsvc.seal.rules import SealRules
from certsvc.store.seals import rules_json

POINT = {"x_mm": 150, "y_mm": 200, "pages": "all"}


@pytest.fixture
def desk(small_city: ServedCity) -> Desk:
    return desk_of(small_city)


def accepted(city: ServedCity, data: bytes, tmp_path: Path) -> None:
    """qpdf, pdfsig, pyHanko under its default policy, and our own public check accept the file."""
    path = tmp_path / f"{hashlib.sha256(data).hexdigest()[:12]}.pdf"
    path.write_bytes(data)
    assert subprocess.run(["qpdf", "--check", path], capture_output=True, check=False).returncode == 0
    said = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=False).stdout
    reader = PdfFileReader(io.BytesIO(data))
    assert said.count("Signature is Valid") == len(reader.embedded_signatures) > 0, said
    roots = [x509.Certificate.load(pem.unarmor(one.read_bytes())[2]) for one in city.anchor.glob("*.pem")]
    for embedded in reader.embedded_signatures:
        status = validate_pdf_signature(embedded, ValidationContext(trust_roots=roots, allow_fetching=False))
        assert status.bottom_line, str(status)
    by_digest = city.public(sha256=hashlib.sha256(data).hexdigest())
    seen = by_digest["indication"], by_digest["registry_match"], by_digest["integrity"], by_digest["license"]
    assert seen == ("TOTAL-PASSED", "exact", "not_checked", None), "the same bytes, asked without the file"
    verdict = city.check(data)
    assert (verdict["indication"], verdict["registry_match"], verdict["license"]) == ("TOTAL-PASSED", "exact", None)


def reasons(response: Any, status: int = 422) -> dict[str, str]:
    """Code -> sentence of a refusal."""
    assert response.status_code == status, response.text
    return {one["code"]: one["detail"] for one in response.json().get("errors", [])}


def test_a_document_is_stamped_as_shown_and_known_as_ours(city: ServedCity, tmp_path: Path) -> None:
    desk = desk_of(city)
    data = letter(3)
    shown = desk.shown(data, point={**POINT, "pages": "1,3"}, seam={}, date="2026-03-01", watermark="仅供示例使用")
    assert shown["sha256"] == hashlib.sha256(data).hexdigest()
    kinds = [mark["kind"] for mark in shown["marks"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "stamp": 2,
        "slice": 3,
        "date": 2,
        "watermark": 3,
        "sample": 3,
    }
    seen = Image.open(io.BytesIO(desk.picture(f"/v1/stampings/previews/{shown['preview_id']}/pages/1?width=600")))
    row = dict(city.answer(desk.confirm(shown), 201))
    sealed = desk.file(row["stamping_id"])
    assert sealed.startswith(data)
    accepted(city, sealed, tmp_path)
    # What was shown is what was sealed, but for nothing.
    after = picture(sealed, dpi=72).resize(seen.size)
    assert red_box(seen.convert("RGB").resize((595, 842))) == pytest.approx(red_box(after.resize((595, 842))), abs=2)
    assert city.rows("SELECT count(*) FROM stampings") == [(1,)]
    assert city.rows("SELECT result FROM reservations") == [("used",)]
    city.drain()
    event = next(one for one in city.events() if one["type"].endswith("document.sealed.v1"))
    assert (event["data"]["sha256"], event["data"]["marks"]) == (row["sha256"], 13)
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'document.sealed'") == [(1,)]
    for secret in ("示例批复用印", "示例〔2026〕7号", "仅供示例使用"):
        assert secret not in str(city.rows("SELECT * FROM stampings")) + str(city.rows("SELECT * FROM stamp_previews"))
        assert secret not in str(event)


def test_only_what_was_shown_is_sealed(desk: Desk) -> None:
    shown = desk.shown(letter(2), point=POINT)
    other = [{"page": mark["page"], "rect": list(mark["rect"])} for mark in shown["marks"]]
    moved = [{**one} for one in other]
    moved[0]["rect"] = [edge + 1 for edge in moved[0]["rect"]]
    for change in (
        {"marks": moved},
        {"marks": other[:-1]},
        {"marks": other[::-1]},
        {"marks": [{**other[0], "page": 2}, *other[1:]]},
        {"sha256": "0" * 64},
    ):
        assert "preview_mismatch" in reasons(desk.confirm(shown, **change), 409)
    assert desk.city.rows("SELECT count(*) FROM reservations") == [(0,)]
    first = desk.city.answer(desk.confirm(shown), 201)
    again = desk.city.answer(desk.confirm(shown), 201)
    assert again == first
    assert desk.city.rows("SELECT count(*) FROM reservations") == [(1,)]


def test_a_preview_ends_and_belongs_to_who_saw_it(make_city: Any, sqlite_url: str) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    desk = desk_of(city)
    shown = desk.shown(letter(1), point=POINT)
    kept = city.answer(desk.upload(letter(1)), 201)["upload_id"]
    with city.service.deps.uow.read() as tx:
        owner = tx.seals.by_id(desk.seal_id).owner_code
    system = city.system(f"approval-{owner.lower()}")
    stranger = Desk(city=city, seal_id=desk.seal_id, diameter_mm=42, headers=system)
    assert stranger.confirm(shown).status_code == 404
    assert stranger.show(kept, point=POINT).status_code == 404
    assert desk.city.client.get(f"/v1/stampings/uploads/{kept}/pages/9", headers=desk.headers).status_code == 404
    clock.advance(timedelta(seconds=901))
    assert desk.confirm(shown).status_code == 409
    assert sweep_uploads(city.service.deps) == []
    clock.advance(timedelta(seconds=KEPT_S))
    desk.headers = city.person("keeper-1") if city.tokens.pop("keeper-1") else {}
    assert desk.show(kept, point=POINT).status_code == 404
    assert len(sweep_uploads(city.service.deps)) == 2
    assert city.service.deps.objects.names("uploads/") == ()
    assert sweep_uploads(city.service.deps) == []


def test_an_approval_system_stamps_with_the_seals_of_its_authority_only(desk: Desk) -> None:
    city = desk.city
    with city.service.deps.uow.read() as tx:
        seals = {seal.seal_id: seal.owner_code for seal in tx.seals.all()}
    owner = seals[desk.seal_id]
    foreign = next(seal_id for seal_id, code in seals.items() if code != owner)
    system = Desk(city=city, seal_id=desk.seal_id, diameter_mm=42, headers=city.system(f"approval-{owner.lower()}"))
    row, _ = system.stamped(letter(1), point=POINT)
    assert city.client.get(f"/v1/stampings/{row['stamping_id']}", headers=desk.headers).status_code == 200
    upload = system.taken(letter(1))["upload_id"]
    system.seal_id = foreign
    assert system.show(upload, point=POINT).status_code == 404
    other = city.system(f"approval-{seals[foreign].lower()}")
    assert city.client.get(f"/v1/stampings/{row['stamping_id']}/file", headers=other).status_code == 404
    for headers in (city.system(), city.person("officer-1"), city.person("auditor-1")):
        assert city.client.get("/v1/stampings", headers=headers).status_code == 403
    assert city.client.get("/v1/stampings").status_code == 401


def test_a_stopped_seal_stamps_nothing(desk: Desk) -> None:
    shown = desk.shown(letter(1), point=POINT)
    stop = {"move": "stop", "reason": "示例"}
    desk.city.answer(desk.city.client.post(f"/v1/seals/{desk.seal_id}/moves", headers=desk.headers, json=stop), 201)
    refused = desk.confirm(shown)
    assert (refused.status_code, refused.json()["code"]) == (409, "seal_unavailable")
    assert "停用" in refused.json()["detail"]
    assert desk.city.rows("SELECT count(*) FROM stampings") == [(0,)]


@pytest.mark.parametrize(
    ("size", "entries"),
    [
        (A4, {}),
        (A4, {"/Rotate": 90}),
        (A4, {"/Rotate": 180}),
        (A4, {"/Rotate": 270}),
        (A3, {}),
        (A4_WIDE, {}),
        (A4, {"/CropBox": Array([40, 40, 560, 800])}),
        (A4, {"/CropBox": Array([40, 40, 560, 800]), "/Rotate": 90}),
    ],
    ids=["a4", "90", "180", "270", "a3", "landscape", "crop", "crop and 90"],
)
def test_the_stamp_is_where_it_was_put_on_every_kind_of_page(
    desk: Desk, tmp_path: Path, size: tuple[float, float], entries: dict[str, Any]
) -> None:
    data = with_page(letter(1, size=size), entries)
    _, sealed = desk.stamped(data, point={"x_mm": 100, "y_mm": 120})
    accepted(desk.city, sealed, tmp_path)
    box = red_box(picture(sealed))
    assert box is not None
    half = desk.diameter_mm / 2
    wanted = [mm * MM for mm in (100 - half, 120 - half, 100 + half, 120 + half)]
    assert all(abs(has - want) <= 2.5 for has, want in zip(box, wanted, strict=True)), (box, wanted)


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_a_seam_over_any_number_of_pages_is_the_whole_stamp(desk: Desk, tmp_path: Path, count: int) -> None:
    _, sealed = desk.stamped(changed(letter(count), streams=True), seam={"y_mm": 100})
    accepted(desk.city, sealed, tmp_path)
    shown = [picture(sealed, number, dpi=144) for number in range(count)]
    boxes = [red_box(one) for one in shown]
    assert all(box is not None for box in boxes)
    # Put side by side, the slices of the first stamp are as wide as the stamp.
    groups = -(-count // 7)
    first = -(-count // groups)
    slices = [shown[n].width - box[0] for n, box in enumerate(boxes[:first]) if box is not None]
    assert sum(slices) == pytest.approx(desk.diameter_mm * MM * 2, abs=3 * first)


def test_a_second_party_seals_without_breaking_the_first(desk: Desk, tmp_path: Path) -> None:
    _, first = desk.stamped(letter(3), point=POINT, seam={})
    second, both = desk.stamped(first, point={"x_mm": 60, "y_mm": 200, "pages": "all"}, seam={"y_mm": 80}, lock=True)
    assert second["sha256_before"] == hashlib.sha256(first).hexdigest()
    accepted(desk.city, both, tmp_path)
    assert len(PdfFileReader(io.BytesIO(both)).embedded_signatures) == 2
    assert "锁定" in reasons(desk.upload(both))["certified"]


def test_a_keyword_places_the_stamp_and_wrong_ones_say_what_is_there(desk: Desk) -> None:
    upload = desk.taken(letter(3))["upload_id"]
    near = reasons(desk.show(upload, keyword={"text": "（盖璋）", "count": 1}))["keyword_not_found"]
    assert "“(盖章)”（第 1 页）" in near
    many = reasons(desk.show(upload, keyword={"text": "(盖 章)", "count": 1}))["keyword_count"]
    assert "共出现 3 处（第 1、2、3 页）" in many
    shown = desk.city.answer(desk.show(upload, keyword={"text": "盖章", "count": 3, "anchor": "after"}), 201)
    assert [mark["page"] for mark in shown["marks"] if mark["kind"] == "stamp"] == [1, 2, 3]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"point": {**POINT, "pages": "4"}}, "page_out_of_range"),
        ({"point": {**POINT, "pages": "x"}}, "pages"),
        ({"point": {**POINT, "x_mm": 3}}, "outside_page"),
        ({"seam": {"pages": "2"}}, "seam_single_page"),
        ({"seam": {"pages_per_stamp": 40}}, "seam_too_narrow"),
        ({}, "nothing_placed"),
        ({"seam": {}, "date": "2026-03-01"}, "date_without_stamp"),
        ({"point": POINT, "colour": "red"}, "extra_forbidden"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_its_reason(desk: Desk, wish: dict[str, Any], code: str) -> None:
    said = reasons(desk.show(desk.taken(letter(3))["upload_id"], **wish))
    assert code in said
    assert any("\u4e00" <= char <= "\u9fff" for char in said[code])


def test_an_unsafe_file_is_refused_at_the_door(desk: Desk) -> None:
    script = Dictionary(S=Name.JavaScript, JS=String("x"))
    bad = changed(letter(1), lambda document: document.Root.__setitem__("/OpenAction", script))
    assert "打印为 PDF" in reasons(desk.upload(bad))["scripts"]
    assert "broken" in reasons(desk.upload(letter(1)[:-100]))
    assert "not_pdf" in reasons(desk.upload(b"PK\x03\x04"))
    huge = desk.upload(b"%PDF-" + bytes(21 * 1024 * 1024))
    assert (huge.status_code, huge.json()["code"]) == (413, "too_large")
    license_row = desk.city.issue("food_operation", "STAMP-1")
    license_file = desk.city.file(license_row["identifier"])
    assert "embedded_files" in reasons(desk.upload(license_file))

    def detach(document: pikepdf.Pdf) -> None:
        """Without attachments the certification alone is left, under which nothing may be added (P=1)."""
        del document.Root["/AF"], document.Root.Names["/EmbeddedFiles"]
        [signature] = [one["/V"] for one in document.Root.AcroForm.Fields if "/V" in one]
        assert document.Root.Perms.DocMDP.objgen == signature.objgen
        assert signature.Reference[0].TransformParams.P == 1

    said = reasons(desk.upload(changed(license_file, detach)))
    assert "embedded_files" not in said
    assert "不允许" in said["certified"]


def test_a_signature_that_fails_is_refused(desk: Desk) -> None:
    _, sealed = desk.stamped(letter(1), point=POINT)
    tampered = sealed.replace(b"/Rect[361", b"/Rect[362", 1)
    assert tampered != sealed
    assert "failing_signature" in reasons(desk.upload(tampered)) or "changed_after_signing" in reasons(
        desk.upload(tampered)
    )
    later = changed(sealed, lambda document: document.docinfo.__setitem__("/Title", "x"))
    assert reasons(desk.upload(later))


# Batches ------------------------------------------------------------------------------------------------------------


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_batch_answers_for_every_file(city: ServedCity, tmp_path: Path) -> None:
    desk = desk_of(city)
    archive = zipped({"部门/甲.pdf": letter(1), "乙.pdf": letter(2), "__MACOSX/x": b"", "坏.pdf": b"%PDF-1.4"})
    files = [("全部.zip", archive), ("乙.pdf", letter(3))]
    response = desk.batch(files, keyword={"text": "（盖章）", "count": 1})
    begun = city.answer(response, 202)
    assert (begun["total"], begun["done"]) == (4, 0)
    place = response.headers["location"]
    assert city.client.get(place + "/files", headers=desk.headers).status_code == 409
    assert city.drain() == 4
    ended = city.answer(city.client.get(place, headers=desk.headers), 200)
    assert (ended["done"], ended["stamped"], ended["refused"]) == (4, 1, 3)
    assert [(item["file_name"], item["state"], item["code"]) for item in ended["items"]] == [
        ("甲.pdf", "done", ""),
        ("乙.pdf", "refused", "keyword_count"),
        ("坏.pdf", "refused", "broken"),
        ("乙.pdf", "refused", "keyword_count"),
    ]
    with zipfile.ZipFile(io.BytesIO(desk.picture(place + "/files"))) as result:
        assert result.namelist() == ["甲.pdf"]
        accepted(city, result.read("甲.pdf"), tmp_path)
    assert city.client.get(place, headers=city.person("keeper-1")).status_code == 200
    assert city.service.deps.objects.names("uploads/") == ()
    assert "甲.pdf" not in str(city.rows("SELECT * FROM stamp_items"))


def test_a_batch_that_was_interrupted_goes_on_without_a_second_seal(desk: Desk) -> None:
    city = desk.city
    city.answer(desk.batch([("a.pdf", letter(1))], point=POINT), 202)
    deps = city.service.deps
    with deps.uow() as tx:
        held = tx.stampings.claim_item(worker="dead", token="t", now=deps.clock.now(), lease_s=3600)
    assert held is not None
    assert city.drain() == 0
    city.execute("UPDATE stamp_items SET ready_at = '2026-01-01T00:00:00.000000+00:00'")
    assert city.drain() == 1
    assert city.rows("SELECT count(*) FROM stampings") == [(1,)]
    # As it is when the process dies between the register row and the answer to the item.
    again = "state = 'waiting', ready_at = '2026-01-01T00:00:00.000000+00:00', upload = 'uploads/' || item_id || '.pdf'"
    city.execute(f"UPDATE stamp_items SET {again}")
    assert city.drain() == 1
    assert city.rows("SELECT count(*) FROM stampings") == [(1,)]
    with deps.uow() as tx:
        assert not tx.stampings.finish_item("itm_x", claim_token="t", stamping_id="", code="", detail="")


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        ([("x.zip", b"PK\x03\x04broken")], 422, "zip_broken"),
        ([("x.zip", zipped({"Xa.pdf": b"x"}).replace(b"Xa.pdf", b"\0a.pdf"))], 422, "zip_broken"),
        ([("x.zip", zipped({}))], 422, None),
        ([("x.zip", zipped({f"{n}.pdf": b"x" for n in range(201)}))], 413, None),
        ([("x.zip", zipped({"bomb.pdf": bytes(30 * 1024 * 1024)}))], 413, None),
        ([("x.zip", zipped({"..": b"x"}))], 422, "file_name"),
    ],
    ids=["broken", "nameless", "empty", "too many", "bomb", "no name"],
)
def test_a_batch_has_limits(desk: Desk, files: list[tuple[str, bytes]], status: int, code: str | None) -> None:
    answer = desk.batch(files, point=POINT)
    assert answer.status_code == status, answer.text
    if code:
        assert code in reasons(answer)
    assert desk.city.rows("SELECT count(*) FROM stamp_batches") == [(0,)]


def test_an_order_with_a_mistake_names_it(desk: Desk) -> None:
    answer = desk.batch([("a.pdf", letter(1))], point={"x_mm": -1, "y_mm": 2})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/order/point/x_mm"


def needs_two(desk: Desk) -> None:
    """The desk's seal needs two approvals of a manual use from now on."""
    rules = rules_json(SealRules(manual_needed=2, approvers=("use-approver-1", "use-approver-2"))).replace(":", "\\:")
    desk.city.execute(f"UPDATE seal_versions SET rules = '{rules}' WHERE seal_id = '{desk.seal_id}'")


def approved(desk: Desk, digest: str) -> str:
    city = desk.city
    body = {"seal_id": desk.seal_id, "digest": digest, "purpose": "示例批复用印"}
    asked = city.answer(city.client.post("/v1/seal-approvals", headers=desk.headers, json=body), 201)
    for voter in ("use-approver-1", "use-approver-2"):
        path = f"/v1/seal-approvals/{asked['approval_id']}/votes"
        city.answer(city.client.post(path, headers=city.person(voter), json={"agrees": True}), 201)
    return str(asked["approval_id"])


def test_a_seal_that_needs_approvals_stamps_what_was_approved_once_and_nothing_else(city: ServedCity) -> None:
    desk = desk_of(city)
    needs_two(desk)
    shown = desk.shown(letter(1), point=POINT)
    refused = desk.confirm(shown)
    assert (refused.status_code, refused.json()["code"]) == (409, "seal_unavailable")
    assert "2 人批准" in refused.json()["detail"]
    approval = approved(desk, shown["content_digest"])
    # Voting takes longer than a preview lives: the same file placed in the same way is the same content.
    again = desk.shown(letter(1), point=POINT)
    assert again["content_digest"] == shown["content_digest"]
    moved = desk.shown(letter(1), point={**POINT, "x_mm": 151})
    other = desk.shown(letter(2), point=POINT)
    assert len({again["content_digest"], moved["content_digest"], other["content_digest"]}) == 3
    for wrong in (moved, other):
        assert desk.confirm(wrong, approval_id=approval).status_code == 409
    row = city.answer(desk.confirm(again, approval_id=approval), 201)
    assert city.check(desk.file(row["stamping_id"]))["registry_match"] == "exact"
    spent = desk.confirm(desk.shown(letter(1), point=POINT), approval_id=approval)
    assert (spent.status_code, "用过" in spent.json()["detail"]) == (409, True)


def test_a_seal_that_was_re_made_after_the_preview_is_not_what_was_shown(desk: Desk) -> None:
    shown = desk.shown(letter(1), point=POINT)
    desk.city.execute(f"UPDATE seals SET key_id = 'another-key' WHERE seal_id = '{desk.seal_id}'")
    refused = desk.confirm(shown)
    assert (refused.status_code, "换制" in refused.json()["detail"]) == (409, True)


def test_a_use_of_a_work_that_died_is_told_as_unknown_when_it_is_done_again(desk: Desk) -> None:
    shown = desk.shown(letter(1), point=POINT)
    left = f"'use_left', '{desk.seal_id}', 'stamp:{shown['preview_id']}', '{'0' * 64}', '2026-01-01T00:00:00.000000Z'"
    columns = "reservation_id, seal_id, purpose, digest, reserved_at, result, signature_sha256"
    desk.city.execute(f"INSERT INTO reservations ({columns}) VALUES ({left}, 'open', '')")
    desk.city.answer(desk.confirm(shown), 201)
    results = desk.city.rows("SELECT reservation_id = 'use_left', result FROM reservations ORDER BY 1")
    assert [row[1] for row in results] == ["used", "unknown"]
