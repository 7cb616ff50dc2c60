"""Rows of DOMAIN.md 1 that no other test has: 容缺, drugs, dates and numbers, 模拟 fetches, 首次发证日期."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from life_city import PROJECT, Life

from certsvc.clock import FixedClock
from certsvc.commands.access.seed_sandbox import using_client_id

SLUG = "food_operation"
PROJECT_TYPE = "construction_planning"


@pytest.fixture
def clock() -> FixedClock:
    """Stands at the real now, because the seals' certificates are made now."""
    return FixedClock(datetime.now(UTC).replace(microsecond=0))


def days_from(clock: FixedClock, days: int) -> str:
    """The day so many days from today in Shanghai."""
    return ((clock.now() + timedelta(hours=8)).date() + timedelta(days=days)).isoformat()


def dated(clock: FixedClock, start: int, end: int) -> dict[str, str]:
    """The dates of a license that began and ends so many days from today."""
    first = days_from(clock, start)
    return {"issued_on": first, "valid_from": first, "valid_until": days_from(clock, end)}


def go_on(life: Life, clock: FixedClock, days: int) -> None:
    clock.advance(timedelta(days=days))
    life.city.tokens.clear()


def test_a_change_keeps_the_dates_a_renewal_moves_the_end_and_a_replacement_keeps_the_number(
    database_url: str, clock: FixedClock, make_city: Callable[..., ServedCity]
) -> None:
    life = Life(make_city(database_url, clock=clock), SLUG)
    first = life.made("D-1", "issue", **dated(clock, -400, 200))
    changed = life.made("D-2", "change", previous=first["identifier"], issued_on=days_from(clock, 0))
    replaced = life.made("D-3", "replace", previous=changed["identifier"], issued_on=days_from(clock, 0))
    until = days_from(clock, 200 + 1825)
    renewed = life.made(
        "D-4", "renew", previous=replaced["identifier"], issued_on=days_from(clock, 0), valid_until=until
    )
    cards = [life.card(row["identifier"]) for row in (first, changed, replaced, renewed)]
    assert {card["number"] for card in cards} == {first["number"]}
    assert [card["valid_until"] for card in cards] == [days_from(clock, 200)] * 3 + [until]
    assert {card["valid_from"] for card in cards} == {days_from(clock, -400)}
    assert [card["state"] for card in cards] == ["superseded"] * 3 + ["valid"]
    firsts = life.city.rows("SELECT DISTINCT first_issued_on FROM licenses")
    assert [str(row[0]) for row in firsts] == [days_from(clock, -400)], "首次发证日期 stays that of the first version"
    life.one_in_force()


def test_a_supplement_that_is_late_warns_and_is_met_and_ends_nothing(
    database_url: str, clock: FixedClock, make_city: Callable[..., ServedCity]
) -> None:
    life = Life(make_city(database_url, clock=clock), SLUG)
    identifier = life.made("S-1", "issue", **dated(clock, -10, 900))["identifier"]
    assert life.try_fact(identifier, "supplement_set", code="RQ-1").status_code == 422, "a supplement has a deadline"
    life.fact(identifier, "supplement_set", code="RQ-1", due_on=days_from(clock, 10), text="健康证明后补")
    assert life.card(identifier)["light"] == "green"
    go_on(life, clock, 11)
    card = life.card(identifier)
    assert (card["good"], card["light"], card["flags"][0]["code"]) == (True, "amber", "obligation_overdue")
    assert life.city.rows("SELECT state FROM licenses") == [("valid",)]
    life.fact(identifier, "obligation_met", code="RQ-1")
    assert life.card(identifier)["light"] == "green"


def test_a_type_without_promise_or_supplement_takes_none(
    sqlite_url: str, clock: FixedClock, make_city: Callable[..., ServedCity]
) -> None:
    city = make_city(sqlite_url, clock=clock)
    kind = next(k for k in city.catalog.types if not k.promise and not k.supplement and not k.document)
    life = Life(city, kind.slug)
    identifier = life.made("N-1")["identifier"]
    for fact in ("promise_set", "supplement_set"):
        answer = life.try_fact(identifier, fact, code="X-1", due_on=days_from(clock, 10))
        assert answer.status_code == 422, fact


@pytest.mark.parametrize(("asked_before", "state"), [(181, "renewal_pending"), (179, "expired")])
def test_a_drug_license_is_renewed_six_months_ahead(
    sqlite_url: str, clock: FixedClock, make_city: Callable[..., ServedCity], asked_before: int, state: str
) -> None:
    life = Life(make_city(sqlite_url, clock=clock), "drug_retail")
    assert life.city.catalog.type("drug_retail").validity.reminder_days == 180
    identifier = life.made("G-1", "issue", **dated(clock, -1000, asked_before))["identifier"]
    life.fact(identifier, "renewal_applied", document_no="示受〔2026〕1号")
    go_on(life, clock, asked_before + 1)
    assert life.card(identifier)["state"] == state


def test_a_provisional_opinion_is_fetched_by_simulation_matters_of_its_project_only(
    database_url: str, make_city: Callable[..., ServedCity]
) -> None:
    plain = make_city(database_url)
    usual = [m for m in plain.catalog.matters if PROJECT_TYPE in m.allows and "duty" in m.bases]
    assert len(usual) > 1
    simulated, other = usual[0], usual[1]
    city = make_city(database_url, simulation_matters=(simulated.code,))
    life = Life(city, PROJECT_TYPE)
    opinion = life.made("P-1", "provisional", project_code=PROJECT)
    first = fetched(city, simulated, project_code=PROJECT)
    assert first.status_code == 201, first.text
    for matter, project in ((simulated, ""), (simulated, PROJECT[:-1] + "7"), (other, PROJECT)):
        answer = fetched(city, matter, project_code=project)
        assert answer.status_code == 404, (matter.code, project, answer.text)
    given = first.json()
    assert (given["good"], given["state"], given["file"] != "") == (False, "provisional", True)
    formal = life.made("P-2", "convert", previous=opinion["identifier"], project_code=PROJECT)
    assert life.card(formal["identifier"])["good"] is True
    assert life.card(opinion["identifier"])["state"] == "superseded"


def fetched(city: ServedCity, matter: Any, **changes: Any) -> Any:
    """The bare answer to a fetch on duty of the sample's holder."""
    sample = city.catalog.sample(PROJECT_TYPE)
    body = {
        "matter_code": matter.code,
        "case_no": "BJ-1",
        "purpose": "模拟审批",
        "operator": "jingban01",
        "basis": "duty",
        "type": PROJECT_TYPE,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
        **changes,
    }
    headers = city.system(using_client_id(matter.authority_code))
    return city.client.post("/v1/fetches", headers=headers, json=body)
