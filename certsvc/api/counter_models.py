"""What answers about counters (综合窗口) look like."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from certsvc.api.models import FieldOut, Model, ScanOut
from certsvc.clock import local_day
from certsvc.commands.counter.rows import electronic
from certsvc.commands.sharing.policy import matter_name
from certsvc.license.counter import ANSWER_ZH, FLAG_ZH, PAPER_REASON_ZH, Flag, PaperReason, RowAnswer, TakingKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.material_file import Material
    from certsvc.catalog.model import Matter
    from certsvc.commands.counter.check import CheckAnswer, Difference
    from certsvc.commands.counter.consent import Consented
    from certsvc.commands.ports import Deps
    from certsvc.license.counter import CounterCase, CounterTally, Sheet, SheetRow, Taking


class MaterialOut(Model):
    """One material of a list; ``outage`` is how it is answered while the register cannot be asked."""

    id: str
    name: str
    paper: str
    applies: str = Field(description="all · organisation 单位 · person 个人")
    electronic: bool = Field(description="可由电子证照或数据满足")
    promise: bool
    later_days: int


class TypeOut(Model):
    """A license type that a list names, for tickets."""

    slug: str
    name: str
    issuers: list[NamedOut]
    fields: list[NamedOut]


class NamedOut(Model):
    """A code or key and its name."""

    code: str
    name: str


class CounterMatterOut(Model):
    """A matter that this counter takes."""

    code: str
    name: str
    authority_name: str
    consent_only: bool = Field(description="实施单位只能凭持证人授权用证：只核验持证人出示了亮证码、用证码的证照")
    materials: list[MaterialOut]
    types: list[TypeOut]

    @staticmethod
    def of(
        catalog: Catalog, matter: Matter, materials: Sequence[Material], policy: Mapping[str, tuple[str, ...]]
    ) -> CounterMatterOut:
        """From a matter, its list, and what it may see."""
        slugs = dict.fromkeys(slug for material in materials for slug in material.types)
        return CounterMatterOut(
            code=matter.code,
            name=matter.name,
            authority_name=catalog.authority(matter.authority_code).name,
            consent_only=catalog.consent_only(matter.authority_code),
            materials=[
                MaterialOut(
                    id=one.id,
                    name=one.name,
                    paper=one.paper,
                    applies=one.applies,
                    electronic=electronic(one, policy),
                    promise=one.promise != "",
                    later_days=one.later_days,
                )
                for one in materials
            ],
            types=[_type(catalog, slug) for slug in slugs],
        )


def _type(catalog: Catalog, slug: str) -> TypeOut:
    kind = catalog.type(slug)
    return TypeOut(
        slug=slug,
        name=kind.name,
        issuers=[NamedOut(code=code, name=catalog.authority(code).name) for code in kind.issuers],
        fields=[NamedOut(code=spec.key, name=spec.name) for spec in kind.fields],
    )


class TakingOut(Model):
    """What was noted about a row."""

    kind: TakingKind
    counts: bool = Field(description="应免未免：免提交行收了纸质")
    reason: PaperReason | None
    reason_zh: str
    text: str
    due_on: date | None
    flag: Flag | None = Field(description="open · due_soon 即将到期 · overdue 逾期 · done 已补齐；没有期限的为空")
    flag_zh: str
    operator: str
    at: datetime

    @staticmethod
    def of(one: Taking, now: datetime) -> TakingOut:
        """From a taking as it stands at ``now``."""
        flag = one.flag(local_day(now))
        reason = PaperReason(one.reason) if one.reason else None
        return TakingOut(
            kind=one.kind,
            counts=one.counts,
            reason=reason,
            reason_zh=PAPER_REASON_ZH[reason] if reason else "",
            text=one.text,
            due_on=one.due_on,
            flag=flag,
            flag_zh=FLAG_ZH[flag] if flag else "",
            operator=one.operator,
            at=one.at,
        )


class RowOut(Model):
    """One row of a 收件清单: exactly one answer, why, and the next step."""

    number: int
    material: str
    name: str
    paper: str
    answer: RowAnswer
    answer_zh: str
    why: str
    next_step: str
    days: int = Field(description="容缺的工作日；其他为 0")
    promise: str = Field(description="告知承诺书内容；其他为空")
    taken: TakingOut | None

    @staticmethod
    def of(number: int, row: SheetRow, taking: Taking | None, now: datetime) -> RowOut:
        """From a row and what was noted about it."""
        return RowOut(
            number=number,
            material=row.material,
            name=row.name,
            paper=row.paper,
            answer=row.answer,
            answer_zh=ANSWER_ZH[row.answer],
            why=row.why,
            next_step=row.next_step,
            days=row.days,
            promise=row.promise,
            taken=TakingOut.of(taking, now) if taking is not None else None,
        )


class SheetOut(Model):
    """One version of the list."""

    version: int
    at: datetime
    operator: str
    slip_no: str = Field(description="系统故障容缺受理单编号；登记簿答复的为空")
    rows: list[RowOut]

    @staticmethod
    def of(sheet: Sheet, takings: Sequence[Taking], now: datetime) -> SheetOut:
        """From a sheet and what was noted about its case."""
        noted = {one.material: one for one in takings}
        return SheetOut(
            version=sheet.version,
            at=sheet.at,
            operator=sheet.operator,
            slip_no=sheet.slip_no,
            rows=[
                RowOut.of(number, row, noted.get(row.material), now) for number, row in enumerate(sheet.rows, start=1)
            ],
        )


class DifferenceOut(Model):
    """A row that was answered in another way before; an empty answer is a row that was not there."""

    material: str
    name: str
    before: str
    before_zh: str
    after: str
    after_zh: str

    @staticmethod
    def of(one: Difference) -> DifferenceOut:
        """From a difference."""
        return DifferenceOut(
            material=one.material,
            name=one.name,
            before=one.before,
            before_zh=ANSWER_ZH[RowAnswer(one.before)] if one.before else "",
            after=one.after,
            after_zh=ANSWER_ZH[RowAnswer(one.after)] if one.after else "",
        )


class CaseOut(Model):
    """A case at this counter; the applicant's code is masked."""

    case_no: str
    matter_code: str
    matter_name: str
    authority_name: str
    holder_masked: str
    version: int
    outage: bool = Field(description="系统故障：登记簿未能答复，待补核")
    opened_at: datetime
    updated_at: datetime

    @staticmethod
    def of(deps: Deps, case: CounterCase) -> CaseOut:
        """From a case."""
        return CaseOut(
            case_no=case.case_no,
            matter_code=case.matter_code,
            matter_name=matter_name(deps, case.matter_code),
            authority_name=body_name(deps.catalog, case.authority_code),
            holder_masked=masked(case.holder_code),
            version=case.version,
            outage=case.outage,
            opened_at=case.opened_at,
            updated_at=case.updated_at,
        )


