"""The seed catalog loads, holds together, and could be taken for nobody real."""

from __future__ import annotations

import hashlib
import time
import tomllib
from collections.abc import Callable

import pytest

from certsvc.catalog.loader import SEED_DIRECTORY, load_catalog
from certsvc.catalog.model import HolderKind, Mask, ValidityKind
from certsvc.catalog.numbers import number_parts, render_number
from certsvc.catalog.type_file import NEVER_ISSUED
from certsvc.catalog.validation import parse_date, validate_fields
from certsvc.errors import InvalidInput, UnknownLicenseType
from certsvc.identifiers.holder_code import HolderCode
from certsvc.identifiers.license_identifier import LicenseIdentifier
from certsvc.identifiers.region import Region

CATALOG = load_catalog()
SLUGS = tuple(kind.slug for kind in CATALOG.types)

SHOWN = tuple(kind.slug for kind in CATALOG.types if kind.showable)
DOMAINS = {
    "市场监管", "药品监管", "卫生健康", "教育", "地方金融", "文化和旅游", "交通运输", "公安交管", "民政",
    "住房和城乡建设", "应急管理", "人力资源和社会保障", "生态环境", "农业农村", "自然资源",
}  # fmt: skip
DOCUMENTS = {"受理通知书", "补正告知书", "不予受理决定书", "准予行政许可决定书", "送达回证"}


def test_the_seed_catalog_is_that_of_a_city() -> None:
    assert len(SHOWN) >= 40
    assert {kind.domain for kind in CATALOG.types} >= DOMAINS
    assert {kind.name for kind in CATALOG.types if kind.document} == DOCUMENTS
    assert len({kind.name for kind in CATALOG.types}) == len(CATALOG.types)
    assert len(CATALOG.matters) >= 60


def test_nothing_is_issued_that_never_may_be() -> None:
    assert not {kind.name for kind in CATALOG.types} & set(NEVER_ISSUED)


def test_checking_the_catalog_costs_little_beside_reading_it() -> None:
    """Against the parser of the same files in the same run: a slow or busy machine is slow at both."""
    checked = min(_seconds(load_catalog) for _ in range(3))
    parsed = min(_seconds(_parse_all) for _ in range(3))
    assert checked < 4 * parsed


def _parse_all() -> None:
    for path in SEED_DIRECTORY.rglob("*.toml"):
        tomllib.loads(path.read_text("utf-8"))


def _seconds(work: Callable[[], object]) -> float:
    """Of the processor: other work on the machine is not the loader's."""
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.parametrize("slug", SLUGS)
def test_the_digest_of_a_type_is_that_of_its_file(slug: str) -> None:
    raw = (SEED_DIRECTORY / "types" / f"{slug}.toml").read_bytes()
    assert CATALOG.type(slug).digest == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize("slug", SLUGS)
def test_every_sample_passes_the_rules_of_an_application(slug: str) -> None:
    kind, sample = CATALOG.type(slug), CATALOG.sample(slug)
    holder = HolderCode.parse(sample["holder_code_type"], sample["holder_code"])
    assert sample["holder_code_type"] in kind.holder_code_types
    assert validate_fields(kind, sample["data"], holder=holder) == dict(sample["data"])
    assert sample["issuer_code"] in kind.issuers
    if sample["valid_from"]:
        assert parse_date(sample["valid_from"]) <= parse_date(sample["valid_until"] or "9999-12-31")
    else:
        assert kind.validity.kind is ValidityKind.YEARS
    assert LicenseIdentifier.create(kind.type_code, sample["issuer_code"], "20260101000001").version == 1


@pytest.mark.parametrize("slug", SLUGS)
def test_nothing_in_a_sample_could_be_a_real_person_or_place(slug: str) -> None:
    sample = CATALOG.sample(slug)
    code = sample["holder_code"]
    assert Region.parse(sample["region"]).is_sandbox
    assert code[2:5] == "990" if sample["holder_code_type"] == "001" else code.startswith("990")
    assert "示例" in sample["holder_name"]


def test_every_authority_is_synthetic_and_named_so() -> None:
    for authority in CATALOG.authorities:
        assert authority.name.startswith("示例"), authority
        assert Region.parse(authority.region).is_sandbox
        assert authority.code[2:8] == authority.region


@pytest.mark.parametrize("slug", SLUGS)
def test_a_type_has_an_issuer_with_a_seal_and_scenes_for_officer_and_others(slug: str) -> None:
    kind = CATALOG.type(slug)
    assert all(CATALOG.authority(code).seal_id == f"seal_{code}" for code in kind.issuers)
    audiences = [scene.audience for scene in kind.scenes]
    if kind.document:
        assert not audiences
    else:
        assert "officer" in audiences
        assert {"clerk", "public"} & set(audiences)
    assert kind.definer_name == CATALOG.authority(kind.definer_code).name


