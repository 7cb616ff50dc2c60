"""What every test may use."""

from __future__ import annotations

import gc
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from certsvc.cli.logs import configure_logs

configure_logs("ERROR")

# How long an example takes on a busy machine says nothing of the code; what must be quick is measured in CPU time.
settings.register_profile("certsvc", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("certsvc")

pytest_plugins = ["fixtures_store", "fixtures_city", "evidence_guard", "warm_city"]


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The top of the checkout."""
    return Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--chaos``: the counts of RELIABILITY.md C1 instead of small ones; ``--rows``: of the backfill alone."""
    parser.addoption("--chaos", action="store_true", help="full counts in tests/chaos")
    parser.addoption("--rows", type=int, default=0, help="rows of the backfill in tests/chaos/test_backfill.py")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist chooses a distribution that splits modules
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Where there are several processes, each is given whole groups, also when ``--dist`` was not typed."""
    if config.getoption("numprocesses", None) and config.option.dist == "no":
        config.option.dist = "loadgroup"


def pytest_configure(config: pytest.Config) -> None:
    """Full counts take their time."""
    if config.getoption("--chaos"):
        config.option.timeout = 4 * 3600


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collecting makes lives until the end: nobody looks for garbage in it, then or during the tests.

    Ten thousand tests with their modules are a million objects; a collector that walks them all at each of its full
    rounds takes a quarter of the collection.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares a fixture of its module runs in one worker process, so that the fixture is made once and not twice.

    Tests that name a group of their own stay in it.
    """
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("xdist_group") is None:
            made = [one for found in item._fixtureinfo.name2fixturedefs.values() for one in found]
            if any(one.scope == "module" for one in made):
                item.add_marker(pytest.mark.xdist_group(item.path.stem))
