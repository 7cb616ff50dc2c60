"""电子材料: PDFs of a case that are no licenses, registered by the system that handles the case.

A file is judged by the rules of stamping: what may not be sealed may not be kept either. One that is to bear a seal is
stamped first (``commands/stamping``) and registered by its stamping.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.archiving.contents import MAX_MATERIALS, codes_of
from certsvc.commands.evidence.gone import kept_file
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.evidence.sweep import MATERIALS
from certsvc.commands.shapes import Line
from certsvc.commands.stamping.uploads import PDF, judged
from certsvc.commands.supervision.reach import check_reporter, tell
from certsvc.errors import Conflict, FieldProblem, IntegrityError, InvalidIdentifier, InvalidInput, NotFound
from certsvc.events.archive_payloads import MaterialRegistered, MaterialWithdrawn
from certsvc.identifiers.holder_code import HolderCode
from certsvc.license.archives import Material, MaterialState
from certsvc.license.model import Holder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

WRITERS = (roles.APPROVAL, roles.APPROVAL_ANY)
READERS = (*WRITERS, roles.ARCHIVIST, roles.AUDITOR)
WIDE = frozenset({roles.APPROVAL_ANY, roles.AUDITOR})
MAX_LISTED = 2 * MAX_MATERIALS
"""Of one case in one answer, with those that were withdrawn."""
NO_MATERIAL_ZH = "没有这份电子材料，或不属于本机关"


class MaterialBody(BaseModel):
    """电子材料的登记信息."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    authority_code: Line = Field(min_length=18, max_length=18, description="办理机关统一社会信用代码")
    case_no: Line = Field(
        min_length=1, max_length=64, pattern=r"^[^/\\?#%\s]+$", description="办件编号，不含空格和 / \\ ? # %"
    )
    name: Line = Field(min_length=1, max_length=200, description="材料名称", examples=["示例房屋租赁合同"])
    matter_code: Line = Field(min_length=1, max_length=33, description="事项实施编码")
    code: Line = Field(default="", max_length=64, description="事项材料清单中的材料编码")
    stamping_id: Line = Field(
        default="", max_length=64, description="已由人工用印盖章的，填写用印记录编号，不再上传文件"
    )
    holder_name: Line = Field(default="", max_length=200, description="当事人名称，与代码一并填写")
    holder_code: str = Field(
        default="", max_length=64, description="当事人代码；不填的，其他单位不能取用，当事人也看不到使用记录"
    )
    holder_code_type: str = Field(default="", max_length=3, description="当事人代码类型（GB/T 36903 附录 A）")

    def holder(self) -> Holder | None:
        """Whom it is about, or None; InvalidInput for a code at fault, or one without a name."""
        if not (self.holder_name or self.holder_code or self.holder_code_type):
            return None
        if not self.holder_name:
            raise _at_fault("/holder_name", "missing", "填写当事人代码的，应同时填写名称")
        try:
            code = HolderCode.parse(self.holder_code_type, self.holder_code)
        except InvalidIdentifier as error:
            raise _at_fault("/holder_code", "invalid", error.detail) from error
        return Holder(name=self.holder_name, code=code.value, code_type=self.holder_code_type)


def register_material(deps: Deps, caller: Principal, wish: MaterialBody, data: bytes = b"") -> Material:
    """Register; the same file of the same case again is the same material.

    Raises:
        Forbidden: a case of another body.
        InvalidInput: neither file nor stamping, or both; a matter or body that the catalog does not know; a holder
            whose code is at fault.
        TooLarge, UploadRefused, Unavailable: see :func:`~certsvc.commands.stamping.uploads.judged`.
        NotFound: no such stamping of this body.
        Conflict: the case has too many, or the file was withdrawn from it, or is on record about somebody else.
    """
    roles.require(caller, *WRITERS)
    check_reporter(caller, wish.authority_code)
    deps.catalog.authority(wish.authority_code)
    deps.catalog.matter(wish.matter_code)
    holder = wish.holder()
    if bool(data) == bool(wish.stamping_id):
        detail = "请上传文件（file），或填写已盖章文件的用印记录编号（stamping_id），二者之一"
        raise _at_fault("/file", "one_of_two", detail)
    data, pages = _stamped(deps, wish) if wish.stamping_id else (data, len(judged(deps, data).pages))
    material_id = deps.ids.new("mat")
    made = Material(
        material_id=material_id,
        authority_code=wish.authority_code,
        case_no=wish.case_no,
        matter_code=wish.matter_code,
        code=wish.code,
        name=wish.name,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        pages=pages,
        object_name=f"{MATERIALS}{material_id}.pdf",
        stamping_id=wish.stamping_id,
        state=MaterialState.REGISTERED,
        registered_by=caller.subject,
        registered_at=deps.clock.now(),
        holder=holder,
    )
    with deps.uow.read() as tx:
        known = _same(tx, made)
    if known is not None:
        return known
    # The file first: what has no row is swept, a row without a file would be a material that nobody can read.
    deps.objects.put(made.object_name, data, content_type=PDF)
    with deps.uow() as tx:
        first = _same(tx, made)
        full = first is None and tx.materials.count_held(made.authority_code, made.case_no) >= MAX_MATERIALS
        if first is None and not full and tx.materials.insert(made):
            _tell_registered(deps, tx, made)
            return made
        first = first or _same(tx, made)
    deps.objects.delete(made.object_name)
    if full:
        raise Conflict(f"一个办件最多登记 {MAX_MATERIALS} 份电子材料；登记有误的可以收回，收回的不计")
    if first is None:
        raise Conflict("这份文件正在登记，请稍后再试")
    return first


