"""What is sent and answered about seals."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from certsvc.api.models import Model
from certsvc.commands.seals.check_application import SealWanted
from certsvc.commands.seals.note_move import Said
from certsvc.commands.seals.read_seals import SealView
from certsvc.commands.shapes import Line
from certsvc.seal.life import SEAL_MOVE, needs_of
from certsvc.seal.model import SEAL_STATE_ZH, SealKind, StampSpec
from certsvc.seal.object import SealObjectReport
from certsvc.seal.reason_words import WORDS
from certsvc.seal.rules import MAX_DAILY_BUDGET, MAX_LISTED, MAX_PEOPLE, MAX_PER_MINUTE, MINUTES_OF_DAY, UseHours
from certsvc.seal.rules import SealRules as Rules
from certsvc.seal.version import CAUSE_ZH, Cause, SealMoveRecord, SealVersion

MAX_YEARS = 10
"""No seal certificate is asked for longer; an old key is a weak key."""

Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_.:@-]+$")]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", examples=["08:30"])]


class Sent(Model):
    """Base of what is sent: unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StampIn(Sent):
    """The picture (印模)."""

    ring_text: Line = Field(min_length=1, max_length=40, description="环文，应为所有者法定名称")
    second_line: Line = Field(default="", max_length=16, description="第二行，如 行政审批专用章")
    number: Line = Field(default="", max_length=16, description="编号，如 (2)")
    shape: Literal["round", "oval", "square"] = "round"
    diameter_mm: float = Field(default=42.0, ge=30, le=60, description="圆章直径，毫米")
    width_mm: float = Field(default=0.0, ge=0, le=60)
    height_mm: float = Field(default=0.0, ge=0, le=60)
    star: bool = True

    def spec(self) -> StampSpec:
        """To the domain."""
        return StampSpec(
            ring_text=self.ring_text,
            second_line=self.second_line,
            number=self.number,
            shape=self.shape,
            diameter_mm=self.diameter_mm,
            width_mm=self.width_mm,
            height_mm=self.height_mm,
            star=self.star,
        )


class HoursIn(Sent):
    """用印时段（北京时间）."""

    days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(
        min_length=1, max_length=7, description="星期，1 为周一"
    )
    begins: Clock
    ends: Clock

    def hours(self) -> UseHours:
        """To the domain."""
        return UseHours(days=tuple(sorted(set(self.days))), begins=_minutes(self.begins), ends=_minutes(self.ends))


class WantedIn(Sent):
    """What seal is wanted: its face, its scope and its rules."""

    name: Line = Field(min_length=2, max_length=60, description="印章名称")
    kind: SealKind = Field(description="01 法定名称章 · 02 财务 · 03 发票 · 04 合同 · 05 名章 · 99 其他")
    algorithm: Literal["sm2", "p256", "rsa2048", "rsa3072"] = Field(
        default="sm2", description="缺省为国密 SM2；其余供国外阅读器使用"
    )
    stamp: StampIn
    scope_types: tuple[Code, ...] = Field(default=(), max_length=MAX_LISTED, description="证照类型，空为不限")
    matters: tuple[Code, ...] = Field(default=(), max_length=MAX_LISTED, description="事项编码，空为不限")
    regions: tuple[Code, ...] = Field(default=(), max_length=MAX_LISTED, description="区划，空为不限")
    hours: HoursIn | None = Field(default=None, description="用印时段，空为不限")
    daily_budget: int = Field(ge=1, le=MAX_DAILY_BUDGET, description="每日用印上限")
    per_minute: int = Field(default=0, ge=0, le=MAX_PER_MINUTE, description="每分钟用印上限，0 为不限")
    manual_needed: int = Field(default=0, ge=0, le=MAX_PEOPLE, description="人工用印须几人同意，0 为无须审批")
    approvers: tuple[Code, ...] = Field(default=(), max_length=MAX_PEOPLE, description="用印审批人账号")
    keepers: tuple[Code, ...] = Field(min_length=1, max_length=MAX_PEOPLE, description="保管人账号")
    years: int = Field(default=3, ge=1, le=MAX_YEARS, description="证书年限")

    def wanted(self) -> SealWanted:
        """To the command."""
        return SealWanted(
            name=self.name,
            kind=self.kind,
            algorithm=self.algorithm,
            stamp=self.stamp.spec(),
            scope_types=tuple(dict.fromkeys(self.scope_types)),
            rules=Rules(
                matters=tuple(dict.fromkeys(self.matters)),
                regions=tuple(dict.fromkeys(self.regions)),
                hours=self.hours.hours() if self.hours else None,
                per_minute=self.per_minute,
                manual_needed=self.manual_needed,
                approvers=tuple(dict.fromkeys(self.approvers)),
                keepers=tuple(dict.fromkeys(self.keepers)),
            ),
            daily_budget=self.daily_budget,
            years=self.years,
        )


