"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from certsvc.cli.logs import configure_logs

configure_logs("ERROR")

pytest_plugins = ["fixtures_store", "fixtures_city", "evidence_guard", "warm_city"]


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The top of the checkout."""
    return Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--chaos``: the counts of RELIABILITY.md C1 instead of small ones; ``--rows``: of the backfill alone."""
    parser.addoption("--chaos", action="store_true", help="full counts in tests/chaos")
    parser.addoption("--rows", type=int, default=0, help="rows of the backfill in tests/chaos/test_backfill.py")


def pytest_configure(config: pytest.Config) -> None:
    """Full counts take their time."""
    if config.getoption("--chaos"):
        config.option.timeout = 4 * 3600
