"""After a reform and beside an 行政审批局: who reads, follows, decides and asks for a license (DOMAIN.md 1.9)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures_city import ServedCity
from life_city import Life
from test_catalog_bad_files import copy_of_the_seed, spoil

SLUG = "nurse_practice"
OLD, TODAY = "11990100MB00012650", "11990100MB0001038T"
BUREAU, CITY_MARKET, DISTRICT_MARKET = "11990100MB0001142Y", "11990100MB00010113", "11990101MB00020142"


def of_the_old_body(city: ServedCity, business_no: str) -> dict[str, Any]:
    """A license that the body before the reform issued: the register says so, the program cannot issue it any more."""
    done = city.issue(SLUG, business_no)
    city.execute(
        f"UPDATE licenses SET issuer_code = '{OLD}', issuer_name = '示例市卫生和计划生育局'"
        f" WHERE identifier = '{done['identifier']}'"
    )
    return done


def test_the_page_keeps_the_issuer_of_its_time_and_the_successor_acts(city: ServedCity) -> None:
    assert city.catalog.sample(SLUG)["issuer_code"] == TODAY
    old = of_the_old_body(city, "B-1")
    history = Life(city, SLUG).read(old["identifier"])
    assert history["license"]["issuer_name"] == "示例市卫生和计划生育局"
    assert history["issuer_today"] == history["supervisor"] == "示例市卫生健康委员会"
    refused = city.move(old["identifier"], "cancel", slug=SLUG, authority_code=OLD)
    assert refused.status_code == 404, "the merged body decides nothing any more"
    changed = Life(city, SLUG).made("B-2", "change", previous=old["identifier"])
    assert changed["number"] == old["number"]
    city.answer(city.move(changed["identifier"], "cancel", slug=SLUG, authority_code=TODAY), 201)


def test_nothing_is_issued_in_the_name_of_a_merged_body_even_where_a_type_still_names_it(
    sqlite_url: str, tmp_path: Path, make_city: Callable[..., ServedCity]
) -> None:
    directory = copy_of_the_seed(tmp_path)
    spoil(directory, f"types/{SLUG}.toml", f'"{TODAY}"', f'"{OLD}", "{TODAY}"')
    city = make_city(sqlite_url, catalog_dir=directory)
    body = city.body(SLUG, "B-3", authority_code=OLD)
    answer = city.client.post("/v1/issuances", headers=city.system(), json=body)
    problem = next(row for row in answer.json()["errors"] if row["pointer"] == "/authority_code")
    assert (answer.status_code, problem["code"]) == (422, "merged")
    assert "示例市卫生健康委员会" in problem["detail"]


def test_the_trades_department_penalises_what_the_approval_bureau_issued_and_undoes_nothing(
    small_city: ServedCity,
) -> None:
    city = small_city
    done = city.issue("food_operation", "B-4", authority_code=BUREAU, region="990100")
    history = Life(city, "food_operation").read(done["identifier"])
    assert (history["issuer_today"], history["supervisor"]) == ("示例市行政审批服务局", "示例市市场监督管理局")
    for name, body, status in (
        ("cancel", CITY_MARKET, 404),
        ("suspend", DISTRICT_MARKET, 404),
        ("suspend", CITY_MARKET, 201),
    ):
        response = city.move(done["identifier"], name, slug="food_operation", authority_code=body)
        assert response.status_code == status, (name, body, response.text)
