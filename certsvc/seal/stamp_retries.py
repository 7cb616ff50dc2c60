"""What a file of a batch that was not stamped waits for, and for how long: one table, no I/O.

* A limit per minute and a checker without free workers pass by themselves: the file waits, longer every time, and is
  taken up again by whichever process is there. After :data:`MAX_TRIES` it ends like the others.
* A seal that was re-made meanwhile, a day's budget, a stop or an hour are somebody's business: the file ends with the
  reason, its bytes are kept for :data:`KEPT`, and the same batch can be run again for it.
* A fault of the file itself ends it for good: the same bytes would be refused again.
"""

from __future__ import annotations

from datetime import timedelta

from certsvc.seal.use import Against

MAX_TRIES = 40
"""Tries of one file; with :data:`MAX_WAIT` some six hours, in which two hundred files pass one per minute."""

FIRST_WAIT = timedelta(seconds=15)
MAX_WAIT = timedelta(minutes=10)

KEPT = timedelta(days=3)
"""How long the bytes of a file that may be run again are kept: over a weekend, and no longer."""

CANNOT_CHECK_NOW = "cannot_check_now"
UNAVAILABLE = "unavailable"
INTERNAL = "internal"
SIGNING = "signing"

SEAL = "seal_"
"""Before a word of :class:`~certsvc.seal.use.Against`: what spoke against the use of the seal."""

PASSING: frozenset[str] = frozenset({SEAL + Against.RATE.value, CANNOT_CHECK_NOW, UNAVAILABLE})


def passes(code: str) -> bool:
    """Whether this passes by itself, so that the file waits."""
    return code in PASSING


def may_run_again(code: str) -> bool:
    """Whether the same file may be stamped when somebody asks for it again."""
    return code in PASSING | {INTERNAL, SIGNING} or code.startswith(SEAL)


def wait_after(tries: int) -> timedelta:
    """How long a file waits after its try of this number (from 1)."""
    doublings = min(max(tries - 1, 0), 10)
    return min(FIRST_WAIT * (1 << doublings), MAX_WAIT)