@pytest.mark.parametrize("slug", SLUGS)
def test_everything_required_is_printed_on_the_face(slug: str) -> None:
    kind = CATALOG.type(slug)
    printed = {item.source for item in kind.face.items}
    assert {f"field:{spec.key}" for spec in kind.fields if spec.required} <= printed
    assert {"holder_name", "number"} <= printed


@pytest.mark.parametrize("slug", SLUGS)
def test_no_public_scene_shows_a_person_bare(slug: str) -> None:
    kind = CATALOG.type(slug)
    if kind.holder_kind is not HolderKind.PERSON:
        return
    for scene in kind.scenes:
        if scene.audience == "public":
            assert "holder_code" not in scene.fields
            assert not scene.unmasked
    assert kind.holder_masks["show"] is Mask.NAME
    assert kind.holder_code_masks["show"] is Mask.CODE_TAIL


def test_log_masks_hide_unless_a_file_says_otherwise() -> None:
    for kind in CATALOG.types:
        assert kind.holder_masks["log"] is kind.holder_code_masks["log"] is Mask.HIDDEN
        assert all(spec.mask("log") is Mask.HIDDEN for spec in kind.fields)


def test_the_food_license_masks_digits_of_the_id_number_on_its_face() -> None:
    assert CATALOG.type("food_operation").holder_code_masks["face"] is Mask.ID_BIRTH


def test_the_rules_of_the_six_types_are_those_of_their_trades() -> None:
    assert CATALOG.type("business_license").number.pattern == "{holder_code}"
    assert CATALOG.type("road_transport_worker").number_embeds_id
    assert CATALOG.type("teacher_qualification").validity.kind is ValidityKind.OPEN_ENDED
    assert [CATALOG.type(slug).validity.years for slug in ("food_operation", "tour_guide")] == [5, 3]
    assert CATALOG.type("drug_retail").validity.reminder_days == 180
    assert CATALOG.type("medical_institution").validity.validity_range == "5年^15年"
    assert CATALOG.type("driving_license").paper.card_before_detention
    assert [check.overdue for check in CATALOG.type("special_operation").periodic_checks] == ["逾期未复审"]


def test_the_data_files_hold_no_word_that_would_embarrass() -> None:
    words = ("国徽", "党徽", "国旗", "红码", "健康码", "行程码", "核酸", "certificate", "http:", "https:", "★")
    for path in (*SEED_DIRECTORY.glob("*.toml"), *SEED_DIRECTORY.glob("types/*.toml")):
        text = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
        assert not [word for word in words if word in text], path.name


def test_types_are_found_by_slug_and_by_code() -> None:
    kind = CATALOG.type("food_operation")
    assert CATALOG.by_type_code("11990000MB0000019F002") is kind
    for find in (CATALOG.type, CATALOG.by_type_code, CATALOG.sample):
        with pytest.raises(UnknownLicenseType, match="GET /v1/catalog/types"):
            find("nothing")


def test_authorities_and_matters_are_found_or_refused() -> None:
    code = "11990000MB0000019F2990131002001"
    assert CATALOG.authority("11990000MB0000019F").name == "示例省市场监督管理局"
    assert CATALOG.has_authority("11990000MB0000019F")
    assert not CATALOG.has_authority("11100000000013338W")
    assert CATALOG.matter(code) is CATALOG.matter(code + "01")
    assert CATALOG.find_matter("nothing") is None
    with pytest.raises(InvalidInput, match="机构代码"):
        CATALOG.authority("11100000000013338W")
    with pytest.raises(InvalidInput, match="事项编码"):
        CATALOG.matter("11990000MB0000019F9999999999999")


def test_a_matter_without_policy_sees_nothing() -> None:
    closed = [matter for matter in CATALOG.matters if not matter.allows]
    assert closed
    assert not any(matter.bases for matter in closed)


def test_a_loaded_catalog_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CATALOG.sample("food_operation")["data"]["signer"] = "x"  # type: ignore[index]
    with pytest.raises(TypeError):
        CATALOG.matters[1].allows["business_license"] = ()  # type: ignore[index]
    with pytest.raises(AttributeError):
        CATALOG.digest = ""  # type: ignore[misc]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_number_that_we_make_is_made_from_the_sample(slug: str) -> None:
    kind, sample = CATALOG.type(slug), CATALOG.sample(slug)
    if kind.number.given:
        assert sample["number"]
        return
    parts = number_parts(kind, sample["data"])
    number = render_number(kind.number, region=sample["region"], year=2026, sequence=1, parts=parts)
    assert number.isprintable()
    assert "{" not in number


@pytest.mark.parametrize("slug", SLUGS)
def test_the_stamp_covers_the_date_and_nothing_else(slug: str) -> None:
    face = CATALOG.type(slug).face
    assert face.stamp.x < face.date.x + face.date.w / 2 < face.stamp.x + face.stamp.w
    assert face.stamp.y < face.date.y
    assert face.date.y + face.date.h < face.stamp.y + face.stamp.h
    for item in face.items:
        apart = item.box.x + item.box.w <= face.stamp.x or item.box.y + item.box.h <= face.stamp.y
        assert apart, item.source
