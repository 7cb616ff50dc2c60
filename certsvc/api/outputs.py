"""The forms in which a license is handed out: the sealed PDF, a picture of a page, the face as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from certsvc.api.auth import deps_of
from certsvc.api.models import FlagOut, Model
from certsvc.api.negotiation import choose
from certsvc.commands.issuance.outputs import LicenseFace, picture_of
from certsvc.license.model import LicenseVersion

PDF, PNG, JSON = "application/pdf", "image/png", "application/json"
FORMS = (PDF, PNG, JSON)
"""The first is what a caller gets who does not say."""

MIN_WIDTH, MAX_WIDTH, DEFAULT_WIDTH = 200, 2000, 800
"""Pixels; the upper end keeps one call from holding the drawing lock for long."""
MAX_PAGE = 50

PageNumber = Annotated[int, Query(ge=1, le=MAX_PAGE, description="image/png：第几页，自 1 起")]
WidthPx = Annotated[int, Query(ge=MIN_WIDTH, le=MAX_WIDTH, description="image/png：图宽，像素")]


class FaceLineOut(Model):
    """One item of the face."""

    label: str = Field(description="证面标签，无则为空")
    key: str
    value: str = Field(description="与证面一致，已按证面规则遮盖")


class FaceOut(Model):
    """The face of a license as data, and how it stands now."""

    identifier: str
    type: str
    type_name: str
    state: str
    state_zh: str
    good: bool
    light: str = Field(description="green 正常 · amber 有需注意的事项 · red 异常")
    flags: list[FlagOut]
    items: list[FaceLineOut]

    @staticmethod
    def of(face: LicenseFace) -> FaceOut:
        """From the command's face."""
        return FaceOut(
            identifier=face.version.identifier,
            type=face.kind.slug,
            type_name=face.kind.name,
            state=face.standing.code,
            state_zh=face.standing.zh,
            good=face.standing.good,
            light=face.standing.light.value,
            flags=FlagOut.many(face.standing.flags),
            items=[FaceLineOut(label=line.label, key=line.key, value=line.value) for line in face.lines],
        )


_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
OUTPUTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "按 Accept 给出：application/pdf 签章原件（缺省）、image/png 页面预览图（不能证明真实性）、"
        "application/json 证面数据与状态；其他类型答 406",
        "model": FaceOut,
        "content": {PDF: _BINARY, PNG: _BINARY},
        "headers": {"Vary": {"description": "Accept", "schema": {"type": "string"}}},
    }
}
"""How the forms are described in the API document."""


def output(
    request: Request,
    *,
    file: Callable[[], tuple[LicenseVersion, bytes]],
    face: Callable[[], LicenseFace],
    page: int,
    width: int,
) -> Response:
    """The form that the caller accepts; ``file`` and ``face`` decide themselves who may have it."""
    form = choose(request.headers.get("accept", ""), FORMS)
    if form == JSON:
        return _response(FaceOut.of(face()).model_dump_json().encode(), JSON, "")
    version, data = file()
    if form == PNG:
        picture = picture_of(deps_of(request), data, page=page, width_px=width)
        return _response(picture, PNG, f"{version.identifier}-{page}.png")
    return _response(data, PDF, f"{version.identifier}.pdf")


def _response(data: bytes, media_type: str, name: str) -> Response:
    """The answer; a file's name is the 证照标识, which holds no personal data."""
    headers = {"Cache-Control": "private, no-store", "Vary": "Accept"}
    if name:
        headers["Content-Disposition"] = f'inline; filename="{name}"'
    return Response(data, media_type=media_type, headers=headers)
