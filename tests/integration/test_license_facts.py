"""Facts over HTTP: renewal, checks, obligations, 歇业, papers, dependence; no fact and no date ends a license."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from life_city import Life

from certsvc.clock import FixedClock
from certsvc.commands.issuance.remind import remind
from certsvc.delivery.relay import CONSUMERS, deliver

SLUG = "food_operation"
CHECKED = "medical_institution"
DEPENDENT = "food_operation"
PARENT = "business_license"
STRANGER = "11990000MB0000027A"


@pytest.fixture
def clock() -> FixedClock:
    """Stands at the real now, because the seals' certificates are made now."""
    return FixedClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def life(database_url: str, clock: FixedClock, make_city: Callable[..., ServedCity]) -> Life:
    """On both databases."""
    return Life(make_city(database_url, clock=clock), SLUG)


@pytest.fixture
def small(sqlite_url: str, clock: FixedClock, make_city: Callable[..., ServedCity]) -> Life:
    """On SQLite only."""
    return Life(make_city(sqlite_url, clock=clock), SLUG)


def go_on(life: Life, clock: FixedClock, days: int) -> None:
    """Let days pass; everyone signs in again."""
    clock.advance(timedelta(days=days))
    life.city.tokens.clear()


def license_until(life: Life, clock: FixedClock, days: int, number: str = "F-1") -> dict[str, Any]:
    """A license whose last day is so many days ahead in Shanghai."""
    today = (clock.now() + timedelta(hours=8)).date()
    start, end = today - timedelta(days=400), today + timedelta(days=days)
    dates = {"issued_on": start.isoformat(), "valid_from": start.isoformat(), "valid_until": end.isoformat()}
    return life.made(number, "issue", **dates)


def test_a_renewal_applied_for_in_time_keeps_an_undecided_license_amber_until_it_is_refused(
    life: Life, clock: FixedClock
) -> None:
    issued = license_until(life, clock, 40)
    identifier = issued["identifier"]
    noted = life.fact(identifier, "renewal_applied", document_no="示受〔2026〕1号")
    assert {flag["code"] for flag in noted["flags"]} == {"renewal_pending"}
    assert life.card(identifier)["light"] == "green", "the period still runs"
    go_on(life, clock, 50)
    card = life.card(identifier)
    assert (card["good"], card["light"], card["state"], card["state_zh"]) == (
        True,
        "amber",
        "renewal_pending",
        "延续办理中",
    )
    verdict = life.city.public(type=SLUG, number=issued["number"], holder_name=card["holder_name"])
    assert (verdict["indication"], verdict["reason"]) == ("TOTAL-PASSED", "license_renewal_pending")
    life.fact(identifier, "renewal_refused", document_no="示不延〔2026〕1号")
    assert life.card(identifier)["state"] == "expired"
    assert life.city.rows("SELECT state FROM licenses") == [("valid",)], "no date and no fact ends it"


def test_a_renewal_applied_for_too_late_does_not_continue(small: Life, clock: FixedClock) -> None:
    identifier = license_until(small, clock, 10)["identifier"]
    small.fact(identifier, "renewal_applied", document_no="示受〔2026〕1号")
    go_on(small, clock, 11)
    assert small.card(identifier)["state"] == "expired"
    today = (clock.now() + timedelta(hours=8)).date()
    until = (today + timedelta(days=700)).isoformat()
    renewed = small.done("F-2", "renew", previous=identifier, valid_until=until, issued_on=today.isoformat())
    assert (renewed["state"], "renewal_applied" in renewed["detail"]) == ("refused", True)


def test_a_pending_renewal_can_still_be_granted_after_the_end(small: Life, clock: FixedClock) -> None:
    identifier = license_until(small, clock, 40)["identifier"]
    small.fact(identifier, "renewal_applied", document_no="示受〔2026〕1号")
    go_on(small, clock, 45)
    today = (clock.now() + timedelta(hours=8)).date()
    dates = {"issued_on": today.isoformat(), "valid_until": (today + timedelta(days=700)).isoformat()}
    renewed = small.made("F-2", "renew", previous=identifier, **dates)
    card = small.card(renewed["identifier"])
    assert (card["good"], card["flags"], card["number"]) == (True, [], small.card(identifier)["number"])


