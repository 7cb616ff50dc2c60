"""The bill of materials: CycloneDX, whole, the same twice, and true for what is installed."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from certsvc.cli.sbom import bill_of_materials, write_sbom
from certsvc.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
PAGES = ROOT / "certsvc" / "web" / "ui" / "package-lock.json"


@pytest.fixture(scope="module")
def bom(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    write_sbom(LOCK, PAGES, out)
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def test_it_has_what_cyclonedx_1_6_requires(bom: dict[str, Any]) -> None:
    assert (bom["bomFormat"], bom["specVersion"], bom["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bom["serialNumber"])
    refs = [one["bom-ref"] for one in bom["components"]]
    assert len(refs) == len(set(refs)), "every reference is unique"
    for one in [bom["metadata"]["component"], *bom["components"]]:
        assert one["type"] in {"application", "library"}
        assert re.fullmatch(r"pkg:(pypi|npm|generic)/[^@\s]+@\S+", one["purl"]), one
        assert all(re.fullmatch(r"[0-9a-f]{128}", digest["content"]) for digest in one.get("hashes", ()))
    known = {*refs, bom["metadata"]["component"]["bom-ref"]}
    assert {one["ref"] for one in bom["dependencies"]} == known
    assert {ref for one in bom["dependencies"] for ref in one["dependsOn"]} <= known


def test_it_names_every_package_of_the_locks_and_nothing_that_tests_need(bom: dict[str, Any]) -> None:
    pinned = {line.split("==")[0].lower() for line in LOCK.read_text().splitlines() if re.match(r"\S+==", line)}
    named = {one["name"]: one for one in bom["components"]}
    assert len(pinned) > 40
    assert {re.sub(r"\[.*", "", name) for name in pinned} <= named.keys()
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert {re.split(r"[\[>=;]", one)[0].lower() for one in wanted} <= named.keys()
    assert not {"pytest", "playwright", "schemathesis", "vite", "typescript"} & named.keys()
    assert "vue" in named


def test_its_versions_are_those_that_run_here(bom: dict[str, Any]) -> None:
    compared = 0
    for one in bom["components"]:
        if one["purl"].startswith("pkg:pypi/"):
            try:
                installed = version(one["name"])
            except PackageNotFoundError:  # of another platform, or an extra
                continue
            assert installed == one["version"], one["name"]
            compared += 1
    assert compared > 40


def test_the_same_locks_give_the_same_bytes(bom: dict[str, Any]) -> None:
    again = bill_of_materials(LOCK.read_text(encoding="utf-8"), json.loads(PAGES.read_text(encoding="utf-8")))
    assert again == bom
    other = bill_of_materials("fastapi==9.9.9\n", json.loads(PAGES.read_text(encoding="utf-8")))
    assert other["serialNumber"] != bom["serialNumber"]


def test_what_is_no_lock_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        bill_of_materials("# nothing is pinned here\nfastapi>=1\n", {})
