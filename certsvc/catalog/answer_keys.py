"""Keys of a policy, checked against a license type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.type_file import STANDARD_KEYS
from certsvc.identifiers.policy_key import COPY, HOLDER, SCOPE, VALID, field_of, is_question

if TYPE_CHECKING:
    from certsvc.catalog.model import LicenseType

MAX_KEYS = 100
"""Keys of one policy: no type has more fields; stops oversized policies."""


def fault_of(kind: LicenseType, key: str) -> str:
    """What is wrong with ``key`` as one of a policy over ``kind``, in Chinese; empty when nothing is."""
    if key in {COPY, VALID, HOLDER} or key in STANDARD_KEYS or kind.field(key) is not None:
        return ""
    if key.startswith(SCOPE):
        field = field_of(key)
        if field in STANDARD_KEYS or kind.field(field) is not None:
            return ""
        return f"“{key}”所问的“{field}”不是 {kind.slug} 的字段"
    if is_question(key):
        return f"“{key}”不是可用的核验项：{VALID}、{HOLDER}、{SCOPE}字段名"
    return f"“{key}”不是 {kind.slug} 的字段，也不是 {COPY}、{'、'.join(STANDARD_KEYS)}"
