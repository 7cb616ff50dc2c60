"""Annotated copies (加注件): one per fetch, sealed, marked all over, good for one matter and for a time only."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from fixtures_city import ServedCity
from life_city import Life
from PIL import Image, ImageChops
from test_fetch import CLIENT, COPY, OTHER, SLUG, consented, fetch, grant

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.sharing.copies import UNMADE_FOR, sweep_copies
from certsvc.license.copies import COPY_DAYS, MAX_COPY_DAYS
from certsvc.rendering.raster import page_image

WIDTH = 600
FAINT = 12
"""Shades of grey by which a stroke of the watermark differs from its ground, at least."""
GRID = (9, 6)
"""Rows and columns of the page in each of which the watermark must show."""
MATTER_NAME = "食品经营许可"
FOUR = (
    "certificateCopyCreationTime",
    "certificateCopyCreator",
    "certificateCopyCause",
    "certificateCopyExpiringTime",
)


def copy_of(city: ServedCity, **changes: Any) -> tuple[dict[str, Any], bytes]:
    given = city.answer(fetch(city, **{"fields": [COPY], **changes}), 201)
    return given, base64.b64decode(given["file"])


def check(city: ServedCity, data: bytes, **params: str) -> dict[str, Any]:
    upload = {"file": ("copy.pdf", data, "application/pdf")}
    return dict(city.answer(city.client.post("/v1/verifications/file", files=upload, params=params), 200))


def original(city: ServedCity, identifier: str) -> bytes:
    with city.service.deps.uow.read() as tx:
        version = tx.licenses.by_identifier(identifier)
    assert version is not None
    return city.service.deps.objects.get(version.artifact.object_name)


def text_of(data: bytes, tmp_path: Path) -> str:
    path = tmp_path / "text.pdf"
    path.write_bytes(data)
    said = subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True)
    assert said.stderr == b""
    return said.stdout.decode("utf-8")


def marked_everywhere(copy: bytes, plain: bytes) -> bool:
    """Whether every cell of the page differs from the original, and the page is the original's for the most part."""
    before = page_image(plain, WIDTH).convert("L")
    page = page_image(copy, WIDTH).convert("L").crop((0, 0, *before.size))
    differs = ImageChops.difference(page, before).point(lambda value: 255 if value > FAINT else 0)
    rows, columns = GRID
    cells = [value / 255 for value in differs.resize((columns, rows), Image.Resampling.BOX).tobytes()]
    # Every cell bears strokes, and none is hidden by them.
    return min(cells) > 0.004 and max(cells) < 0.4


@pytest.fixture(scope="module")
def shop(shared_city: ServedCity) -> ServedCity:
    """A city in which nothing ends, with one license."""
    shared_city.one_of(SLUG)
    return shared_city


@pytest.fixture
def moving(sqlite_url: str, make_city: Callable[..., ServedCity]) -> tuple[ServedCity, FixedClock]:
    """A city whose clock is set by hand."""
    clock = FixedClock(SystemClock().now())
    return make_city(sqlite_url, clock=clock), clock


def test_a_copy_says_for_whom_and_how_long_in_text_picture_and_metadata(shop: ServedCity, tmp_path: Path) -> None:
    given, data = copy_of(shop)
    plain = original(shop, shop.one_of(SLUG)["identifier"])
    text = text_of(data, tmp_path)
    done = shop.one_of(SLUG)
    for words in (
        "加注件",
        "仅供示例省市场监督管理局",
        "BJ-2026-1",
        "不是证照原件",
        given["copy_number"],
        done["identifier"],
    ):
        assert words in re.sub(r"\s", "", text), words
    for line in text_of(plain, tmp_path).split():
        assert line in text, "the text of the license stays extractable"
    assert marked_everywhere(data, plain)
    assert not marked_everywhere(plain, plain)
    with pikepdf.open(io.BytesIO(data)) as document:
        elements = json.loads(document.attachments["metadata.json"].get_file().read_bytes())
        xmp = document.Root.Metadata.read_bytes().decode("utf-8")
        trail = [str(key) for key in document.Root]
    assert elements["certificateIdentifier"] == done["identifier"]
    until = datetime.fromisoformat(given["copy_until"])
    assert elements["certificateCopyExpiringTime"] == (until + timedelta(hours=8)).strftime("%Y%m%d%H%M%S")
    assert elements["certificateCopyCreator"] == "示例省政务服务局"
    assert "BJ-2026-1" in elements["certificateCopyCause"]
    assert all(f"<gbt36903:{name}>{elements[name]}<" in xmp for name in FOUR)
    assert "/OpenAction" not in trail
    assert data.count(b"/ByteRange") == 1, "the issuer's signature is gone: it never covered a copy"


