"""Names of types and fields for a device without network, Chinese and English.

The catalog has no English names: types and fields are called in English what their keys say, for which the keys were
chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certsvc.commands.showing.values import BUILT_IN

if TYPE_CHECKING:
    from certsvc.catalog.model import LicenseType


def type_labels(kind: LicenseType) -> dict[str, Any]:
    """The type, its fields, and whether the physical card is needed before something is taken away."""
    fields = {**BUILT_IN, **{spec.key: spec.name for spec in kind.fields}}
    return {
        "type": kind.slug,
        "zh": kind.name,
        "en": english_of(kind.slug),
        "card_before_detention": kind.paper.card_before_detention,
        "fields": {key: [zh, english_of(key)] for key, zh in fields.items()},
    }


def english_of(key: str) -> str:
    """``tour_guide`` as ``Tour guide``."""
    return key.replace("_", " ").capitalize()
