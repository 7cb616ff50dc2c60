"""What is answered about officers, visits and what came of scans."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from certsvc.api.models import ENGLISH, Model, ReasonOut
from certsvc.commands.offline.labels import english_of
from certsvc.commands.visits.history import HistoryRow, on_record
from certsvc.commands.visits.read_visits import Preparation, VisitView, proof_text
from certsvc.license.officers import Officer, masked_badge
from certsvc.license.visits import OUTCOME_ZH, TASK_ZH, VISIT_ZH, Inspection, Picture, Visit, VisitState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps


class OfficerOut(Model):
    """One entry of the register."""

    badge: str
    name: str
    subject: str
    authority_code: str
    unit: str
    kinds: list[str] = Field(description="执法类别")
    region: str
    valid_until: date
    ended_on: date | None

    @staticmethod
    def of(one: Officer) -> OfficerOut:
        """From the register."""
        return OfficerOut(
            badge=one.badge,
            name=one.name,
            subject=one.subject,
            authority_code=one.authority_code,
            unit=one.unit,
            kinds=list(one.kinds),
            region=one.region,
            valid_until=one.valid_until,
            ended_on=one.ended_on,
        )


class BodyOut(Model):
    """A body by code and name."""

    code: str
    name: str

    @staticmethod
    def of(deps: Deps, code: str) -> BodyOut:
        """With its name, as far as the catalog knows it."""
        return BodyOut(code=code, name=deps.catalog.authority(code).name if deps.catalog.has_authority(code) else code)


class VisitOfficerOut(Model):
    """An officer in a visit."""

    badge: str
    authority: BodyOut
    unit: str
    kinds: list[str]


class RatingOut(Model):
    """A mark: 5 非常满意 to 1 非常不满意."""

    mark: int
    text: str
    at: datetime


class VisitOut(Model):
    """A visit, as the officers of its bodies and of those above see it."""

    visit_id: str
    state: str = Field(description="open 进行中 · closed 已结束 · lapsed 已超时")
    state_zh: str
    authority: BodyOut
    departments: list[BodyOut] = Field(description="联合检查的其他机关")
    task_kind: str
    task_kind_zh: str
    task_no: str
    region: str
    place: str
    kinds: list[str]
    officers: list[VisitOfficerOut]
    target_name: str
    has_target: bool = Field(description="是否已明确被检查的单位")
    repeat_reason: str
    proof_code: str = Field(description="向被检查人出示的二维码文本；只给检查中的人（登记、加入、查询当前检查）")
    proof_png: str = Field(description="该二维码 PNG 的 Base64")
    opened_at: datetime
    valid_until: datetime
    closed_at: datetime | None
    ratings: list[RatingOut]

    @staticmethod
    def of(deps: Deps, view: VisitView, *, proof: bool = False) -> VisitOut:
        """From a visit; ``proof`` adds what its officers show, while it is open."""
        visit, state = view.visit, view.visit.state(view.at)
        going_on = proof and state is VisitState.OPEN
        code = proof_text(deps.policy.public_base, visit.token) if going_on else ""
        return VisitOut(
            visit_id=visit.visit_id,
            state=state.value,
            state_zh=VISIT_ZH[state],
            authority=BodyOut.of(deps, visit.authority_code),
            departments=[BodyOut.of(deps, body) for body in visit.departments],
            task_kind=visit.task_kind.value,
            task_kind_zh=TASK_ZH[visit.task_kind],
            task_no=visit.task_no,
            region=visit.region,
            place=visit.place,
            kinds=list(visit.kinds),
            officers=[
                VisitOfficerOut(
                    badge=one.badge,
                    authority=BodyOut.of(deps, one.authority_code),
                    unit=one.unit,
                    kinds=list(one.kinds),
                )
                for one in visit.officers
            ],
            target_name=visit.target_name,
            has_target=bool(visit.target),
            repeat_reason=visit.repeat_reason,
            proof_code=code,
            proof_png=base64.b64encode(deps.renderer.qr_png(code)).decode() if code else "",
            opened_at=visit.opened_at,
            valid_until=visit.valid_until,
            closed_at=visit.closed_at,
            ratings=[RatingOut(mark=one.mark, text=one.text, at=one.at) for one in view.ratings],
        )


class PreparationOut(Model):
    """What an officer's form begins with."""

    badge: str = Field(description="本人有效的执法证号；不在名册中的为空")
    unit: str
    kinds: list[str] = Field(description="执法类别")
    region: str = Field(description="执法区域")
    current: VisitOut | None = Field(description="本人所在的进行中的检查，附出示用的二维码；没有的为空")
    departments: list[BodyOut] = Field(description="可以联合检查的机关")
    below: list[BodyOut] = Field(description="可以查询其检查记录的下级机关")

    @staticmethod
    def of(deps: Deps, found: Preparation) -> PreparationOut:
        """From the command's answer."""
        entry = found.entry
        return PreparationOut(
            badge=entry.badge if entry else "",
            unit=entry.unit if entry else "",
            kinds=list(entry.kinds) if entry else [],
            region=entry.region if entry else "",
            current=VisitOut.of(deps, found.current, proof=True) if found.current else None,
            departments=[BodyOut(code=one.code, name=one.name) for one in found.departments],
            below=[BodyOut(code=one.code, name=one.name) for one in found.below],
        )


