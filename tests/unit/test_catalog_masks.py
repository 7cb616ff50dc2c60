"""What each mask leaves of a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.catalog.loader import load_catalog
from certsvc.catalog.masks import HIDDEN, apply_mask, mask_data
from certsvc.catalog.model import Mask

CATALOG = load_catalog()

TABLE = [
    (Mask.NONE, "张示例", "张示例"),
    (None, "张示例", "张示例"),
    (Mask.NAME, "", ""),
    (Mask.NAME, "张三", "张*"),
    (Mask.NAME, "张示例", "张*"),
    (Mask.NAME, "张", "*"),
    (Mask.NAME, "欧阳示例", "欧阳*"),
    (Mask.NAME, "司马光", "司马*"),
    (Mask.NAME, "欧阳", "欧*"),
    (Mask.NAME, "阿依古丽·买买提", "阿依古丽·*"),
    (Mask.NAME, "阿依古丽·买买提·示例", "阿依古丽·*"),
    (Mask.NAME, "阿卜杜热合曼", "阿*"),
    (Mask.NAME, "𠮷田示例", "𠮷*"),
    (Mask.NAME, "MARIA ANTONIA JOSEFA EXAMPLE", "MARIA *"),
    (Mask.NAME, "Ångström Example", "Ångström *"),
    (Mask.NAME, "EXAMPLE", "E*"),
    (Mask.CODE_TAIL, "990101199001010019", "990101****0019"),
    (Mask.CODE_TAIL, "91990000MA0000015Q", "919900****015Q"),
    (Mask.CODE_TAIL, "E00000000", "E0****00"),
    (Mask.CODE_TAIL, "1234567", "***"),
    (Mask.ID_BIRTH, "990101199001010019", "9901011990****0019"),
    (Mask.ID_BIRTH, "11010519491231002X", "1101051949****002X"),
    (Mask.ID_BIRTH, "91990000MA0000015Q", "91990000MA0000015Q"),
    (Mask.ID_BIRTH, "990101199013010019", "9901011990****0019"),
    (Mask.ID_BIRTH, "E00000000", "E0****00"),
    (Mask.ADDRESS, "示例省示例市示例区示例大道1号", "示例省示例市示例区****"),
    (Mask.ADDRESS, "示例市人民路12号小区5栋", "示例市****"),
    (Mask.ADDRESS, "示例市示例县示例镇3号", "示例市示例县****"),
    (Mask.ADDRESS, "示例自治区示例地区示例旗1号", "示例自治区示例地区示例旗****"),
    (Mask.ADDRESS, "幸福小区3号楼2单元", "幸福小区****"),
    (Mask.ADDRESS, "示例区", "示****"),
    (Mask.ADDRESS, "1号", "****"),
    (Mask.HIDDEN, "汉族", HIDDEN),
    (Mask.HIDDEN, "", ""),
]


@pytest.mark.parametrize(("mask", "value", "shown"), TABLE)
def test_a_mask_leaves_what_it_should(mask: Mask | None, value: str, shown: str) -> None:
    assert apply_mask(mask, value) == shown


HIDING = [mask for mask in Mask if mask not in (Mask.NONE, Mask.ID_BIRTH)]


@given(st.sampled_from(HIDING), st.text(st.characters(exclude_characters="*"), min_size=1, max_size=60))
def test_no_mask_ever_shows_a_whole_value(mask: Mask, value: str) -> None:
    shown = apply_mask(mask, value)
    assert "*" in shown
    assert value not in shown


@given(st.from_regex(r"[1-9][0-9]{5}(19|20)[0-9]{9}[0-9X]", fullmatch=True))
def test_the_birthday_never_survives_on_the_face(number: str) -> None:
    shown = apply_mask(Mask.ID_BIRTH, number)
    # A digits-only USCC may look alike; it is public and stays as it is.
    assert shown == number[:10] + "****" + number[14:] or shown == number


def test_the_length_of_a_name_does_not_show() -> None:
    assert len({apply_mask(Mask.NAME, "张" + "示" * count) for count in range(1, 9)}) == 1


def test_a_payload_is_masked_by_place_and_unknown_keys_are_hidden() -> None:
    kind = CATALOG.type("road_transport_worker")
    data = {**CATALOG.sample(kind.slug)["data"], "left_over": "x"}
    shown = mask_data(kind, data, "show")
    assert shown["address"] == "示例省示例市示例区****"
    assert shown["driving_class"] == "A2"
    assert shown["birth_date"] == shown["left_over"] == HIDDEN
    assert set(mask_data(kind, data, "log").values()) == {HIDDEN}
    assert mask_data(kind, CATALOG.sample(kind.slug)["data"], "face") == dict(CATALOG.sample(kind.slug)["data"])
