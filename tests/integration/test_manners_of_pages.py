"""DOMAIN.md 6 where it takes a service: production issues nothing of the sandbox, samples say what they are."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_city import ServedCity

from certsvc.commands.issuance.body import parse_issuance
from certsvc.commands.issuance.payload import build_payload
from certsvc.errors import InvalidInput

SLUG = "food_operation"


@pytest.mark.parametrize("region", ["990000", "990101", ""])
def test_production_issues_nothing_for_regions_of_the_sandbox(small_city: ServedCity, region: str) -> None:
    deps = small_city.service.deps
    strict = replace(deps, policy=replace(deps.policy, sandbox=False))
    body = parse_issuance(small_city.body(SLUG, "P-1", region=region))
    assert build_payload(deps, body).region.startswith("99")
    with pytest.raises(InvalidInput) as refused:
        build_payload(strict, body)
    assert ("/region", "sandbox_region") in {(problem.pointer, problem.code) for problem in refused.value.problems}


@pytest.mark.parametrize("slug", ["acceptance_notice", "driving_license", "business_license"])
def test_every_sealed_page_of_the_sandbox_says_sample_across_and_bears_the_owners_name_only(
    small_city: ServedCity, tmp_path: Path, slug: str
) -> None:
    city = small_city
    done = city.issue(slug, "P-2")
    path = tmp_path / "page.pdf"
    path.write_bytes(city.file(done["identifier"]))
    text = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout
    assert "样本仅供测试不具有法律效力" in "".join(text.split())
    seal_id = city.catalog.authority(city.catalog.sample(slug)["issuer_code"]).seal_id
    with city.service.deps.uow.read() as tx:
        seal = tx.seals.by_id(seal_id)
    assert seal is not None
    assert seal.stamp.ring_text == seal.owner_name
    assert seal.stamp.ring_text.startswith("示例")