def test_an_officer_sees_amber_and_why(small: Life, clock: FixedClock) -> None:
    identifier = license_until(small, clock, 40)["identifier"]
    small.fact(identifier, "dormant_begun", document_no="示歇〔2026〕1号", due_on="2028-01-01")
    scene = small.city.catalog.type(SLUG).scenes[0].code
    shown = small.city.show(SLUG, identifier, scene)
    assert (shown["light"], shown["good"]) == ("amber", True)
    scan = small.city.scan(small.city.officer_of(SLUG), shown["code"])
    assert (scan["light"], scan["reasons"][0]["code"]) == ("amber", "license_dormant")
    assert scan["fields"], "amber is no refusal"
    assert scan["license"]["flags"] == [{"code": "dormant", "text": "存续（歇业）", "light": "amber"}]
    again = small.city.scan(small.city.officer_of(SLUG), shown["code"])
    assert [reason["code"] for reason in again["reasons"]] == ["code_used", "license_dormant"]
    small.fact(identifier, "dormant_ended")
    assert small.flags(identifier) == {}


def test_a_missed_check_is_amber_and_a_passed_one_counts_anew(small: Life, clock: FixedClock) -> None:
    checked = Life(small.city, CHECKED)
    today = (clock.now() + timedelta(hours=8)).date()
    identifier = checked.made("K-1", "issue", issued_on=today.isoformat(), valid_from=today.isoformat())["identifier"]
    assert checked.flags(identifier) == {}
    go_on(small, clock, 370)
    card = checked.card(identifier)
    assert (card["good"], card["light"], card["flags"][0]["text"]) == (True, "amber", "逾期未校验")
    unknown = checked.try_fact(identifier, "check_passed", code="年检")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/code")
    checked.fact(identifier, "check_failed", code="校验", document_no="示校〔2026〕1号")
    assert checked.flags(identifier) == {"check_failed": "amber", "check_overdue": "amber"}
    checked.fact(identifier, "check_passed", code="校验")
    assert checked.flags(identifier) == {}


def test_a_promise_warns_and_flags_and_never_ends_anything(life: Life, clock: FixedClock) -> None:
    identifier = license_until(life, clock, 900)["identifier"]
    due = (clock.now() + timedelta(days=20)).date().isoformat()
    life.fact(identifier, "promise_set", code="CN-1", due_on=due, text="现场核查前完成整改")
    assert life.flags(identifier) == {"obligation_open": "green"}
    assert life.card(identifier)["light"] == "green"
    go_on(life, clock, 30)
    assert life.flags(identifier) == {"obligation_overdue": "amber"}
    life.fact(identifier, "obligation_broken", code="CN-1", document_no="示责改〔2026〕1号")
    assert life.flags(identifier) == {"obligation_broken": "amber"}
    assert life.card(identifier)["good"] is True
    life.fact(identifier, "obligation_met", code="CN-1")
    assert life.flags(identifier) == {}
    assert life.try_fact(identifier, "obligation_met", code="CN-2").status_code == 409


def test_papers_are_counted_and_an_old_one_asks_to_be_recalled(small: Life, clock: FixedClock) -> None:
    old = small.made("T-1")
    small.fact(old["identifier"], "twin_printed", code="99-0001", text="正本")
    small.fact(old["identifier"], "twin_printed", code="99-0002", text="副本1")
    small.fact(old["identifier"], "twin_collected", code="99-0001")
    assert small.try_fact(old["identifier"], "twin_printed", code="99-0003", text="副本9").status_code == 422
    assert small.try_fact(old["identifier"], "twin_collected", code="99-0009").status_code == 409
    new = small.made("T-2", "change", previous=old["identifier"])
    page = small.city.client.get(f"/v1/licenses/{new['identifier']}/facts", headers=small.city.system()).json()
    assert (page["paper"], [twin["part"] for twin in page["twins"]]) == ("replaced", ["正本", "副本1"])
    assert small.flags(new["identifier"])["twin_replaced"] == "green"
    for serial in ("99-0001", "99-0002"):
        small.fact(old["identifier"], "twin_recalled", code=serial)
    assert "twin_replaced" not in small.flags(new["identifier"])


