"""Keys of a policy: fields, the copy, and answers (yes or no), checked against a license type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.type_file import STANDARD_KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.catalog.model import LicenseType

COPY = "*copy"
"""The whole file may leave, as an annotated copy (加注件)."""
ANSWER = "?"
"""How the key of an answer begins: nothing of the license leaves but yes or no."""
VALID = "?valid"
"""Valid on a date; implied wherever anything of the type is allowed, written out where nothing else is."""
HOLDER = "?holder"
"""The holder is this person."""
SCOPE = "?scope:"
"""Followed by a field that may not be read but may be asked whether it contains a term."""
MAX_KEYS = 100
"""Keys of one policy: no type has more fields; stops oversized policies."""


def fault_of(kind: LicenseType, key: str) -> str:
    """What is wrong with ``key`` as one of a policy over ``kind``, in Chinese; empty when nothing is."""
    if key in {COPY, VALID, HOLDER} or key in STANDARD_KEYS or kind.field(key) is not None:
        return ""
    if key.startswith(SCOPE):
        field = key.removeprefix(SCOPE)
        if field in STANDARD_KEYS or kind.field(field) is not None:
            return ""
        return f"“{key}”所问的“{field}”不是 {kind.slug} 的字段"
    if key.startswith(ANSWER):
        return f"“{key}”不是可用的核验项：{VALID}、{HOLDER}、{SCOPE}字段名"
    return f"“{key}”不是 {kind.slug} 的字段，也不是 {COPY}、{'、'.join(STANDARD_KEYS)}"


def readable(keys: Sequence[str]) -> tuple[str, ...]:
    """Those of ``keys`` under which something of the license leaves: fields and the copy, not the answers."""
    return tuple(key for key in keys if not key.startswith(ANSWER))
