"""One license in three forms, chosen by Accept: the sealed PDF, a picture of a page, the face as data."""

from __future__ import annotations

import hashlib
import io
import subprocess
from statistics import correlation
from typing import Any

import pytest
from fixtures_city import ServedCity
from PIL import Image
from test_bad_input import problem

from certsvc.api.negotiation import MAX_ACCEPT_LENGTH, choose
from certsvc.errors import NotAcceptable

SLUG = "food_operation"
FORMS = ("application/pdf", "image/png", "application/json")


def fetch(city: ServedCity, path: str, headers: dict[str, str], accept: str = "", **query: Any) -> Any:
    more = {"Accept": accept} if accept else {}
    return city.client.get(path, headers={**headers, **more}, params=query)


@pytest.fixture
def issued(small_city: ServedCity) -> dict[str, Any]:
    return small_city.issue(SLUG, "O-1")


def doors(city: ServedCity, identifier: str) -> list[tuple[str, dict[str, str]]]:
    return [
        (f"/v1/licenses/{identifier}/file", city.system()),
        (f"/v1/wallet/{identifier}/file", city.person(city.holder_of(SLUG))),
    ]


def test_both_doors_give_all_three_forms(small_city: ServedCity, issued: dict[str, Any]) -> None:
    for path, headers in doors(small_city, issued["identifier"]):
        for accept in ("", "*/*", "application/pdf", "text/html, application/*;q=0.5", "image/png;q=0.1, */*"):
            pdf = fetch(small_city, path, headers, accept)
            assert pdf.headers["content-type"] == "application/pdf", accept
            assert hashlib.sha256(pdf.content).hexdigest() == small_city.rows("SELECT sha256 FROM artifacts")[0][0]
        png = fetch(small_city, path, headers, "image/png")
        assert Image.open(io.BytesIO(png.content)).width == 800
        face = fetch(small_city, path, headers, "application/json")
        assert face.json()["state"] == "valid"
        for answer, media in zip((pdf, png, face), FORMS, strict=True):
            assert answer.status_code == 200
            assert answer.headers["content-type"] == media
            assert answer.headers["vary"] == "Accept"
            assert answer.headers["cache-control"] == "private, no-store"


def test_a_picture_is_as_wide_as_asked_and_shows_the_page(small_city: ServedCity, issued: dict[str, Any]) -> None:
    path, headers = doors(small_city, issued["identifier"])[0]
    pdf = fetch(small_city, path, headers).content
    for width in (200, 2000):
        shown = Image.open(io.BytesIO(fetch(small_city, path, headers, "image/png", width=width).content))
        command = ["pdftoppm", "-png", "-singlefile", "-scale-to-x", str(width), "-scale-to-y", "-1", "-"]
        other = Image.open(io.BytesIO(subprocess.run(command, input=pdf, capture_output=True, check=True).stdout))
        assert shown.width == width
        assert shown.height == pytest.approx(other.height, abs=2)
        ours, theirs = (image.convert("L").resize((60, 60)).tobytes() for image in (shown, other))
        assert correlation(ours, theirs) > 0.9, "poppler draws the same page"
        assert correlation(ours, theirs[::-1]) < 0.6, "and upside down it is another"


def test_a_width_or_page_without_sense_is_named(small_city: ServedCity, issued: dict[str, Any]) -> None:
    for path, headers in doors(small_city, issued["identifier"]):
        for name, value in (("width", 199), ("width", 2001), ("width", "wide"), ("page", 0), ("page", 51)):
            found = problem(fetch(small_city, path, headers, "image/png", **{name: value}), 422)
            assert [item["pointer"] for item in found["errors"]] == [f"/query/{name}"], value


def test_a_page_that_the_file_lacks_is_refused(small_city: ServedCity, issued: dict[str, Any]) -> None:
    path, headers = doors(small_city, issued["identifier"])[0]
    assert "第 50 页" in problem(fetch(small_city, path, headers, "image/png", page=50), 422)["detail"]