class ConsentedOut(Model):
    """What the holder's code gave: the answer to a scan of a 亮证码, or the fields that a 用证码 allowed."""

    note: str = Field(description="码不能用的原因；可以用的为空")
    scan: ScanOut | None
    fetch_id: str
    state_zh: str
    fields: list[FieldOut]

    @staticmethod
    def of(one: Consented | None) -> ConsentedOut | None:
        """From what a code gave."""
        if one is None:
            return None
        return ConsentedOut(
            note=one.note,
            scan=ScanOut.of(one.scan) if one.scan is not None else None,
            fetch_id=one.fetch.fetch.fetch_id if one.fetch else "",
            state_zh=one.fetch.standing.zh if one.fetch else "",
            fields=FieldOut.many(one.fetch.fields) if one.fetch else [],
        )


class CheckOut(Model):
    """The sheet that was made, and what it changed."""

    case: CaseOut
    sheet: SheetOut
    consented: ConsentedOut | None
    differences: list[DifferenceOut]

    @staticmethod
    def of(deps: Deps, answer: CheckAnswer, takings: Sequence[Taking], now: datetime) -> CheckOut:
        """From the command's answer."""
        return CheckOut(
            case=CaseOut.of(deps, answer.case),
            sheet=SheetOut.of(answer.sheet, takings, now),
            consented=ConsentedOut.of(answer.consented),
            differences=[DifferenceOut.of(one) for one in answer.differences],
        )


class CaseSheetsOut(Model):
    """A case and every version of its list, newest first."""

    case: CaseOut
    sheets: list[SheetOut]


class SupplementOut(Model):
    """What is still to be brought to this counter."""

    case_no: str
    matter_name: str
    material: str
    due_on: date | None
    flag: Flag | None
    flag_zh: str

    @staticmethod
    def of(deps: Deps, one: Taking, now: datetime) -> SupplementOut:
        """From a taking as it stands at ``now``."""
        flag = one.flag(local_day(now))
        materials = deps.catalog.materials.lists.get(one.matter_code, ())
        return SupplementOut(
            case_no=one.case_no,
            matter_name=matter_name(deps, one.matter_code),
            material=next((m.name for m in materials if m.id == one.material), one.material),
            due_on=one.due_on,
            flag=flag,
            flag_zh=FLAG_ZH[flag] if flag else "",
        )


class TallyOut(Model):
    """应免未免 of a matter at a counter."""

    counter_code: str
    authority_code: str
    authority_name: str
    matter_code: str
    matter_name: str
    cases: int = Field(description="办件（件）")
    exempt: int = Field(description="免提交材料（项）")
    taken: int = Field(description="应免未免（项）")

    @staticmethod
    def of(deps: Deps, one: CounterTally) -> TallyOut:
        """From a tally."""
        return TallyOut(
            counter_code=one.counter_code,
            authority_code=one.authority_code,
            authority_name=body_name(deps.catalog, one.authority_code),
            matter_code=one.matter_code,
            matter_name=matter_name(deps, one.matter_code),
            cases=one.cases,
            exempt=one.exempt,
            taken=one.taken,
        )


class DepartmentTallyOut(Model):
    """The sums of a department's matters."""

    authority_code: str
    authority_name: str
    cases: int
    exempt: int
    taken: int


class CounterQualityOut(Model):
    """应免未免 by matter and by department."""

    matters: list[TallyOut]
    departments: list[DepartmentTallyOut]


SHOWN_START, SHOWN_END = 3, 2


def masked(code: str) -> str:
    """The beginning and the end of a holder's code; nothing of a short one."""
    hidden = len(code) - SHOWN_START - SHOWN_END
    if hidden <= SHOWN_START:
        return "*" * len(code)
    return code[:SHOWN_START] + "*" * hidden + code[-SHOWN_END:]


def body_name(catalog: Catalog, code: str) -> str:
    """Name of a body, or its code when the catalog knows it no more."""
    return catalog.authority(code).name if catalog.has_authority(code) else code
