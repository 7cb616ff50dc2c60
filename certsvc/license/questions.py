"""Questions that are answered with yes, no or unknown (数据核验), and the keys by which a policy allows them.

``?valid`` is implied wherever anything of a type is allowed. ``?scope:<field>`` is implied for a field that may be read
itself, else it is listed. ``?holder`` is asked only where it is listed: it would tell whose a number is.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.identifiers.policy_key import ANSWER, SCOPE, VALID, field_of

if TYPE_CHECKING:
    from collections.abc import Collection

MIN_TERM = 2
"""Characters of a term after normalisation: one alone would spell out a field letter by letter."""
MAX_TERM = 40
_BETWEEN = re.compile(r"[、,;。|\n]+")
_WHITE = re.compile(r"\s+")


class Ask(StrEnum):
    """What is asked."""

    VALID = "valid"
    SCOPE = "scope"
    HOLDER = "holder"


class Answer(StrEnum):
    """What is answered; ``unknown`` also where there is no such license, or none that may be told of."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


ANSWER_ZH: dict[str, str] = {Answer.YES: "是", Answer.NO: "否", Answer.UNKNOWN: "无法确认"}


def question_key(ask: Ask, field: str = "") -> str:
    """The key of a question in policies, grants and ledgers."""
    return f"{SCOPE}{field}" if ask is Ask.SCOPE else f"{ANSWER}{ask.value}"


def may_ask(key: str, allowed: Collection[str]) -> bool:
    """Whether a question is among what is allowed, or implied by it."""
    if key in allowed:
        return True
    if key == VALID:
        return bool(allowed)
    return key.startswith(SCOPE) and field_of(key) in allowed


def normal(text: str) -> str:
    """NFKC without white space: full-width and half-width forms are the same."""
    return _WHITE.sub("", unicodedata.normalize("NFKC", text))


def contains(value: str, term: str) -> bool:
    """Whether one of the items of a field equals the term or begins with it, both normalised.

    Items are what stands between 、 , ; 。 and line ends, so ``热食`` finds ``热食类食品制售`` and not ``非热食``.
    """
    wanted = normal(term)
    items = _BETWEEN.split(unicodedata.normalize("NFKC", value))
    return any(normal(item).startswith(wanted) for item in items) if wanted else False
