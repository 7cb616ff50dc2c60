"""Which form of an answer a caller is given: proactive negotiation over the Accept header (RFC 9110 §12.5.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certsvc.errors import NotAcceptable

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ACCEPT_LENGTH = 1024
"""Characters; browsers send fewer than 200. Stops headers made to keep the reader busy."""

_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_ANY = "*/*"


def choose(accept: str, available: Sequence[str]) -> str:
    """The media type of ``available`` that ``accept`` weighs highest; of equals the first, and the first for none.

    A range that cannot be read, or whose weight cannot, counts for nothing. Parameters other than ``q`` are ignored:
    none of our forms has any.

    Raises:
        NotAcceptable: none of them will do; the detail names all.
    """
    if not accept.strip():
        return available[0]
    ranges = _ranges(accept) if len(accept) <= MAX_ACCEPT_LENGTH else {}
    best = max(available, key=lambda media: _weight(media, ranges))
    if _weight(best, ranges) <= 0:
        raise NotAcceptable(f"请在 Accept 中写明可用的类型之一：{'、'.join(available)}")
    return best


def _ranges(accept: str) -> dict[str, float]:
    """Range -> weight, in lower case."""
    found: dict[str, float] = {}
    for part in accept.lower().split(","):
        media, *parameters = [piece.strip() for piece in part.split(";")]
        weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        if media and _WEIGHT.fullmatch(weight):
            found[media] = float(weight)
    return found


def _weight(media: str, ranges: dict[str, float]) -> float:
    """The weight of the most specific range that holds ``media``."""
    family = media.partition("/")[0] + "/*"
    return next((ranges[name] for name in (media, family, _ANY) if name in ranges), 0.0)
