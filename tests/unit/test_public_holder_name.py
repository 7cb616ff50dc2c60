"""What anyone sees of a holder's name: a firm's in full where the type says so, a person's never."""

from __future__ import annotations

import pytest
from store_records import make_version

from certsvc.catalog.loader import load_catalog
from certsvc.commands.verifying.facts import masked_holder
from certsvc.license.model import Holder

FIRM = Holder(name="示例货运有限公司", code_type="001", code="91990000MA00001705")
PERSON = Holder(name="示例明", code_type="111", code="990000199003070018")


@pytest.mark.parametrize(
    ("slug", "holder", "shown"),
    [
        ("vehicle_license", FIRM, "示例货运有限公司"),
        ("vehicle_license", PERSON, "示*"),
        ("driving_license", PERSON, "示*"),
    ],
)
def test_a_persons_name_is_masked_for_everyone(slug: str, holder: Holder, shown: str) -> None:
    version = make_version(type_slug=slug, holder=holder)
    assert masked_holder(load_catalog().type(slug), version) == shown
