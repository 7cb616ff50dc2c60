"""Holder codes, matters, regions and food numbers."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_10 as oracle

from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.food_number import FoodNumber, check_digit
from certsvc.identifiers.holder_code import HolderCode, HolderCodeType
from certsvc.identifiers.matter_code import MatterCode
from certsvc.identifiers.region import Region, RegionLevel

APPENDIX_A = {
    "001": "统一社会信用代码",
    "099": "其他法人或其他组织有效证件代码",
    "111": "公民身份号码",
    "114": "解放军军官证",
    "115": "武警警官证",
    "118": "解放军士兵证",
    "119": "武警士兵证",
    "120": "解放军文职人员证",
    "122": "武警文职人员证",
    "411": "外交护照",
    "412": "公务护照",
    "413": "公务普通护照",
    "414": "普通护照",
    "511": "台湾居民来往大陆通行证",
    "516": "港澳居民来往内地通行证",
    "999": "其他自然人有效证件代码",
}
REAL_FOOD_NUMBERS = (
    "JY13101140093802",
    "JY13101160000083",
    "JY23101140041987",
    "JY13101050042467",
    "JY13101120198903",
    "JY24403000001343",
    "JY24406060163781",
)


def test_every_code_of_appendix_a_has_its_chinese_name() -> None:
    assert {member.value: member.zh for member in HolderCodeType} == APPENDIX_A


@pytest.mark.parametrize(
    ("type_code", "value"),
    [
        ("001", "91990000MA0000015Q"),
        ("111", "990101199001010019"),
        ("099", "示例字(2026)-1"),
        ("114", "军字第0000001号"),
        ("414", "E00000000"),
        ("511", "00000001"),
        ("516", "H00000001"),
        ("516", "M0000000101"),
        ("999", "A-1"),
    ],
)
def test_a_holder_code_is_read_by_the_rules_of_its_type(type_code: str, value: str) -> None:
    read = HolderCode.parse(type_code, value)
    assert (read.type.value, str(read)) == (type_code, value)
    assert read.type.is_organisation == (type_code in ("001", "099"))


@pytest.mark.parametrize(
    ("type_code", "value", "kind"),
    [
        ("002", "1", "持证主体代码类型代码"),
        ("", "1", "持证主体代码类型代码"),
        ("001", "990101199001010019", "统一社会信用代码"),
        ("111", "91990000MA0000015Q", "公民身份号码"),
        ("414", "E 0000000", "持证主体代码（普通护照）"),
        ("511", "H00000001", "持证主体代码（台湾居民来往大陆通行证）"),
        ("516", "X00000001", "持证主体代码（港澳居民来往内地通行证）"),
        ("999", "", "持证主体代码（其他自然人有效证件代码）"),
        ("999", "1" * 65, "持证主体代码（其他自然人有效证件代码）"),
        ("999", "1\n", "持证主体代码（其他自然人有效证件代码）"),
    ],
)
def test_a_wrong_holder_code_is_refused_by_name(type_code: str, value: str, kind: str) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        HolderCode.parse(type_code, value)
    assert caught.value.kind == kind


@given(st.sampled_from(sorted(APPENDIX_A)) | st.text(max_size=4), st.text(max_size=80))
def test_parsing_a_holder_code_raises_nothing_but_its_own_error(type_code: str, value: str) -> None:
    with contextlib.suppress(InvalidIdentifier):
        assert HolderCode.parse(type_code, value).type.value == type_code


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("11370800MB285591843370117002016", ""),
        ("11100000MB032716991000115035000", ""),
        ("11100000MB0341032Y100017214300101", "01"),
        ("12441500196720244T3442199806003", ""),
    ],
)
def test_public_matter_codes_are_read(text: str, item: str) -> None:
    read = MatterCode.parse(text)
    assert (str(read), read.handling_item, read.authority_code) == (text, item, text[:18])
    assert read.implementation_code + read.handling_item == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "31 位"),
        ("11370800MB28559184337011700201", "31 位"),
        ("11370800MB2855918433701170020161", "31 位"),
        ("11370800MB285591843370117002016AB", "31 位"),
        ("11370800MB285591853370117002016", "实施主体"),
        ("11370800mb285591843370117002016", "31 位"),
    ],
)
def test_a_wrong_matter_code_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidIdentifier, match=reason):
        MatterCode.parse(text)


@given(st.text(max_size=40) | st.text(alphabet="0123456789ABXY", min_size=31, max_size=33))
def test_parsing_a_matter_code_raises_nothing_but_its_own_error(text: str) -> None:
    with contextlib.suppress(InvalidIdentifier):
        assert str(MatterCode.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("990000", RegionLevel.PROVINCE),
        ("990100", RegionLevel.CITY),
        ("990101", RegionLevel.COUNTY),
        ("110105", RegionLevel.COUNTY),
        ("469001", RegionLevel.COUNTY),
    ],
)
def test_a_region_knows_its_level(text: str, level: RegionLevel) -> None:
    read = Region.parse(text)
    assert (read.level, str(read), read.is_sandbox) == (level, text, text.startswith("99"))


@pytest.mark.parametrize("text", ["", "99010", "9901010", "09010A", "090101", "９９０１０１", "990001", "990000\n"])
def test_a_wrong_region_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdentifier, match="行政区划代码"):
        Region.parse(text)


def test_a_region_contains_itself_and_what_lies_below() -> None:
    province, city, county, elsewhere = (Region.parse(code) for code in ("990000", "990100", "990101", "980101"))
    assert province.contains(city)
    assert province.contains(province)
    assert city.contains(county)
    assert not county.contains(city)
    assert not city.contains(province)
    assert not province.contains(elsewhere)


@pytest.mark.parametrize("text", REAL_FOOD_NUMBERS)
def test_real_food_numbers_are_read(text: str) -> None:
    read = FoodNumber.parse(text)
    assert str(read) == text
    assert read.prefix + read.category + read.region + read.sequence + text[-1] == text


@pytest.mark.parametrize(
    "text", ["JY24403050018352", "JY24401060000042", "", "JX13101140093802", "JY1310114009380", "ＪＹ1"]
)
def test_wrong_food_numbers_are_refused(text: str) -> None:
    with pytest.raises(InvalidIdentifier, match="食品许可证编号"):
        FoodNumber.parse(text)


def test_a_production_number_has_three_digits_of_category_and_four_of_sequence() -> None:
    body = "1019901010001"
    read = FoodNumber.parse("SC" + body + oracle.calc_check_digit(body))
    assert (read.category, read.region, read.sequence) == ("101", "990101", "0001")


@given(st.from_regex(r"[0-9]{13}", fullmatch=True))
def test_the_check_digit_agrees_with_an_independent_library(body: str) -> None:
    assert check_digit(body) == oracle.calc_check_digit(body)
    assert FoodNumber.parse(f"JY{body}{check_digit(body)}").value == f"JY{body}{oracle.calc_check_digit(body)}"


@pytest.mark.parametrize("text", REAL_FOOD_NUMBERS)
def test_every_single_wrong_digit_in_a_food_number_is_found(text: str) -> None:
    wrong = {text[:i] + other + text[i + 1 :] for i in range(len(text)) for other in "0123456789" if other != text[i]}
    for other_text in wrong:
        with pytest.raises(InvalidIdentifier):
            FoodNumber.parse(other_text)


@pytest.mark.parametrize("body", ["", "123", "12345678901234", "12345678901²3", "123456789012A"])
def test_a_body_of_another_form_has_no_check_digit(body: str) -> None:
    with pytest.raises(InvalidIdentifier):
        check_digit(body)


@given(st.text(max_size=20) | st.text(alphabet="JYSC0123456789", min_size=16, max_size=16))
def test_parsing_a_food_number_raises_nothing_but_its_own_error(text: str) -> None:
    with contextlib.suppress(InvalidIdentifier):
        assert str(FoodNumber.parse(text)) == text
