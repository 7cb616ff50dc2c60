"""What the tests of faults share."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """How often: few times by default, the full count with ``--chaos`` (``make chaos``)."""
    full = bool(request.config.getoption("--chaos"))
    return lambda few, many: many if full else few
