"""Whether some order of single calls explains a history of concurrent ones (Herlihy and Wing 1990, §2)."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

StateT = TypeVar("StateT")


@dataclass(frozen=True)
class Call:
    """One call of a client: what was asked, what was answered, and between which two moments.

    Attributes:
        began, ended: ``time.monotonic``; the effect came at one moment between them.
    """

    asked: str
    answered: Any
    began: float
    ended: float


def timed(asked: str, ask: Callable[[], Any]) -> Call:
    """Make the call ``asked`` and note it."""
    began = time.monotonic()
    answered = ask()
    return Call(asked, answered, began, time.monotonic())


def is_linearizable(calls: Sequence[Call], first: StateT, step: Callable[[StateT, Call], StateT | None]) -> bool:
    """Whether some order of ``calls`` keeps who came after whom and makes every answer right.

    Args:
        calls: at most some thirty.
        first: the state before the first call; hashable, as every state.
        step: the state after a call that is answered so in a state, or None if it would not be.
    """
    everything = frozenset(range(len(calls)))
    seen = {(everything, first)}
    waiting = [(everything, first)]
    while waiting:
        left, state = waiting.pop()
        if not left:
            return True
        earliest_end = min(calls[at].ended for at in left)
        for at in left:
            # What began after another had ended cannot come before it.
            if calls[at].began > earliest_end:
                continue
            after = step(state, calls[at])
            if after is not None and (nxt := (left - {at}, after)) not in seen:
                seen.add(nxt)
                waiting.append(nxt)
    return False


def told(calls: Sequence[Call]) -> str:
    """The history as lines, by the moment each call began: what a failing test prints."""
    ordered = sorted(calls, key=lambda call: call.began)
    start = ordered[0].began
    counter = itertools.count(1)
    return "\n".join(
        f"{next(counter):2} {(c.began - start) * 1000:7.1f} to {(c.ended - start) * 1000:7.1f} ms"
        f"  {c.asked} -> {c.answered}"
        for c in ordered
    )
