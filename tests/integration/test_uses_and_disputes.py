"""谁用过我的证 page by page without gap or repeat, and 异议申诉 from filing to the answer."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from consent_city import GUIDE, bind, holder
from fixtures_city import ServedCity
from test_bad_input import problem

from certsvc.clock import FixedClock, SystemClock, local_day
from certsvc.commands.access import roles
from certsvc.commands.showing import ledger
from certsvc.commands.showing.seen_versions import seen_versions
from certsvc.license.disputes import Dispute, DisputeState
from certsvc.store.disputes import DisputeRows

SCENE = "tour_inspection"


def scanned(city: ServedCity, identifier: str) -> str:
    """One scan; its id."""
    return str(city.scan(city.officer_of(GUIDE), city.show(GUIDE, identifier, SCENE)["code"])["scan_id"])


def clerk(city: ServedCity, subject: str = "clerk-of-guides") -> dict[str, str]:
    issuer = city.catalog.sample(GUIDE)["issuer_code"]
    return bind(
        city, subject, "异议经办", roles=frozenset({roles.DISPUTE_CLERK}), authority_code=issuer, badge="异议02"
    )


def file(city: ServedCity, identifier: str, about: str = "scan", use_id: str = "", **changes: Any) -> Any:
    body = {"identifier": identifier, "about": about, "use_id": use_id, "text": "本人当日不在现场", **changes}
    return city.client.post("/v1/disputes", headers=holder(city, GUIDE), json=body)


def post(city: ServedCity, who: dict[str, str], dispute_id: str, what: str, **body: Any) -> Any:
    return city.client.post(f"/v1/disputes/{dispute_id}/{what}", headers=who, json=body or None)


def test_pages_join_without_gap_or_repeat(city: ServedCity) -> None:
    done = city.issue(GUIDE, "U-1")
    for _ in range(7):
        scanned(city, done["identifier"])
    city.drain()
    me = holder(city, GUIDE)
    whole = city.answer(city.client.get("/v1/uses", headers=me), 200)
    assert whole["next"] == ""
    assert Counter(row["kind"] for row in whole["uses"]) == {"scan": 7, "notice": 1}
    for size in (1, 2, 3, 8):
        rows: list[dict[str, Any]] = []
        cursor = ""
        for _ in range(20):
            page = city.answer(city.client.get("/v1/uses", headers=me, params={"cursor": cursor, "limit": size}), 200)
            rows += page["uses"]
            cursor = page["next"]
            if not cursor:
                break
        assert rows == whole["uses"], size
    for cursor in ("x", "AAAA", "2026-01-01", "é"):
        problem(city.client.get("/v1/uses", headers=me, params={"cursor": cursor}), 422)
    assert city.answer(city.client.get("/v1/uses", headers=holder(city, "food_operation")), 200)["uses"] == []


def test_an_export_that_is_not_all_says_so_and_where_the_rest_is(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the holder may see is read once; the files follow one another without gap or repeat."""
    city, done = small_city, small_city.issue(GUIDE, "U-1")
    for _ in range(5):
        scanned(city, done["identifier"])
    me = holder(city, GUIDE)
    listed = city.answer(city.client.get("/v1/uses?limit=100", headers=me), 200)["uses"]
    assert len(listed) == 6, "and the notice of the issue"
    looks: list[int] = []

    def seen(*values: Any) -> Any:
        looks.append(1)
        return seen_versions(*values)

    monkeypatch.setattr(ledger, "seen_versions", seen)
    monkeypatch.setattr(ledger, "MAX_PAGE", 1)
    monkeypatch.setattr(ledger, "MAX_EXPORT", 2)
    path, files = "/v1/uses/export", 0
    told: list[str] = []
    while path:
        answer = city.client.get(path, headers=me)
        assert answer.status_code == 200
        files += 1
        assert len(looks) == files, "read once for a file"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
            text = html.unescape("".join(parts.read(name).decode() for name in parts.namelist()))
        path = answer.links.get("next", {}).get("url", "")
        assert ("还有更早的记录" in text) is bool(path)
        assert not path or path in text, "the last line has the address"
        told += re.findall(r"[0-9]{4}年[0-9]+月[0-9]+日 [0-9:]{8}", text)
    assert files == 3
    assert len(told) == len(listed), "every row stands in one file"


