"""How a notice and its service (送达) look in answers."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from certsvc.api.models import Model
from certsvc.license.notices import REASON_ZH, STATE_ZH, WAY_ZH, Notice


class NoticeOut(Model):
    """One notice: what it said, how it went, and what came of it."""

    notice_id: str
    kind: str = Field(description="issued 签发 · moved 变更 · due 提醒 · used 使用 · use_request 用证申请")
    about: str = Field(description="事件名，如 license.suspended.v1；早期的通知为空")
    text: str
    at: datetime
    state: str = Field(
        description="posted 已发布于本人页面 · waiting 待发送 · sent 已发送 · failed 未能发送 · read 已查阅"
        " · served 已以其他方式送达"
    )
    state_zh: str
    way: str = Field(
        description="page 本人页面 · sms 短信 · mail 邮件 · direct 直接 · left 留置 · post 邮寄 · announcement 公告"
    )
    way_zh: str
    to: str = Field(description="发往的号码或邮箱，已遮盖")
    attempts: int
    reason: str = Field(description="未能发送的原因代码")
    reason_zh: str
    sent_at: datetime | None
    ended_at: datetime | None = Field(description="查阅、记录送达或放弃发送的时刻")
    served_on: str = Field(description="其他方式送达的日期")
    note: str

    @staticmethod
    def of(notice: Notice) -> NoticeOut:
        """From a notice."""
        service = notice.service
        return NoticeOut(
            notice_id=notice.notice_id,
            kind=notice.kind.value,
            about=notice.about,
            text=notice.text,
            at=notice.at,
            state=notice.state.value,
            state_zh=STATE_ZH[notice.state],
            way=notice.way.value,
            way_zh=WAY_ZH[notice.way],
            to=service.to,
            attempts=notice.attempts,
            reason=notice.reason,
            reason_zh=REASON_ZH.get(notice.reason, ""),
            sent_at=notice.sent_at,
            ended_at=notice.ended_at,
            served_on=service.served_on.isoformat() if service.served_on else "",
            note=service.note,
        )
