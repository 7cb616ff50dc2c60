"""What lines of figures are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.catalog.quality import DEFECT_ZH, Defect
from certsvc.commands.sharing.policy import matter_name
from certsvc.license.figures import By
from certsvc.license.ratings import MARK_ZH

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps

WITHOUT_ZH = "未注明"


def line_name(deps: Deps, by: By, key: str) -> str:
    """The name of one line in Chinese; its key when nobody knows it any more."""
    if not key:
        return WITHOUT_ZH
    if by is By.TYPE:
        return type_name(deps, key)
    if by is By.MATTER:
        return matter_name(deps, key)
    if by is By.SCENE:
        return next((scene.name for kind in deps.catalog.types if (scene := kind.scene(key)) is not None), key)
    if by is By.DEFECT:
        slug, _, defect = key.partition(":")
        return f"{type_name(deps, slug)}：{DEFECT_ZH[Defect(defect)]}"
    return MARK_ZH.get(int(key), key)


def type_name(deps: Deps, slug: str) -> str:
    """The name of a license type, or its slug."""
    return next((kind.name for kind in deps.catalog.types if kind.slug == slug), slug or WITHOUT_ZH)
