"""Shapes that the requests of the facades share; what they send beyond these is not read."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from certsvc.clock import SHANGHAI
from certsvc.errors import FieldProblem, InvalidInput

MAX_TEXT = 200
"""Characters of a text in a request; codes, numbers and purposes are shorter. Stops bodies that fill ledgers."""


def _text(value: object) -> object:
    """Older systems send null where they mean nothing, and blanks around codes."""
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text), Field(max_length=MAX_TEXT)]
Content = Annotated[str, BeforeValidator(_text)]
"""A file in base64; the door limits the body."""


class In(BaseModel):
    """Base of every request."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def missing(**named: str) -> None:
    """InvalidInput that names every one of these that is empty, as the request calls it."""
    problems = tuple(
        FieldProblem(pointer=f"/{name}", code="missing", detail=f"缺少 {name}")
        for name, value in named.items()
        if not value
    )
    if problems:
        raise InvalidInput("必填项为空：" + "、".join(one.pointer[1:] for one in problems), problems=problems)


def wrong(name: str, detail: str) -> InvalidInput:
    """One value that cannot be."""
    return InvalidInput(detail, problems=(FieldProblem(pointer=f"/{name}", code="invalid", detail=detail),))


def decoded(name: str, content: str) -> bytes:
    """The bytes of a base64 text; InvalidInput names it."""
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong(name, f"{name} 应为标准 Base64 文本") from error


def copy_end(name: str, text: str, now: datetime) -> datetime | None:
    """加注件有效期截止时间, which is now or later (STANDARDS.md 2.4 A); None when nothing was sent."""
    if not text:
        return None
    try:
        until = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise wrong(name, f"{name}（加注件有效期截止时间）应写作 yyyyMMddHHmmss") from error
    if until < now:
        raise wrong(name, f"{name}（加注件有效期截止时间）不能早于现在")
    return until
