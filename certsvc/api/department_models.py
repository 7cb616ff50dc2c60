"""What a department reads about what it asked."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from certsvc.api.clients import ClientOut
from certsvc.api.models import ENGLISH, Model
from certsvc.api.uses import FieldName
from certsvc.catalog.masks import apply_mask
from certsvc.catalog.material_file import FETCHED_KEYS
from certsvc.catalog.model import Mask
from certsvc.commands.department.refusals import words_of
from certsvc.commands.department.uses import COMPANY
from certsvc.commands.matters.reading import key_name
from certsvc.commands.offline.labels import english_of
from certsvc.commands.sharing.policy import matter_name
from certsvc.commands.sharing.question_words import without_term
from certsvc.identifiers.policy_key import COPY
from certsvc.license.departments import GIVEN, USE_KIND_ZH, UseKind, kind_of
from certsvc.license.questions import ANSWER_ZH
from certsvc.license.uses import USE_BASIS_ZH, UseBasis

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certsvc.catalog.loader import Catalog
    from certsvc.commands.department.overview import Overview, QuotaUse, SystemOfBody, Tally
    from certsvc.commands.department.uses import BodyUse
    from certsvc.commands.ports import Deps
    from certsvc.license.consents import UseRequest

COUNTER_ZH = "综合窗口"
"""What stands for the clerk of a counter, whose name is nobody's business here."""


class RefusalOut(Model):
    """A reason of refusal in words."""

    code: str
    title: str
    title_en: str
    next: str = Field(description="怎么办")
    next_en: str

    @staticmethod
    def of(code: str) -> RefusalOut:
        """From its code."""
        words = words_of(code)
        return RefusalOut(code=code, title=words.title, title_en=words.title_en, next=words.next, next_en=words.next_en)


class BodyUseOut(Model):
    """One use of the own body: nothing that names anybody, but for the masked holder where the name was given."""

    use_id: str
    at: datetime
    kind: str = Field(description="fetch 取信息项 · copy 加注件 · answer 核验答复")
    kind_zh: str
    matter_code: str
    matter_name: str
    case_no: str
    client_id: str
    client_name: str
    type: str = Field(description="所要的证照类型；早期的记录为空")
    type_name: str
    fields: list[FieldName] = Field(description="提供的信息项；被拒绝的，为所要的")
    question: str = Field(description="核验的问题，不含所问的内容")
    answer: str
    answer_zh: str
    basis: str
    basis_zh: str
    given: bool
    refusal: RefusalOut | None = Field(description="被拒绝的，原因和下一步；其他为空")
    holder: str = Field(description="已提供过持证主体名称的，遮盖后的名称；其他为空")
    withheld_until: datetime | None = Field(description="依法暂缓告知持证人到何时")

    @staticmethod
    def of(deps: Deps, row: BodyUse) -> BodyUseOut:
        """From the ledger."""
        use = row.use
        # A clerk's use on what the holder showed names the clerk as one on application does, and is told the same way.
        kind, given, counter = (
            kind_of(use),
            use.outcome == GIVEN,
            use.basis == UseBasis.APPLICATION or not use.client_id,
        )
        return BodyUseOut(
            use_id=use.fetch_id,
            at=use.at,
            kind=kind.value,
            kind_zh=USE_KIND_ZH[kind],
            matter_code=use.matter_code,
            matter_name=matter_name(deps, use.matter_code),
            case_no=use.case_no,
            client_id="" if counter else use.client_id,
            client_name=COUNTER_ZH if counter else use.client_name,
            type=use.type_slug,
            type_name=type_name(deps, use.type_slug),
            fields=_names(deps, use.type_slug, use.fields),
            question=without_term(use.said),
            answer=use.answer,
            answer_zh=ANSWER_ZH.get(use.answer, ""),
            basis=use.basis,
            basis_zh=USE_BASIS_ZH.get(use.basis, use.basis),
            given=given,
            refusal=None if given else RefusalOut.of(use.outcome),
            holder=row.holder,
            withheld_until=use.withheld_until,
        )


class BodyUsePageOut(Model):
    """Newest first; ask again with ``next`` as ``cursor``, unless it is empty, even where a page has few rows."""

    uses: list[BodyUseOut]
    next: str


class TallyOut(Model):
    """Uses by what left, and refused ones, in 件."""

    fetches: int
    copies: int
    answers: int
    refused: int

    @staticmethod
    def of(one: Tally) -> TallyOut:
        """From the command's numbers."""
        return TallyOut(
            fetches=one.given[UseKind.FETCH],
            copies=one.given[UseKind.COPY],
            answers=one.given[UseKind.ANSWER],
            refused=one.refused,
        )


