"""Keys by which a policy (用证策略) says what a matter may ask for: fields by their name, the copy, and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

COPY = "*copy"
"""The whole file may leave, as an annotated copy (加注件)."""
ANSWER = "?"
"""How the key of an answer begins: nothing of the license leaves but yes or no."""
VALID = "?valid"
"""Valid on a date; implied wherever anything of the type is allowed, written out where nothing else is."""
HOLDER = "?holder"
"""The holder is this person."""
SCOPE = "?scope:"
"""Followed by a field that may be asked whether it contains a term."""

_QUESTIONS_ZH = {VALID: "是否有效（只答是或否）", HOLDER: "是否为持证人（只答是或否）"}


def is_question(key: str) -> bool:
    """Whether a key stands for an answer and not for a field or the file."""
    return key.startswith(ANSWER)


def readable(keys: Sequence[str]) -> tuple[str, ...]:
    """Those of ``keys`` under which something of the license leaves: fields and the copy, not the answers."""
    return tuple(key for key in keys if not is_question(key))


def field_of(key: str) -> str:
    """The field that a key is about, itself where it is one."""
    return key.removeprefix(SCOPE)


def key_zh(key: str, field_name: str) -> str:
    """A key in words; ``field_name`` is what :func:`field_of` is called."""
    if key in _QUESTIONS_ZH:
        return _QUESTIONS_ZH[key]
    return f"“{field_name}”是否包含某内容（只答是或否）" if key.startswith(SCOPE) else field_name
