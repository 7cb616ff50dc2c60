"""What answers look like: the response models of the OpenAPI document, and how commands' results become them."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.license.status_list import list_uri
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certsvc.catalog.loader import Catalog
    from certsvc.commands.showing.scan_code import ScanAnswer
    from certsvc.commands.showing.values import ShownField
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Flag, Standing
    from certsvc.license.status_list import StatusEntry
    from certsvc.seal.verdict import LicenseFacts, StatusFlag


class Model(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(frozen=True)


class FieldOut(Model):
    """One field as shown."""

    key: str
    name: str
    value: str

    @staticmethod
    def many(fields: Iterable[ShownField]) -> list[FieldOut]:
        """From the command's fields."""
        return [FieldOut(key=f.key, name=f.name, value=f.value) for f in fields]


class FlagOut(Model):
    """Something to know about a license."""

    code: str
    text: str
    light: str = Field(description="amber 需注意 · green 仅供参考")

    @staticmethod
    def many(flags: Iterable[Flag | StatusFlag]) -> list[FlagOut]:
        """From a standing or a verdict."""
        return [FlagOut(code=flag.code, text=flag.zh, light=str(flag.light)) for flag in flags]


class StatusEntryOut(Model):
    """Which entry of which status list is a license's (draft-ietf-oauth-status-list §6.2)."""

    idx: int
    uri: str


class StatusOut(Model):
    """Where the status of a license is published."""

    status_list: StatusEntryOut

    @staticmethod
    def of(entry: StatusEntry | None, base: str) -> StatusOut | None:
        """From the register's entry; ``base`` is where lists are published."""
        if entry is None:
            return None
        return StatusOut(status_list=StatusEntryOut(idx=entry.index, uri=list_uri(base, entry.list_no)))


class FactsOut(Model):
    """What anyone may know of a license."""

    identifier: str
    number: str
    type: str
    type_name: str
    issuer_name: str
    holder_masked: str
    state: str
    state_zh: str
    valid_from: str
    valid_until: str
    replaced_by: str
    newest: list[str] = Field(description="现行版本的证照标识，分立后有多个")
    light: str = Field(description="green 正常 · amber 有需注意的事项 · red 异常")
    flags: list[FlagOut]
    origin: str = Field(description="issued 本系统签发 · registered 来源系统制作、核验后登记")
    source_name: str = Field(description="来源系统名称，本系统签发的为空")
    origin_text: str = Field(description="页面上的来源说明，本系统签发的为空")
    status: StatusOut | None = Field(default=None, description="状态列表中的位置，供离线核验；尚未编入的为空")

    @staticmethod
    def of(facts: LicenseFacts | None) -> FactsOut | None:
        """From the verdict's facts."""
        if facts is None:
            return None
        return FactsOut(
            identifier=facts.identifier,
            number=facts.number,
            type=facts.type_slug,
            type_name=facts.type_name,
            issuer_name=facts.issuer_name,
            holder_masked=facts.holder_masked,
            state=facts.state,
            state_zh=facts.state_zh,
            valid_from=facts.valid_from,
            valid_until=facts.valid_until,
            replaced_by=facts.replaced_by,
            newest=list(facts.newest),
            light=facts.light,
            flags=FlagOut.many(facts.flags),
            origin=facts.origin,
            source_name=facts.source_name,
            origin_text=facts.origin_zh,
            status=StatusOut(status_list=StatusEntryOut(idx=facts.status_index, uri=facts.status_uri))
            if facts.status_uri
            else None,
        )


class ReasonOut(Model):
    """A reason code in words: short, as a sentence, and the next step."""

    code: str
    family: str = Field(description="结论类别，颜色与符号按此区分")
    word: str
    word_en: str
    text: str
    text_en: str
    next: str = Field(description="下一步怎么办")
    next_en: str

    @staticmethod
    def of(reason: Reason) -> ReasonOut:
        """With its words."""
        words = WORDS[reason]
        return ReasonOut(
            code=reason.value,
            family=words.family.value,
            word=words.short_zh,
            word_en=words.short_en,
            text=words.zh,
            text_en=words.en,
            next=words.next_zh,
            next_en=words.next_en,
        )

    @staticmethod
    def named(code: object) -> ReasonOut | None:
        """From a code on record; None when it is no reason, or one of before that is used no more."""
        return ReasonOut.of(Reason(str(code))) if code in set(Reason) else None


