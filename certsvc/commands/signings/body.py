"""The shape of a request for signatures."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from certsvc.commands.shapes import Line
from certsvc.seal.signing_round import Place

MAX_PARTICIPANTS = 20
"""People of one round; each adds a revision to the file and a signature to every check of it."""

MAX_ORDER = 99

MIN_FIELD_MM = (30.0, 12.0)
"""Width and height of the smallest field in which name, time and reason can be read."""

MAX_FIELD_MM = 300.0

Millimetre = Annotated[float, Field(ge=0, le=2000, allow_inf_nan=False)]


class PlaceBody(BaseModel):
    """位置：页码从 1 起，左下角坐标与宽高，单位毫米."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    page: int = Field(ge=1, le=1000)
    x: Millimetre
    y: Millimetre
    width: float = Field(gt=0, le=MAX_FIELD_MM, allow_inf_nan=False)
    height: float = Field(gt=0, le=MAX_FIELD_MM, allow_inf_nan=False)

    def place(self) -> Place:
        """As the domain has it."""
        return Place(page=self.page, x=self.x, y=self.y, width=self.width, height=self.height)


class ParticipantBody(BaseModel):
    """签名人：以证件代码和姓名指定，或以账号（subject）指定."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    order: int = Field(default=1, ge=1, le=MAX_ORDER, description="顺序号，小的先签，相同的可同时签")
    subject: str = Field(default="", max_length=200, description="本服务登记的个人账号")
    holder_code_type: str = Field(default="", max_length=3)
    holder_code: str = Field(default="", max_length=64)
    name: Line = Field(default="", max_length=100)
    reason: Line = Field(min_length=1, max_length=60, description="签名事由，印在签名旁")
    place: PlaceBody

    @model_validator(mode="after")
    def _one_way(self) -> ParticipantBody:
        named = bool(self.holder_code_type and self.holder_code and self.name)
        partly = bool(self.holder_code_type or self.holder_code or self.name)
        if named == bool(self.subject) or (partly and not named):
            msg = "请填写 subject，或填写 holder_code_type、holder_code、name 三项"
            raise ValueError(msg)
        return self


class SealBody(BaseModel):
    """最后加盖的电子印章."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    seal_id: str = Field(max_length=64)
    place: PlaceBody = Field(description="印模居中放在此框内，按实际尺寸，不缩放")


class SigningBody(BaseModel):
    """请求签署：文件另附."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    title: Line = Field(min_length=1, max_length=100, description="文件名称")
    deadline: AwareDatetime = Field(description="签署截止时间，须带时区")
    participants: tuple[ParticipantBody, ...] = Field(min_length=1, max_length=MAX_PARTICIPANTS)
    seal: SealBody | None = None
    needs_code: bool = Field(default=True, description="确认签名时除 PIN 外还须输入一次性验证码")