def test_qpdf_pdfsig_and_our_verifier_agree(shop: ServedCity, tmp_path: Path) -> None:
    given, data = copy_of(shop)
    path = tmp_path / "copy.pdf"
    path.write_bytes(data)
    assert (
        "No syntax or stream encoding errors"
        in subprocess.run(["qpdf", "--check", path], check=True, capture_output=True, text=True).stdout
    )
    said = subprocess.run(["pdfsig", path], check=False, capture_output=True, text=True).stdout
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    assert "共享专用章" in said
    found = check(shop, data)
    assert (found["indication"], found["reason"], found["registry_match"]) == ("TOTAL-PASSED", "ok_copy", "exact")
    facts = found["copy_facts"]
    assert (facts["number"], facts["made_for"]) == (given["copy_number"], "示例省市场监督管理局")
    assert MATTER_NAME in facts["matter"]
    assert "BJ-2026-1" not in json.dumps(found, ensure_ascii=False), "the case is in no verdict"
    assert found["license"]["identifier"] == shop.one_of(SLUG)["identifier"]
    by_digest = shop.public(sha256=given["file_sha256"])
    assert (by_digest["reason"], "integrity" in by_digest["not_checked"]) == ("ok_copy", True)


def test_the_printed_code_tells_the_public_little_and_an_officer_that_it_is_no_show_code(shop: ServedCity) -> None:
    given, _ = copy_of(shop)
    with shop.service.deps.uow.read() as tx:
        copy = tx.copies.by_fetch(given["fetch_id"])
    assert copy is not None
    code = f"{shop.service.deps.policy.public_base}/q/{copy.token}"
    found = shop.public(code=code)
    assert (found["reason"], found["indication"]) == ("ok_copy_registered", "TOTAL-PASSED")
    assert found["copy_facts"]["matter"] == "食品＊＊＊"
    assert "integrity" in found["not_checked"]
    scanned = shop.scan("officer-1", code)
    assert scanned["reasons"][0]["code"] == "code_of_copy"
    assert scanned["license"] is None


def test_another_body_is_told_that_the_copy_is_not_for_it(shop: ServedCity) -> None:
    _, data = copy_of(shop)
    assert check(shop, data, used_by="11990000MB0000019F")["reason"] == "ok_copy"
    found = check(shop, data, used_by="11990000MB00000355")
    assert (found["reason"], found["indication"]) == ("copy_for_another", "INDETERMINATE")


def test_the_same_fetch_gives_the_same_bytes_to_its_client_only(shop: ServedCity) -> None:
    given, data = copy_of(shop)
    path = f"/v1/fetches/{given['fetch_id']}/copy"
    again = shop.client.get(path, headers=shop.system(CLIENT))
    assert (again.status_code, again.content) == (200, data)
    other = shop.client.get(path, headers=shop.system(OTHER))
    unknown = shop.client.get("/v1/fetches/fch_0/copy", headers=shop.system(OTHER))
    assert (other.status_code, other.json()) == (404, unknown.json())


