"""Notices to holders and how they were served (送达): states, ways, contacts and the schedule of tries (pure).

Laws:

1. A notice is written with the event that it tells of, once. It stands on the holder's own page from then on.
2. Where a way to the holder is open it *waits* until a gateway took it (*sent*) or every way is used up (*failed*).
3. A holder who opens the license has *read* it, whatever became of the message: that is electronic service.
4. A decision that could not be sent is *failed* until it is read or staff record another way of service (*served*).
5. Notices about one license leave in the order in which they were written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certsvc.license.model import Holder

SCHEDULE = (
    timedelta(0),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
    timedelta(hours=24),
    timedelta(hours=32),
)
"""Pause before each try by one way; eight tries over three days, so that a gateway may be away over a weekend."""


class NoticeKind(StrEnum):
    """What a notice is about."""

    ISSUED = "issued"
    MOVED = "moved"
    """a decision, or what follows from one"""
    DUE = "due"
    USED = "used"
    """told only to holders who asked for it; it is no line of the page, which has the ledger"""
    USE_REQUEST = "use_request"
    """a system asks for the holder's consent and waits; it is no line of the page, which has the list of requests"""


NO_LINES = frozenset({NoticeKind.USED, NoticeKind.USE_REQUEST})
"""Kinds that stand in a list of their own on the holder's page."""


class NoticeState(StrEnum):
    """Where a notice stands."""

    POSTED = "posted"
    """on the holder's page, and no message was called for"""
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    READ = "read"
    SERVED = "served"


UNREAD = frozenset({NoticeState.POSTED, NoticeState.WAITING, NoticeState.SENT, NoticeState.FAILED})
"""States that end when the holder opens the license, or when staff record another way."""


class Way(StrEnum):
    """How a notice reached, or is to reach, the holder."""

    NONE = ""
    PAGE = "page"
    SMS = "sms"
    MAIL = "mail"
    DIRECT = "direct"
    LEFT = "left"
    POST = "post"
    ANNOUNCEMENT = "announcement"


WAY_ZH: dict[Way, str] = {
    Way.NONE: "",
    Way.PAGE: "本人页面",
    Way.SMS: "短信",
    Way.MAIL: "电子邮件",
    Way.DIRECT: "直接送达",
    Way.LEFT: "留置送达",
    Way.POST: "邮寄送达",
    Way.ANNOUNCEMENT: "公告送达",
}

STATE_ZH: dict[NoticeState, str] = {
    NoticeState.POSTED: "已发布于本人页面",
    NoticeState.WAITING: "待发送",
    NoticeState.SENT: "已发送",
    NoticeState.FAILED: "未能发送",
    NoticeState.READ: "已查阅",
    NoticeState.SERVED: "已以其他方式送达",
}

SENT_BY = (Way.SMS, Way.MAIL)
"""Ways by which the service itself sends, the first one first."""

BY_HAND = frozenset({Way.DIRECT, Way.LEFT, Way.POST, Way.ANNOUNCEMENT})
"""Ways that staff record."""


class SendFault(StrEnum):
    """What came of one try, in one word; what a gateway wrote is never kept."""

    NONE = ""
    AWAY = "away"
    """the gateway does not answer, or not us: nothing is wrong with the notice"""
    LATER = "later"
    """it answers, and does not take this notice now"""
    ADDRESS = "address"
    """there is no such address"""
    REFUSED = "refused"
    """it will never take this notice"""


FINAL = frozenset({SendFault.ADDRESS, SendFault.REFUSED})
"""Faults after which the same way is not tried again."""

NO_CONTACT = "no_contact"
NO_WAY = "no_way"

REASON_ZH: dict[str, str] = {
    "": "",
    SendFault.AWAY.value: "短信或邮件网关一直不能连通",
    SendFault.LATER.value: "短信或邮件网关一直没有收下",
    SendFault.ADDRESS.value: "号码或邮箱不存在",
    SendFault.REFUSED.value: "短信或邮件网关拒收",
    NO_CONTACT: "持证主体没有登记手机号、邮箱",
    NO_WAY: "本服务没有接通短信或邮件",
}
"""Why a notice could not be sent, for staff."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """Where a holder can be reached; empty where there is none."""

    phone: str = field(default="", repr=False)
    mail: str = field(default="", repr=False)

    def address(self, way: Way) -> str:
        """The address for a way, or empty."""
        return {Way.SMS: self.phone, Way.MAIL: self.mail}.get(way, "")


@dataclass(frozen=True, kw_only=True, slots=True)
class HolderContact:
    """What is known of how a holder wants to be told.

    Attributes:
        own: what the holder set; None until then. It counts, whatever others say, also when it is empty.
        given: what an approval system passed on from the holder's 送达地址确认书, or None.
        tell_uses: whether the holder wants a message whenever a license is scanned or fetched.
        changed_by: subject of whoever changed it last.
    """

    own: Contact | None = None
    given: Contact | None = None
    tell_uses: bool = False
    changed_by: str
    changed_at: datetime

    @property
    def effective(self) -> Contact:
        """Where messages go."""
        return self.own or self.given or Contact()


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What is on record of how a notice was served.

    Attributes:
        to: the address, masked; empty when none was used.
        served_on: the day of service by hand, or None.
        note: what staff wrote.
        by: subject of whoever recorded it.
    """

    to: str = ""
    served_on: date | None = None
    note: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One thing that a holder is told.

    Attributes:
        text: the sentence on the holder's page.
        about: event name without prefix (``license.suspended.v1``); empty for notices of earlier releases.
        authority_code: USCC of the body that has to serve it.
        way: how it goes, or went; of a failed one the last that was tried.
        attempts: tries by this way.
        ready_at: when it may be tried.
        reason: why it failed: a word of :data:`REASON_ZH`.
        ended_at: when it was read, served or given up.
        recipient: who is told in place of the license's holder: a co-holder, or who acts for one; kept encrypted.
    """

    notice_id: str
    version_id: str
    kind: NoticeKind
    text: str
    at: datetime
    about: str = ""
    authority_code: str = ""
    state: NoticeState = NoticeState.POSTED
    way: Way = Way.NONE
    attempts: int = 0
    ready_at: datetime | None = None
    reason: str = ""
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    service: Service = Service()
    recipient: Holder | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedNotice:
    """A notice that one process sends, until its lease runs out."""

    notice: Notice
    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One message as it goes to a gateway; sent again, it has the same id."""

    letter_id: str
    address: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    at: datetime


def pause_before(attempt: int) -> timedelta | None:
    """The pause before try number ``attempt`` (from 1) by one way, or None when its schedule is used up."""
    return SCHEDULE[attempt - 1] if attempt <= len(SCHEDULE) else None


def masked(way: Way, address: str) -> str:
    """An address as it may be shown: 138****0001, z***@example.com."""
    if not address:
        return ""
    if way is Way.MAIL:
        name, _, host = address.rpartition("@")
        return f"{name[:1]}***@{host}"
    return f"{address[:3]}****{address[-4:]}"