def test_the_end_of_a_license_flags_what_depends_on_it_and_its_return_takes_the_flag_back(life: Life) -> None:
    parent, child = Life(life.city, PARENT), Life(life.city, DEPENDENT)
    company, shop = parent.made("D-1"), child.made("D-2")
    child.fact(shop["identifier"], "depends_on", code=company["identifier"])
    parent.move(company["identifier"], "revoke")
    life.city.drain()
    assert child.flags(shop["identifier"])["parent_ended"] == "amber"
    assert child.card(shop["identifier"])["good"] is True
    for event in [e for e in _feed(life) if e.type.endswith("license.revoked.v1")]:
        for name, handle in CONSUMERS:
            deliver(life.city.service.deps, f"{name}-again", handle, [event])  # as another consumer: no inbox row
    parent.move(company["identifier"], "reinstate", document_no="示复决〔2026〕1号")
    life.city.drain()
    assert "parent_ended" not in child.flags(shop["identifier"])
    kinds = [row[0] for row in life.city.rows("SELECT kind FROM version_facts ORDER BY row_no")]
    assert kinds == ["depends_on", "parent_ended", "parent_back"]


def _feed(life: Life) -> Any:
    with life.city.service.deps.uow.read() as tx:
        return tx.outbox.after(0, limit=500)


def test_an_ended_parent_is_seen_at_once_when_the_dependence_is_noted(small: Life) -> None:
    parent, child = Life(small.city, PARENT), Life(small.city, DEPENDENT)
    company, shop = parent.made("D-1"), child.made("D-2")
    parent.move(company["identifier"], "cancel")
    noted = child.fact(shop["identifier"], "depends_on", code=company["identifier"])
    assert "parent_ended" in {flag["code"] for flag in noted["flags"]}


def test_the_same_fact_in_parallel_is_one_fact_and_one_event(life: Life, clock: FixedClock) -> None:
    identifier = license_until(life, clock, 100)["identifier"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: life.fact(identifier, "renewal_applied", document_no="示受〔2026〕1号"), range(8))
        )
    assert len({answer["fact"]["fact_id"] for answer in answers}) == 1
    life.city.drain()
    noted = [event for event in life.city.events() if event["type"].endswith("license.noted.v1")]
    assert len(noted) == 1
    assert "text" not in noted[0]["data"]
    second = life.try_fact(identifier, "renewal_applied", document_no="示受〔2026〕2号")
    assert second.status_code == 409


def test_another_authority_and_an_ended_license_are_turned_away(small: Life, clock: FixedClock) -> None:
    identifier = license_until(small, clock, 100)["identifier"]
    asked = {"document_no": "1", "authority_code": STRANGER}
    assert small.try_fact(identifier, "renewal_applied", **asked).status_code == 404
    assert small.try_fact(identifier, "parent_ended", code="x").status_code in {404, 422}
    assert small.try_fact(identifier, "renewal_applied").status_code == 422
    small.move(identifier, "cancel")
    assert small.try_fact(identifier, "renewal_applied", document_no="1").status_code == 409


def dues(life: Life) -> list[tuple[str, str]]:
    """Kind and reference of every reminder in the feed."""
    life.city.drain()
    found = [event["data"] for event in life.city.events() if event["type"].endswith("license.due.v1")]
    return [(data["kind"], data["ref"]) for data in found]


def test_reminders_come_once_however_often_the_sweep_runs(life: Life, clock: FixedClock) -> None:
    deps = life.city.service.deps
    near = license_until(life, clock, 40, "N-1")["identifier"]
    license_until(life, clock, 900, "N-2")
    first = remind(deps)
    assert (first.looked_at, first.announced) == (2, 1)
    assert remind(deps).looked_at == 0, "today is finished"
    go_on(life, clock, 1)
    again = remind(deps)
    assert (again.looked_at, again.announced) == (2, 0)
    assert dues(life) == [("expiry_near", "")]
    go_on(life, clock, 60)
    assert remind(deps).announced == 1
    assert dues(life) == [("expiry_near", ""), ("expired", "")]
    page = life.city.client.get(
        "/v1/dues", params={"kind": "expired", "authority_code": life.issuer}, headers=life.city.system()
    ).json()
    assert [row["identifier"] for row in page["dues"]] == [near]
    assert life.city.rows("SELECT state FROM licenses") == [("valid",), ("valid",)]
    life.move(near, "cancel")
    page = life.city.client.get(
        "/v1/dues", params={"kind": "expired", "authority_code": life.issuer}, headers=life.city.system()
    ).json()
    assert page["dues"] == []


