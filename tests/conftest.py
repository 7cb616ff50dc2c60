"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from certsvc.cli.logs import configure_logs

configure_logs("ERROR")

pytest_plugins = ["fixtures_store", "fixtures_city"]


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The top of the checkout."""
    return Path(__file__).resolve().parents[1]
