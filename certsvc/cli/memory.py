"""What a process keeps until its end is taken out of the garbage collector's rounds."""

from __future__ import annotations

import gc

ROUNDS = (20_000, 20, 50)
"""New objects before the youngest are looked at, and rounds of each age before the next older one's: a piece of work
for twenty callers holds some ten thousand objects until it ends, and Python's 700 had them looked at over and over.
What is in no circle is freed at once all the same."""


def settle_memory() -> None:
    """Call once, when everything that stays is loaded: catalog, routes, fonts, tables, keys.

    A full round of the collector looks at every object alive, about a quarter of a second of CPU here, and comes each
    time that a quarter as many objects again have lived for a while: in a batch of a hundred licenses once or twice.
    What was there at the start is never garbage before the end, so no round needs to look at it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*ROUNDS)
