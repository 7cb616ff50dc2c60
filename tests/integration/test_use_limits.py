"""What must not get around a limit: quotas, counts of questions, the end of a consent, facts that nobody listed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from consent_city import bind, company, holder
from fixtures_city import ServedCity
from matter_city import GUIDE, USER, fetched, opened
from test_fetch import CLIENT, MATTER, SLUG, asking, fetch
from test_use_bases import FOOD, RENEWAL, SUBSIDY, ask, by_request, reply

from certsvc.commands.access import roles
from certsvc.license.consents import MAX_HOLDER_ASKS

COPY = "*copy"
SOME_CODE = "990101199001010027"


def answers(city: ServedCity, **changes: Any) -> Any:
    """One question on duty about the guide; the bare response."""
    body = asking(city, **{"type": GUIDE, "ask": "valid", "matter_code": MATTER, **changes})
    return city.client.post("/v1/answers", headers=city.system(CLIENT), json=body)


def cohort(city: ServedCity, term: str) -> Any:
    """The question whether a field begins with a term, about a cohort of one."""
    sample = city.catalog.sample(GUIDE)
    body = {
        "matter_code": MATTER,
        "case_no": "BJ-2026-1",
        "purpose": "核对",
        "operator": "jing01",
        "type": GUIDE,
        "ask": "scope",
        "field": "holder_code",
        "term": term,
        "holders": [{"code": sample["holder_code"], "code_type": sample["holder_code_type"]}],
    }
    return city.client.post("/v1/cohorts", headers=city.system(CLIENT), json=body)


def test_the_quota_of_a_day_binds_fetches_answers_and_cohorts(small_city: ServedCity) -> None:
    small_city.issue(GUIDE, "Q-1")
    opened(small_city, quota=2, keys=["holder_name", "number", "?scope:holder_code"])
    assert [fetched(small_city, GUIDE).status_code, answers(small_city).status_code] == [201, 201]
    refused = [fetched(small_city, GUIDE), answers(small_city), cohort(small_city, "9999")]
    assert [one.status_code for one in refused] == [403] * 3
    assert all("上限" in one.json()["detail"] for one in refused)


def test_a_cohort_of_one_is_counted_as_a_question(small_city: ServedCity) -> None:
    small_city.issue(GUIDE, "C-1")
    opened(small_city, keys=["holder_name", "?scope:holder_code"])
    codes = [cohort(small_city, f"99{number:02}").status_code for number in range(MAX_HOLDER_ASKS + 2)]
    assert codes == [201] * MAX_HOLDER_ASKS + [429] * 2
    single = answers(small_city, ask="scope", field="holder_code", term="9901")
    assert single.status_code == 429, "of one license, however it is asked about"


def test_blanks_in_a_code_are_no_other_person(small_city: ServedCity) -> None:
    small_city.issue(FOOD, "A-1")
    blanks: list[int] = []
    for number in range(MAX_HOLDER_ASKS + 1):
        changes = {"matter_code": SUBSIDY, "type": FOOD, "ask": "holder", "number": f"NO-{number}"}
        code = SOME_CODE[:17] + " " * number + SOME_CODE[17:]
        asked = answers(
            small_city, **changes, asked_code=code, asked_code_type="111", holder_code=None, holder_code_type=None
        )
        blanks.append(asked.status_code)
    assert blanks[-1] == 429


def test_no_seal_is_used_for_a_copy_beyond_the_quota_and_nothing_is_counted_for_a_refusal(
    small_city: ServedCity,
) -> None:
    done = small_city.issue(FOOD, "S-1")
    opened(small_city, FOOD, matter_code=RENEWAL, keys=["holder_name", COPY], bases=["consent", "duty"], quota=2)
    asked = {"type": FOOD, "matter_code": RENEWAL}
    assert fetch(small_city, **asked, fields=[COPY]).status_code == 201
    small_city.answer(small_city.move(done["identifier"], "suspend", slug=FOOD), 201)
    assert fetch(small_city, **asked, fields=[COPY]).status_code == 403
    assert fetch(small_city, **asked, fields=["holder_name"]).status_code == 201, "the refusal before was not counted"
    small_city.answer(small_city.move(done["identifier"], "resume", slug=FOOD), 201)
    assert fetch(small_city, **asked, fields=[COPY]).status_code == 403, "the third"
    assert small_city.rows("SELECT count(*) FROM reservations WHERE purpose LIKE 'copy:%'") == [(1,)]


def test_what_the_policy_does_not_list_is_in_no_part_of_an_answer(small_city: ServedCity) -> None:
    small_city.issue(GUIDE, "W-1")
    opened(small_city, GUIDE, matter_code=MATTER, keys=["holder_name"], bases=["duty"])
    given = small_city.answer(fetched(small_city, GUIDE), 201)
    kept_back = ("number", "issuer_name", "valid_from", "valid_until")
    assert [given["license"][name] for name in kept_back] == [""] * 4
    assert given["license"]["holder_masked"]
    assert given["good"]


def test_a_copy_ends_with_the_consent_and_is_not_given_again_once_the_license_ended(small_city: ServedCity) -> None:
    small_city.issue(SLUG, "W-1")
    food = small_city.issue(FOOD, "W-2")
    made = small_city.answer(ask(small_city, company(small_city), {FOOD: [COPY, "number"]}, days=1, hours=1), 201)
    small_city.answer(reply(small_city, holder(small_city, SLUG), made["request_id"]), 201)
    late = small_city.service.deps.clock.now() + timedelta(days=89)
    got = small_city.answer(
        by_request(small_city, made["request_id"], FOOD, fields=[COPY], copy_until=late.isoformat()), 201
    )
    assert got["copy_until"][:19] <= made["until"][:19]
    path, headers = f"/v1/fetches/{got['fetch_id']}/copy", small_city.system(CLIENT)
    assert small_city.client.get(path, headers=headers).status_code == 200
    small_city.answer(small_city.move(food["identifier"], "revoke", slug=FOOD), 201)
    assert small_city.client.get(path, headers=headers).status_code == 409


@pytest.mark.parametrize("withheld", [False, True])
def test_who_used_a_license_is_told_of_its_end_even_where_the_holder_is_not_told_of_the_use(
    small_city: ServedCity, *, withheld: bool
) -> None:
    done = small_city.issue(SLUG, "W-1")
    changes: dict[str, Any] = {}
    if withheld:
        until = (small_city.service.deps.clock.now() + timedelta(days=3)).isoformat()
        clerk = bind(small_city, "uc", "示例", roles=frozenset({roles.USE_CLERK}), authority_code=USER)
        approver = bind(small_city, "ua", "示例", roles=frozenset({roles.USE_APPROVER}), authority_code=USER)
        wish = {"matter_code": MATTER, "case_no": "BJ-2026-1", "until": until, "legal_basis": "《示例法》第十条第一款"}
        asked = small_city.answer(small_city.client.post("/v1/withholdings", headers=clerk, json=wish), 201)
        path = f"/v1/withholdings/{asked['withholding_id']}/decisions"
        small_city.answer(small_city.client.post(path, headers=approver, json={"agrees": True}), 201)
        changes["withholding_id"] = asked["withholding_id"]
    small_city.answer(fetch(small_city, fields=["holder_name"], **changes), 201)
    small_city.answer(small_city.move(done["identifier"], "revoke", slug=SLUG), 201)
    small_city.drain()
    assert small_city.rows("SELECT client_id FROM alerts") == [(CLIENT,)]