class SealOut(Model):
    """The seal on the page."""

    seal_id: str
    name: str
    owner_name: str
    state: str


class ScanOut(Model):
    """What the officer's screen shows."""

    scan_id: str
    light: str = Field(description="green 正常 · red 异常 · amber 需再核")
    text: str
    reasons: list[ReasonOut]
    license: FactsOut | None
    scene_name: str
    fields: list[FieldOut]
    photo: str = Field(description="JPEG 的 Base64，无则为空")
    seal: SealOut | None
    notes: list[str]
    card_needed: bool = Field(description="扣留或暂扣前须核对实体证")
    visit_id: str = Field(description="所属的检查，不在检查中为空")
    at: datetime

    @staticmethod
    def of(answer: ScanAnswer) -> ScanOut:
        """From the command's answer."""
        seal = answer.seal
        return ScanOut(
            scan_id=answer.scan.scan_id,
            light=answer.light,
            text=answer.text_zh,
            reasons=[ReasonOut.of(reason) for reason in answer.reasons],
            license=FactsOut.of(answer.facts),
            scene_name=answer.scene_name,
            fields=FieldOut.many(answer.fields),
            photo=base64.b64encode(answer.photo).decode() if answer.photo else "",
            seal=SealOut(seal_id=seal.seal_id, name=seal.name, owner_name=seal.owner_name, state=seal.state.value)
            if seal
            else None,
            notes=list(answer.notes),
            card_needed=answer.card_needed,
            visit_id=answer.scan.visit_id,
            at=answer.at,
        )


class SceneOut(Model):
    """A 亮证 scene of a type."""

    code: str
    name: str
    audience: str


class CardOut(Model):
    """A license in its holder's wallet."""

    identifier: str
    type: str
    type_name: str
    number: str
    issuer_name: str
    holder_name: str
    issued_on: str
    valid_from: str
    valid_until: str
    state: str
    state_zh: str
    good: bool
    light: str
    flags: list[FlagOut]
    scenes: list[SceneOut]
    sha256: str
    revision: int
    origin: str = Field(description="issued 本系统签发 · registered 来源系统制作、核验后登记")
    source_name: str = Field(description="来源系统名称，本系统签发的为空")
    origin_text: str = Field(description="页面上的来源说明，本系统签发的为空")
    status: StatusOut | None = Field(default=None, description="状态列表中的位置，供离线核验；尚未编入的为空")

    @staticmethod
    def of(catalog: Catalog, version: LicenseVersion, stands: Standing, *, base: str) -> CardOut:
        """From a version and how it stands; ``base`` is where status lists are published."""
        kind = catalog.type(version.type_slug)
        return CardOut(
            identifier=version.identifier,
            type=kind.slug,
            type_name=kind.name,
            number=version.number,
            issuer_name=version.issuer_name,
            holder_name=version.holder.name,
            issued_on=version.issued_on.isoformat(),
            valid_from=version.valid_from.isoformat(),
            valid_until=version.valid_until.isoformat() if version.valid_until else "",
            state=stands.code,
            state_zh=stands.zh,
            good=stands.good,
            light=stands.light.value,
            flags=FlagOut.many(stands.flags),
            scenes=[]
            if version.provisional
            else [SceneOut(code=s.code, name=s.name, audience=s.audience) for s in kind.scenes],
            sha256=version.artifact.sha256,
            revision=version.revision,
            origin=version.origin.value,
            source_name=version.registration.source_name if version.registration else "",
            origin_text=version.registration.sentence if version.registration else "",
            status=StatusOut.of(version.status_entry, base),
        )
