"""Other forms of a license than its sealed file: its face as data, and a picture of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.issuance.page import face_values

if TYPE_CHECKING:
    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing

_FIELD = "field:"


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceLine:
    """One item of the face: its printed label (empty for none), its key and the text as printed."""

    label: str
    key: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseFace:
    """What the face of a license says, and how the license stands."""

    version: LicenseVersion
    kind: LicenseType
    standing: Standing
    lines: tuple[FaceLine, ...]


def face_of(deps: Deps, version: LicenseVersion, standing: Standing) -> LicenseFace:
    """The face items in their order, under the masks of the face: nothing here that the page does not show."""
    kind = deps.catalog.type(version.type_slug)
    values = face_values(kind, version, version, version.issuer_name, (version.valid_from, version.valid_until))
    lines = tuple(
        FaceLine(label=item.label, key=item.source.removeprefix(_FIELD), value=values.get(item.source, ""))
        for item in kind.face.items
    )
    return LicenseFace(version=version, kind=kind, standing=standing, lines=lines)


def picture_of(deps: Deps, data: bytes, *, page: int, width_px: int) -> bytes:
    """Page ``page`` (from 1) of a sealed file as PNG: to look at, it proves nothing.

    Raises:
        InvalidInput: no such page.
    """
    return deps.renderer.preview_png(data, width_px, page=page - 1)
