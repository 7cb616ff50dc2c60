"""The 附页 of a license: a face of its own, derived from the type's, for what flows in full."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from certsvc.catalog.model import Box, FaceItem
from certsvc.errors import RenderingError
from certsvc.rendering.face_form import MARGIN_MM
from certsvc.rendering.flow import Rest
from certsvc.rendering.layout import MM, Rect, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.model import FacePlan
    from certsvc.rendering.fonts import FontBook
    from certsvc.rendering.ornament import Sheet

MARK = "（附页）"
_HEAD = (("证照编号", "number"), ("持证主体", "holder_name"), ("证照标识", "identifier"))
_TOP_MM, _LINE_MM, _LABEL_MM = 56.0, 8.0, 24.0
_GAP_MM = 4.0


@lru_cache(maxsize=256)
def annex_face(face: FacePlan) -> FacePlan:
    """The face of the annex; RenderingError when nothing in the type flows."""
    if not any(item.flow for item in face.items):
        msg = "该证照类型没有可续页的内容（flow），不能制作附页"
        raise RenderingError(msg)
    wide = 297.0 if face.orientation == "landscape" else 210.0
    x = MARGIN_MM + _LABEL_MM + 4
    items = tuple(
        FaceItem(
            label=label,
            source=source,
            box=Box(x=x, y=_TOP_MM + _LINE_MM * i, w=wide - MARGIN_MM - x, h=_LINE_MM - 0.8),
            label_x=MARGIN_MM,
            label_w=_LABEL_MM,
            size=11.0,
            min_size=5.0,
            font="song",
            align="left",
        )
        for i, (label, source) in enumerate(_HEAD)
    )
    return replace(face, subtitle=MARK, items=items, photo=None, notes=(), base=b"", base_name="")


def annex_rests(face: FacePlan, book: FontBook, values: Mapping[str, str]) -> list[Rest]:
    """Everything that flows, in full and in order of the face."""
    rests = []
    for item in face.items:
        text = values.get(item.source, "")
        if item.flow and text:
            where = item.label or item.source
            slot = Slot(
                where, book.family(item.font), Rect(0, 0, 0, 0), item.size, item.min_size, "left", columns=item.columns
            )
            rests.append(Rest(slot, text, heading=where))
    return rests


def annex_body(face: FacePlan, sheet: Sheet) -> Rect:
    """The room for what flows on the first page: between its head and the highest of code, stamp and issuer."""
    top = _TOP_MM + _LINE_MM * len(_HEAD) + _GAP_MM
    foot = min(face.code.y, face.stamp.y, face.issuer.y) - _GAP_MM
    return Rect(MARGIN_MM * MM, sheet.height - foot * MM, sheet.width - 2 * MARGIN_MM * MM, (foot - top) * MM)
