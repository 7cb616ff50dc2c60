"""What co-holders and delegates read of every type: nothing by which the holder is known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from store_records import T0, make_version

from certsvc.catalog.loader import Catalog, load_catalog
from certsvc.catalog.validation import validate_part
from certsvc.commands.showing.create_show import seen_before
from certsvc.commands.showing.rights import Right, own_part
from certsvc.commands.showing.values import scene_fields
from certsvc.errors import InvalidInput
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.model import Holder
from certsvc.license.relations import CoHolder
from certsvc.license.uses import ShowBasis


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


def test_a_delegate_reads_no_id_number_before_showing(catalog: Catalog) -> None:
    given: Any = SimpleNamespace(delegate=Holder(name="代示例", code="", code_type="111"))
    told = 0
    for kind in catalog.types:
        sample = catalog.sample(kind.slug)
        if HolderCodeType.of(sample["holder_code_type"]).is_organisation:
            continue  # its code is public
        me = Holder(name=sample["holder_name"], code=sample["holder_code"], code_type=sample["holder_code_type"])
        number = f"T{me.code}" if kind.number_embeds_id else "示〔2026〕1号"
        version = make_version(type_slug=kind.slug, holder=me, number=number, data=dict(sample["data"]))
        own = Right(basis=ShowBasis.OWN, version=version)
        for scene in kind.scenes:
            seen = seen_before(kind, replace(own, basis=ShowBasis.DELEGATION, delegation=given), scene)
            assert [one.key for one in seen] == [one.key for one in seen_before(kind, own, scene)]
            assert me.code not in str(seen), (kind.slug, scene.code)
            told += me.code in str(seen_before(kind, own, scene))
    assert told > 10


def test_the_own_part_is_held_to_the_rules_of_its_fields(catalog: Catalog) -> None:
    kind = next(kind for kind in catalog.types if any(spec.kind.value == "date" for spec in kind.fields))
    key = next(spec.key for spec in kind.fields if spec.kind.value == "date")
    assert validate_part(kind, {key: "2020-02-29"}) == {key: "2020-02-29"}
    for data in ({key: "二〇二〇年"}, {"no_such": "x"}):
        with pytest.raises(InvalidInput) as refused:
            validate_part(kind, data)
        [problem] = refused.value.problems
        assert problem.pointer == f"/data/{next(iter(data))}"
