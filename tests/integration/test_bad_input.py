"""Every bad input gets a problem document that names the field and says what to do; nothing is stored half."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ROOT, ServedCity
from PIL import Image

from certsvc.commands.showing.codes import MAX_SCANNED
from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.citizen_id import CitizenId
from certsvc.identifiers.uscc import Uscc

VECTORS = ROOT.parent / "shared" / "vectors"
PROBLEM = "application/problem+json"
Body = dict[str, Any]


def vectors(name: str) -> Path:
    path = VECTORS / name
    if not path.exists():
        pytest.fail(f"the vectors of others are not here: {path}; put shared/ beside the checkout")
    return path


def chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem document of a response, checked for its form (RFC 9457 and ours)."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    found: dict[str, Any] = response.json()
    assert set(found) <= {"type", "title", "status", "detail", "code", "errors"}
    assert found["type"] == f"urn:certsvc:problem:{found['code']}"
    assert found["status"] == status
    assert chinese(found["title"])
    assert chinese(found["detail"])
    for item in found.get("errors", []):
        assert set(item) == {"pointer", "code", "detail"}
        assert chinese(item["detail"]), item
    return found


def pointers(found: dict[str, Any]) -> list[str]:
    return [item["pointer"] for item in found.get("errors", [])]


def refused(city: ServedCity, body: Any, status: int, *named: str, path: str = "/v1/issuances") -> dict[str, Any]:
    """The body is refused, the fields are named, and no table has a row more."""
    before = city.counts()
    found = problem(city.client.post(path, headers=city.system(), json=body), status)
    assert set(named) <= set(pointers(found)), found
    assert city.counts() == before
    return found


def wrong_last(code: str) -> str:
    """The code with another last digit."""
    return code[:-1] + ("1" if code[-1] != "1" else "2")


def picture(size: tuple[int, int] = (358, 441), form: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (90, 120, 150)).save(out, form)
    return out.getvalue()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def in_holder(**changes: Any) -> Callable[[Body], Body]:
    return lambda body: {**body, "holder": {**body["holder"], **changes}}


def in_data(**changes: Any) -> Callable[[Body], Body]:
    return lambda body: {**body, "data": {**body["data"], **changes}}


def with_(**changes: Any) -> Callable[[Body], Body]:
    return lambda body: {**body, **changes}


def without(key: str) -> Callable[[Body], Body]:
    return lambda body: {name: value for name, value in body.items() if name != key}


def without_data(key: str) -> Callable[[Body], Body]:
    return lambda body: {**body, "data": {name: value for name, value in body["data"].items() if name != key}}


SPOILED: dict[str, tuple[str, Callable[[Body], Body], str]] = {
    "unknown type": ("tour_guide", with_(type="moon_walk"), "/type"),
    "type missing": ("tour_guide", without("type"), "/type"),
    "holder missing": ("tour_guide", without("holder"), "/holder"),
    "holder's name missing": ("tour_guide", in_holder(name=""), "/holder/name"),
    "data missing": ("tour_guide", without("data"), "/data"),
    "data is a list": ("tour_guide", with_(data=[]), "/data"),
    "unknown member": ("tour_guide", with_(colour="red"), "/colour"),
    "unknown field": ("tour_guide", in_data(colour="red"), "/data/colour"),
    "required field missing": ("tour_guide", without_data("level"), "/data/level"),
    "required field blank": ("tour_guide", in_data(languages="  "), "/data/languages"),
    "field of another kind": ("tour_guide", in_data(languages=5), "/data/languages"),
    "nested value": ("tour_guide", in_data(languages={"a": ["b"]}), "/data/languages"),
    "not one of the choices": ("tour_guide", in_data(level="超级"), "/data/level"),
    "too long a field": ("tour_guide", in_data(languages="语" * 41), "/data/languages"),
    "no such day in the data": ("teacher_qualification", in_data(birth_date="1990-02-30"), "/data/birth_date"),
    "not a whole number": ("medical_institution", in_data(beds="12.5"), "/data/beds"),
    "control character": ("tour_guide", in_data(languages="汉语\x07"), "/data/languages"),
    "line break": ("tour_guide", in_data(agency="一\n二"), "/data/agency"),
    "bidi override": ("tour_guide", in_data(agency="旅行社\u202e"), "/data/agency"),
    "character of a private area": ("tour_guide", in_data(agency="旅行社\ue123"), "/data/agency"),
    "character no font has": ("tour_guide", in_data(agency="旅行社𓀀"), "/data/agency"),
    "control character in the name": ("tour_guide", in_holder(name="王\x00示例"), "/holder/name"),
    "private character in the name": ("tour_guide", in_holder(name="王\ue863"), "/holder/name"),
    "lost character in the name": ("tour_guide", in_holder(name="王?例"), "/holder/name"),
    "lost character, full width": ("tour_guide", in_holder(name="王？例"), "/holder/name"),
    "replacement character in the name": ("tour_guide", in_holder(name="王\ufffd"), "/holder/name"),
    "too long a name": ("tour_guide", in_holder(name="王" * 101), "/holder/name"),
    "code type not for this type": ("business_license", in_holder(code_type="111"), "/holder/code_type"),
    "authority that may not issue it": (
        "tour_guide",
        with_(authority_code="11990000MB0000019F"),
        "/authority_code",
    ),
    "authority malformed": ("tour_guide", with_(authority_code="示例局"), "/authority_code"),
    "business number malformed": ("tour_guide", with_(business_no="a b"), "/business_no"),
    "region malformed": ("tour_guide", with_(region="99000"), "/region"),
    "region in other digits": ("tour_guide", with_(region="٩٩٠١٠٠"), "/region"),
    "region impossible": ("tour_guide", with_(region="990001"), "/region"),
    "matter malformed": ("tour_guide", with_(matter_code="<matter>"), "/matter_code"),
    "unknown action": ("tour_guide", with_(action="frame"), "/action"),
    "dates reversed": ("business_license", with_(valid_from="2026-02-01", valid_until="2026-01-31"), "/valid_until"),
    "period too long": ("tour_guide", with_(valid_until="2036-01-01"), "/valid_until"),
    "end given where there is none": (
        "teacher_qualification",
        with_(valid_until="2036-01-01"),
        "/valid_until",
    ),
    "no such day": ("business_license", with_(issued_on="2026-02-30"), "/issued_on"),
    "day as a time": ("business_license", with_(issued_on="2026-01-01T00:00:00Z"), "/issued_on"),
    "day as a number": ("business_license", with_(issued_on=1767225600), "/issued_on"),
    "day as digits": ("business_license", with_(issued_on="1767225600"), "/issued_on"),
    "day off the calendar": ("food_operation", with_(valid_from="9999-06-01", valid_until=None), "/valid_from"),
    "9999 for no end": ("business_license", with_(valid_until="9999-12-31"), "/valid_until"),
    "number given where it is made": ("tour_guide", with_(number="D-990100-000001"), "/number"),
    "number missing where it is given": ("medical_institution", with_(number=""), "/number"),
    "number is not the holder's code": ("business_license", with_(number="91990000MA0000023K"), "/number"),
    "number malformed": ("medical_institution", with_(number="a\tb"), "/number"),
    "change without previous": ("tour_guide", with_(action="change"), "/previous"),
    "previous on a first issue": ("tour_guide", with_(previous="1.2.3"), "/previous"),
    "previous malformed": ("tour_guide", with_(action="change", previous="1.2.3"), "/previous"),
    "photo missing": ("tour_guide", without("photo"), "/photo"),
    "photo on a type without one": ("business_license", with_(photo=b64(picture())), "/photo"),
    "photo not base64": ("tour_guide", with_(photo="照片"), "/photo"),
    "photo is text": ("tour_guide", with_(photo=b64(b"not a picture")), "/photo"),
    "photo cut off": ("tour_guide", with_(photo=b64(picture()[:700])), "/photo"),
    "photo is a GIF": ("tour_guide", with_(photo=b64(picture(form="GIF"))), "/photo"),
    "photo too small": ("tour_guide", with_(photo=b64(picture((20, 20)))), "/photo"),
    "photo too long": ("tour_guide", with_(photo="A" * 700_001), "/photo"),
}


@pytest.fixture
def samples(small_city: ServedCity) -> dict[str, Body]:
    return {kind.slug: small_city.body(kind.slug, "BAD-1") for kind in small_city.catalog.types}


def test_every_spoiled_body_is_refused_with_its_field_and_leaves_no_row(
    small_city: ServedCity, samples: dict[str, Body]
) -> None:
    rows = "SELECT count(*) FROM evidence WHERE kind NOT LIKE 'access.%'"  # tokens are given for each call
    before = small_city.rows(rows)
    for name, (slug, spoil, pointer) in SPOILED.items():
        try:
            refused(small_city, spoil(samples[slug]), 422, pointer)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
    assert small_city.rows(rows) == before


def test_all_faults_of_one_body_are_named_at_once(small_city: ServedCity, samples: dict[str, Body]) -> None:
    body = in_data(colour="red", level="超级")(in_holder(name="王?", code="1")(samples["tour_guide"]))
    refused(small_city, body, 422, "/data/colour", "/data/level", "/holder/name", "/holder/code")


def test_the_same_faults_in_an_event_are_named_below_data(small_city: ServedCity, samples: dict[str, Body]) -> None:
    headers = {**small_city.system(), "Content-Type": "application/cloudevents+json"}
    before = small_city.counts()
    event = small_city.event("e-bad", {**samples["tour_guide"], "colour": "red", "issued_on": "heute"})
    found = problem(small_city.client.post("/v1/events", headers=headers, json=event), 422)
    assert {"/data/colour", "/data/issued_on"} <= set(pointers(found))
    assert small_city.counts() == before


@pytest.mark.parametrize(
    ("slug", "holder", "check"),
    [("business_license", "91990000MA0000015Q", Uscc.parse), ("road_transport_worker", "", CitizenId.parse)],
)
def test_a_wrong_check_digit_is_refused_for_every_other_digit(
    small_city: ServedCity, samples: dict[str, Body], slug: str, holder: str, check: Callable[[str], Any]
) -> None:
    good = holder or samples[slug]["holder"]["code"]
    for last in sorted(set("0123456789X") - {good[-1]}):
        bad = good[:-1] + last
        with pytest.raises(InvalidIdentifier):
            check(bad)
        found = refused(small_city, in_holder(code=bad)(samples[slug]), 422, "/holder/code")
        assert bad not in json.dumps(found)


def test_a_fault_never_repeats_the_id_number_that_was_sent(small_city: ServedCity, samples: dict[str, Body]) -> None:
    body = samples["road_transport_worker"]
    wrong = wrong_last(body["holder"]["code"])
    found = refused(small_city, {**in_holder(code=wrong)(body), "number": wrong, wrong[:6]: 1}, 422)
    assert wrong not in json.dumps(found, ensure_ascii=False)


def test_a_picture_that_unpacks_to_gigabytes_is_refused_unopened(
    small_city: ServedCity, samples: dict[str, Body]
) -> None:
    bomb = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    found = refused(small_city, with_(photo=b64(bomb.getvalue()))(samples["tour_guide"]), 413, "/photo")
    assert "万像素" in found["detail"]


def raw(city: ServedCity, body: bytes, media: str = "application/json", path: str = "/v1/issuances") -> Any:
    return city.client.post(path, headers={**city.system(), "Content-Type": media}, content=body)


TRAPS: dict[str, tuple[bytes, str]] = {
    "broken": (b'{"type": ', ""),
    "two values": (b"{} {}", ""),
    "not UTF-8": ('{"type": "示例"}'.encode("gb18030"), ""),
    "UTF-16": ('{"type": "a"}'.encode("utf-16"), ""),
    "NaN": (b'{"data": {"beds": NaN}}', "/data/beds"),
    "Infinity": (b'{"data": {"beds": -Infinity}}', "/data/beds"),
    "too large a fraction": (b'{"data": {"beds": 1e999}}', "/data/beds"),
    "too large a number": (b'{"data": {"beds": 9007199254740993}}', "/data/beds"),
    "a number of 5000 digits": (b'{"data": {"beds": ' + b"9" * 5000 + b"}}", "/data/beds"),
    "lone surrogate": (b'{"holder": {"name": "\\ud800"}}', "/holder/name"),
    "lone low surrogate": (b'{"data": {"a": ["x", "\\uDC00"]}}', "/data/a/1"),
    "lone surrogate in a key": (b'{"data": {"\\ud800": 1}}', "/data"),
    "equal keys": (b'{"type": "tour_guide", "data": {"level": "a", "level": "b"}}', "/data/level"),
    "deep list": (b'{"data": {"a": ' + b"[" * 400 + b"]" * 400 + b"}}", "/data/a" + "/0" * 30),
    "deeper than any stack": (b"[" * 200_000, ""),
    "deep objects": (b'{"a":' * 100 + b"1" + b"}" * 100, "/a" * 32),
    "a list": (b"[]", ""),
    "null": (b"null", ""),
    "text": (b'"a"', ""),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_json_trap_is_refused_at_every_door_that_reads_json(small_city: ServedCity, trap: str) -> None:
    body, pointer = TRAPS[trap]
    before = small_city.counts()
    found = problem(raw(small_city, body), 422)
    assert pointer in pointers(found), found
    for path in ("/v1/verifications", "/v1/sandbox/login"):
        problem(raw(small_city, body, path=path), 422)
    problem(raw(small_city, body, "application/cloudevents+json", "/v1/events"), 422)
    assert small_city.counts() == before


def test_no_file_of_the_json_test_suite_breaks_a_door_or_passes_it(small_city: ServedCity) -> None:
    """n_ files are no JSON; the others are, but no request of ours: every one is refused, none with a 5xx."""
    before = small_city.counts()
    files = sorted(vectors("json-test-suite").joinpath("test_parsing").glob("*.json"))
    assert len(files) == 318
    for path in files:
        body = path.read_bytes()
        if not body:
            continue
        found = problem(raw(small_city, body), 422)
        if path.name.startswith("n_"):
            assert found["errors"][0]["code"] in {"json_invalid", "missing"}, path.name
        problem(raw(small_city, body, "application/cloudevents+json", "/v1/events"), 422)
    assert small_city.counts() == before


def test_a_well_formed_number_of_the_suite_is_read_and_only_its_shape_refused(small_city: ServedCity) -> None:
    """The y_ files pass the reader: what refuses them is the shape of our bodies, so the reader is not too strict."""
    strict = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
    for path in sorted(vectors("json-test-suite").joinpath("test_parsing").glob("y_*.json")):
        found = problem(raw(small_city, path.read_bytes()), 422)
        assert (found["errors"][0]["code"] == "json_invalid") == (path.name in strict), path.name


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
def test_another_content_type_is_refused_by_name(small_city: ServedCity, media: str) -> None:
    body = json.dumps(small_city.body("tour_guide", "M-1")).encode()
    before = small_city.counts()
    for path in ("/v1/issuances", "/v1/events", "/v1/verifications"):
        assert problem(raw(small_city, body, media, path), 415)["code"] == "unsupported_media_type"
    assert small_city.counts() == before


def test_no_body_at_all_is_a_missing_body(small_city: ServedCity) -> None:
    assert problem(small_city.client.post("/v1/issuances", headers=small_city.system()), 422)["errors"]


def test_a_body_over_the_limit_is_refused_with_and_without_a_declared_length(small_city: ServedCity) -> None:
    large = json.dumps({"a": "x" * 1_100_000}).encode()
    pieces = (large[start : start + 65536] for start in range(0, len(large), 65536))
    headers = {**small_city.system(), "Content-Type": "application/json"}
    for content in (large, pieces):
        found = problem(small_city.client.post("/v1/issuances", headers=headers, content=content), 413)
        assert found["code"] == "too_large"
        assert "KB" in found["detail"]
    response = small_city.client.post("/v1/events", headers=headers, content=iter([b"[" * 600_000, b"]" * 600_000]))
    assert problem(response, 413)["code"] == "too_large"


def test_a_file_over_the_limit_is_refused(small_city: ServedCity) -> None:
    files = {"file": ("a.pdf", b"%PDF-1.7\n" + bytes(21 * 1024 * 1024), "application/pdf")}
    assert problem(small_city.client.post("/v1/verifications/file", files=files), 413)["code"] == "too_large"


def test_a_method_that_is_not_there_names_those_that_are(small_city: ServedCity) -> None:
    response = small_city.client.put("/v1/issuances", json={})
    assert problem(response, 405)["code"] == "method_not_allowed"
    assert response.headers["allow"] == "POST"
    assert problem(small_city.client.get("/v1/nothing"), 404)["code"] == "not_found"


def test_a_key_used_again_with_another_body_is_refused(small_city: ServedCity) -> None:
    body = small_city.body("tour_guide", "I-1")
    headers = {**small_city.system(), "Idempotency-Key": "same"}
    small_city.answer(small_city.client.post("/v1/issuances", headers=headers, json=body), 202)
    before = small_city.counts()
    other = {**body, "business_no": "I-2"}
    found = problem(small_city.client.post("/v1/issuances", headers=headers, json=other), 422)
    assert found["code"] == "idempotency_mismatch"
    found = refused(small_city, in_data(languages="英语")(body), 409)
    assert found["code"] == "business_key_conflict"
    assert small_city.counts() == before
    for bad in ("k" * 256, "a\tb"):
        headers["Idempotency-Key"] = bad
        assert problem(small_city.client.post("/v1/issuances", headers=headers, json=other), 422)["errors"]


def test_every_naughty_string_as_name_and_text_comes_back_exactly_or_is_refused(small_city: ServedCity) -> None:
    """Names and addresses of the big list: accepted ones are kept as they are, and printed or refused on record."""
    strings: list[str] = json.loads(vectors("blns").joinpath("blns.json").read_text("utf-8"))
    kept: dict[str, str] = {}
    base = small_city.body("medical_institution", "N")
    for index, text in enumerate(strings):
        body = in_data(address=text)({**base, "business_no": f"N-{index}", "number": f"示卫{index}"})
        if index % 2:
            body = in_holder(name=text)({**base, "business_no": f"N-{index}", "number": f"示卫{index}"})
        response = small_city.client.post("/v1/issuances", headers=small_city.system(), json=body)
        if response.status_code == 202:
            kept[response.json()["request_id"]] = text
        else:
            named = {"/data/address", "/holder/name"}
            assert named & set(pointers(problem(response, 422))), text
    assert 100 < len(kept) < len(strings)
    with small_city.service.deps.uow.read() as tx:
        for request_id, text in kept.items():
            request = tx.requests.by_id(request_id)
            assert request is not None
            assert text.strip() in {request.payload.holder.name, request.payload.data["address"]}


def test_naughty_strings_on_a_page_are_printed_and_answered_exactly(small_city: ServedCity) -> None:
    for index, name in enumerate(["<script>alert(1)</script>", "Robert'); DROP TABLE licenses;--", "%s%n{0}", "a & b"]):
        done = small_city.issue(
            "medical_institution",
            f"P-{index}",
            number=f"示卫P{index}",
            holder={**small_city.body("medical_institution", "x")["holder"], "name": name},
        )
        found = small_city.client.get(f"/v1/licenses/{done['identifier']}", headers=small_city.system())
        assert small_city.answer(found, 200)["license"]["holder_name"] == name
        assert small_city.check(small_city.file(done["identifier"]))["indication"] == "TOTAL-PASSED"


MOVE: dict[str, Any] = {
    "move": "revoke",
    "authority_code": "11990000MB00000430",
    "document_no": "示决〔2026〕1号",
    "decided_on": "2026-01-15",
    "basis": "《行政处罚法》",
}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"move": "explode"}, "/move"),
        ({"move": "supersede"}, "/move"),
        ({"document_no": None}, "/document_no"),
        ({"document_no": ""}, "/document_no"),
        ({"document_no": "   "}, "/document_no"),
        ({"document_no": "a\nb"}, "/document_no"),
        ({"basis": "a\x00b"}, "/basis"),
        ({"basis": ""}, "/basis"),
        ({"decided_on": "2026-13-01"}, "/decided_on"),
        ({"decided_on": 20260115}, "/decided_on"),
        ({"decided_on": "2999-01-01"}, "/decided_on"),
        ({"authority_code": "示例局"}, "/authority_code"),
        ({"until": "2027-01-01"}, "/until"),
        ({"move": "suspend"}, "/until"),
        ({"move": "suspend", "until": "2026-01-01"}, "/until"),
        ({"extra": 1}, "/extra"),
    ],
)
def test_a_spoiled_decision_is_refused_and_moves_nothing(
    small_city: ServedCity, changes: dict[str, Any], pointer: str
) -> None:
    done = small_city.issue("tour_guide", "D-1")
    path = f"/v1/licenses/{done['identifier']}/moves"
    body = {key: value for key, value in {**MOVE, **changes}.items() if value is not None}
    refused(small_city, body, 422, pointer, path=path)
    assert small_city.rows("SELECT state, revision FROM licenses") == [("valid", 1)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"code": "a", "number": "b"}, ""),
        ({"number": "b"}, ""),
        ({"code": "x" * (MAX_SCANNED + 1)}, "/code"),
        ({"code": 5}, "/code"),
    ],
)
def test_a_spoiled_question_is_refused(small_city: ServedCity, body: dict[str, Any], pointer: str) -> None:
    assert pointer in pointers(problem(small_city.client.post("/v1/verifications", json=body), 422))


@pytest.mark.parametrize(
    ("query", "pointer"), [("limit=0", "/query/limit"), ("after=-1", "/query/after"), ("limit=x", "/query/limit")]
)
def test_a_spoiled_page_of_the_feed_is_refused(small_city: ServedCity, query: str, pointer: str) -> None:
    response = small_city.client.get(f"/v1/events?{query}", headers=small_city.system())
    assert pointer in pointers(problem(response, 422))