def test_a_dispute_goes_to_the_body_that_used_the_license_and_comes_back_answered(city: ServedCity) -> None:
    done = city.issue(GUIDE, "U-1")
    use_id = scanned(city, done["identifier"])
    made = city.answer(file(city, done["identifier"], use_id=use_id), 201)
    assert (made["state"], made["answer"], made["late"]) == ("filed", "", False)
    due = local_day(city.service.deps.clock.now()) + timedelta(days=15)
    assert made["due_on"] == due.isoformat()
    one, other = clerk(city), clerk(city, "another-clerk")
    stranger = city.person("dispute-clerk-1")
    inbox = city.answer(city.client.get("/v1/disputes/inbox", headers=one), 200)["disputes"]
    assert [row["dispute_id"] for row in inbox] == [made["dispute_id"]]
    assert city.answer(city.client.get("/v1/disputes/inbox", headers=stranger), 200)["disputes"] == []
    answer = {"upheld": True, "text": "核查属实，已更正记录"}
    problem(post(city, stranger, made["dispute_id"], "reviews"), 404)
    problem(post(city, one, made["dispute_id"], "answers", **answer), 409)
    assert city.answer(post(city, one, made["dispute_id"], "reviews"), 201)["state"] == "in_review"
    problem(post(city, other, made["dispute_id"], "reviews"), 409)
    problem(post(city, other, made["dispute_id"], "answers", **answer), 409)
    city.answer(post(city, one, made["dispute_id"], "answers", **answer), 201)
    problem(post(city, one, made["dispute_id"], "answers", **answer), 409)
    problem(post(city, holder(city, GUIDE), made["dispute_id"], "withdrawals"), 409)
    [own] = city.answer(city.client.get("/v1/disputes", headers=holder(city, GUIDE)), 200)["disputes"]
    assert (own["state"], own["state_zh"], own["answer"]) == ("upheld", "异议成立", answer["text"])
    assert own["identifier"] == done["identifier"]
    city.drain()
    kinds = Counter(event["type"].rsplit("certsvc.", 1)[1] for event in city.events())
    assert (kinds["dispute.filed.v1"], kinds["dispute.closed.v1"]) == (1, 1)
    assert "本人当日不在现场" not in str(city.events())
    [(text,)] = city.rows("SELECT text FROM disputes")
    assert "本人当日不在现场".encode() not in bytes(text), "encrypted"


def test_who_made_the_use_does_not_decide(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(GUIDE, "U-1")
    use_id = scanned(city, done["identifier"])
    made = city.answer(file(city, done["identifier"], use_id=use_id), 201)
    issuer = city.catalog.sample(GUIDE)["issuer_code"]
    both = bind(
        city,
        city.officer_of(GUIDE),
        "执法兼经办",
        roles=frozenset({roles.OFFICER, roles.DISPUTE_CLERK}),
        authority_code=issuer,
        badge="9900000099",
    )
    problem(post(city, both, made["dispute_id"], "reviews"), 403)


def test_content_is_disputed_with_the_issuer_and_one_lets_go_what_one_filed(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(GUIDE, "U-1")
    made = city.answer(file(city, done["identifier"], "content"), 201)
    me = holder(city, GUIDE)
    problem(post(city, holder(city, "food_operation"), made["dispute_id"], "withdrawals"), 404)
    assert city.answer(post(city, me, made["dispute_id"], "withdrawals"), 201)["state_zh"] == "已由本人终止"
    problem(post(city, clerk(city), made["dispute_id"], "reviews"), 409)
    for about, use_id, status in (("content", "scn_1", 422), ("scan", "", 422), ("scan", "scn_x", 404)):
        problem(file(city, done["identifier"], about, use_id), status)
    for _ in range(20):
        city.answer(file(city, done["identifier"], "content"), 201)
    problem(file(city, done["identifier"], "content"), 409)


def test_of_parallel_takers_one_takes_and_a_late_answer_is_marked(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    done = city.issue(GUIDE, "U-1")
    made = city.answer(file(city, done["identifier"], "content"), 201)
    clerks = [clerk(city, f"clerk-{n}x") for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        taken = Counter(pool.map(lambda who: post(city, who, made["dispute_id"], "reviews").status_code, clerks))
    assert taken == {201: 1, 409: 5}
    clock.advance(timedelta(days=16))
    city.tokens.clear()
    [row] = city.answer(city.client.get("/v1/disputes", headers=holder(city, GUIDE)), 200)["disputes"]
    assert (row["late"], row["state"]) == (True, "in_review"), "late, and nothing changed by itself"


def test_a_withdrawal_at_the_moment_of_taking_leaves_on_record_who_took_it(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = small_city
    done = city.issue(GUIDE, "U-1")
    made = city.answer(file(city, done["identifier"], "content"), 201)
    city.answer(post(city, clerk(city), made["dispute_id"], "reviews"), 201)
    read = DisputeRows.by_id

    def as_before(rows: DisputeRows, dispute_id: str) -> Dispute | None:
        """What the holder's transaction had read when the clerk's was committed."""
        found = read(rows, dispute_id)
        return found and replace(found, state=DisputeState.FILED, handler="", taken_at=None)

    with monkeypatch.context() as patch:
        patch.setattr(DisputeRows, "by_id", as_before)
        problem(post(city, holder(city, GUIDE), made["dispute_id"], "withdrawals"), 409)
    assert city.rows("SELECT state, handler <> '', taken_at IS NOT NULL FROM disputes") == [("in_review", 1, 1)]
    city.answer(post(city, holder(city, GUIDE), made["dispute_id"], "withdrawals"), 201)
    assert city.rows("SELECT state, handler <> '' FROM disputes") == [("withdrawn", 1)]
