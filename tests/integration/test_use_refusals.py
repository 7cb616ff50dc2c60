"""What is refused: on record with its reason and what was asked for, at no cost, and without a word too many."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from consent_city import company, holder
from fixtures_city import ServedCity
from matter_city import BARE, GUIDE, fetched, opened
from test_bad_input import problem
from test_departments import get
from test_fetch import CLIENT, COPY, MATTER, SLUG, asking, consented, fetch, grant
from test_use_answers import claims_of
from test_use_bases import ask, by_request, read, reply
from test_use_limits import answers, cohort

from certsvc.commands.sharing import fetch_license as fetching
from certsvc.commands.sharing.make_copy import make_copy
from certsvc.commands.sharing.question_words import is_personal, without_term
from certsvc.errors import Conflict
from certsvc.license.consents import MAX_HOLDER_ASKS, MAX_OPEN_PER_HOLDER


def reasons(city: ServedCity) -> list[tuple[Any, ...]]:
    """Reason and keys of the refusals on record, oldest first."""
    return city.rows("SELECT outcome, fields FROM fetches WHERE outcome <> 'given' ORDER BY at, fetch_id")


def used(city: ServedCity, policy_id: str) -> int:
    return sum(count for (count,) in city.rows(f"SELECT used FROM policy_days WHERE policy_id = '{policy_id}'"))


def test_a_department_reads_why_and_what_it_asked_for(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "R-1")
    made = grant(city, done["identifier"])["code"]
    city.answer(consented(city, made, fields=["number"]), 201)
    foreign = grant(city, done["identifier"])["code"]
    elsewhere = BARE[:-1] + "9"
    refused = [
        ("consent_over", consented(city, made, fields=["number"])),
        ("no_policy", consented(city, foreign, matter_code=elsewhere, fields=["number"])),
        ("beyond_policy", fetch(city, fields=["registered_capital", "张三 990101199001010027"])),
        ("no_policy", fetch(city, type=GUIDE, fields=["number"])),
        ("not_withheld", fetch(city, fields=["number"], withholding_id="whd_none")),
        ("no_lawful_basis", consented(city, "no-such-code", fields=["number"])),
    ]
    told = [problem(response, 403)["code"] for _, response in refused]
    assert told == ["no_lawful_basis"] * len(refused), "to the caller they are all alike"
    strange = {**asking(city), "type": "张三 990101199001010027"}
    problem(city.client.post("/v1/fetches", headers=city.system(CLIENT), json=strange), 403)
    city.answer(city.move(done["identifier"], "revoke", slug=SLUG), 201)
    problem(fetch(city, fields=[COPY]), 403)
    rows = get(city, "uses", outcome="refused")["uses"]
    found = [(row["refusal"]["code"], [field["key"] for field in row["fields"]]) for row in reversed(rows)]
    keys = ["number"]
    asked = [(reason, ["registered_capital"] if reason == "beyond_policy" else keys) for reason, _ in refused]
    assert found == [*asked, ("no_policy", []), ("not_in_force", [COPY])]
    assert all(row["refusal"]["next"] and row["refusal"]["next_en"] for row in rows)
    assert len({row["refusal"]["title"] for row in rows}) == 6, "each has words of its own"
    city.drain()
    with city.service.deps.uow.read() as tx:
        evidence = tx.outbox.evidence_after(0, limit=1000)
    subjects = {json.loads(row.details)["subject"] for row in evidence if row.kind == "fetch.refused"}
    assert subjects == {done["identifier"], GUIDE, SLUG, "unknown_type"}
    page = city.answer(city.client.get("/v1/uses", headers=holder(city, SLUG)), 200)["uses"]
    refusals = [row for row in page if row["kind"] == "fetch" and row["outcome"] != "given"]
    assert {(row["outcome"], tuple(row["fields"])) for row in refusals} == {("no_lawful_basis", ())}


def test_questions_beyond_a_limit_are_on_record_once_and_count_for_nobody(small_city: ServedCity) -> None:
    city = small_city
    city.issue(GUIDE, "R-2")
    opened(city, keys=["holder_name", "?scope:holder_code"])
    for number in range(MAX_HOLDER_ASKS):
        city.answer(cohort(city, f"99{number:02}"), 201)
    sample = city.catalog.sample(GUIDE)
    full = {"code": sample["holder_code"], "code_type": sample["holder_code_type"]}
    fresh = {"code": "0" + sample["holder_code"][1:], "code_type": full["code_type"]}

    def both() -> Any:
        body = {
            "matter_code": MATTER,
            "case_no": "BJ-2026-1",
            "purpose": "核对",
            "operator": "jing01",
            "type": GUIDE,
            "ask": "scope",
            "field": "holder_code",
            "term": "9901",
            "holders": [fresh, full],
        }
        return city.client.post("/v1/cohorts", headers=city.system(CLIENT), json=body)

    for _ in range(MAX_HOLDER_ASKS + 1):
        problem(both(), 429)
    alone = answers(city, ask="scope", field="holder_code", term="9901", holder_code=fresh["code"])
    assert alone.status_code == 201, "of the other nobody asked anything that was answered"
    assert reasons(city) == [("rate_limited", '["?scope:holder_code"]')]
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'fetch.refused'") == [(1,)]
    [row] = get(city, "uses", outcome="rate_limited")["uses"]
    assert row["refusal"]["title"] == "次数过多"


def test_refused_use_requests_are_on_record_and_beyond_the_limit_once(small_city: ServedCity) -> None:
    city = small_city
    to = company(city)
    problem(ask(city, to, {GUIDE: ["number"]}), 403)
    for _ in range(MAX_OPEN_PER_HOLDER):
        city.answer(ask(city, to, {SLUG: ["number"]}), 201)
    for _ in range(3):
        problem(ask(city, to, {SLUG: ["number", "address"]}), 409)
    problem(ask(city, {**to, "code": "91990000MA0000000A"}, {SLUG: ["number"]}), 422)
    assert reasons(city) == [("no_policy", '["number"]'), ("conflict", '["number","address"]')]
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'consent.refused'") == [(2,)]
    page = city.client.get("/v1/uses", headers=holder(city, SLUG))
    assert [row for row in city.answer(page, 200)["uses"] if row["kind"] == "fetch"] == []


def test_what_is_refused_costs_no_quota_and_no_answer_of_a_grant(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "R-3")
    made = opened(city, SLUG, matter_code=BARE, keys=["holder_name"], bases=["consent", "duty"], quota=3)
    code = grant(city, done["identifier"], matter_code=BARE, fields=["holder_name"])["code"]
    of = {"basis": "consent", "grant_code": code, "holder_code": None, "holder_code_type": None}
    asked = asking(city, matter_code=BARE, ask="valid", **of)

    def valid() -> int:
        return int(city.client.post("/v1/answers", headers=city.system(CLIENT), json=asked).status_code)

    assert (valid(), used(city, made["policy_id"])) == (201, 1)
    city.execute("UPDATE grants SET answers = 20")
    assert (valid(), used(city, made["policy_id"])) == (403, 1)
    city.execute("UPDATE grants SET answers = 1")
    holders = [{"code": f"91990000MA000000{n:02d}", "code_type": "001"} for n in range(3)]
    body = {**asking(city, matter_code=BARE), "ask": "valid", "holders": holders}
    for name in ("basis", "holder_code", "holder_code_type"):
        del body[name]
    problem(city.client.post("/v1/cohorts", headers=city.system(CLIENT), json=body), 403)
    assert used(city, made["policy_id"]) == 1, "three are more than are left, and none is counted"
    city.answer(
        city.client.post("/v1/cohorts", headers=city.system(CLIENT), json={**body, "holders": holders[:2]}), 201
    )
    assert (valid(), used(city, made["policy_id"])) == (403, 3)
    assert city.rows("SELECT answers FROM grants") == [(1,)], "and none of the grant's either"


def test_an_answer_names_no_license_whose_number_was_not_granted(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "R-4")
    for keys, named in ((["holder_name"], False), (["holder_name", "number"], True)):
        code = grant(city, done["identifier"], fields=keys)["code"]
        of = {"basis": "consent", "grant_code": code, "holder_code": None, "holder_code_type": None}
        for more in ({}, {"number": "some number"}):
            body = asking(city, ask="valid", **of, **more)
            given = city.answer(city.client.post("/v1/answers", headers=city.system(CLIENT), json=body), 201)
            license_ = claims_of(city, given["statement"])["license"]
            assert license_ == ({"identifier": done["identifier"]} if named else None)


def test_a_term_asked_of_a_personal_field_stands_nowhere_in_clear(small_city: ServedCity) -> None:
    city = small_city
    city.issue(GUIDE, "R-5")
    opened(city, keys=["holder_name", "?scope:holder_code", "languages"])
    sample = city.catalog.sample(GUIDE)
    code = sample["holder_code"]
    single = city.answer(answers(city, ask="scope", field="holder_code", term=code), 201)
    several = city.answer(cohort(city, code), 201)
    assert (single["answer"], several["answers"][0]["answer"]) == ("yes", "yes")
    for given in (single, several):
        question = claims_of(city, given["statement"])["question"]
        digest = hashlib.sha256("\x1f".join((given["salt"], "term", code)).encode()).hexdigest()
        assert question == {"ask": "scope", "type": GUIDE, "field": "holder_code", "term_sha256": digest}
        assert given["salt"] not in given["statement"]
    open_term = sample["data"]["languages"][:2]
    city.answer(answers(city, ask="scope", field="languages", term=open_term), 201)
    page = city.answer(city.client.get("/v1/uses", headers=holder(city, GUIDE)), 200)["uses"]
    told = [row["question"] for row in page if row["kind"] == "fetch"]
    assert told[1:] == ["“持证主体代码”是否包含所报内容"] * 2
    assert f"“{open_term}”" in told[0], "what is not personal the holder reads"
    rows = get(city, "uses")["uses"]
    assert [row["question"] for row in rows][1:] == told[1:]
    assert rows[0]["question"].endswith("是否包含所报内容"), "an office reads no terms at all"
    assert code not in json.dumps([page, rows], ensure_ascii=False)
    deps = city.service.deps
    personal = {key for key in ("residence", "business_items", "premises") if is_personal(deps, "food_operation", key)}
    assert "residence" in personal
    assert "business_items" not in personal


def test_the_words_of_earlier_rows_lose_their_term_too() -> None:
    assert without_term("“持证主体代码”是否包含“9901”") == "“持证主体代码”是否包含所报内容"
    assert without_term("“经营项目”是否包含“”是否包含“x””") == "“经营项目”是否包含所报内容"
    for kept in ("现在是否有效", "2026-01-01 是否有效", "所报的人是否为持证人", ""):
        assert without_term(kept) == kept


def test_a_copy_that_cannot_be_given_any_more_is_refused_on_record(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = small_city
    city.issue(SLUG, "R-6")
    made = opened(city, SLUG, matter_code=MATTER, keys=["holder_name", COPY], bases=["duty"], quota=5)

    def gone(*_: Any) -> None:
        raise Conflict("证照刚刚有变化，加注件没有提供，请重试")

    with monkeypatch.context() as patch:
        patch.setattr(fetching, "give_copy", gone)
        problem(fetch(city, fields=[COPY]), 409)
    real = make_copy

    def of_another(*args: Any) -> Any:
        done = real(*args)
        return replace(done, copy=replace(done.copy, version_id="ver_before"))

    before = used(city, made["policy_id"])
    with monkeypatch.context() as patch:
        patch.setattr(fetching, "make_copy", of_another)
        problem(fetch(city, fields=[COPY]), 409)
    assert used(city, made["policy_id"]) == before, "what was not given is not counted"
    assert reasons(city) == [("conflict", f'["{COPY}"]')] * 2
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'fetch.refused'") == [(2,)]


def test_a_license_is_found_behind_fifty_of_other_types_and_by_its_name(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "R-7")
    with city.service.deps.uow.read() as tx:
        first = tx.licenses.by_identifier(done["identifier"])
    assert first is not None

    def more(n: int, **changes: Any) -> Any:
        artifact = replace(
            first.artifact,
            artifact_id=f"art_{n}",
            version_id=f"ver_{n}",
            sha256=hashlib.sha256(str(n).encode()).hexdigest(),
        )
        return replace(
            first,
            version_id=f"ver_{n}",
            license_id=f"lic_{n}",
            identifier=f"{first.identifier[:-4]}{n}",
            root=f"{first.root}{n}",
            number=f"N{n}",
            printed_token=f"token{n}",
            status_no=None,
            created_at=city.service.deps.clock.now(),
            artifact=artifact,
            **changes,
        )

    with city.service.deps.uow() as tx:
        tx.licenses.insert_all([more(n, type_slug=GUIDE) for n in range(100, 155)])
    given = city.answer(fetch(city, fields=["number"]), 201)
    assert [field["value"] for field in given["fields"]] == [first.number]
    waiting = city.answer(ask(city, company(city), {SLUG: ["number"]}), 201)["request_id"]
    city.answer(reply(city, holder(city, SLUG), waiting), 201)
    assert read(city, waiting)["given"]
    city.answer(by_request(city, waiting, fields=["number"]), 201)
    with city.service.deps.uow() as tx:
        tx.licenses.insert_all([more(n) for n in range(200, 255)])
    newest = city.answer(fetch(city, fields=["number"]), 201)["fields"][0]["value"]
    assert newest != first.number
    named = city.answer(fetch(city, fields=["number"], identifier=done["identifier"]), 201)
    assert [field["value"] for field in named["fields"]] == [first.number]
    problem(fetched(city, SLUG, fields=["number"], identifier="1.2.156.3005.2.none"), 404)
