"""One ``types/<slug>.toml``: a license type and its sample, read strictly and checked against itself.

What needs other files (issuers, matters) is checked by ``loader.py``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict

from certsvc.catalog.archive_rule import read_archive
from certsvc.catalog.face_plan import read_face
from certsvc.catalog.governance import read_governance
from certsvc.catalog.local_part import read_local
from certsvc.catalog.model import (
    FieldKind,
    FieldSpec,
    HolderKind,
    LicenseType,
    Mask,
    NumberRule,
    SceneSpec,
    SignatureStep,
    Validity,
    ValidityKind,
)
from certsvc.catalog.numbers import CHECKS, pattern_fault
from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.holder_code import HolderCodeType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.local_part import LocalPart
    from certsvc.catalog.model import FacePlan
    from certsvc.catalog.toml_table import Table, TomlFile

PLACES = ("face", "show", "log", "print")
AUDIENCES = ("officer", "clerk", "public")
TASKS = ("routine", "random", "special", "complaint", "case")
"""Words of ``license/visits.py`` TaskKind, which this room does not know; a test compares them."""
STANDARD_KEYS = ("holder_name", "holder_code", "number", "issuer_name", "issued_on", "valid_from", "valid_until")
"""What every license has beside its own fields; scenes and matters name them like fields."""
NEVER_ISSUED = ("居民身份证", "护照", "军官证", "医保电子凭证", "医保码", "对外贸易经营者备案登记表")
"""Recognised at most, never issued here (DOMAIN.md 6)."""
MAX_FIELD_LENGTH = 2000
"""Longer values fit no A4 page; stops oversized payloads at the door."""
MAX_YEARS = 100
MAX_REMINDER_DAYS = 366
MAX_VERSION = 1_000_000
"""A version is raised by one with each publication; a larger number is a slip of the keyboard."""
CERTIFIED_NO_CHANGES = 1
"""DocMDP P=1 (ISO 32000-2 table 257): what a single seal must certify with (DESIGN.md 4)."""

SLUG = re.compile(r"[a-z][a-z0-9_]{2,39}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TYPE_CODE = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_ELEMENT = re.compile(r"KZ_[A-Z][A-Z0-9]{1,30}|certificate[A-Z][A-Za-z]{1,40}|relatedItem[A-Z][A-Za-z]{1,20}")
_FORMAT = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_RANGE = re.compile(r"[1-9][0-9]{0,2}[年月天]|长期")
_ROLE = re.compile(r"[a-z][a-z_]{1,30}")
_DEFINER_LENGTH = 18


class Sample(TypedDict):
    """One complete synthetic application for a type, in the form in which approvals send it.

    Dates are ISO texts; ``valid_until`` is empty for 长期, ``number`` is empty unless the approval gives it. The sample
    of a type that lives a year or two would soon be out of date: it leaves its three dates empty, for "issued today".
    """

    issuer_code: str
    region: str
    matter_code: str
    holder_name: str
    holder_code: str
    holder_code_type: str
    number: str
    issued_on: str
    valid_from: str
    valid_until: str
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TypeFile:
    """What one file holds, and the file for later refusals."""

    license_type: LicenseType
    sample: Sample
    file: TomlFile


def read_type(file: TomlFile, authorities: Mapping[str, str], local_file: TomlFile | None = None) -> TypeFile:
    """Read one type.

    Args:
        file: the parsed file; its name is ``<slug>.toml``.
        authorities: name by USCC, for the definer.
        local_file: ``local/<slug>.toml``, what the city adds.

    Raises:
        ConfigurationError: anything unknown, missing, malformed or contradictory, with its place.
    """
    root = file.root()
    slug = root.matching("slug", SLUG, "应由小写字母、数字、下划线组成，3 至 40 位，以字母开头")
    if file.name != f"{slug}.toml":
        root.refuse("slug", f"应与文件名一致（{file.name}）")
    type_code = root.matching("type_code", _TYPE_CODE, "应为 18 位机构代码加 3 位数字（GB/T 36904）")
    definer = type_code[:_DEFINER_LENGTH]
    if definer not in authorities:
        root.refuse("type_code", "证照定义机构不在 authorities.toml 中")
    name = root.text("name")
    if name in NEVER_ISSUED:
        root.refuse("name", "此类证照只识别、不在本系统签发")
    holder_kind = HolderKind(root.choice("holder_kind", tuple(HolderKind)))
    photo = root.flag("photo")
    local = read_local(local_file)
    governance = read_governance(root)
    fields = local.masked(_fields(root), _masks)
    number, embeds = _number(root, fields)
    face = _face(root, local, fields, photo=photo)
    license_type = LicenseType(
        slug=slug,
        type_code=type_code,
        name=name,
        domain=root.text("domain"),
        definer_code=definer,
        definer_name=authorities[definer],
        holder_kind=holder_kind,
        holder_code_types=_holder_code_types(root, holder_kind),
        issuers=local.texts("issuers", root.texts("issuers")),
        penalisers=local.texts("penalisers", root.texts("penalisers") if "penalisers" in root else ()),
        photo=photo,
        fields=tuple(fields.values()),
        holder_masks=_masks(root, "holder_masks"),
        holder_code_masks=_holder_code_masks(root, holder_kind),
        scenes=_all_scenes(root, local, fields, photo=photo, document=governance["document"]),
        matters=local.texts("matters", root.texts("matters")),
        validity=_validity(root),
        number=number,
        number_embeds_id=embeds,
        signature_plan=_signature_plan(root),
        face=face,
        retention_years=root.integer("retention_years", 1, MAX_YEARS),
        digest=hashlib.sha256(file.raw + local.raw + face.base).hexdigest(),
        archive=read_archive(root, local, document=governance["document"]),
        version=root.integer("version", 1, MAX_VERSION) if "version" in root else 1,
        **governance,
    )
    return _finished(TypeFile(license_type, _sample(root.table("sample")), file), root, local)


def _finished(read: TypeFile, root: Table, local: LocalPart) -> TypeFile:
    """What was read, when nothing is left over in either file."""
    root.done()
    local.done()
    return read


def _fields(root: Table) -> dict[str, FieldSpec]:
    fields: dict[str, FieldSpec] = {}
    elements: set[str] = set()
    for table in root.tables("fields"):
        key = table.matching("key", _KEY, "应由小写字母、数字、下划线组成，以字母开头")
        if key in fields or key in STANDARD_KEYS:
            table.refuse("key", f"“{key}”重复或为保留字")
        element = table.matching("element", _ELEMENT, "应为 GB/T 36903 元素名，或 KZ_ 加大写拼音")
        if element in elements:
            table.refuse("element", f"“{element}”重复")
        elements.add(element)
        kind = FieldKind(table.choice("kind", tuple(FieldKind)))
        if (kind is FieldKind.CHOICE) != ("choices" in table):
            table.refuse("choices", "kind 为 choice 时必须给出选项，其他情况不能给出")
        choices = table.texts("choices") if kind is FieldKind.CHOICE else ()
        if kind is FieldKind.CHOICE and not choices:
            table.refuse("choices", "至少要有一个选项")
        fields[key] = FieldSpec(
            key=key,
            name=table.text("name"),
            element=element,
            kind=kind,
            required=table.flag("required"),
            max_length=table.integer("max_length", 1, MAX_FIELD_LENGTH),
            choices=choices,
            masks=_masks(table, "masks"),
        )
        if any(len(choice) > fields[key].max_length for choice in choices):
            table.refuse("max_length", "小于最长的选项")
        table.done()
    return fields


def _masks(parent: Table, key: str) -> Mapping[str, Mask]:
    """Masks by place; hidden in the log unless the file says otherwise, personal data is not logged by default."""
    masks = {"log": Mask.HIDDEN}
    if key in parent:
        table = parent.table(key)
        for place in table.names():
            if place not in PLACES:
                table.refuse(place, f"“{place}”不是可用的场合：{'、'.join(PLACES)}")
            masks[place] = Mask(table.choice(place, tuple(Mask)))
    return MappingProxyType(masks)


def _holder_code_masks(root: Table, holder_kind: HolderKind) -> Mapping[str, Mask]:
    masks = _masks(root, "holder_code_masks")
    if holder_kind is not HolderKind.ORGANISATION and masks.get("show", Mask.NONE) is Mask.NONE:
        root.refuse("holder_code_masks", "持证主体可为自然人时，show 必须遮盖证件号码")
    return masks


def _holder_code_types(root: Table, holder_kind: HolderKind) -> tuple[str, ...]:
    codes = root.texts("holder_code_types")
    if not codes:
        root.refuse("holder_code_types", "至少要有一种持证主体代码类型")
    for code in codes:
        try:
            organisation = HolderCodeType.of(code).is_organisation
        except InvalidIdentifier as error:
            root.refuse("holder_code_types", f"“{code}”{error.reason}")
        wrong = HolderKind.PERSON if organisation else HolderKind.ORGANISATION
        if holder_kind is wrong:
            root.refuse("holder_code_types", f"“{code}”与持证者类别 {holder_kind.value} 不符")
    return codes


def _face(root: Table, local: LocalPart, fields: Mapping[str, FieldSpec], *, photo: bool) -> FacePlan:
    """The city's face if it draws one; the standard's is read in any case, so that it stays good."""
    standard = read_face(root.table("face"), fields, photo=photo)
    part = local.part("face", root)
    return standard if part is root else read_face(part.table("face"), fields, photo=photo)


def _all_scenes(
    root: Table, local: LocalPart, fields: Mapping[str, FieldSpec], *, photo: bool, document: bool
) -> tuple[SceneSpec, ...]:
    """The standard's scenes and those the city adds; a 文书 is never shown, so it has none."""
    parts = [part for part in (root, local.root) if part is not None and (part is root or "scenes" in part)]
    if document:
        for part in parts:
            if "scenes" in part:
                part.refuse("scenes", "文书不作为证照亮出，不能有亮证场景")
        return ()
    standard, *added = (_scenes(part, fields, photo=photo) for part in parts)
    for scenes in added:
        for code in scenes:
            if code in standard:
                parts[-1].refuse("scenes", f"场景“{code}”由证照定义机构规定，本地不能更改，请另用代码")
        standard |= scenes
    return tuple(standard.values())


