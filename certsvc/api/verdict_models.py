"""The verdict in answers (DESIGN.md 7): checks, signatures, remarks, and the words for people."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from certsvc.api.models import FactsOut, Model, ReasonOut
from certsvc.seal.headlines import next_step
from certsvc.seal.reason_words import REMARKS, WORDS

if TYPE_CHECKING:
    from certsvc.seal.verdict import CitedRecognition, CopyFacts, Remark, SignatureReport, Verdict


class SignatureOut(Model):
    """One signature of a file."""

    field: str
    format: str
    kind: str
    intact: str
    valid: str
    trust: str
    coverage: str
    modification: str
    signer: str
    digest_algorithm: str
    claimed_time: datetime | None
    reason: str
    text: str

    @staticmethod
    def of(report: SignatureReport) -> SignatureOut:
        """From the inspector's report."""
        return SignatureOut(
            field=report.field_name,
            format=report.format,
            kind=report.kind,
            intact=report.intact.value,
            valid=report.valid.value,
            trust=report.trust.value,
            coverage=report.coverage,
            modification=report.modification,
            signer=report.signer,
            digest_algorithm=report.digest_algorithm,
            claimed_time=report.claimed_time,
            reason=report.reason.value,
            text=WORDS[report.reason].zh,
        )


class RecognitionOut(Model):
    """The 互认 that a verdict cites."""

    partner: str
    partner_name: str
    list_version: int = Field(description="信任列表的版本")
    effective_from: datetime
    note: str = Field(description="不予认可或无法核验的原因；空为认可")

    @staticmethod
    def of(cited: CitedRecognition | None) -> RecognitionOut | None:
        """From the verdict's citation."""
        if cited is None:
            return None
        return RecognitionOut(
            partner=cited.partner,
            partner_name=cited.partner_name,
            list_version=cited.list_version,
            effective_from=cited.effective_from,
            note=cited.note,
        )


class RemarkOut(Model):
    """Something to look at in a file, whatever its outcome."""

    code: str
    text: str
    text_en: str

    @staticmethod
    def of(remark: Remark) -> RemarkOut:
        """From the remark's code."""
        text, text_en = REMARKS[remark]
        return RemarkOut(code=remark.value, text=text, text_en=text_en)


class CopyFactsOut(Model):
    """An annotated copy (加注件): for whom, for which matter only, until when."""

    number: str = Field(description="加注件编号")
    made_for: str = Field(description="为哪个单位制作")
    matter: str = Field(description="仅用于哪个事项；只凭二维码查询时部分隐去")
    until: datetime
    made_at: datetime
    withdrawn: bool = Field(description="持证人已收回")

    @staticmethod
    def of(facts: CopyFacts | None) -> CopyFactsOut | None:
        """From the verdict's facts."""
        if facts is None:
            return None
        return CopyFactsOut(
            number=facts.number,
            made_for=facts.made_for,
            matter=facts.matter,
            until=facts.until,
            made_at=facts.made_at,
            withdrawn=facts.withdrawn,
        )


class VerdictOut(Model):
    """The verdict of DESIGN.md 7; every check stands by itself."""

    indication: str
    sub_indication: str | None
    reason: str
    text: str
    text_en: str
    registry_match: str
    integrity: str
    coverage: str
    modification: str
    trust: str
    status: str
    signatures: list[SignatureOut]
    license: FactsOut | None
    checked_at: datetime
    not_checked: list[str]
    remarks: list[RemarkOut] = Field(description="结论之外请留意的情况")
    family: str = Field(description="结论类别：页面按此区分颜色与符号")
    word: str = Field(description="结论，几个字")
    word_en: str
    next: str = Field(description="下一步怎么办")
    next_en: str
    as_of: datetime | None = Field(description="所问时刻；空为现在")
    later: ReasonOut | None = Field(description="所问时刻之后状态有变的，现在的状态")
    time_basis: str = Field(description="证书按何时判断：registered 登记时间 · asked 所问时刻 · now 现在")
    unreachable: list[str] = Field(description="应当答复吊销状态或证照状态而没有答复的主机")
    recognition: RecognitionOut | None = Field(description="其他城市的证照：依据哪一项互认")
    copy_facts: CopyFactsOut | None = Field(
        default=None, description="核验的是加注件时，它的情况；license 为所依据的证照"
    )
    receipt: str = Field(default="", description="核验回执（JWS），请求时要求才有")
    receipt_salt: str = Field(default="", description="回执中 asked.sha256 的盐：出示它才能证明问的是哪个码或编号")

    @staticmethod
    def of(verdict: Verdict, receipt: str = "", salt: str = "") -> VerdictOut:
        """From the command's verdict."""
        words = WORDS[verdict.reason]
        next_zh, next_en = next_step(verdict)
        return VerdictOut(
            indication=verdict.indication.value,
            sub_indication=verdict.sub_indication.value if verdict.sub_indication else None,
            reason=verdict.reason.value,
            text=words.zh,
            text_en=words.en,
            registry_match=verdict.registry_match.value,
            integrity=verdict.integrity.value,
            coverage=verdict.coverage.value,
            modification=verdict.modification.value,
            trust=verdict.trust.value,
            status=verdict.status.value,
            signatures=[SignatureOut.of(report) for report in verdict.signatures],
            license=FactsOut.of(verdict.license),
            checked_at=verdict.checked_at,
            not_checked=list(verdict.not_checked),
            remarks=[RemarkOut.of(one) for one in verdict.remarks],
            family=words.family.value,
            word=words.short_zh,
            word_en=words.short_en,
            next=next_zh,
            next_en=next_en,
            as_of=verdict.as_of,
            later=ReasonOut.of(verdict.later) if verdict.later else None,
            time_basis=verdict.time_basis,
            unreachable=list(verdict.unreachable),
            recognition=RecognitionOut.of(verdict.recognition),
            copy_facts=CopyFactsOut.of(verdict.copy),
            receipt=receipt,
            receipt_salt=salt,
        )
