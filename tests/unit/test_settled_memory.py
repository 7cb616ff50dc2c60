"""Settling takes what is alive out of the collector's rounds, and what comes later stays in them."""

from __future__ import annotations

import gc
import weakref

from certsvc.cli.memory import ROUNDS, settle_memory


class Knot:
    def __init__(self) -> None:
        self.own = self


def test_what_was_there_is_frozen_and_later_knots_are_still_found() -> None:
    alive: list[list[object]] = [[] for _ in range(1000)]
    before = gc.get_freeze_count()
    rounds = gc.get_threshold()
    try:
        settle_memory()
        assert gc.get_threshold() == ROUNDS
    finally:
        gc.set_threshold(*rounds)
    assert gc.get_freeze_count() >= before + len(alive)
    knot = Knot()
    seen = weakref.ref(knot)
    del knot
    gc.collect()
    assert seen() is None