def _scenes(root: Table, fields: Mapping[str, FieldSpec], *, photo: bool) -> dict[str, SceneSpec]:
    scenes: dict[str, SceneSpec] = {}
    for table in root.tables("scenes"):
        scene = SceneSpec(
            code=table.matching("code", _KEY, "应由小写字母、数字、下划线组成，以字母开头"),
            name=table.text("name"),
            audience=table.choice("audience", AUDIENCES),
            fields=table.texts("fields"),
            unmasked=table.texts("unmasked"),
            photo=table.flag("photo"),
            kinds=table.texts("kinds") if "kinds" in table else (),
            tasks=table.texts("tasks") if "tasks" in table else (),
            two_officers=table.flag("two_officers") if "two_officers" in table else False,
        )
        table.done()
        _check_duty(table, scene)
        if scene.code in scenes:
            table.refuse("code", f"“{scene.code}”重复")
        for key in scene.fields:
            if key not in fields and key not in STANDARD_KEYS:
                table.refuse("fields", f"“{key}”不是本类型的字段，也不是 {'、'.join(STANDARD_KEYS)}")
        for key in scene.unmasked:
            if key not in scene.fields:
                table.refuse("unmasked", f"“{key}”不在本场景的 fields 内")
        if scene.audience == "public" and scene.unmasked:
            table.refuse("unmasked", "面向公众的场景不能去掉遮盖")
        if scene.photo and not photo:
            table.refuse("photo", "本类型没有照片")
        scenes[scene.code] = scene
    return scenes