def test_other_forms_are_refused_and_the_answer_says_what_there_is(
    small_city: ServedCity, issued: dict[str, Any]
) -> None:
    for path, headers in doors(small_city, issued["identifier"]):
        for accept in ("text/html", "image/jpeg", "*/*;q=0", "nonsense", "application/pdf;q=2"):
            refused = fetch(small_city, path, headers, accept)
            found = problem(refused, 406)
            assert all(media in found["detail"] for media in FORMS)
            assert refused.headers["vary"] == "Accept"


def test_the_face_as_data_has_the_items_of_the_page_under_the_masks_of_the_page(small_city: ServedCity) -> None:
    code = small_city.catalog.sample("divorce")["holder_code"]
    done = small_city.issue(SLUG, "O-2", holder={"name": "示例甲", "code": code, "code_type": "111"})
    path, headers = f"/v1/licenses/{done['identifier']}/file", small_city.system()
    face = fetch(small_city, path, headers, "application/json").json()
    kind = small_city.catalog.type(SLUG)
    assert [(item["label"], item["key"]) for item in face["items"]] == [
        (item.label, item.source.removeprefix("field:")) for item in kind.face.items
    ]
    values = {item["key"]: item["value"] for item in face["items"]}
    assert values["holder_code"] == f"{code[:10]}****{code[14:]}"
    assert code not in str(face)
    printed = subprocess.run(
        ["pdftotext", "-raw", "-", "-"], input=fetch(small_city, path, headers).content, capture_output=True, check=True
    ).stdout.decode()
    page = "".join(printed.split())
    for item in kind.face.items:
        if not item.columns:
            assert "".join(values[item.source.removeprefix("field:")].split()) in page, item.source


def test_the_state_in_the_data_follows_a_move(small_city: ServedCity, issued: dict[str, Any]) -> None:
    path, headers = doors(small_city, issued["identifier"])[1]
    assert small_city.move(issued["identifier"], "suspend", slug=SLUG).status_code == 201
    face = fetch(small_city, path, headers, "application/json").json()
    assert (face["state"], face["good"]) == ("suspended", False)


def test_a_foreign_license_looks_like_none_in_every_form(small_city: ServedCity, issued: dict[str, Any]) -> None:
    identifier = issued["identifier"]
    stranger = small_city.person(small_city.holder_of("tour_guide"))
    for accept in FORMS:
        foreign = fetch(small_city, f"/v1/wallet/{identifier}/file", stranger, accept)
        missing = fetch(small_city, f"/v1/wallet/{identifier[:-1]}Z/file", stranger, accept)
        assert problem(foreign, 404) == problem(missing, 404)
        officer = small_city.person(small_city.officer_of(SLUG))
        problem(fetch(small_city, f"/v1/licenses/{identifier}/file", officer, accept), 403)
        problem(fetch(small_city, f"/v1/licenses/{identifier}/file", {}, accept), 401)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/pdf"),
        ("application/json;q=0.5, image/png;q=0.9", "image/png"),
        ("application/*;q=0.4, application/pdf;q=0.1", "application/json"),
        ("APPLICATION/JSON; charset=utf-8", "application/json"),
        ("*/*, application/pdf;q=0", "image/png"),
    ],
)
def test_the_weightiest_form_is_chosen(accept: str, chosen: str) -> None:
    assert choose(accept, FORMS) == chosen


def test_an_endless_accept_header_is_not_read() -> None:
    with pytest.raises(NotAcceptable):
        choose("application/json," * MAX_ACCEPT_LENGTH, FORMS)


def test_the_api_document_describes_all_three_forms(small_city: ServedCity) -> None:
    document = small_city.client.get("/v1/openapi.json").json()
    for door in ("/v1/licenses/{identifier}/file", "/v1/wallet/{identifier}/file"):
        operation = document["paths"][door]["get"]
        assert set(operation["responses"]["200"]["content"]) == set(FORMS)
        assert {"page", "width"} <= {parameter["name"] for parameter in operation["parameters"]}
