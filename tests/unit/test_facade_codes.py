"""Every error has a code in every facade; what is written to logs holds no capability."""

from __future__ import annotations

import inspect

import pytest

from certsvc import errors
from certsvc.api.facades.codes import TABLES, code_of
from certsvc.api.facades.names import value_of
from certsvc.cli.logs import redact
from certsvc.commands.facades.compare import InfoResult, info_of, plain
from certsvc.errors import FieldProblem
from certsvc.license.facades import FacadeName

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, errors.CertsvcError)]
KNOWN = {
    FacadeName.GB_36906: {str(n) for n in range(1, 18)},
    FacadeName.CERT_SHARE: {"2", "10", "11", "12", "13", "21", "22", "23", "99", "100", "101", "102", "103"}
    | {str(n) for n in range(105, 114)},
}


@pytest.mark.parametrize("facade", FacadeName)
def test_every_error_class_has_a_row(facade: FacadeName) -> None:
    rows = [cls for cls, _ in TABLES[facade]]
    assert set(CLASSES) <= set(rows)
    assert len(rows) == len(set(rows))
    codes = {code for _, code in TABLES[facade]}
    assert codes <= KNOWN.get(facade, codes), "only codes that the standard has"


def test_what_is_missing_has_a_code_of_its_own() -> None:
    problem = FieldProblem(pointer="/bjbh", code="missing", detail="x")
    found = {facade: code_of(facade, errors.InvalidInput("x", problems=(problem,))) for facade in FacadeName}
    assert found == {FacadeName.GB_36906: "5", FacadeName.CERT_SHARE: "12", FacadeName.APP: "PARAM_MISSING"}


def test_a_capability_or_token_in_an_address_is_masked_whoever_logs_it() -> None:
    line = (
        'GET /zzgxpt/download?id=PLANTEDPLANTED HTTP/1.1 "x?a=1&fid=PLANTED2" /license-app/v1/x?access_token=PLANTED3'
    )
    found = redact(line)
    assert "PLANTED" not in found
    assert "/zzgxpt/download?id=<masked>" in found
    assert redact("/v1/events?after=7&limit=9") == "/v1/events?after=7&limit=9"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2030年12月31日", "20301231"),
        ("2030-12-31", "2030年12月31日"),
        ("2030/1/2", "20300102"),
        ("长期", "9999-12-30"),
        ("ＪＹ１２３", "JY123"),
        ("热食类 食品", "热食类食品"),
    ],
)
def test_two_spellings_of_a_value_are_one(one: str, other: str) -> None:
    assert plain(one) == plain(other)


def test_other_values_stay_apart_and_days_are_written_as_the_standard_does() -> None:
    assert plain("") != plain("长期")
    assert plain("20301231") != plain("20301230")
    assert (value_of("2030年1月2日"), value_of("长期")) == ("20300102", "长期")


@pytest.mark.parametrize(
    ("state", "expected"),
    [("suspended", 2), ("not_yet_valid", 1), ("expired", 3), ("revoked", 3), ("superseded", 3), ("provisional", 3)],
)
def test_a_standing_that_is_not_good_has_its_code(state: str, expected: int) -> None:
    assert info_of(state, good=False) == expected
    assert info_of(state, good=True) is InfoResult.VALID