DocumentNo = Annotated[Line, Field(max_length=60, description="文书号")]
ReasonText = Annotated[Line, Field(max_length=200, description="原因")]


class ApplicationIn(Sent):
    """申请制发印章."""

    document_no: DocumentNo
    seal: WantedIn


class RemakeIn(Sent):
    """申请换制：changed 名称、印模或范围变更（须附 seal）；certificate 证书到期；key_lost 密钥遗失."""

    cause: Literal["changed", "certificate", "key_lost"]
    reason: ReasonText
    document_no: DocumentNo = ""
    seal: WantedIn | None = None


class MoveIn(Sent):
    """办理一项，及其文书号、原因或注销备案号."""

    move: Literal["approve", "refuse", "drop", "activate", "stop", "resume", "cancel"]
    reason: ReasonText = ""
    document_no: DocumentNo = ""
    filing_no: Annotated[Line, Field(max_length=60, description="注销备案号")] = ""

    def said(self) -> Said:
        """To the command."""
        return Said(reason=self.reason, document_no=self.document_no, filing_no=self.filing_no)


class HoursOut(Model):
    """用印时段（北京时间）."""

    days: list[int]
    begins: str
    ends: str
    text: str


class VersionOut(Model):
    """A version of a seal."""

    version: int
    state: str
    state_zh: str
    cause: str
    cause_zh: str
    name: str
    kind: str
    algorithm: str
    valid_from: datetime | None
    valid_until: datetime | None
    scope_types: list[str]
    matters: list[str]
    regions: list[str]
    hours: HoursOut | None
    daily_budget: int
    per_minute: int
    manual_needed: int
    approvers: list[str]
    keepers: list[str]
    applied_by: str
    approved_by: str
    made_by: str
    activated_by: str
    request: str = Field(description="证书申请（PKCS#10，PEM），仅制作管理单位可见")

    @staticmethod
    def of(version: SealVersion) -> VersionOut:
        """From a version."""
        rules = version.rules
        return VersionOut(
            version=version.version,
            state=version.state.value,
            state_zh=SEAL_STATE_ZH[version.state],
            cause=version.cause.value,
            cause_zh=CAUSE_ZH[version.cause],
            name=version.name,
            kind=version.kind.value,
            algorithm=version.algorithm,
            valid_from=version.valid_from,
            valid_until=version.valid_until,
            scope_types=list(version.scope_types),
            matters=list(rules.matters),
            regions=list(rules.regions),
            hours=None if rules.hours is None else _hours_out(rules.hours),
            daily_budget=version.daily_budget,
            per_minute=rules.per_minute,
            manual_needed=rules.manual_needed,
            approvers=list(rules.approvers),
            keepers=list(rules.keepers),
            applied_by=version.applied_by,
            approved_by=version.approved_by,
            made_by=version.made_by,
            activated_by=version.activated_by,
            request=version.request,
        )


class AllowedOut(Model):
    """What the caller may do with a seal now, and what it must carry."""

    move: str
    name: str
    needs: list[str]


