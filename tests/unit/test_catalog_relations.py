# ruff: noqa: E501 - local files read as files
"""What joins types: chains to 营业执照, absorbed filings, bundles of a trade; and the local part of a type."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.catalog.bundles import BundleState, MemberStanding, bundle_standing
from certsvc.catalog.loader import SEED_DIRECTORY, load_catalog
from certsvc.catalog.model import Mask
from certsvc.errors import ConfigurationError, InvalidInput

CATALOG = load_catalog()
SHOP = CATALOG.bundle("convenience_store")
FOOD = "food_operation.toml"


def city(tmp_path: Path, local: str, name: str = FOOD) -> Path:
    """A copy of the seed with one local file."""
    directory = tmp_path / "catalog"
    shutil.copytree(SEED_DIRECTORY, directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (directory / "local").mkdir()
    (directory / "local" / name).write_text(local, "utf-8")
    return directory


def test_the_end_of_a_business_license_flags_what_hangs_on_it_directly_and_through_others() -> None:
    flagged = {kind.slug for kind in CATALOG.dependants("business_license")}
    assert {"food_operation", "drug_retail", "construction_enterprise", "safe_production_construction"} <= flagged
    assert "road_transport_vehicle" in flagged, "through 道路运输经营许可证"
    assert not flagged & {"business_license", "teacher_qualification", "marriage"}
    assert {kind.slug for kind in CATALOG.dependants("medical_institution")} == {"radiation_practice"}
    assert not CATALOG.dependants("tour_guide")


def test_no_document_hangs_on_a_license() -> None:
    assert not [kind.slug for kind in CATALOG.types if kind.document and (kind.depends_on or kind.satisfies)]


def test_an_absorbed_filing_is_answered_by_the_business_license() -> None:
    assert [kind.slug for kind in CATALOG.satisfied_by("tax_registration")] == ["business_license"]
    assert CATALOG.satisfied_by("nothing") == ()


def test_every_bundle_names_licenses_that_exist_and_a_matter_that_may_see_them() -> None:
    for bundle in CATALOG.bundles:
        members = bundle.required + bundle.optional
        assert all(CATALOG.type(slug).showable for slug in members)
        if bundle.matter_code:
            allowed = CATALOG.matter(bundle.matter_code).allows
            assert set(bundle.required) <= set(allowed) | set(bundle.optional), bundle.code
    with pytest.raises(InvalidInput, match="行业"):
        CATALOG.bundle("nothing")


standings = st.dictionaries(st.sampled_from(SHOP.required + SHOP.optional), st.sampled_from(MemberStanding))


@given(standings)
def test_a_bundle_is_never_better_than_its_members(members: dict[str, MemberStanding]) -> None:
    standing = bundle_standing(SHOP, members)
    have = [members.get(slug, MemberStanding.MISSING) for slug in SHOP.required]
    if standing.state is BundleState.COMPLETE:
        assert set(have) == {MemberStanding.GOOD}
        assert not set(members.values()) & {MemberStanding.ENDED, MemberStanding.ATTENTION}
    assert (standing.state is BundleState.IMPAIRED) == (MemberStanding.ENDED in members.values())
    assert (standing.state is BundleState.INCOMPLETE) <= (MemberStanding.MISSING in have)
    assert set(standing.missing) <= set(SHOP.required)


@given(standings)
def test_a_member_that_gets_worse_never_makes_a_bundle_complete(members: dict[str, MemberStanding]) -> None:
    worse = {**members, SHOP.required[0]: MemberStanding.ENDED}
    assert bundle_standing(SHOP, worse).state is BundleState.IMPAIRED


def test_what_a_stranger_adds_to_a_bundle_does_not_count() -> None:
    good = dict.fromkeys(SHOP.required, MemberStanding.GOOD)
    assert bundle_standing(SHOP, {**good, "marriage": MemberStanding.ENDED}).state is BundleState.COMPLETE


def test_a_city_adds_issuers_scenes_and_masks_to_a_standard_type(tmp_path: Path) -> None:
    local = """
