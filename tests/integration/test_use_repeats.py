"""An answer that was lost is given again under its Idempotency-Key: the same use, recorded and counted once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from consent_city import company
from fixtures_city import ServedCity
from test_bad_input import problem
from test_fetch import CLIENT, MATTER, OTHER, SLUG, asking
from test_use_bases import by_request, counter

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.sharing.repeats import REPEAT_FOR

KEY = "Idempotency-Key"


def fetched(city: ServedCity, key: str, client: str = CLIENT, **changes: Any) -> Any:
    headers = city.system(client) | ({KEY: key} if key else {})
    return city.client.post("/v1/fetches", headers=headers, json=asking(city, **changes))


def by_code(city: ServedCity, key: str, code: str, client: str = CLIENT, **changes: Any) -> Any:
    bare: dict[str, Any] = {"basis": "consent", "grant_code": code, "holder_code": None, "holder_code_type": None}
    return fetched(city, key, client, **{**bare, **changes})


def granted(city: ServedCity, key: str, identifier: str, **changes: Any) -> Any:
    body = {"identifier": identifier, "client_id": CLIENT, "matter_code": MATTER, **changes}
    headers = city.person(city.holder_of(SLUG)) | ({KEY: key} if key else {})
    return city.client.post("/v1/grants", headers=headers, json=body)


def ledger(city: ServedCity) -> list[Any]:
    return [
        city.rows("SELECT outcome FROM fetches ORDER BY fetch_id"),
        city.rows("SELECT count(*) FROM events WHERE type LIKE '%fetched%'"),
        city.rows("SELECT count(*) FROM copies"),
        city.rows("SELECT used FROM policy_days ORDER BY 1"),
    ]


def repeats(city: ServedCity) -> int:
    return int(city.rows("SELECT count(*) FROM evidence WHERE kind = 'fetch.repeated'")[0][0])


def test_a_lost_answer_by_consent_comes_again_and_is_one_use(city: ServedCity) -> None:
    identifier = city.issue(SLUG, "R-1")["identifier"]
    made = city.answer(granted(city, "", identifier), 201)
    first = city.answer(by_code(city, "k-1", made["code"]), 201)
    assert first["file"]
    before = ledger(city)
    assert before[0] == [("given",)]
    again = city.answer(by_code(city, "k-1", made["code"]), 201)
    assert again == first, "the same fetch, fields and file"
    assert ledger(city) == before, "neither on the ledger, nor in the quota, twice"
    assert repeats(city) == 1
    mismatch = problem(by_code(city, "k-1", made["code"], purpose="另一个目的"), 422)
    assert mismatch["code"] == "idempotency_mismatch"
    assert ledger(city) == before
    problem(by_code(city, "k-1", made["code"], OTHER), 403)
    problem(by_code(city, "k-2", made["code"]), 403)
    problem(by_code(city, "", made["code"]), 403)
    holder = city.person(city.holder_of(SLUG))
    assert city.client.delete(f"/v1/grants/{made['grant_id']}", headers=holder).status_code == 204
    rows = len(ledger(city)[0])
    problem(by_code(city, "k-1", made["code"]), 403)
    assert (len(ledger(city)[0]), repeats(city)) == (rows, 2), "refused on record, and no use of its own"


def test_eight_tries_under_one_key_are_one_use(city: ServedCity) -> None:
    identifier = city.issue(SLUG, "R-1")["identifier"]
    code = city.answer(granted(city, "", identifier), 201)["code"]
    city.system(CLIENT)
    for ask in (
        lambda _: by_code(city, "k-1", code, fields=["number"]),
        lambda _: fetched(city, "k-2", fields=["number"]),
    ):
        with ThreadPoolExecutor(8) as pool:
            answers = [city.answer(one, 201) for one in pool.map(ask, range(8))]
        assert len({one["fetch_id"] for one in answers}) == 1
        assert all(one == answers[0] for one in answers)
    assert ledger(city)[0] == [("given",), ("given",)]


def test_what_is_not_lawful_any_more_or_comes_late_is_not_given_again(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    city.issue(SLUG, "R-1")
    first = city.answer(fetched(city, "k-1", fields=["number"]), 201)
    clock.advance(REPEAT_FOR - timedelta(seconds=1))
    assert city.answer(fetched(city, "k-1", fields=["number"]), 201)["fields"] == first["fields"]
    city.execute(f"UPDATE clients SET staff_required = 1 WHERE client_id = '{CLIENT}'")
    assert problem(fetched(city, "k-1", fields=["number"]), 403)["code"] == "operator_unknown"
    city.execute(f"UPDATE clients SET staff_required = 0 WHERE client_id = '{CLIENT}'")
    clock.advance(timedelta(seconds=1))
    late = problem(fetched(city, "k-1", fields=["number"]), 409)
    assert first["fetch_id"] in late["detail"]
    assert ledger(city)[0] == [("given",)]


def test_a_refused_fetch_binds_no_key(small_city: ServedCity) -> None:
    """What stood in the way may be gone at the next try."""
    small_city.issue(SLUG, "R-1")
    small_city.execute(f"UPDATE clients SET staff_required = 1 WHERE client_id = '{CLIENT}'")
    problem(fetched(small_city, "k-1", fields=["number"]), 403)
    small_city.execute(f"UPDATE clients SET staff_required = 0 WHERE client_id = '{CLIENT}'")
    small_city.answer(fetched(small_city, "k-1", fields=["number"]), 201)


def test_a_grant_whose_code_was_lost_is_the_same_grant_again(
    make_city: Callable[..., ServedCity], database_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(database_url, clock=clock)
    identifier = city.issue(SLUG, "R-1")["identifier"]
    first = city.answer(granted(city, "g-1", identifier), 201)
    assert city.answer(granted(city, "g-1", identifier), 201) == first
    assert len(first["code"]) == len(city.answer(granted(city, "", identifier), 201)["code"])
    assert city.answer(granted(city, "g-2", identifier), 201)["code"] != first["code"], "another key, another grant"
    assert problem(granted(city, "g-1", identifier, minutes=5), 422)["code"] == "idempotency_mismatch"
    assert city.rows("SELECT count(*) FROM grants") == [(3,)]
    city.answer(by_code(city, "", first["code"], fields=["number"]), 201)
    used = city.answer(granted(city, "g-1", identifier), 201)
    assert (used["grant_id"], used["code"], bool(used["used_at"])) == (first["grant_id"], "", True)
    clock.advance(REPEAT_FOR)
    assert first["grant_id"] in problem(granted(city, "g-1", identifier), 409)["detail"]
    kept = [path.read_bytes() for path in city.out.rglob("*") if path.is_file()]
    assert not [data for data in kept if first["code"].encode() in data], "kept as a digest only"


def test_a_consent_on_paper_is_taken_once(city: ServedCity) -> None:
    city.issue(SLUG, "R-1")
    clerk = {**city.person("clerk-1"), KEY: "c-1"}
    first = city.answer(counter(city, company(city), who=clerk), 201)
    asked = city.rows("SELECT * FROM ask_counts")
    assert city.answer(counter(city, company(city), who=clerk), 201) == first
    assert city.rows("SELECT * FROM ask_counts") == asked, "not counted as another look"
    assert city.rows("SELECT count(*) FROM counter_consents") == [(1,)]
    assert city.rows("SELECT count(*) FROM grants") == [(1,)]
    assert problem(counter(city, company(city), who=clerk, purpose="另一个目的"), 422)["code"] == "idempotency_mismatch"
    city.answer(by_request(city, first["consent_id"]), 201)
    bound = city.rows("SELECT body_hash, result_id FROM receipts WHERE result_id LIKE 'cns_%'")
    assert [row[1] for row in bound] == [first["consent_id"]]


def test_a_repeat_by_the_other_code_of_the_matter_is_the_same_question(small_city: ServedCity) -> None:
    """A matter has an implementing code of 31 characters and one of 33; a consent knows one of them."""
    city = small_city
    identifier = city.issue(SLUG, "R-1")["identifier"]
    other = MATTER + "01"
    made = city.answer(granted(city, "", identifier), 201)
    first = city.answer(by_code(city, "k-1", made["code"], matter_code=other), 201)
    assert city.answer(by_code(city, "k-1", made["code"], matter_code=other), 201) == first
    assert city.answer(by_code(city, "k-1", made["code"]), 201) == first
