"""Take in a file that is to be stamped: judged in a worker, kept for some minutes, shown page by page."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.ports import TrustChoice
from certsvc.errors import FieldProblem, Forbidden, InvalidInput, NotFound, TooLarge, Unavailable, UploadRefused
from certsvc.seal.stamp_retries import CANNOT_CHECK_NOW, KEPT
from certsvc.seal.stampings import StampUpload
from certsvc.seal.trust_list import SIGNED
from certsvc.seal.verdict import Check, Indication, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.model import Seal
    from certsvc.seal.stampings import StampCase, UploadReport

KEPT_S = 1800
"""How long an upload is kept: one sitting of a person who stamps."""
UPDATE_BYTES = 1024 * 1024
"""Room for marks and signature, so that the sealed file is one that everybody may upload to be checked."""
STALE_BATCH = 100
MOST_APPOINTMENTS = 200
"""Appointments of one authority that are looked through, the newest."""
UPLOADS = "uploads/"
LEFT = timedelta(hours=24)
"""Uploads without a row are swept when they are older: longer than any request takes to store its batch."""
PDF = "application/pdf"

SIGNATURE_REFUSALS: dict[Reason, tuple[str, str]] = {
    Reason.MALFORMED: ("broken", "文件已损坏或结构不规范，请用办公软件重新导出 PDF 后上传"),
    Reason.ENCRYPTED: ("encrypted", "文件已加密，请去掉密码和权限限制后上传"),
    Reason.TIMED_OUT: ("too_complex", "文件内容过于复杂，无法在限定时间内检查，请重新导出或拆分后上传"),
    Reason.CHANGED_AFTER_SEALING: ("changed_after_signing", "文件在已有签名之后被改动过，请取得签名后未经改动的原文件"),
}
"""What the inspector says of a file that may not be stamped, and what to do."""
OTHERWISE = ("failing_signature", "文件已有的签名未通过核验，请向对方索取签名有效的原文件")


def require_stamper(deps: Deps, caller: Principal) -> str:
    """Let keepers of seals, approval systems and 首席代表 through: Forbidden for everyone else.

    Empty, or for somebody who is neither keeper nor system the id of an appointment that is in its term. What it
    covers is asked when the seal is used.
    """
    roles.require(caller, roles.SEAL_KEEPER, roles.APPROVAL, roles.SEAL_USE_APPROVER)
    if caller.roles & {roles.SEAL_KEEPER, roles.APPROVAL}:
        return ""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        appointed = tx.approvals.representatives(caller.authority_code, limit=MOST_APPOINTMENTS)
    mine = (one for one in appointed if one.person == caller.subject and one.in_term(now))
    found = next(mine, None)
    if found is None:
        raise Forbidden("用印审批人只有在首席代表的任期内才能盖章，请由印章保管人办理，或先取得首席代表授权")
    return found.representative_id


def require_case(deps: Deps, caller: Principal, case: StampCase) -> None:
    """As :func:`require_stamper`; a 首席代表 also says in the name of which appointment.

    Raises:
        Forbidden: as there.
        InvalidInput: no appointment is named.
    """
    if require_stamper(deps, caller) and not case.represented_by:
        detail = "以首席代表身份盖章，须填写授权编号（represented_by）"
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/represented_by", code="missing", detail=detail),))


def own_seal(deps: Deps, caller: Principal, seal_id: str) -> Seal:
    """The seal, when it is one of the caller's authority; NotFound otherwise."""
    with deps.uow.read() as tx:
        seal = tx.seals.by_id(seal_id)
    if seal is None or not caller.authority_code or seal.owner_code != caller.authority_code:
        raise NotFound("没有这枚印章，或不属于本单位")
    return seal


def judged(deps: Deps, data: bytes) -> UploadReport:
    """Pages of a file that may be stamped.

    Raises:
        TooLarge: more bytes than the limit.
        UploadRefused: every reason against stamping it, each with a code and what to do.
        Unavailable: all workers are busy, or none can look at the signatures now.
    """
    limit = deps.policy.max_upload_bytes - UPDATE_BYTES
    if len(data) > limit:
        raise TooLarge(f"文件超过 {limit // (1024 * 1024)} MB，请压缩图片或拆分后上传")
    report = deps.uploads.judge(data)
    reasons = list(report.refusals)
    if not reasons:
        reasons += _signature_refusals(deps, data, signed=report.signatures > 0)
    if reasons:
        problems = tuple(FieldProblem(pointer="/file", code=code, detail=detail) for code, detail in reasons)
        detail = reasons[0][1] if len(reasons) == 1 else "文件不能盖章，请按所列各项处理后重新上传"
        raise UploadRefused(detail, problems=problems)
    return report