class ProofOfficerOut(Model):
    """An officer as anyone may see it."""

    badge: str = Field(description="执法证号，部分遮盖；与证件上的对照")
    unit: str
    authority_name: str


class ProofOut(Model):
    """Who came, and why: for whoever is visited."""

    state: str
    state_zh: str
    authority_name: str
    departments: list[str]
    officers: list[ProofOfficerOut]
    task_kind_zh: str
    task_no: str = Field(description="检查进行中才有")
    kinds: list[str]
    opened_at: datetime
    valid_until: datetime
    text: str = Field(description="提示语")

    @staticmethod
    def of(deps: Deps, view: VisitView) -> ProofOut:
        """From a visit; once it has ended, number and badges are left out."""
        visit, state = view.visit, view.visit.state(view.at)
        going_on = state is VisitState.OPEN
        return ProofOut(
            state=state.value,
            state_zh=VISIT_ZH[state],
            authority_name=BodyOut.of(deps, visit.authority_code).name,
            departments=[BodyOut.of(deps, body).name for body in visit.departments],
            officers=[
                ProofOfficerOut(
                    badge=masked_badge(one.badge),
                    unit=one.unit,
                    authority_name=BodyOut.of(deps, one.authority_code).name,
                )
                for one in visit.officers
                if going_on
            ],
            task_kind_zh=TASK_ZH[visit.task_kind],
            task_no=visit.task_no if going_on else "",
            kinds=list(visit.kinds),
            opened_at=visit.opened_at,
            valid_until=visit.valid_until,
            text="请核对来人的执法证件与本页是否一致；不一致的，可拒绝检查并向该机关核实"
            if going_on
            else "这次检查已经结束，本码不再有效；有人再出示本码的，请向该机关核实",
        )


class OwnVisitOut(Model):
    """A visit as the one who was visited sees it."""

    visit_id: str
    state: str
    state_zh: str
    authority_name: str
    departments: list[str]
    units: list[str]
    badges: list[str] = Field(description="部分遮盖的执法证号")
    task_kind_zh: str
    task_no: str
    opened_at: datetime
    ended_at: datetime | None
    may_rate: bool
    rating: RatingOut | None

    @staticmethod
    def of(deps: Deps, view: VisitView) -> OwnVisitOut:
        """From a visit with the holder's own mark."""
        visit, state = view.visit, view.visit.state(view.at)
        own = view.ratings[-1] if view.ratings else None
        return OwnVisitOut(
            visit_id=visit.visit_id,
            state=state.value,
            state_zh=VISIT_ZH[state],
            authority_name=BodyOut.of(deps, visit.authority_code).name,
            departments=[BodyOut.of(deps, body).name for body in visit.departments],
            units=list(dict.fromkeys(one.unit for one in visit.officers)),
            badges=[masked_badge(one.badge) for one in visit.officers],
            task_kind_zh=TASK_ZH[visit.task_kind],
            task_no=visit.task_no,
            opened_at=visit.opened_at,
            ended_at=visit.ended_at(view.at),
            may_rate=own is None and visit.may_be_rated(view.at),
            rating=RatingOut(mark=own.mark, text=own.text, at=own.at) if own else None,
        )