def test_a_copy_lasts_as_the_policy_and_the_holder_let_it(shop: ServedCity) -> None:
    now = shop.service.deps.clock.now()

    def days(given: dict[str, Any]) -> float:
        return (datetime.fromisoformat(given["copy_until"]) - now) / timedelta(days=1)

    assert COPY_DAYS - 0.1 < days(copy_of(shop)[0]) <= COPY_DAYS + 0.1
    far = (now + timedelta(days=4000)).isoformat()
    assert days(copy_of(shop, copy_until=far)[0]) <= MAX_COPY_DAYS + 0.1
    code = grant(shop, shop.one_of(SLUG)["identifier"], copy_days=3)["code"]
    given = shop.answer(consented(shop, code, fields=[COPY], copy_until=far), 201)
    assert days(given) <= 3.01


def test_a_copy_expires(moving: tuple[ServedCity, FixedClock]) -> None:
    city, clock = moving
    city.issue(SLUG, "C-1")
    given, data = copy_of(city)
    assert check(city, data)["reason"] == "ok_copy"
    clock.advance(datetime.fromisoformat(given["copy_until"]) - clock.now())
    city.tokens.clear()
    found = check(city, data)
    assert (found["reason"], found["indication"]) == ("copy_expired", "TOTAL-FAILED")
    gone = city.client.get(f"/v1/fetches/{given['fetch_id']}/copy", headers=city.system(CLIENT))
    assert gone.status_code == 409
    before = (datetime.fromisoformat(given["copy_until"]) - timedelta(minutes=1)).isoformat()
    assert check(city, data, at=before)["reason"] == "ok_copy", "as of a moment at which it was good"


@pytest.mark.parametrize(
    ("move", "reason", "indication"),
    [
        ("revoke", "copy_license_ended", "TOTAL-FAILED"),
        ("suspend", "copy_license_suspended", "INDETERMINATE"),
    ],
)
def test_a_copy_goes_with_its_license(small_city: ServedCity, move: str, reason: str, indication: str) -> None:
    city = small_city
    done = city.issue(SLUG, "C-1")
    _, data = copy_of(city)
    city.answer(city.move(done["identifier"], move, slug=SLUG), 201)
    found = check(city, data)
    assert (found["reason"], found["indication"]) == (reason, indication)
    if move == "suspend":
        city.answer(city.move(done["identifier"], "resume", slug=SLUG), 201)
        assert check(city, data)["reason"] == "ok_copy"


def test_a_copy_of_a_replaced_license_says_so(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "C-1")
    _, data = copy_of(city)
    Life(city, SLUG).made("C-2", "change", previous=done["identifier"])
    assert check(city, data)["reason"] == "copy_license_replaced"


def test_the_holder_sees_a_copy_and_takes_it_back(shop: ServedCity) -> None:
    code = grant(shop, shop.one_of(SLUG)["identifier"])["code"]
    given = shop.answer(consented(shop, code, fields=[COPY]), 201)
    data = base64.b64decode(given["file"])
    holder = shop.person(shop.holder_of(SLUG))
    rows = shop.answer(shop.client.get("/v1/uses", headers=holder, params={"limit": 100}), 200)["uses"]
    [row] = [row for row in rows if row["use_id"] == given["fetch_id"]]
    seen = row["copy_given"]
    assert (seen["number"], seen["state"], seen["withdrawable"]) == (given["copy_number"], "given", True)
    path = f"/v1/copies/{seen['copy_id']}/withdrawals"
    stranger = shop.person(shop.holder_of("tour_guide"))
    assert shop.client.post(path, headers=stranger).status_code == 404
    assert shop.answer(shop.client.post(path, headers=holder), 201)["state"] == "withdrawn"
    assert shop.client.post(path, headers=holder).status_code == 409
    found = check(shop, data)
    assert (found["reason"], found["copy_facts"]["withdrawn"]) == ("copy_withdrawn", True)
    gone = shop.client.get(f"/v1/fetches/{given['fetch_id']}/copy", headers=shop.system(CLIENT))
    assert gone.status_code == 409


