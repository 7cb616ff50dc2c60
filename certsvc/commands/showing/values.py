"""The fields of a license as someone may see them: chosen by scene or policy, masked by the catalog."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import FieldKind, Mask
from certsvc.catalog.validation import face_date

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from certsvc.catalog.model import LicenseType, SceneSpec
    from certsvc.license.model import LicenseVersion

HOLDER_NAME = "holder_name"
HOLDER_CODE = "holder_code"
NUMBER = "number"
BUILT_IN: dict[str, str] = {
    HOLDER_NAME: "持证主体",
    HOLDER_CODE: "持证主体代码",
    NUMBER: "证照编号",
    "issuer_name": "颁发机构",
    "issued_on": "颁发日期",
    "valid_from": "有效期起",
    "valid_until": "有效期止",
}
"""Keys every type has beside its own fields, and their labels."""

OPEN_ENDED_ZH = "长期"
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownField:
    """One field as it is shown."""

    key: str
    name: str
    value: str


def shown_fields(
    kind: LicenseType, version: LicenseVersion, keys: Sequence[str], *, unmasked: Collection[str], place: str = "show"
) -> tuple[ShownField, ...]:
    """The fields ``keys`` with the masks of ``place``, except those in ``unmasked``; unknown keys are left out."""
    shown: list[ShownField] = []
    for key in keys:
        bare = key in unmasked
        if key in BUILT_IN:
            shown.append(ShownField(key=key, name=BUILT_IN[key], value=_built_in(kind, version, key, place, bare=bare)))
            continue
        spec = kind.field(key)
        if spec is None:
            continue
        value = version.data.get(key, "")
        if spec.kind is FieldKind.DATE and ISO_DATE.fullmatch(value):  # a co-holder's view has masks in its data
            value = face_date(value)
        shown.append(ShownField(key=key, name=spec.name, value=value if bare else apply_mask(spec.mask(place), value)))
    return tuple(shown)


def scene_fields(
    kind: LicenseType, version: LicenseVersion, scene: SceneSpec, *, masked: bool = False
) -> tuple[ShownField, ...]:
    """What a reader of the scene sees; ``masked`` everything of it behind the masks of showing."""
    return shown_fields(kind, version, scene.fields, unmasked=() if masked else scene.unmasked)


def _built_in(kind: LicenseType, version: LicenseVersion, key: str, place: str, *, bare: bool) -> str:
    if key == HOLDER_NAME:
        mask = Mask.NONE if bare else kind.holder_masks.get(place, Mask.NONE)
        return apply_mask(mask, version.holder.name)
    if key == HOLDER_CODE:
        mask = Mask.NONE if bare else kind.holder_code_masks.get(place, Mask.CODE_TAIL)
        return apply_mask(mask, version.holder.code)
    if key == NUMBER:
        return version.number if bare or not kind.number_embeds_id else apply_mask(Mask.CODE_TAIL, version.number)
    return {
        "issuer_name": version.issuer_name,
        "issued_on": face_date(version.issued_on),
        "valid_from": face_date(version.valid_from),
        "valid_until": face_date(version.valid_until) if version.valid_until else OPEN_ENDED_ZH,
    }[key]
