"""A scope that no box holds: issued on several pages, sealed as one file, complete to the last character."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pikepdf
from fixtures_city import ServedCity

LENGTH = 1500
MOST = 2000


def scope(length: int) -> str:
    """A scope of exactly ``length`` characters in which every part is another one."""
    parts = "".join(f"许可项目{number:03d}：示例食品销售及餐饮服务；" for number in range(length // 10))
    return parts[: length - 1] + "。"


def page_texts(path: Path) -> list[str]:
    """The text of each page as a reader of another house extracts it, without white space."""
    done = subprocess.run(["pdftotext", str(path), "-"], check=True, capture_output=True)
    return ["".join(page.split()) for page in done.stdout.decode("utf-8").split("\f")[:-1]]


def test_a_scope_of_1500_characters_is_issued_over_several_pages_and_verifies(
    small_city: ServedCity, tmp_path: Path
) -> None:
    data = small_city.body("business_license", "LONG-1")["data"]
    text = scope(LENGTH)
    done = small_city.issue("business_license", "LONG-1", data={**data, "business_scope": text})
    file = small_city.file(done["identifier"])
    path = tmp_path / "license.pdf"
    path.write_bytes(file)
    assert subprocess.run(["qpdf", "--check", str(path)], capture_output=True, check=False).returncode == 0
    with pikepdf.open(path) as pdf:
        count = len(pdf.pages)
    assert count > 1
    pages = page_texts(path)
    assert len(pages) == count
    for number, page in enumerate(pages, 1):
        assert f"第{number}页共{count}页" in page
        assert done["number"] in page
    # What a page adds (headings, marks, numbers) stands before or behind the part of the scope that it holds.
    assert joined(pages, text) == text
    assert small_city.pdfsig(path) == "valid"
    verdict = small_city.check(file)
    assert verdict["indication"] == "TOTAL-PASSED"
    assert (verdict["registry_match"], verdict["integrity"], verdict["status"]) == ("exact", "good", "good")


def joined(pages: list[str], text: str) -> str:
    """What the pages hold of ``text``, in order: the longest part that stands in each."""
    found = ""
    for page in pages:
        rest = text[len(found) :]
        length = next((size for size in range(len(rest), 0, -1) if rest[:size] in page), 0)
        found += rest[:length]
    return found


def test_a_scope_over_the_limit_is_refused_by_name(small_city: ServedCity) -> None:
    body = small_city.body("business_license", "LONG-2")
    body["data"] = {**body["data"], "business_scope": scope(MOST + 1)}
    answer = small_city.client.post("/v1/issuances", headers=small_city.system(), json=body)
    assert answer.status_code == 422
    assert any("business_scope" in error["pointer"] for error in answer.json()["errors"])


def test_a_short_scope_stays_on_one_page_without_a_page_number(small_city: ServedCity, tmp_path: Path) -> None:
    done = small_city.issue("business_license", "LONG-3")
    path = tmp_path / "license.pdf"
    path.write_bytes(small_city.file(done["identifier"]))
    pages = page_texts(path)
    assert len(pages) == 1
    assert "第1页" not in pages[0]
