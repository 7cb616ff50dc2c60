"""A build from before a page was there is none: the pages say so instead of failing (``web/built.py``)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import certsvc.web.built as web_built
from certsvc.web.built import BUILT_PAGES, MISSING_BUILD_ZH, entry_of


@pytest.mark.parametrize("missing", [*(spec.name for spec in BUILT_PAGES), ""])
def test_a_build_without_one_of_the_pages_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    (tmp_path / "assets").mkdir()
    manifest = {entry_of(spec.name): {"file": "assets/x.js"} for spec in BUILT_PAGES if spec.name != missing}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    monkeypatch.setattr(web_built, "BUILT_DIR", tmp_path)
    found = web_built.load_built.__wrapped__()
    assert (found is None) is (missing != "")


def test_the_message_names_every_page() -> None:
    assert all(f"/{spec.name}" in MISSING_BUILD_ZH for spec in BUILT_PAGES)
