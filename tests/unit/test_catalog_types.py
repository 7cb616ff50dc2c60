"""Every type of the seed catalog, one by one: what a reader of the paper would look for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.catalog.entry import LEVELS, Category
from certsvc.catalog.face_plan import PAGE_MM
from certsvc.catalog.loader import load_catalog
from certsvc.catalog.masks import HIDDEN, STARS, mask_data
from certsvc.catalog.model import FieldKind, HolderKind, Mask, ValidityKind
from certsvc.catalog.type_file import STANDARD_KEYS
from certsvc.catalog.validation import validate_fields
from certsvc.errors import InvalidInput

CATALOG = load_catalog()
SLUGS = tuple(kind.slug for kind in CATALOG.types)
PEOPLE = tuple(kind.slug for kind in CATALOG.types if kind.holder_kind is HolderKind.PERSON)
ID_NUMBER = re.compile(r"(?<![0-9A-Z])990[0-9]{14}[0-9X](?![0-9A-Z])")


@pytest.mark.parametrize("slug", SLUGS)
def test_every_key_of_a_scene_exists_and_is_named_once(slug: str) -> None:
    kind = CATALOG.type(slug)
    keys = {spec.key for spec in kind.fields} | set(STANDARD_KEYS)
    for scene in kind.scenes:
        assert set(scene.fields) <= keys
        assert len(set(scene.fields)) == len(scene.fields)
        assert set(scene.unmasked) <= set(scene.fields)


@pytest.mark.parametrize("slug", SLUGS)
def test_what_an_officer_unmasks_was_masked_before(slug: str) -> None:
    kind = CATALOG.type(slug)
    masks = {spec.key: spec.mask("show") for spec in kind.fields}
    masks["holder_name"] = kind.holder_masks.get("show", Mask.NONE)
    masks["holder_code"] = kind.holder_code_masks.get("show", Mask.NONE)
    masks["number"] = Mask.CODE_TAIL if kind.number_embeds_id else Mask.NONE
    for scene in kind.scenes:
        bare = [key for key in scene.unmasked if masks.get(key, Mask.NONE) is Mask.NONE]
        assert not bare, f"{scene.code} unmasks {bare}, which no mask hides"


@pytest.mark.parametrize("slug", SLUGS)
def test_no_public_scene_tells_an_id_number(slug: str) -> None:
    kind = CATALOG.type(slug)
    shown = mask_data(kind, CATALOG.sample(slug)["data"], "show")
    for scene in kind.scenes:
        if scene.audience == "public":
            assert not any(ID_NUMBER.search(shown.get(key, "")) for key in scene.fields)
            assert not (kind.number_embeds_id and "number" in scene.unmasked)


@pytest.mark.parametrize("slug", SLUGS)
def test_no_id_number_of_the_payload_is_shown_or_printed_bare(slug: str) -> None:
    kind, sample = CATALOG.type(slug), CATALOG.sample(slug)
    holders = {sample["holder_code"]}
    for place in ("show", "print"):
        for key, value in mask_data(kind, sample["data"], place).items():
            assert not set(ID_NUMBER.findall(value)) - holders, f"{key} at {place}"


@pytest.mark.parametrize("slug", PEOPLE)
def test_a_photo_is_shown_wherever_a_person_with_a_photo_stands_before_an_officer(slug: str) -> None:
    kind = CATALOG.type(slug)
    officers = [scene for scene in kind.scenes if scene.audience == "officer"]
    assert not kind.photo or all(scene.photo for scene in officers)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_number_that_holds_an_id_number_says_so(slug: str) -> None:
    kind, sample = CATALOG.type(slug), CATALOG.sample(slug)
    is_person = sample["holder_code_type"] == "111"
    assert kind.number_embeds_id == (is_person and sample["holder_code"] in sample["number"])


@pytest.mark.parametrize("slug", SLUGS)
def test_sample_and_validity_agree(slug: str) -> None:
    kind, sample = CATALOG.type(slug), CATALOG.sample(slug)
    if sample["valid_from"] and kind.validity.kind is ValidityKind.YEARS:
        years = int(sample["valid_until"][:4]) - int(sample["valid_from"][:4]) + 1
        assert years == kind.validity.years
    assert kind.validity.reminder_days or kind.validity.kind is ValidityKind.OPEN_ENDED
    assert re.fullmatch(r"([0-9]+[年月天]|长期)(\^([0-9]+[年月天]|长期))*", kind.validity.validity_range)


@pytest.mark.parametrize("slug", SLUGS)
def test_no_sample_is_soon_out_of_date(slug: str) -> None:
    sample = CATALOG.sample(slug)
    assert not sample["valid_until"] or sample["valid_until"] >= "2028-12-31", "leave the dates empty instead"


@pytest.mark.parametrize("slug", SLUGS)
def test_the_entry_is_complete(slug: str) -> None:
    kind = CATALOG.type(slug)
    assert kind.level in LEVELS
    assert CATALOG.law_titles(kind)
    assert kind.matters
    assert kind.document or kind.stock is not None
    assert kind.paper.duplicates >= 0
    assert kind.document == (kind.domain == "政务文书")
    assert kind.category is not Category.MATERIAL or kind.document


@pytest.mark.parametrize("slug", SLUGS)
def test_what_is_printed_stays_on_the_sheet_in_calm_colour(slug: str) -> None:
    face = CATALOG.type(slug).face
    width, height = PAGE_MM[face.orientation]
    for item in face.items:
        assert item.box.x + item.box.w <= width
        assert item.box.y + item.box.h <= height
    red, green, blue = (int(face.accent[at : at + 2], 16) for at in (1, 3, 5))
    assert 0.2126 * red + 0.7152 * green + 0.0722 * blue < 140, "too bright to read as a title"


def test_faces_of_one_domain_share_a_colour_family_and_domains_differ() -> None:
    colours: dict[str, set[str]] = {}
    for kind in CATALOG.types:
        colours.setdefault(kind.domain, set()).add(kind.face.accent.upper())
    assert len({frozenset(accents) for accents in colours.values()}) > len(colours) // 2
    assert {kind.face.orientation for kind in CATALOG.types} == set(PAGE_MM)
    arrangements = {tuple((item.box.x, item.box.y, item.box.w) for item in kind.face.items) for kind in CATALOG.types}
    assert len(arrangements) > len(CATALOG.types) * 0.8


@given(st.sampled_from(SLUGS), st.data())
def test_a_payload_with_any_field_left_out_names_just_that_field(slug: str, data: st.DataObject) -> None:
    kind, sample = CATALOG.type(slug), dict(CATALOG.sample(slug)["data"])
    left_out = data.draw(st.sampled_from(sorted(sample)))
    del sample[left_out]
    spec = kind.field(left_out)
    assert spec is not None
    if not spec.required:
        assert left_out not in validate_fields(kind, sample)
        return
    with pytest.raises(InvalidInput) as caught:
        validate_fields(kind, sample)
    assert [problem.pointer for problem in caught.value.problems] == [f"/data/{left_out}"]


@given(st.sampled_from(SLUGS))
def test_the_log_sees_nothing_of_a_payload(slug: str) -> None:
    masked = mask_data(CATALOG.type(slug), CATALOG.sample(slug)["data"], "log")
    assert set(masked.values()) <= {HIDDEN}
    assert STARS


KINDS = {
    FieldKind.PLATE: (
        ["示A00001", "示AD00001", "示A00001D", "示A0001学", "粤B12345", "京AF12345"],
        ["示A0001", "示A0000I", "示AO0001", "A00001", "甲A00001", "示1A0001", "示A000011"],
    ),
    FieldKind.VIN: (["LSL0EXAMPXE000001", "lsl0exampxe000001"], ["LSL0EXAMPXE00000", "LSL0EXAMPXE00000I", "O" * 17]),
    FieldKind.UNIT_NO: (
        ["990101001001GB00001F00030045", "990101 001001 GB00001 F00030045"],
        ["990101001001GB00001F0003004", "990101001001GB00001000030045", "0" * 28],
    ),
    FieldKind.DECIMAL: (["0", "860.5", "36.25"], ["-1", "1,000", ".5", "1.23456", "８６０", "1e3", "01"]),
    FieldKind.DOMAIN_NAME: (
        ["www.shili.example", "WWW.SHILI.EXAMPLE"],
        ["https://www.shili.example", "shili", "-a.example", "a..example", "www.shili.example/x"],
    ),
}


def _type_with(kind: FieldKind) -> tuple[str, str]:
    return next(
        (license_type.slug, spec.key)
        for license_type in CATALOG.types
        for spec in license_type.fields
        if spec.kind is kind
    )


@pytest.mark.parametrize("kind", KINDS)
def test_codes_of_the_trades_are_read_in_one_spelling(kind: FieldKind) -> None:
    slug, key = _type_with(kind)
    good, bad = KINDS[kind]
    for text in good:
        data = {**CATALOG.sample(slug)["data"], key: text}
        kept = validate_fields(CATALOG.type(slug), data)[key]
        assert kept == (text.lower() if kind is FieldKind.DOMAIN_NAME else text.upper()).replace(" ", "")
    for text in bad:
        with pytest.raises(InvalidInput) as caught:
            validate_fields(CATALOG.type(slug), {**CATALOG.sample(slug)["data"], key: text})
        assert [problem.pointer for problem in caught.value.problems] == [f"/data/{key}"], text
