"""Every package that comes with the product has a licence of the list, and the bill of materials is the lock's."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from certsvc.cli.sbom import bill_of_materials

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).resolve().parents[2]
LIST: dict[str, Any] = tomllib.loads((ROOT / "tests/architecture/licences.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PAGES: dict[str, Any] = json.loads((ROOT / "certsvc/web/ui/package-lock.json").read_text(encoding="utf-8"))
PINNED = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", LOCK, re.MULTILINE)
SPELT = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "BSD License": "BSD",
    "3-Clause BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""How packages from before SPDX say it."""


def python_licence(name: str) -> str:
    """What the package says: its expression, else its free text, else its classifiers; empty where it says nothing."""
    told = cast("Message", metadata(name))
    said = told.get("License-Expression") or (told.get("License") or "").strip()
    if not said:
        classed = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or () if one.startswith("License")]
        said = " AND ".join(SPELT.get(one, one) for one in classed)
    return SPELT.get(said, said)


def licences() -> dict[str, str]:
    """By package; what does not install on this platform is left out, npm's are those of the built pages."""
    found = {}
    for name, _ in PINNED:
        try:
            found[name.lower()] = python_licence(name)
        except PackageNotFoundError:
            continue
    for place, one in PAGES["packages"].items():
        if place and not one.get("dev"):
            found[place.rpartition("node_modules/")[2]] = str(one.get("license", ""))
    return found


def is_allowed(expression: str, besides: str = "") -> bool:
    """Whether an SPDX expression can be met: of what is joined by OR one, of what is joined by AND all."""
    text = expression.strip()
    while text.startswith("(") and text.endswith(")") and _closes_at_end(text):
        text = text[1:-1].strip()
    for word, met in ((" AND ", all), (" OR ", any)):
        parts = _split(text, word)
        if len(parts) > 1:
            return met(is_allowed(part, besides) for part in parts)
    return text in LIST["allowed"] or (bool(text) and text == besides)


def _closes_at_end(text: str) -> bool:
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at == len(text) - 1
    return False


def _split(text: str, word: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and text.startswith(word, at):
            parts.append(text[start:at])
            start = at + len(word)
    return [*parts, text[start:]]


@pytest.mark.parametrize(("name", "said"), sorted(licences().items()))
def test_every_licence_is_of_the_list(name: str, said: str) -> None:
    assert is_allowed(said, LIST["excepted"].get(name, {}).get("licence", "")), f"{name}: {said or 'says none'}"


def test_enough_was_read_and_every_exception_is_needed_and_has_a_reason() -> None:
    found = licences()
    assert len(found) > 100
    for name, one in LIST["excepted"].items():
        assert re.search(r"[\u4e00-\u9fff]{2}", one["why"]), name
        assert not is_allowed(found[name]), f"{name} needs no exception"
        assert one["licence"] in found[name], name


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND ISC", True),
        ("MIT OR (GPL-3.0-only AND ISC)", True),
        ("(GPL-3.0-only OR AGPL-3.0-only) AND MIT", False),
        ("AGPL-3.0-only", False),
        ("LGPL-3.0-only", False),
        ("", False),
        ("Proprietary", False),
    ],
)
def test_an_expression_is_read_as_spdx_says(expression: str, *, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


def test_the_bill_of_materials_names_exactly_what_the_locks_pin() -> None:
    named = {
        one["name"]: one["version"] for one in bill_of_materials(LOCK, PAGES)["components"] if "pypi" in one["purl"]
    }
    assert named == {name.lower().replace("_", "-"): version for name, version in PINNED}
    pages = {one["purl"] for one in bill_of_materials(LOCK, PAGES)["components"] if "pkg:npm" in one["purl"]}
    wanted = {
        f"pkg:npm/{place.rpartition('node_modules/')[2].replace('@', '%40')}@{one['version']}"
        for place, one in PAGES["packages"].items()
        if place and not any(one.get(flag) for flag in ("dev", "optional", "devOptional", "peer"))
    }
    assert pages == wanted
    assert len(pages) > 10
