"""What a license (电子证照) is: versions linked to each other, each with its artifact and its history."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day
from certsvc.license.origin import LicenseOrigin, Registration
from certsvc.license.states import Paper, State
from certsvc.license.stock import StockEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.license.status_list import StatusEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """持证主体: name, code and 持证主体代码类型代码 (GB/T 36903 Appendix A)."""

    name: str
    code: str
    code_type: str


RENEWED = "renewed"
"""Kind of an artifact: the file before it with another archive timestamp behind it."""

RESEALED = "resealed"
"""Kind of an artifact: drawn and sealed anew from the same content; number, identifier, dates and state stay."""

LATER_FORMS = frozenset({RENEWED, RESEALED})
"""Kinds of artifacts that came after the file with which a version was registered, and which its evidence names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One file of a license version: the one it was registered with, or a later form of it.

    A version has its newest form; every earlier one stays registered, and genuine.

    Attributes:
        sha256: hex digest of the whole file.
        object_name: where the object store keeps it.
    """

    artifact_id: str
    version_id: str
    kind: str
    sha256: str
    size: int
    object_name: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseVersion:
    """One version of a license, as registered.

    Attributes:
        identifier: 证照标识 (GB/T 36904) of this version; ``root`` is the part all versions share.
        number: 证照编号.
        data: field key -> value as accepted (unmasked).
        valid_until: last day, or None for 长期.
        printed_token: 128-bit random part of the printed code; of a registered one a mark that no code can carry.
        revision: counts state changes, for ETag and guarded updates.
        project_code: 项目代码 of a provisional opinion (模拟审批); empty for a formal license.
        status_no: its number among all entries of status lists; None where the register is to give it.
        status_entry: where its status is published, from ``status_no``; the register works it out.
        registration: how a license made elsewhere came here; None for one that was issued here.
        stock: the row of an import (存量) that it was made from; None for what an approval asked for.
    """

    version_id: str
    license_id: str
    identifier: str
    root: str
    version: int
    type_slug: str
    number: str
    issuer_code: str
    issuer_name: str
    holder: Holder
    data: Mapping[str, str]
    photo_id: str
    issued_on: date
    first_issued_on: date
    valid_from: date
    valid_until: date | None
    state: State
    suspended_until: date | None
    previous_version_id: str
    replaced_by_version_id: str
    request_id: str
    printed_token: str
    created_at: datetime
    revision: int
    artifact: Artifact
    project_code: str = ""
    status_no: int | None = field(default=None, compare=False)
    status_entry: StatusEntry | None = field(default=None, compare=False)
    registration: Registration | None = None
    stock: StockEntry | None = None

    @property
    def origin(self) -> LicenseOrigin:
        """Issued here, or registered."""
        return LicenseOrigin.ISSUED if self.registration is None else LicenseOrigin.REGISTERED

    @property
    def provisional(self) -> bool:
        """Whether it is a 模拟审批 opinion, whatever became of it."""
        return self.project_code != ""

    @property
    def paper(self) -> Paper:
        """The kind of paper, which decides its moves."""
        return Paper.PROVISIONAL if self.provisional else Paper.FORMAL

    def expired(self, now: datetime) -> bool:
        """Whether the last day is over in Asia/Shanghai; derived, never stored."""
        return self.valid_until is not None and now >= end_of_day(self.valid_until)


def as_registered(version: LicenseVersion, forms: Mapping[str, Sequence[Artifact]]) -> LicenseVersion:
    """The version with the file that it was registered with, whatever its newest form is.

    ``forms`` are the files of versions whose newest is a later form. A version whose file is none of its own is left as
    it is: that is for an audit to tell.
    """
    own = forms.get(version.version_id, ())
    if version.artifact.artifact_id not in {one.artifact_id for one in own}:
        return version
    first = [one for one in own if one.kind not in LATER_FORMS]
    return replace(version, artifact=first[0]) if len(first) == 1 else version


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The authority's decision behind a move: 决定机关、文书号、日期、依据."""

    authority_code: str
    document_no: str
    decided_on: date
    basis: str
    until: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveRecord:
    """One move of a version, as it happened."""

    move_id: str
    version_id: str
    name: str
    from_state: State
    to_state: State
    decision: Decision | None
    actor: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueIntent:
    """What is about to be issued, stored before any key is used, so that a crash leaves nothing unknown.

    A resumed run uses the same intent and so makes the same unsigned page.
    """

    request_id: str
    version_id: str
    license_id: str
    identifier: str
    root: str
    version: int
    number: str
    printed_token: str
    document_id: bytes
    issued_on: date
    first_issued_on: date
    signed_at: datetime
    previous_version_id: str