class RepeatOut(Model):
    """An earlier visit, to plan one instead of two."""

    authority_name: str
    task_kind_zh: str
    opened_at: datetime

    @staticmethod
    def of(deps: Deps, visit: Visit) -> RepeatOut:
        """Body, task and time only."""
        return RepeatOut(
            authority_name=BodyOut.of(deps, visit.authority_code).name,
            task_kind_zh=TASK_ZH[visit.task_kind],
            opened_at=visit.opened_at,
        )


class OutcomeOut(Model):
    """What came of a scan: the first record, or a correction of it."""

    inspection_id: str
    scan_id: str
    seq: int = Field(description="0 为首次记录，其后为第几次更正")
    outcome: str
    outcome_zh: str
    due_on: date | None
    note: str
    reason: str
    badge: str
    at: datetime

    @staticmethod
    def of(one: Inspection) -> OutcomeOut:
        """From the store."""
        return OutcomeOut(
            inspection_id=one.inspection_id,
            scan_id=one.scan_id,
            seq=one.seq,
            outcome=one.outcome.value,
            outcome_zh=OUTCOME_ZH[one.outcome],
            due_on=one.due_on,
            note=one.note,
            reason=one.reason,
            badge=one.badge,
            at=one.at,
        )


class PictureOut(Model):
    """A picture of a scan."""

    picture_id: str
    scan_id: str
    sha256: str
    size: int
    at: datetime
    until: datetime = Field(description="保存到何时")

    @staticmethod
    def of(one: Picture) -> PictureOut:
        """Without its bytes."""
        return PictureOut(
            picture_id=one.picture_id, scan_id=one.scan_id, sha256=one.sha256, size=one.size, at=one.at, until=one.until
        )


class HistoryOut(Model):
    """One inspection record: the scan, and what came of it."""

    scan_id: str
    at: datetime
    badge: str
    authority: BodyOut
    visit_id: str
    task_kind_zh: str
    task_no: str
    identifier: str
    number: str = Field(description="证照编号；内含身份证件号码的不列出")
    holder_masked: str = Field(description="持证主体，掩码")
    type: str
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    code_kind: str
    scene: str
    result: ReasonOut | None = Field(description="核验结果的用语")
    fields: list[str]
    outcome: OutcomeOut | None = Field(description="现行的处理结果")
    records: list[OutcomeOut] = Field(description="首次记录和历次更正")
    pictures: list[PictureOut]

    @staticmethod
    def of(deps: Deps, row: HistoryRow) -> HistoryOut:
        """From the command's row."""
        scan, records = row.scan, [OutcomeOut.of(one) for one in row.records]
        slug = row.version.type_slug if row.version else ""
        kind = deps.catalog.type(slug) if slug else None
        number, holder = on_record(kind, row.version) if kind and row.version else ("", "")
        return HistoryOut(
            scan_id=scan.scan_id,
            at=scan.at,
            badge=scan.badge,
            authority=BodyOut.of(deps, scan.authority_code),
            visit_id=scan.visit_id,
            task_kind_zh=TASK_ZH[row.visit.task_kind] if row.visit else "",
            task_no=row.visit.task_no if row.visit else "",
            identifier=row.version.identifier if row.version else "",
            number=number,
            holder_masked=holder,
            type=slug,
            type_name=kind.name if kind else "",
            type_name_en=english_of(slug),
            code_kind=scan.code_kind,
            scene=scan.scene,
            result=ReasonOut.named(scan.outcome),
            fields=list(scan.fields),
            outcome=records[-1] if records else None,
            records=records,
            pictures=[PictureOut.of(one) for one in row.pictures],
        )


class HistoryPage(Model):
    """A page of records, newest first; ``next`` is the ``before`` of the next one, or empty."""

    records: list[HistoryOut]
    next: str

    @staticmethod
    def of(deps: Deps, rows: Sequence[HistoryRow], *, full: int) -> HistoryPage:
        """From the command's rows."""
        return HistoryPage(
            records=[HistoryOut.of(deps, row) for row in rows],
            next=rows[-1].scan.scan_id if len(rows) == full else "",
        )