def test_what_was_given_on_a_duty_is_not_taken_back(shop: ServedCity) -> None:
    given, data = copy_of(shop)
    with shop.service.deps.uow.read() as tx:
        copy = tx.copies.by_fetch(given["fetch_id"])
    assert copy is not None
    holder = shop.person(shop.holder_of(SLUG))
    refused = shop.client.post(f"/v1/copies/{copy.copy_id}/withdrawals", headers=holder)
    assert (refused.status_code, "异议" in refused.json()["detail"]) == (409, True)
    assert check(shop, data)["reason"] == "ok_copy"


def attacks(one: bytes, other: bytes, plain: bytes) -> Iterator[tuple[str, bytes]]:
    """Files that somebody could make of a copy."""
    mark = one.index(b"/Mark0 Do")
    yield "the watermark is cut out of the page", one[:mark] + b"         " + one[mark + 9 :]
    yield "its date is changed in the metadata", re.sub(rb"(certificateCopyExpiringTime>)20", rb"\g<1>21", one)
    with pikepdf.open(io.BytesIO(one)) as document:
        document.pages[0].contents_coalesce()
        body = document.pages[0].Contents.read_bytes().replace(b"/Mark0 Do", b"")
        document.pages[0].Contents = document.make_stream(body)
        yield "it is written anew without the watermark", saved(document)
    with pikepdf.open(io.BytesIO(one)) as document, pikepdf.open(io.BytesIO(other)) as second:
        del second.pages[0].obj["/Annots"]
        document.pages[0] = second.pages[0]
        yield "its page is that of another copy", saved(document)
    yield "another revision follows", one + plain
    start, end = (int(n) for n in re.search(rb"/ByteRange\[0 (\d+) (\d+)", one).groups())  # type: ignore[union-attr]
    others = [int(n) for n in re.search(rb"/ByteRange\[0 (\d+) (\d+)", other).groups()]  # type: ignore[union-attr]
    if end - start == others[1] - others[0]:
        yield "its seal stands on another copy", other[: others[0]] + one[start:end] + other[others[1] :]
    hole = re.search(rb"/ByteRange\[0 (\d+) (\d+)", plain)
    assert hole is not None
    begin, stop = int(hole[1]), int(hole[2])
    seal = one[start + 1 : end - 1][: stop - begin - 2].ljust(stop - begin - 2, b"0")
    yield "its seal stands on the license", plain[: begin + 1] + seal + plain[stop - 1 :]


def saved(document: pikepdf.Pdf) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_no_file_made_of_a_copy_passes(shop: ServedCity) -> None:
    (_, one), (_, other) = copy_of(shop), copy_of(shop, case_no="BJ-2026-2")
    made = list(attacks(one, other, original(shop, shop.one_of(SLUG)["identifier"])))
    assert len(made) >= 6
    for name, data in made:
        assert data not in {one, other}, name
        found = check(shop, data)
        assert found["indication"] != "TOTAL-PASSED", name
        assert found["registry_match"] != "exact", name
    reasons = {check(shop, data)["reason"] for _, data in made[:2]}
    assert reasons == {"copy_changed"}


def test_a_copy_that_was_made_and_never_given_is_none_and_is_swept(small_city: ServedCity) -> None:
    city = small_city
    city.issue(SLUG, "C-1")
    given, data = copy_of(city)
    city.execute(
        f"UPDATE copies SET state = 'making', sha256 = '', given_at = NULL WHERE fetch_id = '{given['fetch_id']}'"
    )
    assert check(city, data)["reason"] == "copy_changed"
    assert sweep_copies(city.service.deps) == 0
    old = (city.service.deps.clock.now() - UNMADE_FOR - timedelta(hours=1)).isoformat(timespec="microseconds")
    city.execute(f"UPDATE copies SET signed_at = '{old}'")
    assert sweep_copies(city.service.deps) == 1
    assert city.rows("SELECT count(*) FROM copies") == [(0,)]
