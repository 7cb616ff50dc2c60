"""Samples for other holders: valid codes, no two alike, nothing else changed."""

from __future__ import annotations

import pytest

from certsvc.catalog.loader import load_catalog
from certsvc.cli.samples import for_another, sample_body
from certsvc.errors import InvalidInput
from certsvc.identifiers.uscc import Uscc


def test_another_company_has_a_code_of_its_own_that_is_one() -> None:
    body = sample_body(load_catalog(), "business_license", "NO-1")
    made = [for_another(body, number) for number in (2, 3, 4, 5, 999_999)]
    codes = {one["holder"]["code"] for one in made}
    assert len(codes | {body["holder"]["code"]}) == len(made) + 1
    for one in made:
        assert str(Uscc.parse(one["holder"]["code"])) == one["number"] == one["holder"]["code"]
        assert one["data"] == body["data"]
        assert one["holder"]["name"] == body["holder"]["name"]


def test_a_person_is_not_made_up() -> None:
    with pytest.raises(InvalidInput):
        for_another(sample_body(load_catalog(), "tour_guide", "NO-1"), 2)
