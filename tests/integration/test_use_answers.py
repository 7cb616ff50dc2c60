"""Signed answers: yes, no or unknown, by policy and basis; checked by a stranger with the published keys alone."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from consent_city import company, holder, today
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from fixtures_city import ServedCity
from test_bad_input import problem
from test_fetch import CLIENT, MATTER, SLUG, asking, fetch, uses
from test_use_bases import FOOD, RENEWAL, SUBSIDY, ask, reply

from certsvc.license.consents import MAX_ANSWERS_PER_GRANT, MAX_COHORT, MAX_HOLDER_ASKS
from certsvc.license.questions import contains, may_ask
from certsvc.license.uses import WHY_NOT
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Reason


def question(city: ServedCity, **changes: Any) -> Any:
    """A question on duty about the sample's food license; the bare answer."""
    body = asking(city, **{"matter_code": SUBSIDY, "type": FOOD, "ask": "valid", **changes})
    return city.client.post("/v1/answers", headers=city.system(CLIENT), json=body)


def part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims_of(city: ServedCity, statement: str) -> dict[str, Any]:
    """What a stranger reads in a statement, with the published keys and no code of ours."""
    head, body, signature = statement.split(".")
    header = json.loads(part(head))
    assert (header["alg"], header["typ"]) == ("ES256", "license-answer+jwt")
    keys = city.answer(city.client.get("/v1/verifications/keys"), 200)["keys"]
    [jwk] = [key for key in keys if key["kid"] == header["kid"]]
    x, y = (int.from_bytes(part(jwk[name]), "big") for name in ("x", "y"))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    raw = part(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(der, f"{head}.{body}".encode(), ec.ECDSA(SHA256()))
    return dict(json.loads(part(body)))


@pytest.fixture
def food(small_city: ServedCity) -> tuple[ServedCity, dict[str, Any]]:
    """A city with the sample's food license."""
    return small_city, small_city.issue(FOOD, "A-1")


def test_an_answer_is_signed_and_is_a_row_that_the_holder_reads(food: tuple[ServedCity, dict[str, Any]]) -> None:
    city, done = food
    sample = city.catalog.sample(FOOD)
    given = city.answer(question(city, ask="scope", field="business_items", term="热食", number=done["number"]), 201)
    assert (given["answer"], given["answer_zh"]) == ("yes", "是")
    claims = claims_of(city, given["statement"])
    assert claims["answer"] == "yes"
    assert claims["question"] == {"ask": "scope", "type": FOOD, "field": "business_items", "term": "热食"}
    assert (claims["matter_code"], claims["case_no"], claims["basis"]) == (SUBSIDY, "BJ-2026-1", "duty")
    assert claims["license"] == {"identifier": done["identifier"]}
    digest = hashlib.sha256("\x1f".join((given["salt"], "number", done["number"])).encode()).hexdigest()
    assert claims["asked"]["sha256"] == digest
    for secret in (sample["holder_name"], sample["holder_code"], sample["data"]["business_items"]):
        assert secret not in json.dumps([given, claims], ensure_ascii=False)
    no = city.answer(question(city, ask="scope", field="business_items", term="生食类水产"), 201)
    assert (no["answer"], no["state"]) == ("no", "valid")
    newest = uses(city, FOOD)[0]
    assert newest["fields"] == ["?scope:business_items"]
    page = city.answer(city.client.get("/v1/uses", headers=holder(city, FOOD)), 200)["uses"]
    assert [(row["question"], row["answer"]) for row in page[:2]] == [
        ("“经营项目”是否包含“生食类水产”", "no"),
        ("“经营项目”是否包含“热食”", "yes"),
    ]
    assert page[0]["fields"][0]["name"] == "“经营项目”是否包含某内容（只答是或否）"
    city.drain()
    assert [event["data"]["fields"] for event in city.events() if "fetched" in event["type"]] == [
        ["?scope:business_items"]
    ] * 2
    problem(fetch(city, type=FOOD, matter_code=SUBSIDY, fields=["holder_code"]), 403)
    shown = city.show(FOOD, done["identifier"], city.catalog.type(FOOD).scenes[0].code)["code"]
    city.scan(city.officer_of(FOOD), shown)
    sheet = city.client.get("/v1/uses/export", headers=holder(city, FOOD)).content
    with zipfile.ZipFile(io.BytesIO(sheet)) as parts:
        text = html.unescape("".join(parts.read(name).decode() for name in parts.namelist()))
    for word in ("生食类水产", "热食", "依职能", "是否包含", "已提供", "未提供", WORDS[Reason.OK].short_zh):
        assert word in text
    for row in city.answer(city.client.get("/v1/uses", headers=holder(city, FOOD)), 200)["uses"]:
        assert f">{row['outcome']}<" not in text, "a person reads words, not codes"
    receipt = city.client.post("/v1/verifications/receipts", json={"receipt": given["statement"]})
    problem(receipt, 422)


def test_valid_is_answered_for_any_day_by_what_was_known(food: tuple[ServedCity, dict[str, Any]]) -> None:
    city, done = food
    day = today(city)

    def on(when: Any) -> tuple[str, str]:
        given = city.answer(question(city, on=when.isoformat()), 201)
        return given["answer"], given["state"]

    assert city.answer(question(city), 201)["answer"] == "yes"
    assert on(day) == ("yes", "valid")
    assert on(day + timedelta(days=365 * 40)) == ("no", "expired")
    assert on(day - timedelta(days=1)) == ("unknown", "")
    city.answer(city.move(done["identifier"], "revoke", slug=FOOD), 201)
    assert on(day) == ("no", "revoked")


HOLDER_ASKS: dict[str, tuple[dict[str, str], str]] = {
    "code and type": ({"asked_code": "code", "asked_code_type": "type"}, "yes"),
    "name and code": ({"asked_code": "code", "asked_name": "name"}, "yes"),
    "another name": ({"asked_code": "code", "asked_name": "示例旁人"}, "no"),
    "another code": ({"asked_code": "91990000MA0000000X", "asked_code_type": "type"}, "no"),
    "another type": ({"asked_code": "code", "asked_code_type": "099"}, "no"),
}


@pytest.mark.parametrize("name", HOLDER_ASKS)
def test_whether_somebody_is_the_holder(food: tuple[ServedCity, dict[str, Any]], name: str) -> None:
    city, done = food
    sample = city.catalog.sample(FOOD)
    words = {"code": sample["holder_code"], "type": sample["holder_code_type"], "name": sample["holder_name"]}
    asked, expected = HOLDER_ASKS[name]
    body = {key: words.get(value, value) for key, value in asked.items()}
    given = city.answer(question(city, ask="holder", number=done["number"], holder_code="", **body), 201)
    assert given["answer"] == expected
    unknown = city.answer(question(city, ask="holder", number="JY29901020000000", holder_code="", **body), 201)
    assert (unknown["answer"], set(unknown)) == ("unknown", set(given))


def test_questions_about_holders_are_counted_by_license_and_by_person(
    food: tuple[ServedCity, dict[str, Any]],
) -> None:
    city, done = food
    for n in range(MAX_HOLDER_ASKS):
        who = {"asked_code": f"91990000MA000000{n:02d}", "asked_code_type": "001"}
        city.answer(question(city, ask="holder", number=done["number"], **who), 201)
    refused = question(city, ask="holder", number=done["number"], asked_code="X1", asked_code_type="001")
    assert problem(refused, 429)["code"] == "rate_limited"
    assert int(refused.headers["retry-after"]) > 0
    for n in range(MAX_HOLDER_ASKS):
        city.answer(question(city, ask="holder", number=f"none-{n}", asked_code="P1", asked_code_type="001"), 201)
    problem(question(city, ask="holder", number="none-x", asked_code="P1", asked_code_type="001"), 429)


@pytest.mark.parametrize(
    "changes",
    [
        {"matter_code": MATTER, "ask": "holder", "number": "N", "asked_code": "1", "asked_code_type": "001"},
        {"ask": "scope", "field": "premises", "term": "示例"},
        {"ask": "scope", "field": "holder_code", "term": "9199"},
        {"type": "tour_guide"},
        {"matter_code": "11990000MB0000086D2992099001001"},
        {"basis": "consent", "grant_code": "A" * 22},
    ],
)
def test_a_question_that_is_not_open_is_refused_alike_whatever_there_is(
    food: tuple[ServedCity, dict[str, Any]], changes: dict[str, Any]
) -> None:
    city, _ = food
    known = problem(question(city, **changes), 403)
    unknown = problem(question(city, **{**changes, "holder_code": "91990000MA00000000"}), 403)
    assert known == unknown
    assert known["code"] == "no_lawful_basis"
    [(reason,)] = city.rows("SELECT DISTINCT outcome FROM fetches")
    assert reason in {*WHY_NOT, "no_lawful_basis"}


@pytest.mark.parametrize(
    "changes",
    [
        {"ask": "scope"},
        {"ask": "scope", "field": "business_items", "term": "热"},
        {"ask": "scope", "field": "no_such", "term": "热食"},
        {"ask": "valid", "term": "热食"},
        {"ask": "scope", "field": "business_items", "term": "热食", "on": "2026-01-01"},
        {"ask": "holder", "asked_code": "1", "asked_code_type": "001"},
        {"ask": "holder", "number": "1", "asked_code": "1"},
        {"ask": "valid", "asked_name": "示例"},
        {"ask": "valid", "holder_code": ""},
    ],
)
def test_what_is_no_question_is_refused_and_not_on_record(small_city: ServedCity, changes: dict[str, Any]) -> None:
    problem(question(small_city, **changes), 422)
    assert small_city.rows("SELECT count(*) FROM fetches") == [(0,)]


def test_answers_under_a_consent_are_counted_and_end_with_it(city: ServedCity) -> None:
    city.issue(SLUG, "A-1")
    made = city.answer(ask(city, company(city), {SLUG: ["holder_name"]}), 201)["request_id"]
    me = holder(city, SLUG)
    city.answer(reply(city, me, made), 201)
    lawful = {
        "matter_code": RENEWAL,
        "case_no": "YX-1",
        "type": SLUG,
        "basis": "consent",
        "consent_id": made,
        "holder_code": None,
        "holder_code_type": None,
    }
    term = city.catalog.sample(SLUG)["holder_name"][:4]
    for n in range(MAX_ANSWERS_PER_GRANT):
        more = {"ask": "scope", "field": "holder_name", "term": term} if n % 2 else {"ask": "valid"}
        assert city.answer(question(city, **lawful, **more), 201)["answer"] == "yes"
    problem(question(city, **lawful, ask="scope", field="address", term="示例"), 403)
    problem(question(city, **lawful), 403)
    body = {key: value for key, value in lawful.items() if key != "ask"}
    city.answer(fetch(city, **body, fields=["holder_name"]), 201)
    again = city.answer(ask(city, company(city), {SLUG: []}), 201)["request_id"]
    city.answer(reply(city, me, again), 201)
    city.answer(question(city, **{**lawful, "consent_id": again}), 201)
    [grant] = [row for row in city.answer(city.client.get("/v1/grants", headers=me), 200) if row["consent_id"] == again]
    assert city.client.delete(f"/v1/grants/{grant['grant_id']}", headers=me).status_code == 204
    problem(question(city, **{**lawful, "consent_id": again}), 403)


def cohort(city: ServedCity, holders: list[dict[str, str]], **changes: Any) -> Any:
    body: dict[str, Any] = {
        "matter_code": SUBSIDY,
        "case_no": "MSJX-1",
        "purpose": "餐饮业稳岗补贴免申即享",
        "operator": "jingban01",
        "type": FOOD,
        "ask": "scope",
        "field": "business_items",
        "term": "热食",
        "holders": holders,
        **changes,
    }
    return city.client.post("/v1/cohorts", headers=city.system(CLIENT), json=body)


def test_a_cohort_is_answered_row_by_row_in_one_statement(city: ServedCity) -> None:
    city.issue(FOOD, "A-1")
    sample = city.catalog.sample(FOOD)
    holders = [{"code": f"91990000MA000000{n:02d}", "code_type": "001"} for n in range(30)]
    holders[7] = {"code": sample["holder_code"], "code_type": sample["holder_code_type"]}
    given = city.answer(cohort(city, holders), 201)
    answers = [row["answer"] for row in given["answers"]]
    assert answers == ["yes" if n == 7 else "unknown" for n in range(30)]
    assert [row["state"] for row in given["answers"]] == ["valid" if n == 7 else "" for n in range(30)]
    claims = claims_of(city, given["statement"])
    assert claims["answers"] == answers
    named = [f"{one['code_type']}:{one['code']}" for one in holders]
    assert claims["asked"]["sha256"] == hashlib.sha256("\x1f".join([given["salt"], *named]).encode()).hexdigest()
    assert city.rows("SELECT count(*), count(DISTINCT at) FROM fetches") == [(30, 1)]
    page = city.answer(city.client.get("/v1/uses", headers=holder(city, FOOD)), 200)["uses"]
    assert (page[0]["question"], page[0]["answer"], page[0]["use_basis"]) == ("“经营项目”是否包含“热食”", "yes", "duty")
    problem(cohort(city, [holders[0], holders[0]]), 422)
    problem(cohort(city, holders * (MAX_COHORT // 30 + 1)), 422)
    problem(cohort(city, holders[:1], ask="holder", field="", term=""), 422)
    before = city.rows("SELECT count(*) FROM fetches")[0][0]
    consent_only = problem(cohort(city, holders[:2], matter_code="11990000MB0000086D2992099001001"), 403)
    assert consent_only["code"] == "no_lawful_basis"
    problem(cohort(city, holders[:2], field="premises", term="示例"), 403)
    assert city.rows("SELECT count(*) FROM fetches")[0][0] == before + 2


@pytest.mark.parametrize(
    ("value", "term", "found"),
    [
        ("热食类食品制售、冷食类食品制售", "热食", True),
        ("热食类食品制售，冷食类食品制售", "冷食类食品制售", True),
        ("非热食", "热食", False),
        ("自制饮品(ＡＢＣ)；糕点", "糕 点", True),
        ("ＡＢＣ服务", "ABC", True),
        ("热食", "热食类", False),
        ("", "热食", False),
        ("热食", " ", False),
    ],
)
def test_an_item_equals_the_term_or_begins_with_it(value: str, term: str, found: bool) -> None:
    assert contains(value, term) is found


def test_what_a_policy_implies() -> None:
    allowed = ("holder_name", "?scope:business_scope")
    assert [may_ask(key, allowed) for key in ("?valid", "?scope:holder_name", "?scope:business_scope")] == [True] * 3
    assert [may_ask(key, allowed) for key in ("?holder", "?scope:address", "address", "?scope:")] == [False] * 4
    assert not may_ask("?valid", ())
