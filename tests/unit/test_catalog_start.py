"""``certsvc catalog start`` writes a catalog that production takes, ``catalog sample`` a request that fits it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from certsvc.catalog.loader import load_catalog
from certsvc.cli.catalog_start import write_start
from certsvc.cli.commands import app
from certsvc.errors import ConfigurationError, InvalidInput, UnknownLicenseType

TYPE = "business_license"


def test_a_start_is_a_catalog_outside_region_99_that_seals_with_sm2(tmp_path: Path) -> None:
    target = tmp_path / "catalog"
    said = CliRunner().invoke(app, ["catalog", "start", str(target), "--province", "33", "--type", TYPE])
    assert said.exit_code == 0, said.output
    assert TYPE in said.output
    assert "certsvc catalog check" in said.output
    catalog = load_catalog(target)
    [kind] = catalog.types
    assert [step.format for step in kind.signature_plan] == ["sm2-cms"]
    assert {one.region[:2] for one in catalog.authorities} == {"33"}
    assert not {code for code in (kind.definer_code, *kind.issuers) if code[2:4] == "99"}
    config = {"CERTSVC_PROFILE": "sandbox", "CERTSVC_CATALOG_DIR": str(target)}
    sample = CliRunner().invoke(app, ["catalog", "sample", TYPE, "--business-no", "NO-1"], env=config)
    assert sample.exit_code == 0, sample.output
    body = json.loads(sample.output)
    assert (body["type"], body["business_no"], body["authority_code"]) == (TYPE, "NO-1", kind.issuers[0])


def test_what_a_type_stands_on_comes_with_it(tmp_path: Path) -> None:
    slugs = write_start(tmp_path / "catalog", "45", ["travel_agency"])
    assert slugs == [TYPE, "tour_guide", "travel_agency"], "its matter looks at the licenses of guides"
    assert set(load_catalog(tmp_path / "catalog").type("travel_agency").depends_on) <= set(slugs)


def test_a_start_overwrites_nothing_and_tells_what_it_does_not_know(tmp_path: Path) -> None:
    for province in ("99", "330000", "浙"):
        with pytest.raises(InvalidInput, match="33"):
            write_start(tmp_path / "catalog", province, [TYPE])
    with pytest.raises(UnknownLicenseType):
        write_start(tmp_path / "catalog", "33", ["no_such_type"])
    (tmp_path / "catalog").mkdir()
    with pytest.raises(ConfigurationError, match="不会覆盖"):
        write_start(tmp_path / "catalog", "33", [TYPE])
    assert not list((tmp_path / "catalog").iterdir())