def _check_duty(table: Table, scene: SceneSpec) -> None:
    """What only a visit has is no condition for readers without one."""
    for key in ("kinds", "tasks", "two_officers"):
        if getattr(scene, key) and scene.audience != "officer":
            table.refuse(key, "只有执法人员（officer）的场景才有检查条件")
    for task in scene.tasks:
        if task not in TASKS:
            table.refuse("tasks", f"“{task}”不是检查类型，可用：{'、'.join(TASKS)}")


def _validity(root: Table) -> Validity:
    table = root.table("validity")
    validity = Validity(
        kind=ValidityKind(table.choice("kind", tuple(ValidityKind))),
        years=table.integer("years", 0, MAX_YEARS),
        reminder_days=table.integer("reminder_days", 0, MAX_REMINDER_DAYS),
        ranges=table.texts("ranges") if "ranges" in table else (),
    )
    table.done()
    if validity.kind is ValidityKind.YEARS and not validity.years:
        table.refuse("years", "kind 为 years 时应大于 0")
    if validity.kind is ValidityKind.OPEN_ENDED and validity.years:
        table.refuse("years", "长期有效时应为 0")
    if validity.ranges and validity.kind is not ValidityKind.GIVEN:
        table.refuse("ranges", "只有由审批给出期限（given）的类型才有多种有效期")
    if not all(_RANGE.fullmatch(text) for text in validity.ranges):
        table.refuse("ranges", "应写成 5年、6月、30天 或 长期")
    return validity


