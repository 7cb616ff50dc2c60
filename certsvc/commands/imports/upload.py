"""Take in an upload of 存量: stored, to be checked by the loops; the same file again is the same import."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.imports.open_table import form_of
from certsvc.commands.imports.table import bad_file, too_large
from certsvc.errors import FieldProblem, InvalidInput, UnknownLicenseType
from certsvc.license.imports import ImportBatch, ImportState

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.stock import Trust

UPLOADS = "imports/"
"""Where uploads are until they are checked."""
MAX_UPLOAD = 100 * 1024 * 1024
"""Bytes of one upload; larger archives are split."""
KEPT_DAYS = 90
"""How long the rows of an import are kept that nobody approves: long enough for a department to sample it."""
OCTETS = "application/octet-stream"


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """The import, and whether this call made it."""

    batch: ImportBatch
    created: bool


def upload_import(deps: Deps, caller: Principal, type_slug: str, trust: Trust, data: bytes) -> Uploaded:
    """Store an upload in the name of the caller's department.

    Raises:
        Forbidden: the caller is no 批量经办人.
        InvalidInput: no department, a type that it does not answer for, or a file of a kind that is not taken.
        TooLarge: more bytes than the limit.
    """
    roles.require(caller, roles.BATCH_CLERK)
    _check_type(deps, caller, type_slug)
    if len(data) > MAX_UPLOAD:
        raise too_large(f"文件超过 {MAX_UPLOAD // 1024 // 1024} MB，请拆成几个文件分别上传")
    form = form_of(data)
    sha256 = hashlib.sha256(data).hexdigest()
    with deps.uow.read() as tx:
        known = tx.imports.open_file(caller.authority_code, type_slug, sha256)
    if known is not None:
        return Uploaded(batch=_same(known, trust), created=False)
    now, import_id = deps.clock.now(), deps.ids.new("imp")
    batch = ImportBatch(
        import_id=import_id,
        authority_code=caller.authority_code,
        type_slug=type_slug,
        trust=trust,
        state=ImportState.UPLOADED,
        sha256=sha256,
        form=form,
        upload=UPLOADS + import_id,
        columns=(),
        problems=(),
        total=0,
        uploaded_by=caller.subject,
        uploaded_at=now,
        keep_until=now + timedelta(days=KEPT_DAYS),
    )
    # Bytes before the row, so that no import waits for bytes that are not there; what a crash leaves is swept.
    deps.objects.put(batch.upload, data, content_type=OCTETS)
    with deps.uow() as tx:
        stored = tx.imports.insert(batch)
        if stored:
            content = {"sha256": sha256, "license_type": type_slug, "trust": trust.value}
            record(tx, deps, kind="import.uploaded", subject=import_id, actor=caller.subject, content=content, at=now)
        else:
            known = tx.imports.open_file(caller.authority_code, type_slug, sha256)
    if stored:
        return Uploaded(batch=batch, created=True)
    deps.objects.delete(batch.upload)
    if known is None:
        msg = "an open import has the same file, and is not there"
        raise RuntimeError(msg)
    return Uploaded(batch=_same(known, trust), created=False)


def _check_type(deps: Deps, caller: Principal, type_slug: str) -> None:
    try:
        kind = deps.catalog.type(type_slug)
    except UnknownLicenseType as error:
        problem = FieldProblem(pointer="/type", code=error.code, detail=error.detail)
        raise UnknownLicenseType(error.detail, problems=(problem,)) from error
    detail = ""
    if caller.authority_code not in kind.issuers:
        detail = f"“{kind.name}”不由本单位颁发，只能导入本单位（或由本单位承继职权的机关）颁发的证照"
    elif kind.document:
        detail = f"“{kind.name}”是办理过程的文书，不作为存量证照导入"
    if detail:
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/type", code="not_an_issuer", detail=detail),))


def _same(known: ImportBatch, trust: Trust) -> ImportBatch:
    if known.trust is not trust:
        raise bad_file(
            "other_trust", f"同一文件已以可信等级 {known.trust.value} 上传（{known.import_id}）；如有误请先放弃该批"
        )
    return known
