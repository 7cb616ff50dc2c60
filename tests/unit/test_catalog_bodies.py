"""Issuer, successor and the trade's department are three answers, also after a reform (DOMAIN.md 1.9)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from test_catalog_bad_files import copy_of_the_seed, spoil

from certsvc.catalog.bodies import heir, supervisor
from certsvc.catalog.loader import load_catalog
from certsvc.errors import ConfigurationError

CATALOG = load_catalog()
BUREAU = "11990100MB0001142Y"
DISTRICT_BUREAU = next(body.code for body in CATALOG.authorities if body.name == "示例市示例区行政审批局")
CITY_MARKET = "11990100MB00010113"
OLD_HEALTH, HEALTH = "11990100MB00012650", "11990100MB0001038T"
REFORM = date(2018, 12, 1)
TODAY = date(2026, 3, 1)
MERGED = 'merged_on = "2018-12-01"'


def test_a_merged_body_acts_until_the_reform_and_its_successor_from_that_day() -> None:
    assert heir(CATALOG, OLD_HEALTH, date(2018, 11, 30)) == OLD_HEALTH
    assert heir(CATALOG, OLD_HEALTH, REFORM) == HEALTH
    assert heir(CATALOG, HEALTH, TODAY) == HEALTH
    assert heir(CATALOG, "11990100MB0099999X", TODAY) == "11990100MB0099999X", "unknown bodies stay what they are"


def test_what_an_approval_bureau_issued_is_supervised_by_the_department_of_the_trade() -> None:
    food = CATALOG.type("food_operation")
    assert BUREAU in food.issuers
    assert supervisor(CATALOG, food, BUREAU, TODAY) == CATALOG.authority(CITY_MARKET)
    assert supervisor(CATALOG, food, CITY_MARKET, TODAY) == CATALOG.authority(CITY_MARKET)
    assert supervisor(CATALOG, food, "11990100MB0099999X", TODAY) is None


@pytest.mark.parametrize("kind", [kind for kind in CATALOG.types if not kind.document], ids=lambda kind: kind.slug)
def test_every_license_has_a_supervising_body_and_it_is_no_approval_bureau(kind: object) -> None:
    license_type = CATALOG.type(kind.slug)  # type: ignore[attr-defined]  # parametrised by types
    for issuer in license_type.issuers:
        body = supervisor(CATALOG, license_type, issuer, TODAY)
        assert body is not None
        assert not body.approves_for_others, (issuer, body.name)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (MERGED, "", "同时写明"),
        (MERGED, 'merged_on = "2018-13-01"', "没有这一天"),
        (f'successor = "{HEALTH}"', 'successor = "11990100MB0099999X"', "不在"),
        (f'successor = "{HEALTH}"', f'successor = "{OLD_HEALTH}"', "环"),
    ],
)
def test_a_bad_merger_is_refused_with_file_and_line(tmp_path: Path, old: str, new: str, reason: str) -> None:
    directory = copy_of_the_seed(tmp_path)
    spoil(directory, "authorities.toml", old, new)
    with pytest.raises(ConfigurationError) as refused:
        load_catalog(directory)
    assert "authorities.toml" in refused.value.detail
    assert reason in refused.value.detail
