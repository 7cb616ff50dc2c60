"""The printed page, read by other people's tools: its code leads to its license, its text is its holder's."""

from __future__ import annotations

import subprocess
import unicodedata
from pathlib import Path

import pytest
import zxingcpp
from fixtures_city import ServedCity
from PIL import Image

from certsvc.catalog.loader import load_catalog

SLUGS = [kind.slug for kind in load_catalog().types]
RARE_NAME = "王𠮷𬀩"
"""Characters of CJK Extension B and E, as they occur in real names."""


def run(*command: str | Path) -> bytes:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, timeout=60).stdout


def decoded(pdf: Path, dpi: int = 150) -> list[str]:
    """Every QR code that zxing-cpp finds on the page as poppler draws it."""
    stem = pdf.with_suffix("")
    run("pdftoppm", "-r", str(dpi), "-gray", "-singlefile", pdf, stem)
    with Image.open(stem.with_suffix(".pgm")) as picture:
        return [found.text for found in zxingcpp.read_barcodes(picture)]


def text_of(pdf: Path) -> str:
    """The page's text without blanks: letter-spaced labels are one word."""
    return "".join(run("pdftotext", "-layout", pdf, "-").decode("utf-8").split())


@pytest.mark.parametrize("slug", SLUGS)
def test_the_code_on_the_page_leads_to_its_license_and_the_text_is_the_holders(
    shared_city: ServedCity, slug: str, tmp_path: Path
) -> None:
    kind = shared_city.catalog.type(slug)
    done = shared_city.one_of(slug)
    path = tmp_path / "page.pdf"
    path.write_bytes(shared_city.file(done["identifier"]))
    codes = decoded(path)
    assert len(codes) == 1
    assert codes[0].startswith(shared_city.service.settings.public_base + "/q/")
    verdict = shared_city.public(code=codes[0])
    assert (verdict["reason"], verdict["license"]["identifier"]) == ("ok", done["identifier"])
    sample = shared_city.catalog.sample(slug)
    text = text_of(path)
    for wanted in (sample["holder_name"], done["number"], "样本", kind.face.title):
        assert "".join(wanted.split()) in text, wanted


def test_two_licenses_have_two_codes_that_say_nothing_of_each_other(small_city: ServedCity, tmp_path: Path) -> None:
    codes = []
    for index in range(2):
        done = small_city.issue("tour_guide", f"T-{index}")
        path = tmp_path / f"page-{index}.pdf"
        path.write_bytes(small_city.file(done["identifier"]))
        [code] = decoded(path)
        assert done["identifier"] not in code
        assert done["number"] not in code
        codes.append(code.rsplit("/", 1)[1])
    assert len({code[:6] for code in codes}) == 2


def test_a_rare_name_is_printed_and_found_by_another_reader(small_city: ServedCity, tmp_path: Path) -> None:
    slug = "teacher_qualification"
    holder = {**small_city.body(slug, "x")["holder"], "name": RARE_NAME}
    done = small_city.issue(slug, "R-1", holder=holder)
    path = tmp_path / "page.pdf"
    path.write_bytes(small_city.file(done["identifier"]))
    assert unicodedata.normalize("NFC", RARE_NAME) in text_of(path)
    assert small_city.check(path.read_bytes())["indication"] == "TOTAL-PASSED"
    [code] = decoded(path)
    assert small_city.public(code=code)["license"]["holder_masked"] == "王*"
    card = small_city.client.get(f"/v1/licenses/{done['identifier']}", headers=small_city.system())
    assert small_city.answer(card, 200)["license"]["holder_name"] == RARE_NAME


def test_a_copied_page_says_how_the_license_stands_now(small_city: ServedCity, tmp_path: Path) -> None:
    done = small_city.issue("food_operation", "C-1")
    path = tmp_path / "page.pdf"
    path.write_bytes(small_city.file(done["identifier"]))
    [code] = decoded(path)
    small_city.answer(small_city.move(done["identifier"], "revoke", slug="food_operation"), 201)
    verdict = small_city.public(code=code)
    assert (verdict["indication"], verdict["reason"]) == ("TOTAL-FAILED", "license_revoked")
    assert verdict["text"] == "证照已被吊销"