def case_materials(deps: Deps, caller: Principal, *, authority_code: str, case_no: str) -> Sequence[Material]:
    """Materials of a case, oldest first; none for another body's case, as for one that has none."""
    roles.require(caller, *READERS)
    code = authority_code or caller.authority_code
    if not _reaches(deps, caller, code):
        return ()
    with deps.uow.read() as tx:
        return tx.materials.of_case(code, case_no, limit=MAX_LISTED)


def read_material(deps: Deps, caller: Principal, material_id: str) -> Material:
    """One material; NotFound for another body's, in the same words as for none."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return _own(deps, tx, caller, material_id)


def material_file(deps: Deps, caller: Principal, material_id: str) -> tuple[Material, bytes]:
    """A material and its bytes; that it was taken is on record.

    Raises:
        NotFound: as :func:`read_material`.
        IntegrityError: the bytes are not the registered ones.
    """
    found = read_material(deps, caller, material_id)
    data = kept_file(deps, found.object_name)
    if hashlib.sha256(data).hexdigest() != found.sha256:
        raise IntegrityError("电子材料与登记的摘要不一致，已停止提供，请联系运维")
    with deps.uow() as tx:
        _on_record(deps, tx, found, "material.taken", caller, deps.clock.now())
    return found, data


def withdraw_material(deps: Deps, caller: Principal, material_id: str) -> Material:
    """收回 what was registered by mistake; it stays on record and in packages made before. Again, nothing changes."""
    roles.require(caller, *WRITERS)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = _own(deps, tx, caller, material_id)
        done = tx.materials.move(material_id, source=MaterialState.REGISTERED, target=MaterialState.WITHDRAWN, now=now)
        if done:
            payload = MaterialWithdrawn(material_id=material_id, authority_code=found.authority_code)
            tell(deps, tx, payload, material_id, now)
            _on_record(deps, tx, found, "material.withdrawn", caller, now)
        return _own(deps, tx, caller, material_id)


def _same(tx: UnitOfWork, made: Material) -> Material | None:
    known = tx.materials.by_file(made.authority_code, made.case_no, made.sha256)
    if known is not None and known.state is MaterialState.WITHDRAWN:
        raise Conflict("这份文件在该办件中已收回，请核对；确需登记的请重新导出 PDF 后登记")
    if known is not None and made.holder is not None and known.holder != made.holder:
        raise Conflict("这份文件在该办件中已登记，登记的当事人不同或没有填写；确需更正的请收回，重新导出 PDF 后登记")
    return known


def _at_fault(pointer: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code=code, detail=detail),))


def _stamped(deps: Deps, wish: MaterialBody) -> tuple[bytes, int]:
    with deps.uow.read() as tx:
        stamping = tx.stampings.by_id(wish.stamping_id)
    if stamping is None or stamping.authority_code != wish.authority_code:
        raise NotFound("没有这次用印，或不属于本机关")
    data = deps.objects.get(stamping.object_name)
    if hashlib.sha256(data).hexdigest() != stamping.sha256:
        raise IntegrityError("盖章文件与登记的摘要不一致，已停止登记，请联系运维")
    return data, stamping.pages


def _tell_registered(deps: Deps, tx: UnitOfWork, made: Material) -> None:
    payload = MaterialRegistered(
        material_id=made.material_id,
        authority_code=made.authority_code,
        matter_code=made.matter_code,
        sha256=made.sha256,
    )
    tell(deps, tx, payload, made.material_id, made.registered_at)
    content = {
        "authority_code": made.authority_code,
        "case_no": made.case_no,
        "matter_code": made.matter_code,
        "sha256": made.sha256,
        "stamping_id": made.stamping_id,
        "rows": rows_of([made]),
    }
    record(
        tx,
        deps,
        kind="material.registered",
        subject=made.material_id,
        actor=made.registered_by,
        content=content,
        at=made.registered_at,
    )


def _on_record(deps: Deps, tx: UnitOfWork, found: Material, kind: str, caller: Principal, now: datetime) -> None:
    content = {"sha256": found.sha256}
    record(tx, deps, kind=kind, subject=found.material_id, actor=caller.subject, content=content, at=now)


def _reaches(deps: Deps, caller: Principal, authority_code: str) -> bool:
    """Whether the materials of a body are the caller's: its own, or of a body that was merged into its own."""
    if caller.roles & WIDE:
        return True
    return bool(caller.authority_code) and (
        authority_code == caller.authority_code or authority_code in codes_of(deps, caller.authority_code)
    )


def _own(deps: Deps, tx: UnitOfWork, caller: Principal, material_id: str) -> Material:
    found = tx.materials.by_id(material_id)
    if found is None or not _reaches(deps, caller, found.authority_code):
        raise NotFound(NO_MATERIAL_ZH)
    return found
