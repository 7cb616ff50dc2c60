"""Parts of a round: one that fails stops none of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import structlog

from certsvc.errors import CertsvcError

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger("certsvc.supervision")

_Found = TypeVar("_Found")


def uncounted(_: str) -> None:
    """Where nobody counts errors."""


def part(name: str, once: Callable[[], _Found], otherwise: _Found, troubled: Callable[[str], object]) -> _Found:
    """What ``once`` finds; ``otherwise`` when it fails, which is logged and counted by its code."""
    try:
        return once()
    except CertsvcError as error:
        troubled(error.code)
        log.warning("a part of the round waits", action="supervision.part", part=name, reason=error.code)
    except Exception:
        troubled("crashed")
        log.exception("a part of the round failed", action="supervision.part", part=name)
    return otherwise