class SealRow(Model):
    """One seal: the version that stands for it, the one under way, and what the caller may do."""

    seal_id: str
    name: str
    owner_code: str
    owner_name: str
    kind: str
    state: str
    state_zh: str
    algorithm: str
    version: int
    valid_from: datetime | None
    valid_until: datetime | None
    daily_budget: int
    used_today: int
    current: VersionOut | None
    under_way: VersionOut | None
    moves: list[AllowedOut]

    @staticmethod
    def of(view: SealView) -> SealRow:
        """From the command's view."""
        shown = view.shown
        return SealRow(
            seal_id=view.seal_id,
            name=shown.name,
            owner_code=shown.owner_code,
            owner_name=shown.owner_name,
            kind=shown.kind.value,
            state=shown.state.value,
            state_zh=SEAL_STATE_ZH[shown.state],
            algorithm=shown.algorithm,
            version=shown.version,
            valid_from=shown.valid_from,
            valid_until=shown.valid_until,
            daily_budget=shown.daily_budget,
            used_today=view.used_today,
            current=VersionOut.of(view.current) if view.current else None,
            under_way=VersionOut.of(view.under_way) if view.under_way else None,
            moves=[
                AllowedOut(
                    move=name,
                    name=SEAL_MOVE[name].name_zh,
                    needs=[
                        need.value for need in needs_of(SEAL_MOVE[name], view.current.state if view.current else None)
                    ],
                )
                for name in view.moves
            ],
        )


class HistoryRow(Model):
    """One move on record."""

    version: int
    move: str
    name: str
    from_state: str
    to_state: str
    to_state_zh: str
    actor: str
    actor_name: str = Field(description="办理人姓名；系统办理或未登记的为空")
    code: str
    reason: str
    document_no: str
    filing_no: str
    at: datetime

    @staticmethod
    def of(move: SealMoveRecord, actor_name: str) -> HistoryRow:
        """From a record."""
        return HistoryRow(
            version=move.version,
            move=move.name,
            name=SEAL_MOVE[move.name].name_zh,
            from_state=move.from_state,
            to_state=move.to_state.value,
            to_state_zh=SEAL_STATE_ZH[move.to_state],
            actor=move.actor,
            actor_name=actor_name,
            code=move.code,
            reason=move.reason,
            document_no=move.document_no,
            filing_no=move.filing_no,
            at=move.at,
        )


class SealObjectOut(Model):
    """What was found about a seal object (GB/T 38540)."""

    version: int
    maker_id: str
    maker: str
    seal_id: str
    name: str
    created: datetime
    begins: datetime
    ends: datetime
    picture_kind: str
    width_mm: int
    height_mm: int
    signers: list[str]
    valid: str = Field(description="制章者签名：good · bad")
    trust: str = Field(description="制章者证书：good · bad · not_checked")
    in_period: str
    own: bool = Field(description="所列证书是否为本服务保管的印章")
    reason: str
    text: str

    @staticmethod
    def of(report: SealObjectReport) -> SealObjectOut:
        """From the report."""
        return SealObjectOut(
            version=report.version,
            maker_id=report.maker_id,
            maker=report.maker,
            seal_id=report.seal_id,
            name=report.name,
            created=report.created,
            begins=report.begins,
            ends=report.ends,
            picture_kind=report.picture_kind,
            width_mm=report.width_mm,
            height_mm=report.height_mm,
            signers=list(report.signers),
            valid=report.valid.value,
            trust=report.trust.value,
            in_period=report.in_period.value,
            own=report.own,
            reason=report.reason.value,
            text=WORDS[report.reason].zh,
        )


def cause_of(body: RemakeIn) -> Cause:
    """The cause of a re-making."""
    return Cause(body.cause)


def _hours_out(hours: UseHours) -> HoursOut:
    return HoursOut(days=list(hours.days), begins=_text(hours.begins), ends=_text(hours.ends), text=hours.zh)


def _minutes(text: str) -> int:
    return min(int(text[:2]) * 60 + int(text[3:]), MINUTES_OF_DAY)


def _text(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
