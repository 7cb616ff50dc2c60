"""归档信息包: what was archived, and the words of its 四性检测 (pure).

Laws:

* A package is of one body: of a license (every version under it) or of what one case (办件) of that body led to.
* One state of what is archived has one package: made again, it is the same one, byte by byte.
* A package is handed over once: its receipt is noted once and never changed.
* A package in which one check fails is not made; one that was received is judged by the same checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.license.model import Holder


class ArchiveKind(StrEnum):
    """What a package is of."""

    LICENSE = "license"
    CASE = "case"


ARCHIVE_ZH: dict[ArchiveKind, str] = {ArchiveKind.LICENSE: "证照", ArchiveKind.CASE: "办件"}


class Trait(StrEnum):
    """四性."""

    AUTHENTIC = "authentic"
    COMPLETE = "complete"
    USABLE = "usable"
    SAFE = "safe"


TRAIT_ZH: dict[Trait, str] = {
    Trait.AUTHENTIC: "真实性",
    Trait.COMPLETE: "完整性",
    Trait.USABLE: "可用性",
    Trait.SAFE: "安全性",
}


class Found(StrEnum):
    """What a check found; one that was not made is never passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


FOUND_ZH: dict[Found, str] = {Found.PASSED: "通过", Found.FAILED: "不通过", Found.NOT_APPLICABLE: "不适用"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckItem:
    """One item of 四性检测.

    Attributes:
        code: stable, such as ``digests``.
        reason: what was found, in Chinese.
        next_step: what to do; empty where it passed.
    """

    code: str
    trait: Trait
    name: str
    found: Found
    reason: str
    next_step: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """One package on record.

    Attributes:
        subject: license id, or 办件编号.
        label: newest 证照标识 of a license, or 办件编号: what people look for.
        state_digest: hex SHA-256 over what is archived, as it stood.
        sha256, sm3: hex, of the package.
        keeping: word of ``catalog.entry.Keeping``: 保管期限.
        members: 证照标识 of the versions in it, oldest first.
        materials: ids of the 电子材料 in it.
        handed_to, receipt_no, received_on, receipt_by, receipt_at: 移交; empty or None before.
    """

    archive_id: str
    kind: ArchiveKind
    authority_code: str
    subject: str
    label: str
    state_digest: str
    sha256: str
    sm3: str
    size: int
    object_name: str
    keeping: str
    members: tuple[str, ...]
    materials: tuple[str, ...]
    made_by: str
    made_at: datetime
    handed_to: str = ""
    receipt_no: str = ""
    received_on: date | None = None
    receipt_by: str = ""
    receipt_at: datetime | None = None

    @property
    def handed_over(self) -> bool:
        """Whether its receipt is on record."""
        return self.receipt_at is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class PdfFacts:
    """What a PDF is to an archive.

    Attributes:
        pdfa: what it claims in XMP, such as ``3B``; empty where it claims nothing.
        active: codes of what acts, or reaches outside the file (``scripts``, ``actions``, ``xfa`` …).
        attachments: names of the files in it.
        metadata: elements of GB/T 36903 that it carries (``metadata.json``).
    """

    pages: int
    encrypted: bool
    pdfa: str
    fonts_embedded: bool
    active: tuple[str, ...]
    attachments: tuple[str, ...]
    metadata: Mapping[str, str]


class MaterialState(StrEnum):
    """Where a 电子材料 stands."""

    REGISTERED = "registered"
    WITHDRAWN = "withdrawn"
    """收回: given in by mistake; it stays on record and in packages that were made"""
    DESTROYED = "destroyed"
    """销毁: its term is over, and it went by decision; its row stays"""


MATERIAL_ZH: dict[MaterialState, str] = {
    MaterialState.REGISTERED: "已登记",
    MaterialState.WITHDRAWN: "已收回",
    MaterialState.DESTROYED: "已销毁",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """One 电子材料 of a case: a PDF that is no license.

    Attributes:
        name: as the case names it; personal, because applicants name files after themselves.
        code: 材料编码 of the matter, or empty.
        sha256: hex digest of the file.
        stamping_id: the stamping that sealed it, or empty.
        holder: whom it is about (当事人), who sees its uses and consents to them; None where the system named nobody:
            then no other body can fetch it.
    """

    material_id: str
    authority_code: str
    case_no: str
    matter_code: str
    code: str
    name: str
    sha256: str
    size: int
    pages: int
    object_name: str
    stamping_id: str
    state: MaterialState
    registered_by: str
    registered_at: datetime
    moved_at: datetime | None = None
    holder: Holder | None = None
