"""How a kind of 电子材料 is named where types of licenses are: in policies, in the ledger and in alerts."""

from __future__ import annotations

import re
from typing import Final

PREFIX: Final = "material:"
"""Before the code of the kind; no slug of a license type has a colon."""
CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
"""Codes of kinds, chosen by the body that registers them."""
ID_PREFIX: Final = "mat_"
"""How the id of a 电子材料 begins; neither a 证照标识 nor the id of a version does."""


def slug_of(code: str) -> str:
    """``material:<code>``."""
    return PREFIX + code


def is_material(slug: str) -> bool:
    """Whether a name stands for a kind of material, known or not."""
    return slug.startswith(PREFIX)


def is_material_id(subject: str) -> bool:
    """Whether what was used is a 电子材料 and not a license."""
    return subject.startswith(ID_PREFIX)