def _signature_refusals(deps: Deps, data: bytes, *, signed: bool) -> list[tuple[str, str]]:
    """What stands against the signatures that are there, or a structure that no verifier would accept later."""
    findings = deps.inspector.inspect(data, TrustChoice(uses=SIGNED), deps.clock.now())
    if findings.reason is Reason.CANNOT_CHECK_NOW:
        raise cannot_check_now()
    if not signed and findings.reason is Reason.NO_SIGNATURE:
        return []
    sound = findings.integrity is Check.GOOD and findings.modification is Check.GOOD
    if signed and sound and findings.indication is not Indication.TOTAL_FAILED:
        return []
    return [SIGNATURE_REFUSALS.get(findings.reason, OTHERWISE)]


def cannot_check_now() -> Unavailable:
    """Nothing is known of the file yet, good or bad: the same file may be sent again."""
    detail = "暂时无法检查文件中的签名，请稍后再试"
    return Unavailable(detail, problems=(FieldProblem(pointer="/file", code=CANNOT_CHECK_NOW, detail=detail),))


def take_upload(deps: Deps, caller: Principal, data: bytes) -> StampUpload:
    """Judge a file and keep it for :data:`KEPT_S`; see :func:`judged` for what is raised."""
    require_stamper(deps, caller)
    report = judged(deps, data)
    now = deps.clock.now()
    upload_id = deps.ids.new("upl")
    upload = StampUpload(
        upload_id=upload_id,
        authority_code=caller.authority_code,
        operator=caller.subject,
        object_name=upload_name(upload_id),
        sha256=hashlib.sha256(data).hexdigest(),
        pages=report.pages,
        created_at=now,
        expires_at=now + timedelta(seconds=KEPT_S),
    )
    # The row first: what has no row would be swept by nobody.
    with deps.uow() as tx:
        tx.stampings.insert_upload(upload)
    deps.objects.put(upload.object_name, data, content_type=PDF)
    return upload


def upload_name(upload_id: str) -> str:
    """Object name of an upload."""
    return f"{UPLOADS}{upload_id}.pdf"


def own_upload(deps: Deps, caller: Principal, upload_id: str) -> tuple[StampUpload, bytes]:
    """An upload of the caller's own and its bytes; NotFound when it is not, or is over."""
    require_stamper(deps, caller)
    with deps.uow.read() as tx:
        upload = tx.stampings.upload(upload_id)
    if upload is None or upload.operator != caller.subject:
        raise NotFound("没有这份待盖章文件，请重新上传")
    if upload.expires_at <= deps.clock.now() or not upload.object_name:
        raise NotFound("待盖章文件已过保留时间，请重新上传")
    return upload, deps.objects.get(upload.object_name)


def page_picture(deps: Deps, caller: Principal, upload_id: str, *, page: int, width_px: int) -> bytes:
    """A page of an upload as PNG; ``page`` counts from 1. NotFound when there is none."""
    upload, data = own_upload(deps, caller, upload_id)
    check_page(page, len(upload.pages))
    return deps.uploads.picture(data, page=page - 1, width_px=width_px)


def check_page(page: int, count: int) -> None:
    """NotFound for a page that is not there."""
    if not 1 <= page <= count:
        raise NotFound(f"文件只有 {count} 页，没有第 {page} 页")


def sweep_uploads(deps: Deps) -> Sequence[str]:
    """Delete the bytes of uploads that are over, of files nobody ran again, and those a crash left; which ones."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        stale = tx.stampings.stale_uploads(before=now, limit=STALE_BATCH)
        kept = tx.stampings.kept_items(before=now - KEPT, limit=STALE_BATCH)
    for upload in stale:
        deps.objects.delete(upload.object_name)
        with deps.uow() as tx:
            tx.stampings.forget_object(upload.upload_id)
    for item in kept:
        # The row first: a file that is run again in this moment keeps its bytes.
        with deps.uow() as tx:
            given_up = tx.stampings.forget_kept(item.item_id, before=now - KEPT)
        if given_up:
            deps.objects.delete(item.upload)
    left = left_uploads(deps)
    for name in left:
        deps.objects.delete(name)
    return [*(upload.upload_id for upload in stale), *(item.item_id for item in kept), *left]


def left_uploads(deps: Deps, *, settle: timedelta = LEFT) -> Sequence[str]:
    """Names of uploads that nothing refers to: of batches that were never accepted, of answers that were cut short.

    Objects are listed first and rows are asked afterwards, so what is accepted in between is seen.
    """
    names = deps.objects.names(UPLOADS, before=deps.clock.now() - settle)
    with deps.uow.read() as tx:
        return [name for name in names if not tx.stampings.keeps(name, name.removeprefix(UPLOADS).removesuffix(".pdf"))]