def _number(root: Table, fields: Mapping[str, FieldSpec]) -> tuple[NumberRule, bool]:
    table = root.table("number")
    rule = NumberRule(
        pattern=table.text_or_empty("pattern"), check=table.choice_or_empty("check", CHECKS), given=table.flag("given")
    )
    embeds = table.flag("embeds_id")
    table.done()
    choices = {key: len(spec.choices) for key, spec in fields.items() if spec.required}
    if fault := pattern_fault(rule, choices):
        table.refuse("pattern", fault)
    if embeds and not rule.given:
        table.refuse("embeds_id", "编号含证件号码时应由审批给定（given = true）")
    return rule, embeds


def _signature_plan(root: Table) -> tuple[SignatureStep, ...]:
    steps: list[SignatureStep] = []
    for table in root.tables("signature_plan"):
        step = SignatureStep(
            role=table.matching("role", _ROLE, "应为小写字母和下划线"),
            format=table.matching("format", _FORMAT, "应为小写字母、数字和连字符，例如 pades-b-b"),
            docmdp=table.integer("docmdp", 0, 3),
        )
        table.done()
        steps.append(step)
    if len(steps) == 1 and steps[0].docmdp != CERTIFIED_NO_CHANGES:
        root.refuse("signature_plan[0].docmdp", "只有一枚印章时应为 1（认证签名，不允许任何修改）")
    if any(step.docmdp for step in steps[1:]):
        root.refuse("signature_plan", "只有第一枚签名可以是认证签名，其余 docmdp 应为 0")
    return tuple(steps)


def _sample(table: Table) -> Sample:
    data_table = table.table("data")
    # Every value is a text, so that the sample is a payload as approvals send it; loader.py checks it by the rules.
    data = {key: data_table.text(key) for key in data_table.names()}
    sample = Sample(
        issuer_code=table.text("issuer_code"),
        region=table.text("region"),
        matter_code=table.text("matter_code"),
        holder_name=table.text("holder_name"),
        holder_code=table.text("holder_code"),
        holder_code_type=table.text("holder_code_type"),
        number=table.text_or_empty("number"),
        issued_on=table.text_or_empty("issued_on"),
        valid_from=table.text_or_empty("valid_from"),
        valid_until=table.text_or_empty("valid_until"),
        data=MappingProxyType(data),
    )
    table.done()
    return sample
