"""A material's answer that was lost is given again under its Idempotency-Key: one use, one grant, the rules of now."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from fixtures_city import ServedCity
from test_bad_input import problem
from test_material_fetches import CLIENT, KIND, MATTER, SLUG, STRANGER, holder, lease, opened

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.sharing.fetch_material import MaterialFetchBody
from certsvc.commands.sharing.grounds import CaseBody, UseBody
from certsvc.commands.sharing.repeats import REPEAT_FOR

KEY = "Idempotency-Key"


def fetched(city: ServedCity, key: str, client: str = CLIENT, **changes: Any) -> Any:
    sample = city.catalog.sample(SLUG)
    body = {
        "matter_code": MATTER,
        "case_no": "YL-2026-1",
        "purpose": "办理医疗机构执业登记",
        "operator": "jingban01",
        "basis": "duty",
        "material": KIND,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
        **changes,
    }
    headers = city.system(client) | ({KEY: key} if key else {})
    return city.client.post("/v1/material-fetches", headers=headers, json=body)


def by_code(city: ServedCity, key: str, code: str, client: str = CLIENT, **changes: Any) -> Any:
    bare = {"basis": "consent", "grant_code": code, "holder_code": "", "holder_code_type": ""}
    return fetched(city, key, client, **{**bare, **changes})


def granted(city: ServedCity, key: str, material_id: str, **changes: Any) -> Any:
    body = {"material_id": material_id, "client_id": CLIENT, "matter_code": MATTER, **changes}
    headers = holder(city) | ({KEY: key} if key else {})
    return city.client.post("/v1/material-grants", headers=headers, json=body)


def ledger(city: ServedCity) -> list[Any]:
    return [
        city.rows("SELECT outcome FROM fetches ORDER BY fetch_id"),
        city.rows("SELECT count(*) FROM events WHERE type LIKE '%fetched%'"),
        city.rows("SELECT count(*) FROM evidence WHERE kind IN ('fetch.given', 'fetch.refused')"),
        city.rows("SELECT count(*) FROM grants WHERE used_at IS NOT NULL"),
    ]


def test_a_lost_material_comes_again_by_its_key_and_is_one_use(city: ServedCity) -> None:
    made = lease(city, "BJ-R-1")
    opened(city, quota=1)
    grant = city.answer(granted(city, "g-1", made["material_id"]), 201)
    assert city.answer(granted(city, "g-1", made["material_id"]), 201) == grant
    assert city.rows("SELECT count(*) FROM grants") == [(1,)]
    assert problem(granted(city, "g-1", made["material_id"], minutes=5), 422)["code"] == "idempotency_mismatch"
    first = city.answer(by_code(city, "k-1", grant["code"]), 201)
    assert first["file"]
    before = ledger(city)
    lease(city, "BJ-R-2")
    assert city.answer(by_code(city, "k-1", grant["code"]), 201) == first, "the same fetch, fields and file"
    assert ledger(city) == before, "neither on the ledger, nor in the quota, twice"
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'fetch.repeated'") == [(1,)]
    assert problem(by_code(city, "k-1", grant["code"], purpose="另一个目的"), 422)["code"] == "idempotency_mismatch"
    assert ledger(city) == before
    problem(by_code(city, "k-1", grant["code"], STRANGER), 403)
    problem(by_code(city, "", grant["code"]), 403)
    again = city.answer(granted(city, "g-1", made["material_id"]), 201)
    assert (again["grant_id"], again["code"], again["identifier"]) == (grant["grant_id"], "", made["material_id"])
    assert city.client.delete(f"/v1/grants/{grant['grant_id']}", headers=holder(city)).status_code == 204
    rows = len(ledger(city)[0])
    problem(by_code(city, "k-1", grant["code"]), 403)
    assert len(ledger(city)[0]) == rows, "refused on record, and no use of its own"


def test_what_is_taken_back_or_comes_late_is_not_given_again_and_a_newer_one_is_not_it(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    opened(city)
    problem(fetched(city, "k-1"), 404)
    made = lease(city, "BJ-R-1")
    first = city.answer(fetched(city, "k-1"), 201)
    clock.advance(timedelta(seconds=1))
    newer = lease(city, "BJ-R-3")["material_id"]
    assert city.answer(fetched(city, "k-1"), 201) == first
    assert city.answer(fetched(city, "k-2"), 201)["material_id"] == newer
    path = f"/v1/materials/{made['material_id']}/withdrawals"
    city.answer(city.client.post(path, headers=city.system()), 201)
    problem(fetched(city, "k-1"), 404)
    clock.advance(REPEAT_FOR)
    assert first["fetch_id"] in problem(fetched(city, "k-1"), 409)["detail"]
    assert ledger(city)[0] == [("not_found",), ("given",), ("given",)]


def test_four_tries_under_one_key_are_one_use_of_a_material(city: ServedCity) -> None:
    made = lease(city, "BJ-R-1")
    opened(city)
    code = city.answer(granted(city, "", made["material_id"]), 201)["code"]
    city.system(CLIENT)
    for ask in (lambda _: by_code(city, "k-1", code), lambda _: fetched(city, "k-2", fields=["name"])):
        with ThreadPoolExecutor(4) as pool:
            answers = [city.answer(one, 201) for one in pool.map(ask, range(4))]
        assert all(one == answers[0] for one in answers)
    assert ledger(city)[0] == [("given",), ("given",)]


def test_what_licenses_and_materials_are_asked_for_alike_is_said_once() -> None:
    alike = set(UseBody.model_fields) & set(MaterialFetchBody.model_fields)
    assert alike == set(CaseBody.model_fields)
    own = [set(one.__annotations__) for one in (UseBody, MaterialFetchBody)]
    assert not [names & alike for names in own if names & alike]
