"""The page as it was sealed beside the page now: from the file itself, and only under a seal that is sound."""

from __future__ import annotations

import base64
import io
from contextlib import ExitStack
from typing import Any

import pytest
from fixtures_city import ServedCity
from later_changes import drawn_over
from PIL import Image
from test_bad_input import problem
from test_verification import ask_file
from upload_documents import letter

from certsvc.api.verifications import FILE_DOOR
from certsvc.rendering import differences
from certsvc.rendering.upload_worker import answer, unpacked

SLUG = "food_operation"
DIFFERENCES = "/v1/verifications/file/differences"


@pytest.fixture
def original(small_city: ServedCity) -> bytes:
    return small_city.file(small_city.issue(SLUG, "SN-1")["identifier"])


def send(city: ServedCity, data: bytes) -> Any:
    return city.client.post(DIFFERENCES, files={"file": ("license.pdf", data, "application/pdf")})


def compare(city: ServedCity, data: bytes) -> dict[str, Any]:
    return dict(city.answer(send(city, data), 200))


def colour(png: str, x: float, y: float) -> Any:
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    return picture.getpixel((int(x * picture.width), int(y * picture.height)))


def test_what_was_drawn_over_a_sealed_page_is_shown_beside_the_sealed_page(
    small_city: ServedCity, original: bytes
) -> None:
    data = drawn_over(original)
    assert ask_file(small_city, data)["reason"] == "changed_after_sealing"
    found = compare(small_city, data)
    assert (found["outcome"], found["more"], found["pages_sealed"]) == ("shown", False, found["pages_now"])
    (page,) = found["pages"]
    assert page["page"] == 1
    left, top, right, bottom = page["region"]
    assert 0 < left < right < 0.6
    assert 0.6 < top < bottom < 1
    middle = ((left + right) / 2, (top + bottom) / 2)
    assert colour(page["now"], *middle) == (255, 0, 0)
    assert colour(page["sealed"], *middle) != (255, 0, 0)


def test_a_seal_that_is_broken_or_missing_says_nothing_of_the_page_as_sealed(
    small_city: ServedCity, original: bytes
) -> None:
    broken = bytearray(original)
    broken[len(broken) // 3] ^= 1
    assert compare(small_city, drawn_over(original)[: len(original)])["outcome"] == "nothing_after"
    for data in (bytes(broken), letter(1), b"no pdf"):
        found = compare(small_city, data)
        assert (found["outcome"], found["pages"]) == ("no_seal", [])
        assert "无法还原" in found["text"]


def test_the_registered_original_is_never_given_to_who_holds_other_bytes(
    small_city: ServedCity, original: bytes
) -> None:
    found = compare(small_city, original + b"\n")
    assert (found["outcome"], found["pages"]) == ("nothing_after", [])


def test_the_door_is_that_of_files_and_a_full_one_says_try_again(small_city: ServedCity) -> None:
    with ExitStack() as full_house:
        for _ in range(FILE_DOOR.places):
            full_house.enter_context(FILE_DOOR)
        refused = send(small_city, b"x")
        assert problem(refused, 503)
        assert refused.headers["retry-after"]


def test_a_worker_compares_few_pages_and_says_that_there_are_more() -> None:
    many = differences.MAX_CHANGED_PAGES + 2
    sealed, now = letter(many), letter(many, lines=("另外的内容",))
    said, blob = differences.changed_pages(sealed, now)
    assert (len(said["pages"]), said["more"]) == (differences.MAX_CHANGED_PAGES, True)
    assert sum(sum(one["sizes"]) for one in said["pages"]) == len(blob)
    longer, _ = differences.changed_pages(letter(1), letter(2))
    assert [(one["number"], one["region"], one["sizes"][0]) for one in longer["pages"]] == [(2, None, 0)]
    same, nothing = differences.changed_pages(sealed, sealed)
    assert (same["pages"], nothing) == ([], b"")
    refused, _ = unpacked(answer({"do": "compare", "end": 10}, letter(1)))
    assert refused == {"drawn": False}
