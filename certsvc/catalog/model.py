"""What a license type (证照类型) is: data, checked when it is loaded (``catalog/loader.py``), frozen afterwards.

The shape follows the per-license standards of the national platform (信息项、编目、样式、场景、类型注册: STANDARDS.md
2.8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.catalog.entry import KEPT_FOR_EVER, ArchiveRule, Category, PaperRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.entry import PeriodicCheck, SatisfiedFiling, Stock


class HolderKind(StrEnum):
    """持证主体类别 (GB/T 36902, CertificateHolderCategory)."""

    PERSON = "person"
    """自然人"""
    ORGANISATION = "organisation"
    """法人或其他组织"""
    EITHER = "either"
    """混合"""


class FieldKind(StrEnum):
    """What a field holds; each kind has one validator in ``catalog/validation.py``."""

    TEXT = "text"
    DATE = "date"
    USCC = "uscc"
    CITIZEN_ID = "citizen_id"
    HOLDER_CODE = "holder_code"
    CHOICE = "choice"
    INTEGER = "integer"
    DECIMAL = "decimal"
    """a measured quantity such as an area, without unit"""
    PLATE = "plate"
    """号牌号码 (GA 36)"""
    VIN = "vin"
    """车辆识别代号 (GB 16735)"""
    UNIT_NO = "unit_no"
    """不动产单元代码 (GB/T 37346)"""
    DOMAIN_NAME = "domain_name"


class Mask(StrEnum):
    """How a value is shortened before someone sees it; implemented in ``catalog/masks.py``."""

    NONE = "none"
    NAME = "name"
    """张*、欧阳*、阿依古丽·*"""
    CODE_TAIL = "code_tail"
    """first 6 and last 4 characters"""
    ID_BIRTH = "id_birth"
    """digits 11-14 of an ID number as ****: the face rule of 食品经营许可证 (DOMAIN.md 5)"""
    ADDRESS = "address"
    HIDDEN = "hidden"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldSpec:
    """One data field of a type.

    Attributes:
        key: ASCII key in the API (``business_scope``).
        name: Chinese label.
        element: GB/T 36903 element name, or ``KZ_`` and pinyin for an extension.
        max_length: characters; the limit stops oversized payloads and unprintable pages.
        choices: for kind ``choice``.
        masks: by place (``face``, ``show``, ``log``, ``print``).
    """

    key: str
    name: str
    element: str
    kind: FieldKind
    required: bool
    max_length: int
    choices: tuple[str, ...]
    masks: Mapping[str, Mask]

    def mask(self, place: str) -> Mask:
        """The mask for ``place``; a place nobody named shows nothing but the log mask ``hidden``."""
        return self.masks.get(place, Mask.HIDDEN if place == "log" else Mask.NONE)


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneSpec:
    """One 亮证 scene: who looks, and what that one sees.

    Attributes:
        code: stable code (``catering_inspection``).
        name: Chinese name.
        audience: ``officer`` (执法人员) or ``clerk`` (窗口、场馆工作人员) or ``public``.
        fields: keys of the fields shown; show masks apply unless a key is in ``unmasked``.
        photo: whether the photo is shown (online only).
        kinds: 执法类别 whose officers may use it beside those of the type's own ``domain``.
        tasks: kinds of task in which it may be used (``license/visits.py``); none named allows any.
        two_officers: whether two officers of the body must be in the visit.
    """

    code: str
    name: str
    audience: str
    fields: tuple[str, ...]
    unmasked: tuple[str, ...]
    photo: bool
    kinds: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    two_officers: bool = False


class ValidityKind(StrEnum):
    """How long a license of the type is valid."""

    YEARS = "years"
    OPEN_ENDED = "open_ended"
    """长期"""
    GIVEN = "given"
    """the approval says"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Validity:
    """Period rule; ``years`` is the length for ``years`` and the upper limit for ``given`` (0: none).

    Attributes:
        reminder_days: applications for renewal close that many days before the end (drugs: six months).
        ranges: 有效期限范围 where an approval chooses among several (``5年``, ``15年``).
    """

    kind: ValidityKind
    years: int
    reminder_days: int
    ranges: tuple[str, ...] = ()

    @property
    def validity_range(self) -> str:
        """ValidityRange of GB/T 36902: ``5年``, ``长期``, several joined by ``^``."""
        if self.ranges:
            return "^".join(self.ranges)
        return f"{self.years}年" if self.years else "长期"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureStep:
    """One signature of the plan: who, in which format, and what DocMDP allows afterwards."""

    role: str
    """``issuer_seal``"""
    format: str
    """``pades-b-b``"""
    docmdp: int
    """1: no changes allowed (ISO 32000-2 table 257)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle on the page in mm; the origin is the top left corner."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumn:
    """One column of a table on the face; ``align`` is ``left``, ``centre`` or ``right``.

    Attributes:
        title: heading of the column, or empty; without any title the table has no head.
        width: in mm; the columns share the width of the item's box in these proportions.
    """

    title: str
    width: float
    align: str = "left"


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceItem:
    """One labelled value on the face (照面).

    Attributes:
        label: printed label, letter-spaced to ``label_w``; empty for none.
        source: ``field:<key>`` or one of ``holder_name``, ``holder_code``, ``number``, ``identifier``, ``issuer_name``,
            ``issued_on``, ``valid_from``, ``valid_until``, ``validity``, ``first_issued_on``.
        box: where the value goes.
        label_x, label_w: where the label goes, in mm.
        size: font size in points; the value shrinks to ``min_size`` before it is refused.
        font: ``song`` or ``hei`` or ``kai``.
        align: ``left``, ``centre`` or ``right``; of vertical text: top, middle or foot.
        vertical: set in columns from right to left (竖排).
        columns: makes the value a table: one row per line of ``a|b|c``, or a JSON list of lists.
        flow: what does not fit goes on on continuation pages (续页) instead of being refused.
    """

    label: str
    source: str
    box: Box
    label_x: float
    label_w: float
    size: float
    min_size: float
    font: str
    align: str
    vertical: bool = False
    columns: tuple[TableColumn, ...] = ()
    flow: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FacePlan:
    """The face of a type: an A4 page drawn from data.

    Attributes:
        title: the large heading (``食品经营许可证``).
        subtitle: small line under it, or empty.
        orientation: ``portrait`` or ``landscape``.
        style: border style name known to rendering (``classic``, ``plain``).
        photo: where the photo goes, or None for types without one.
        code: where the printed QR code goes.
        stamp: centre box of the stamp, laid over the date (章压成文日期).
        issuer, date: where issuer name and date are printed.
        notes: small print at the foot.
        base: a PDF whose first page lies under the values in place of drawn border and title, or empty.
        base_name: its file name, for messages.
    """

    title: str
    subtitle: str
    orientation: str
    style: str
    accent: str
    items: tuple[FaceItem, ...]
    photo: Box | None
    code: Box
    stamp: Box
    issuer: Box
    date: Box
    notes: tuple[str, ...]
    base: bytes = field(default=b"", repr=False)
    base_name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberRule:
    """How 证照编号 is made: literals, ``{region}``, ``{year}``, ``{seq:N}``, ``{choice:<field>}`` and ``{check}``.

    ``check`` names the algorithm of ``{check}``: ``mod_11_10`` (ISO/IEC 7064, food licenses) or empty. When ``given``,
    the approval brings the number (``number_embeds_id`` types, and 营业执照 whose number is the USCC); its pattern is
    then empty, or ``{holder_code}`` when it must be the holder's code.
    """

    pattern: str
    check: str
    given: bool


NO_PAPER_RULE = PaperRule()


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseType:
    """One entry of the catalog (GB/T 36902) with everything certsvc needs to issue it."""

    slug: str
    type_code: str
    name: str
    domain: str
    definer_code: str
    definer_name: str
    holder_kind: HolderKind
    holder_code_types: tuple[str, ...]
    """allowed 持证主体代码类型代码, Appendix A of GB/T 36903"""
    issuers: tuple[str, ...]
    """USCC of the authorities that may issue it"""
    photo: bool
    fields: tuple[FieldSpec, ...]
    holder_masks: Mapping[str, Mask]
    """masks of the holder's name by place"""
    holder_code_masks: Mapping[str, Mask]
    scenes: tuple[SceneSpec, ...]
    matters: tuple[str, ...]
    validity: Validity
    number: NumberRule
    number_embeds_id: bool
    signature_plan: tuple[SignatureStep, ...]
    face: FacePlan
    retention_years: int
    digest: str
    """SHA-256 of the data file, its local part and the base of its face"""
    version: int = 1
    """raised with every change of a published file (``commands/catalog``)"""
    category: Category = Category.LICENSE
    level: int = 2
    """key of LEVELS: who defined the type"""
    document: bool = False
    """a sealed 文书 of a procedure (受理通知书): its holder is the applicant, and it is never shown as a license"""
    seals: tuple[str, ...] = ()
    """names of the seals that may seal it (second line, or 法定名称章); none named allows any"""
    periodic_checks: tuple[PeriodicCheck, ...] = ()
    paper: PaperRule = NO_PAPER_RULE
    promise: bool = False  # whether 告知承诺 is possible
    supplement: bool = False  # whether 容缺受理 is possible
    all_holders: bool = False  # whether a use needs the consent of every holder (共有)
    archive: ArchiveRule = KEPT_FOR_EVER
    stock: Stock | None = None
    laws: tuple[str, ...] = ()
    """ids of the legal bases (``laws.toml``)"""
    satisfies: tuple[SatisfiedFiling, ...] = ()
    depends_on: tuple[str, ...] = ()
    """slugs of the types without which it cannot stand: their end flags it, and ends nothing by itself"""
    penalisers: tuple[str, ...] = ()
    """USCC of the bodies that penalise in the trade, beside issuers and their superiors (相对集中行政处罚权)"""

    @property
    def showable(self) -> bool:
        """Whether a holder may show it as a license."""
        return not self.document

    def field(self, key: str) -> FieldSpec | None:
        """The field with ``key``, or None."""
        return next((spec for spec in self.fields if spec.key == key), None)

    def scene(self, code: str) -> SceneSpec | None:
        """The scene with ``code``, or None."""
        return next((scene for scene in self.scenes if scene.code == code), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Matter:
    """A matter (事项) and what it may see of which type (免证办 policy data).

    Attributes:
        code: 实施编码, 31 characters, or 33 with the 业务办理项 (GB/T 39554.1).
        allows: type slug -> keys of the fields that may leave; ``*copy`` allows the file.
        bases: lawful bases open to it: ``consent``, ``duty``.
    """

    code: str
    name: str
    authority_code: str
    allows: Mapping[str, tuple[str, ...]]
    bases: tuple[str, ...]
