"""Data quality of the register: what a department's own licenses lack, by the catalog in effect today.

The catalog's report (``catalog/report.py``) asks about types; this asks about licenses that are in force, among them
those that were taken over from elsewhere or issued under an earlier version of their type: fields that are missing,
codes that are wrong, files that are not there or not what was sealed, work that waits for its seal, and licenses that
stand twice. Looking changes nothing; setting right is the department's (更正, 注销).

Findings name a license by its 证照标识 and a field by its label, never a value.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.catalog.bodies import heir
from certsvc.catalog.validation import validate_fields
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.errors import (
    Forbidden,
    IntegrityError,
    InvalidIdentifier,
    InvalidInput,
    NotFound,
    UnknownLicenseType,
)
from certsvc.identifiers.holder_code import HolderCode
from certsvc.identifiers.license_identifier import LicenseIdentifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.request import IssuanceRequest

PAGE = 200
"""Licenses looked at for one page; bounds the answer and the reading behind it."""
MAX_TWINS = 20
"""Licenses of one holder and type that are compared; a chain of shops has many, and each is compared in its turn."""
MAX_WAITING = 500
"""Requests that wait, looked at for one report."""
WAITING_DAYS = 1
"""A request that is not sealed after a day is told to its department; sealing takes seconds."""
READERS = (roles.APPROVAL, roles.APPROVAL_ANY, roles.AUDITOR, roles.CATALOG_PROPOSER, roles.CATALOG_PUBLISHER)
WIDE = frozenset({roles.APPROVAL_ANY, roles.AUDITOR, roles.CATALOG_PUBLISHER})
"""Roles that see every department."""


class Defect(StrEnum):
    """What is wrong with a license."""

    MISSING = "missing_field"
    CODE = "wrong_code"
    UNSEALED = "unsealed"
    DUPLICATE = "duplicate"


DEFECT_ZH: dict[Defect, str] = {
    Defect.MISSING: "信息项缺失",
    Defect.CODE: "代码或内容不合规则",
    Defect.UNSEALED: "未签章或文件不一致",
    Defect.DUPLICATE: "重复登记",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityRow:
    """One finding.

    Attributes:
        authority_code, department: who has to set it right today.
        identifier: 证照标识, or the request's id for work that waits.
        detail: Chinese, says what to do; holds no personal data.
    """

    authority_code: str
    department: str
    type_slug: str
    type_name: str
    identifier: str
    defect: Defect
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityPage:
    """One page of findings; ``next`` is empty at the end, and a page may be empty and have a next one."""

    rows: tuple[QualityRow, ...]
    looked_at: int
    next: str


def examine(deps: Deps, caller: Principal, *, authority_code: str, after: str, files: bool = False) -> QualityPage:
    """Look at the next licenses in force.

    Args:
        deps: ports.
        caller: a department sees its own licenses, the 政务服务管理机构 and auditors everyone's.
        authority_code: only this department's; empty for all that the caller may see.
        after: where the page before ended, or empty.
        files: also read every file and compare it with its registered digest.

    Raises:
        Forbidden: another department's, asked for by one that sees its own only.
    """
    code = _scope(caller, authority_code)
    with deps.uow.read() as tx:
        versions = list(tx.licenses.not_ended_after(after, limit=PAGE))
        rows = [
            row
            for version in versions
            for row in _about(deps, tx, version, files=files)
            if not code or row.authority_code == code
        ]
    return QualityPage(
        rows=tuple(rows), looked_at=len(versions), next=versions[-1].license_id if len(versions) == PAGE else ""
    )


def count_defects(deps: Deps, after: str) -> tuple[Counter[tuple[str, str, str]], int, str]:
    """The next licenses in force, counted by department, type and defect: each license once per defect.

    An empty defect counts those that were looked at; with the sum of these, and where to go on, or empty at the end.
    """
    found: Counter[tuple[str, str, str]] = Counter()
    with deps.uow.read() as tx:
        versions = list(tx.licenses.not_ended_after(after, limit=PAGE))
        for version in versions:
            body = _row(deps, version, "", Defect.CODE, "").authority_code
            defects = {row.defect.value for row in _about(deps, tx, version, files=False)}
            found.update((body, version.type_slug, defect) for defect in ("", *defects))
    return found, len(versions), versions[-1].license_id if len(versions) == PAGE else ""


def waiting(deps: Deps, caller: Principal, *, authority_code: str) -> tuple[QualityRow, ...]:
    """Requests that were accepted and are not sealed: decided permits whose holders have nothing in hand yet."""
    code = _scope(caller, authority_code)
    before = deps.clock.now() - timedelta(days=WAITING_DAYS)
    with deps.uow.read() as tx:
        found = tx.requests.stuck(before=before, limit=MAX_WAITING)
    rows = (_waits(deps, request) for request in found)
    return tuple(row for row in rows if not code or row.authority_code == code)


def _scope(caller: Principal, authority_code: str) -> str:
    roles.require(caller, *READERS)
    if caller.roles & WIDE:
        return authority_code
    if authority_code not in {"", caller.authority_code}:
        raise Forbidden("只能查看本部门的数据质量（authority_code）")
    return caller.authority_code


def _about(deps: Deps, tx: UnitOfWork, version: LicenseVersion, *, files: bool) -> Iterator[QualityRow]:
    try:
        kind = deps.catalog.type(version.type_slug)
    except UnknownLicenseType:
        yield _row(deps, version, version.type_slug, Defect.CODE, "证照类型不在现行目录中，请核对或先发布该类型")
        return
    for defect, detail in (*_fields(kind, version), *_codes(deps, kind, version)):
        yield _row(deps, version, kind.name, defect, detail)
    if files:
        detail = _file(deps, version)
        if detail:
            yield _row(deps, version, kind.name, Defect.UNSEALED, detail)
    for twin in tx.quality.twins_of(version, limit=MAX_TWINS):
        # Several shops of one firm have a license each; the very same content twice is one license too many.
        if twin.data == version.data and (twin.created_at, twin.version_id) < (version.created_at, version.version_id):
            detail = f"与证照 {twin.identifier} 的持证主体和内容完全相同，请核对后注销其一"
            yield _row(deps, version, kind.name, Defect.DUPLICATE, detail)


def _fields(kind: LicenseType, version: LicenseVersion) -> Iterator[tuple[Defect, str]]:
    try:
        validate_fields(kind, version.data)
    except InvalidInput as error:
        for problem in error.problems:
            spec = kind.field(problem.pointer.rpartition("/")[2])
            name = spec.name if spec else "现行目录没有的信息项"
            if problem.code == "missing":
                yield Defect.MISSING, f"缺少“{name}”，请核对档案后以更正（correct）补全"
            else:
                yield Defect.CODE, f"“{name}”不合现行目录的规则（{problem.code}），请核对后以更正（correct）办理"


def _codes(deps: Deps, kind: LicenseType, version: LicenseVersion) -> Iterator[tuple[Defect, str]]:
    try:
        HolderCode.parse(version.holder.code_type, version.holder.code)
    except InvalidIdentifier as error:
        yield Defect.CODE, f"持证主体代码有误（{error.reason}），请核对后以更正（correct）办理"
    if version.holder.code_type not in kind.holder_code_types:
        yield Defect.CODE, "持证主体代码类型不在现行目录允许之列，请核对"
    try:
        identifier = LicenseIdentifier.parse(version.identifier)
    except InvalidIdentifier as error:
        yield Defect.CODE, f"证照标识有误（{error.reason}）"
    else:
        if identifier.type_code != kind.type_code:
            yield Defect.CODE, "证照标识中的类型代码与目录不一致"
    if version.registration is None and not deps.catalog.has_authority(version.issuer_code):
        yield Defect.CODE, "颁发机构不在目录中，请登记该机构或其承继机关"


def _file(deps: Deps, version: LicenseVersion) -> str:
    try:
        data = deps.objects.get(version.artifact.object_name)
    except NotFound:
        return "登记的证照文件不存在，请从备份恢复或以更正（correct）重新制发"
    except IntegrityError:
        return "证照文件已损坏，请从备份恢复或以更正（correct）重新制发"
    if hashlib.sha256(data).hexdigest() != version.artifact.sha256:
        return "证照文件与登记的摘要不一致，请立即核查"
    return ""


def _row(deps: Deps, version: LicenseVersion, type_name: str, defect: Defect, detail: str) -> QualityRow:
    responsible = version.registration.authority_code if version.registration else version.issuer_code
    code = heir(deps.catalog, responsible, local_day(deps.clock.now()))
    return QualityRow(
        authority_code=code,
        department=deps.catalog.authority(code).name if deps.catalog.has_authority(code) else version.issuer_name,
        type_slug=version.type_slug,
        type_name=type_name,
        identifier=version.identifier,
        defect=defect,
        detail=detail,
    )


def _waits(deps: Deps, request: IssuanceRequest) -> QualityRow:
    payload = request.payload
    code = heir(deps.catalog, payload.authority_code, local_day(deps.clock.now()))
    known = {kind.slug: kind.name for kind in deps.catalog.types}
    reason = f"（{request.reason_code}）" if request.reason_code else ""
    return QualityRow(
        authority_code=code,
        department=deps.catalog.authority(code).name if deps.catalog.has_authority(code) else code,
        type_slug=payload.type_slug,
        type_name=known.get(payload.type_slug, payload.type_slug),
        identifier=request.request_id,
        defect=Defect.UNSEALED,
        detail=f"已受理制证超过 {WAITING_DAYS} 天仍未签章{reason}，请与运维核对",
    )