def test_two_sweepers_at_once_announce_everything_once(life: Life, clock: FixedClock) -> None:
    for n in range(3):
        license_until(life, clock, 40, f"N-{n}")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: remind(life.city.service.deps), range(4)))
    assert sum(item.announced for item in done) == 3
    assert dues(life) == [("expiry_near", "")] * 3


class BreakingIds:
    """Ids that give out in the middle, as a process that dies does."""

    def __init__(self, ids: Any, left: int) -> None:
        self._ids = ids
        self._left = left

    def __getattr__(self, name: str) -> Any:
        if name == "new":
            self._left -= 1
            if self._left < 0:
                msg = "no more ids"
                raise OSError(msg)
        return getattr(self._ids, name)


def test_a_sweep_that_dies_in_the_middle_is_made_up_without_doubles(life: Life, clock: FixedClock) -> None:
    for n in range(4):
        license_until(life, clock, 40, f"N-{n}")
    deps = life.city.service.deps
    for left in range(8):
        broken = dataclasses.replace(deps, ids=BreakingIds(deps.ids, left))
        with pytest.raises(OSError, match="no more ids"):
            remind(broken)
    assert life.city.rows("SELECT count(*) FROM dues") == [(0,)]
    assert remind(deps).announced == 4
    assert dues(life) == [("expiry_near", "")] * 4


def test_the_end_of_a_suspension_is_announced_and_lifts_nothing(small: Life, clock: FixedClock) -> None:
    identifier = license_until(small, clock, 900)["identifier"]
    until = (clock.now() + timedelta(days=10)).date()
    decided = (clock.now() + timedelta(hours=8)).date()
    small.move(identifier, "suspend", until=until.isoformat(), decided_on=decided.isoformat())
    go_on(small, clock, 12)
    remind(small.city.service.deps)
    assert dues(small) == [("suspension_over", "")]
    card = small.card(identifier)
    assert (card["good"], card["state"], card["flags"][0]["code"]) == (False, "suspended", "suspension_over")


def test_only_the_body_that_suspended_or_its_superior_resumes(small: Life, clock: FixedClock) -> None:
    catalog = small.city.catalog
    local = next(code for code in catalog.type(SLUG).issuers if catalog.authority(code).superior == small.issuer)
    body = small.city.body(SLUG, "F-1", authority_code=local, region=catalog.authority(local).region)
    request_id = small.city.answer(
        small.city.client.post("/v1/issuances", headers=small.city.system(), json=body), 202
    )["request_id"]
    small.city.drain()
    done = small.city.client.get(f"/v1/issuances/{request_id}", headers=small.city.system()).json()
    identifier = done["identifier"]
    assert small.city.move(identifier, "suspend", slug=SLUG, authority_code=STRANGER).status_code == 404
    small.move(identifier, "suspend", until="2030-01-01")
    refused = small.city.move(identifier, "resume", slug=SLUG, authority_code=local)
    assert refused.status_code == 404, "its superior suspended it, the issuer alone does not resume"
    small.move(identifier, "resume")
    assert small.card(identifier)["state"] == "valid"


def test_a_holder_reads_what_is_due(small: Life, clock: FixedClock) -> None:
    license_until(small, clock, 40)
    remind(small.city.service.deps)
    small.city.drain()
    holder = small.city.person(small.city.holder_of(SLUG))
    uses = small.city.client.get("/v1/wallet/uses", headers=holder).json()
    assert any("延续" in use["why"] for use in uses if use["kind"] == "notice")


def test_the_day_of_the_sweep_is_a_day_in_shanghai(sqlite_url: str, make_city: Callable[..., ServedCity]) -> None:
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    late = FixedClock(tomorrow + timedelta(hours=15, minutes=59))
    life = Life(make_city(sqlite_url, clock=late), SLUG)
    license_until(life, late, 0)
    assert remind(life.city.service.deps).announced == 1
    assert dues(life) == [("expiry_near", "")]
    late.advance(timedelta(minutes=2))
    assert remind(life.city.service.deps).announced == 1, "the next day has begun in Shanghai, not in UTC"
    assert dues(life)[-1] == ("expired", "")
    assert life.city.rows("SELECT count(*) FROM sweeps") == [(1,)]
