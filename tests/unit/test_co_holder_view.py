"""What a co-holder shows, of every type: the own part, and nothing by which the first holder is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from store_records import T0, make_version

from certsvc.catalog.loader import Catalog, load_catalog
from certsvc.catalog.validation import validate_part
from certsvc.commands.showing.rights import own_part
from certsvc.commands.showing.values import scene_fields
from certsvc.errors import InvalidInput
from certsvc.license.model import Holder
from certsvc.license.relations import CoHolder


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def test_no_scene_of_any_type_tells_the_first_holders_number(catalog: Catalog) -> None:
    deps = cast("Any", SimpleNamespace(catalog=catalog))
    other = CoHolder(
        co_holder_id="coh_1",
        license_id="lic_000001",
        holder=Holder(name="偶示例", code="990101198606060335", code_type="111"),
        data={},
        added_at=T0,
    )
    seen = 0
    for kind in catalog.types:
        sample = catalog.sample(kind.slug)
        first = Holder(name=sample["holder_name"], code=sample["holder_code"], code_type=sample["holder_code_type"])
        number = f"T{first.code}" if kind.number_embeds_id else "示〔2026〕1号"
        version = make_version(type_slug=kind.slug, holder=first, number=number, data=dict(sample["data"]))
        view = own_part(deps, other, version).version
        for scene in kind.scenes:
            seen += 1
            assert first.code not in str(scene_fields(kind, view, scene)), (kind.slug, scene.code)
    assert seen > 30


def test_the_own_part_is_held_to_the_rules_of_its_fields(catalog: Catalog) -> None:
    kind = next(kind for kind in catalog.types if any(spec.kind.value == "date" for spec in kind.fields))
    key = next(spec.key for spec in kind.fields if spec.kind.value == "date")
    assert validate_part(kind, {key: "2020-02-29"}) == {key: "2020-02-29"}
    for data in ({key: "二〇二〇年"}, {"no_such": "x"}):
        with pytest.raises(InvalidInput) as refused:
            validate_part(kind, data)
        [problem] = refused.value.problems
        assert problem.pointer == f"/data/{next(iter(data))}"
