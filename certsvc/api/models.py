"""What answers look like: the response models of the OpenAPI document, and how commands' results become them."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.catalog.bundles import BUNDLE_ZH
from certsvc.commands.offline.labels import english_of
from certsvc.license.status_list import list_uri
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.model import SceneSpec
    from certsvc.commands.showing.reading import Presenter
    from certsvc.commands.showing.scan_bundle import BundleReading
    from certsvc.commands.showing.scan_code import ScanAnswer
    from certsvc.commands.showing.values import ShownField
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Flag, Standing
    from certsvc.license.status_list import StatusEntry
    from certsvc.seal.model import Seal
    from certsvc.seal.verdict import LicenseFacts, StatusFlag


ENGLISH = "英文名称，由代码得出，证照目录没有英文"
"""Of names of types and scenes in English (``commands/offline/labels.py``)."""


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
    type_name_en: str = Field(description=ENGLISH)
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
            type_name_en=english_of(facts.type_slug),
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

    @staticmethod
    def of(seal: Seal | None) -> SealOut | None:
        """From the register's seal."""
        if seal is None:
            return None
        return SealOut(seal_id=seal.seal_id, name=seal.name, owner_name=seal.owner_name, state=seal.state.value)


class PresenterOut(Model):
    """Who shows for the holder."""

    basis: str = Field(description="co_holder 共有人 · guardian 监护人 · representative 法定代表人 · delegation 代亮")
    name_masked: str
    text: str

    @staticmethod
    def of(presenter: Presenter | None) -> PresenterOut | None:
        """From the command's answer."""
        if presenter is None:
            return None
        return PresenterOut(basis=presenter.basis, name_masked=presenter.name_masked, text=presenter.text_zh)


class MemberScanOut(Model):
    """One license of a scanned 一业一证."""

    scan_id: str = Field(description="这张证照的核验记录编号，登记处理结果时填写")
    type: str
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    required: bool
    light: str
    reasons: list[ReasonOut]
    license: FactsOut | None
    scene_name: str
    scene_name_en: str = Field(description=ENGLISH)
    fields: list[FieldOut]
    photo: str = Field(description="JPEG 的 Base64，无则为空")
    seal: SealOut | None
    notes: list[str]
    card_needed: bool = Field(description="扣留或暂扣前须核对实体证")


class BundleScanOut(Model):
    """A scanned 一业一证: its state follows from the licenses in it, and it replaces none of them."""

    code: str
    name: str
    state: str = Field(description="complete · attention · incomplete · impaired")
    state_zh: str
    missing: list[str] = Field(description="组合应有而未出示的证照类型")
    members: list[MemberScanOut]

    @staticmethod
    def of(read: BundleReading | None) -> BundleScanOut | None:
        """From the command's answer."""
        if read is None:
            return None
        return BundleScanOut(
            code=read.bundle.code,
            name=read.bundle.name,
            state=read.standing.state.value,
            state_zh=BUNDLE_ZH[read.standing.state],
            missing=list(read.standing.missing),
            members=[
                MemberScanOut(
                    scan_id=one.scan.scan_id,
                    type=one.kind.slug,
                    type_name=one.kind.name,
                    type_name_en=english_of(one.kind.slug),
                    required=one.kind.slug in read.bundle.required,
                    light=one.read.light,
                    reasons=[ReasonOut.of(reason) for reason in one.read.reasons],
                    license=FactsOut.of(one.read.facts),
                    scene_name=one.scene.name if one.scene else "",
                    scene_name_en=english_of(one.scene.code) if one.scene else "",
                    fields=FieldOut.many(one.read.fields),
                    photo=photo_text(one.read.photo),
                    seal=SealOut.of(one.read.seal),
                    notes=list(one.read.notes),
                    card_needed=one.read.card_needed,
                )
                for one in read.members
            ],
        )


def photo_text(photo: bytes | None) -> str:
    """A JPEG as text, or empty."""
    return base64.b64encode(photo).decode() if photo else ""


class ScanOut(Model):
    """What the officer's screen shows."""

    scan_id: str
    light: str = Field(description="green 正常 · red 异常 · amber 需再核")
    text: str
    reasons: list[ReasonOut]
    license: FactsOut | None
    scene_name: str
    scene_name_en: str = Field(description=ENGLISH)
    fields: list[FieldOut]
    photo: str = Field(description="JPEG 的 Base64，无则为空")
    seal: SealOut | None
    notes: list[str]
    card_needed: bool = Field(description="扣留或暂扣前须核对实体证")
    visit_id: str = Field(description="所属的检查，不在检查中为空")
    at: datetime
    presenter: PresenterOut | None = Field(default=None, description="不是持证人本人出示时，由谁出示")
    bundle: BundleScanOut | None = Field(default=None, description="一业一证码的全部证照；其他码为空")

    @staticmethod
    def of(answer: ScanAnswer) -> ScanOut:
        """From the command's answer."""
        return ScanOut(
            scan_id=answer.scan.scan_id,
            light=answer.light,
            text=answer.text_zh,
            reasons=[ReasonOut.of(reason) for reason in answer.reasons],
            license=FactsOut.of(answer.facts),
            scene_name=answer.scene_name,
            scene_name_en=english_of(answer.scan.scene) if answer.scene_name else "",
            fields=FieldOut.many(answer.fields),
            photo=photo_text(answer.photo),
            seal=SealOut.of(answer.seal),
            notes=list(answer.notes),
            card_needed=answer.card_needed,
            visit_id=answer.scan.visit_id,
            at=answer.at,
            presenter=PresenterOut.of(answer.presenter),
            bundle=BundleScanOut.of(answer.bundle),
        )


class SceneOut(Model):
    """A 亮证 scene of a type."""

    code: str
    name: str
    name_en: str = Field(description=ENGLISH)
    audience: str

    @staticmethod
    def of(scene: SceneSpec) -> SceneOut:
        """From the catalog."""
        return SceneOut(code=scene.code, name=scene.name, name_en=english_of(scene.code), audience=scene.audience)


class CardOut(Model):
    """A license in its holder's wallet."""

    identifier: str
    type: str
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
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
            type_name_en=english_of(kind.slug),
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
            scenes=[] if version.provisional else [SceneOut.of(scene) for scene in kind.scenes],
            sha256=version.artifact.sha256,
            revision=version.revision,
            origin=version.origin.value,
            source_name=version.registration.source_name if version.registration else "",
            origin_text=version.registration.sentence if version.registration else "",
            status=StatusOut.of(version.status_entry, base),
        )
