"""Data quality of the register: what is missing, wrong, unsealed or there twice, told to who has to mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fixtures_city import ServedCity

from certsvc.clock import FixedClock
from certsvc.commands.access import roles
from certsvc.commands.catalog.quality import Defect, QualityRow, examine
from certsvc.commands.ports import Principal
from certsvc.identifiers.license_identifier import LicenseIdentifier
from certsvc.license.model import LicenseVersion

SLUG = "food_operation"
MARKET, CULTURE = "11990000MB0000019F", "11990000MB00000430"
PUBLISHER = Principal(subject="publisher", kind="person", roles=frozenset({roles.CATALOG_PUBLISHER}))


def version_of(city: ServedCity, identifier: str) -> LicenseVersion:
    with city.service.deps.uow.read() as tx:
        found = tx.licenses.by_identifier(identifier)
    assert found is not None
    return found


def taken_over(city: ServedCity, like: LicenseVersion, nth: int, **changes: Any) -> str:
    """Register one more license as a take-over from an old system would: past every check of an application."""
    parts = LicenseIdentifier.parse(like.identifier)
    identifier = str(
        LicenseIdentifier.create(
            type_code=parts.type_code, issuer_code=parts.issuer_code, serial=f"OLD{nth:06d}", version=1
        )
    )
    version_id = f"ver_old_{nth:06d}"
    artifact = replace(
        like.artifact,
        artifact_id=f"art_old_{nth:06d}",
        version_id=version_id,
        sha256=f"{nth:064x}",
        object_name=f"licenses/00/{nth:064x}.pdf",
    )
    row: dict[str, Any] = {
        "version_id": version_id,
        "license_id": f"lic_old_{nth:06d}",
        "identifier": identifier,
        "root": parts.root,
        "number": f"旧{nth:06d}",
        "printed_token": f"old{nth:019d}",
        "status_no": None,
        "artifact": artifact,
        **changes,
    }
    with city.service.deps.uow() as tx:
        tx.licenses.insert(replace(like, **row))
    return identifier


def findings(city: ServedCity, *, files: bool = False) -> list[QualityRow]:
    return list(examine(city.service.deps, PUBLISHER, authority_code="", after="", files=files).rows)


def test_a_register_that_was_filled_by_us_has_nothing_to_mend(city: ServedCity) -> None:
    for slug in (SLUG, "nurse_practice", "real_estate", "driving_license", "business_license"):
        city.issue(slug, f"Q-{slug}")
    assert findings(city, files=True) == []


def test_each_defect_is_found_by_itself_and_set_to_its_department(city: ServedCity) -> None:
    good = version_of(city, city.issue(SLUG, "Q-1")["identifier"])
    assert findings(city) == []
    holder = good.holder
    less = {key: value for key, value in good.data.items() if key != "premises"}
    form = {**good.data, "business_form": "夜市"}
    expected = {
        taken_over(city, good, 1, data=less): Defect.MISSING,
        taken_over(city, good, 2, data=form): Defect.CODE,
        taken_over(
            city, good, 3, data=less | {"premises": "示例路3号"}, holder=replace(holder, code="9" * 18)
        ): Defect.CODE,
        taken_over(city, good, 4): Defect.DUPLICATE,
    }
    found = findings(city)
    assert {row.identifier: row.defect for row in found} == expected
    assert len(found) == len(expected)
    assert {(row.authority_code, row.department) for row in found} == {(MARKET, "示例省市场监督管理局")}
    details = {row.defect: row.detail for row in found}
    assert "经营场所" in details[Defect.MISSING]
    assert good.identifier in details[Defect.DUPLICATE]


def test_another_shop_of_the_same_firm_is_no_duplicate(small_city: ServedCity) -> None:
    good = version_of(small_city, small_city.issue(SLUG, "Q-1")["identifier"])
    taken_over(small_city, good, 1, data={**good.data, "premises": "示例省示例市示例区示例路2号"})
    assert findings(small_city) == []


def test_a_file_that_is_gone_or_changed_is_unsealed(small_city: ServedCity, tmp_path: Path) -> None:
    city = small_city
    gone, changed, good = (version_of(city, city.issue(SLUG, f"Q-{n}")["identifier"]) for n in range(3))
    city.service.deps.objects.delete(gone.artifact.object_name)
    place = next(city.service.settings.objects.rglob(Path(changed.artifact.object_name).name))
    place.chmod(0o600)
    place.write_bytes(place.read_bytes() + b" ")
    assert all(row.defect is Defect.DUPLICATE for row in findings(city)), "without files nobody looks"
    found = {row.identifier for row in findings(city, files=True) if row.defect is Defect.UNSEALED}
    assert found == {gone.identifier, changed.identifier}
    assert good.identifier not in found


def test_what_waits_for_its_seal_is_told_after_a_day(sqlite_url: str, make_city: Callable[..., ServedCity]) -> None:
    clock = FixedClock(datetime.now(UTC).replace(microsecond=0))
    city = make_city(sqlite_url, clock=clock)
    body = city.body(SLUG, "Q-1")
    request_id = city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)["request_id"]
    assert city.answer(city.client.get("/v1/quality", headers=city.system()), 200)["rows"] == []
    clock.advance(timedelta(days=2))
    city.tokens.clear()
    [row] = city.answer(city.client.get("/v1/quality", headers=city.system()), 200)["rows"]
    assert (row["identifier"], row["defect"], row["authority_code"]) == (request_id, "unsealed", MARKET)


def test_a_department_sees_its_own_and_no_value_leaves(small_city: ServedCity) -> None:
    city = small_city
    food = version_of(city, city.issue(SLUG, "Q-1")["identifier"])
    guide = version_of(city, city.issue("tour_guide", "Q-2")["identifier"])
    taken_over(city, food, 1, data={})
    taken_over(city, guide, 2, data={}, holder=replace(guide.holder, code="990101199001010018"))
    caller = Principal(subject="s", kind="system", roles=frozenset({roles.APPROVAL}), authority_code=MARKET)
    own = examine(city.service.deps, caller, authority_code="", after="").rows
    assert {row.authority_code for row in own} == {MARKET}
    asked = {"authority_code": CULTURE}
    answer = city.client.get("/v1/quality", params=asked, headers=city.person("proposer-1"))
    assert answer.status_code == 403
    everything = city.client.get("/v1/quality", headers=city.person("publisher-1"))
    rows = city.answer(everything, 200)["rows"]
    assert {row["authority_code"] for row in rows} == {MARKET, CULTURE}
    assert Counter(row["defect"] for row in rows)["missing_field"] > 5
    for secret in (food.holder.name, food.holder.code, guide.holder.name, "990101199001010018", *food.data.values()):
        assert secret not in everything.text
    assert city.client.get("/v1/quality", headers=city.person(city.holder_of(SLUG))).status_code == 403