class NamedTallyOut(Model):
    """The same for a matter or a type."""

    code: str
    name: str
    uses: TallyOut


class ReasonCountOut(Model):
    """How often a reason stood against a use."""

    refusal: RefusalOut
    uses: int


class QuotaOut(Model):
    """A policy in force and its day."""

    policy_id: str
    matter_code: str
    matter_name: str
    type: str
    type_name: str
    keys: list[FieldName]
    bases: list[str]
    quota: int | None = Field(description="每日用量上限；没有上限的为空")
    used_today: int | None = Field(description="今日已用；没有上限的不计，为空")

    @staticmethod
    def of(deps: Deps, one: QuotaUse) -> QuotaOut:
        """From the command's answer."""
        return QuotaOut(
            policy_id=one.allowed.policy_id,
            matter_code=one.matter_code,
            matter_name=matter_name(deps, one.matter_code),
            type=one.type_slug,
            type_name=type_name(deps, one.type_slug),
            keys=_names(deps, one.type_slug, one.allowed.keys),
            bases=list(one.allowed.bases),
            quota=one.allowed.quota,
            used_today=one.used,
        )


class OverviewOut(Model):
    """The numbers of the own body."""

    authority_code: str
    authority_name: str
    consent_only: bool = Field(description="本单位（公证机构、公用企业、银行）只能凭持证人授权用证")
    since: date
    whole: bool = Field(description="false：时段内的记录太多，只计了最近的，各数不是整个时段的")
    counted_from: datetime | None = Field(description="whole 为 false 时，所计最早一次的时间；其他为空")
    total: TallyOut
    matters: list[NamedTallyOut]
    types: list[NamedTallyOut]
    refusals: list[ReasonCountOut]
    policies: list[QuotaOut] = Field(description="现在生效的用证策略，目录中的也在内")

    @staticmethod
    def of(deps: Deps, one: Overview) -> OverviewOut:
        """From the command's answer."""
        known = deps.catalog.has_authority(one.body)
        return OverviewOut(
            authority_code=one.body,
            authority_name=deps.catalog.authority(one.body).name if known else one.body,
            consent_only=deps.catalog.consent_only(one.body),
            since=one.first,
            whole=one.whole,
            counted_from=one.counted_from,
            total=TallyOut.of(one.total),
            matters=[
                NamedTallyOut(code=code, name=matter_name(deps, code), uses=TallyOut.of(tally))
                for code, tally in one.by_matter.items()
            ],
            types=[
                NamedTallyOut(code=slug, name=type_name(deps, slug), uses=TallyOut.of(tally))
                for slug, tally in one.by_type.items()
            ],
            refusals=[ReasonCountOut(refusal=RefusalOut.of(code), uses=uses) for code, uses in one.refusals.items()],
            policies=[QuotaOut.of(deps, quota) for quota in one.quotas],
        )


class SystemOut(ClientOut):
    """A 用证系统 of the own body."""

    staff: int = Field(description="已登记的经办人数")

    @staticmethod
    def with_staff(catalog: Catalog, one: SystemOfBody) -> SystemOut:
        """From the command's answer."""
        return SystemOut(**ClientOut.of(catalog, one.client).model_dump(), staff=one.staff)


class OpenRequestOut(Model):
    """A use request that waits for its holder, who is masked."""

    request_id: str
    client_name: str
    matter_code: str
    matter_name: str
    case_no: str
    types: list[str]
    types_en: list[str] = Field(description=ENGLISH)
    holder: str
    created_at: datetime
    lapses_at: datetime

    @staticmethod
    def of(deps: Deps, one: UseRequest) -> OpenRequestOut:
        """From the register."""
        bare = one.holder.code_type == COMPANY
        return OpenRequestOut(
            request_id=one.request_id,
            client_name=one.client_name,
            matter_code=one.matter_code,
            matter_name=matter_name(deps, one.matter_code),
            case_no=one.case_no,
            types=[type_name(deps, slug) for slug in sorted(one.items)],
            types_en=[english_of(slug) for slug in sorted(one.items)],
            holder=one.holder.name if bare else apply_mask(Mask.NAME, one.holder.name),
            created_at=one.created_at,
            lapses_at=one.lapses_at,
        )


def type_name(deps: Deps, slug: str) -> str:
    """What a type is called; its slug when it is gone, nothing for none."""
    return deps.catalog.used_name(slug)


def _names(deps: Deps, slug: str, keys: Iterable[str]) -> list[FieldName]:
    kind = deps.catalog.type(slug) if deps.catalog.has_type(slug) else None
    named = {**FETCHED_KEYS, COPY: "材料文件"} if deps.catalog.material_kind(slug) is not None else {}
    return [FieldName(key=key, name=key_name(kind, key) if kind else named.get(key, key)) for key in keys]