issuers = ["11990000MB0000086D"]
scenes = [
  { code = "campus_check", name = "校园食堂检查", audience = "officer", fields = ["number", "premises"], unmasked = [], photo = false },
]
[masks]
premises = { show = "address" }
"""
    directory = city(tmp_path, local)
    catalog = load_catalog(directory)
    kind, before = catalog.type("food_operation"), CATALOG.type("food_operation")
    assert kind.issuers == (*before.issuers, "11990000MB0000086D")
    assert [scene.code for scene in kind.scenes] == [*(scene.code for scene in before.scenes), "campus_check"]
    premises = kind.field("premises")
    assert premises is not None
    assert premises.mask("show") is Mask.ADDRESS
    raw = (directory / "types" / FOOD).read_bytes() + (directory / "local" / FOOD).read_bytes()
    assert kind.digest == hashlib.sha256(raw).hexdigest()
    assert catalog.digest != CATALOG.digest


def test_a_city_may_draw_its_own_face(tmp_path: Path) -> None:
    text = (SEED_DIRECTORY / "types" / FOOD).read_text("utf-8")
    face = text[text.index("[face]") : text.index("[sample]")].replace('subtitle = ""', 'subtitle = "（示例市）"')
    assert load_catalog(city(tmp_path, face)).type("food_operation").face.subtitle == "（示例市）"


DEFINED = {
    "code": 'type_code = "11990000MB0000019F099"',
    "name": 'name = "食品经营登记证"',
    "fields": 'fields = [\n  { key = "signer", name = "签发人", element = "KZ_QFR", kind = "text", required = false, max_length = 30 },\n]',
    "validity": '[validity]\nkind = "years"\nyears = 9\nreminder_days = 0',
    "number": '[number]\npattern = ""\ncheck = ""\ngiven = true\nembeds_id = false',
    "retention": "retention_years = 1",
    "dependence": "depends_on = []",
}


@pytest.mark.parametrize("local", DEFINED.values(), ids=DEFINED.keys())
def test_a_local_override_of_what_the_definer_set_is_refused(tmp_path: Path, local: str) -> None:
    with pytest.raises(ConfigurationError, match="本地不能更改") as caught:
        load_catalog(city(tmp_path, local))
    assert FOOD in caught.value.detail
    assert "第 1 行" in caught.value.detail


BAD_LOCAL = {
    "a standard scene again": (
        'scenes = [\n  { code = "shop_display", name = "x", audience = "public", fields = ["number"], unmasked = [], photo = false },\n]',
        "shop_display",
    ),
    "a weaker mask": ('[masks]\nresidence = { show = "none" }', "遮盖"),
    "a mask of another kind": ('[masks]\nresidence = { show = "name" }', "遮盖"),
    "a mask of no field": ('[masks]\ncellar = { show = "hidden" }', "不是本类型的字段"),
    "an issuer again": ('issuers = ["11990000MB0000019F"]', "不必重复"),
    "an unknown issuer": ('issuers = ["11100000000013338W"]', "不在 authorities.toml"),
    "an unknown matter": ('matters = ["11990000MB0000019F2990131009009"]', "不在 matters.toml"),
}


@pytest.mark.parametrize(("local", "reason"), BAD_LOCAL.values(), ids=BAD_LOCAL.keys())
def test_a_bad_local_part_is_refused(tmp_path: Path, local: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        load_catalog(city(tmp_path, local))


def test_a_local_part_may_hide_more(tmp_path: Path) -> None:
    catalog = load_catalog(city(tmp_path, '[masks]\nresidence = { show = "hidden" }'))
    residence = catalog.type("food_operation").field("residence")
    assert residence is not None
    assert residence.mask("show") is Mask.HIDDEN


def test_a_local_part_without_its_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"types/moon\.toml"):
        load_catalog(city(tmp_path, "issuers = []", "moon.toml"))


def test_a_city_without_bundles_and_laws_still_loads_if_its_types_name_none(tmp_path: Path) -> None:
    directory = city(tmp_path, "issuers = []")
    (directory / "bundles.toml").unlink()
    (directory / "sources.toml").unlink()
    assert (load_catalog(directory).bundles, load_catalog(directory).sources) == ((), ())
    (directory / "laws.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"laws\.toml"):
        load_catalog(directory)
