"""证照标识: the published examples, the counter-examples, and every slip of a typist."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36 as oracle

from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.iso7064 import ALPHANUMERIC
from certsvc.identifiers.license_identifier import MAX_LENGTH, MAX_VERSION, ROOT_OID, LicenseIdentifier

GOOD = (
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.002.S",
    "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
    "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
    "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
    "1.2.156.3005.2.11100000000013338W087.11370800MB28559184.37080001202411010001.001.3",
    "1.2.156.3005.2.11990000MB0000019F001.11990000MB0000019F.20260101000001.001.2",
    "1.2.156.3005.2.11990000MB0000019F001.11990000MB0000019F.20260101000001.002.Z",
)
BAD = {
    "public, right digit is D": (
        "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M",
        "校验位不符",
    ),
    "public, right digit is 2": (
        "1.2.156.3005.2.11100000000013338W050.91610800064834709T.2023000001.001.X",
        "校验位不符",
    ),
    "public, bad alphabet": ("1.2.156.3005.2.062301.1101101102.0624_001.001.U", "证照类型代码"),
    "empty": ("", "开头"),
    "other root": ("1.2.156.3005.3.11100000000013338W011.11430000006122244L.20230000403.001.U", "开头"),
    "four parts": ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001", "五段"),
    "version zero": ("1.2.156.3005.2.11990000MB0000019F001.11990000MB0000019F.20260101000001.000.2", "版本号"),
    "full-width version": ("1.2.156.3005.2.11990000MB0000019F001.11990000MB0000019F.20260101000001.００１.2", "版本号"),
    "lower case": ("1.2.156.3005.2.11990000mb0000019f001.11990000MB0000019F.20260101000001.001.2", "证照类型代码"),
    "trailing line feed": (GOOD[0] + "\n", "校验位不符"),
    "too long": (GOOD[0] + "0" * MAX_LENGTH, "字符"),
}

usccs = st.sampled_from(("11990000MB0000019F", "11990000MB00000355", "91990000MA0000015Q"))
serials = st.text(alphabet=ALPHANUMERIC, min_size=1, max_size=40)
type_codes = st.builds(lambda uscc, number: f"{uscc}{number:03d}", usccs, st.integers(0, 999))
identifiers = st.builds(LicenseIdentifier.create, type_codes, usccs, serials, st.integers(1, MAX_VERSION))


@pytest.mark.parametrize("text", GOOD)
def test_every_published_example_is_read_and_written_alike(text: str) -> None:
    assert str(LicenseIdentifier.parse(text)) == text


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD.keys())
def test_a_wrong_identifier_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        LicenseIdentifier.parse(text)
    assert reason in caught.value.detail
    assert not text.strip() or text not in caught.value.detail


def test_the_next_version_of_the_published_pair_is_the_second_of_the_pair() -> None:
    assert str(LicenseIdentifier.parse(GOOD[0]).next_version()) == GOOD[1]
    assert str(LicenseIdentifier.parse(GOOD[6]).next_version()) == GOOD[7]


def test_versions_of_one_license_share_their_root() -> None:
    first = LicenseIdentifier.parse(GOOD[6])
    assert (
        first.root == first.next_version().root == f"{ROOT_OID}.11990000MB0000019F001.11990000MB0000019F.20260101000001"
    )


def test_version_999_has_no_next() -> None:
    last = LicenseIdentifier.create("11990000MB0000019F001", "11990000MB0000019F", "1", MAX_VERSION)
    with pytest.raises(InvalidIdentifier, match="版本号"):
        last.next_version()


def test_a_six_digit_issuer_is_read_but_never_written() -> None:
    old = LicenseIdentifier.parse(GOOD[3])
    assert old.issuer_code == "340100"
    with pytest.raises(InvalidIdentifier, match="6 位行政区划代码"):
        LicenseIdentifier.create(old.type_code, old.issuer_code, old.serial)
    with pytest.raises(InvalidIdentifier, match="6 位行政区划代码"):
        old.next_version()
    with pytest.raises(InvalidIdentifier, match="6 位行政区划代码"):
        LicenseIdentifier.parse(GOOD[3], allow_region_issuer=False)


@pytest.mark.parametrize(
    ("type_code", "issuer_code", "reason"),
    [
        ("11990000MB0000010F001", "11990000MB0000019F", "证照定义机构"),
        ("11990000MB0000019F001", "11990000MB0000010F", "颁发机构"),
    ],
)
def test_a_new_identifier_needs_valid_authorities(type_code: str, issuer_code: str, reason: str) -> None:
    with pytest.raises(InvalidIdentifier, match=reason):
        LicenseIdentifier.create(type_code, issuer_code, "1")


def test_a_serial_that_does_not_fit_the_national_column_is_refused() -> None:
    fixed = len(str(LicenseIdentifier.create("11990000MB0000019F001", "11990000MB0000019F", "1"))) - 1
    longest = "1" * (MAX_LENGTH - fixed)
    assert len(str(LicenseIdentifier.create("11990000MB0000019F001", "11990000MB0000019F", longest))) == MAX_LENGTH
    with pytest.raises(InvalidIdentifier, match="总长"):
        LicenseIdentifier.create("11990000MB0000019F001", "11990000MB0000019F", longest + "1")


@given(identifiers)
def test_what_is_written_is_read_again(identifier: LicenseIdentifier) -> None:
    assert LicenseIdentifier.parse(str(identifier)) == identifier


@given(identifiers)
def test_the_check_character_agrees_with_an_independent_library(identifier: LicenseIdentifier) -> None:
    body = f"{identifier.type_code}{identifier.issuer_code}{identifier.serial}{identifier.version:03d}"
    assert identifier.check_character == oracle.calc_check_digit(body)


@pytest.mark.parametrize("text", GOOD)
def test_every_single_wrong_character_is_found(text: str) -> None:
    for position in range(len(ROOT_OID) + 1, len(text)):
        for character in ALPHANUMERIC + ".":
            if character != text[position]:
                with pytest.raises(InvalidIdentifier):
                    LicenseIdentifier.parse(text[:position] + character + text[position + 1 :])


@pytest.mark.parametrize("text", GOOD)
def test_a_swap_of_neighbours_is_found_unless_the_check_system_is_blind_to_it(text: str) -> None:
    blind = 0
    for position in range(len(text) - 1):
        left, right = text[position], text[position + 1]
        swapped = text[:position] + right + left + text[position + 2 :]
        if left == right:
            continue
        if "." not in left + right and oracle.is_valid(swapped.removeprefix(ROOT_OID).replace(".", "")):
            blind += 1
        else:
            with pytest.raises(InvalidIdentifier):
                LicenseIdentifier.parse(swapped)
    # MOD 37,36 misses 1 swap in 630 (test_identifiers_iso7064.py); one of these examples holds such a pair.
    assert blind == (1 if text == GOOD[4] else 0)


@given(st.text() | st.from_regex(r"1\.2\.156\.3005\.2\.[0-9A-Z.]{0,90}", fullmatch=True))
def test_parse_raises_nothing_but_its_own_error(text: str) -> None:
    with contextlib.suppress(InvalidIdentifier):
        assert str(LicenseIdentifier.parse(text)) == text
