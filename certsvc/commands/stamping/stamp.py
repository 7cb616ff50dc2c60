"""Preview a stamping, and seal exactly what was shown (DESIGN.md 8): digest, page and rectangle, once, in time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.stamping.place import place
from certsvc.commands.stamping.sealing import SealJob, check_use, seal_and_register, update_for
from certsvc.commands.stamping.uploads import check_page, own_seal, own_upload, require_case, require_stamper
from certsvc.errors import Conflict, FieldProblem, NotFound
from certsvc.seal.stampings import StampPreview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.marks import Box
    from certsvc.seal.stampings import StampCase, Stamping, StampWish

PREVIEW_S = 900
"""How long what was shown may be sealed."""


def preview(deps: Deps, caller: Principal, upload_id: str, seal_id: str, wish: StampWish) -> StampPreview:
    """Place the marks and remember what will be shown; nothing is signed.

    Raises:
        NotFound: no such upload or seal for this caller.
        InvalidInput, TooLarge: see :func:`~certsvc.commands.stamping.place.place`.
        MissingGlyph, RenderingError: a date or watermark that cannot be drawn.
        SealUnavailable: the seal is stopped, or not for documents of this kind or by this person.
    """
    upload, data = own_upload(deps, caller, upload_id)
    seal = own_seal(deps, caller, seal_id)
    now = deps.clock.sure()
    check_use(deps, seal, caller.subject, now, represented_by=require_stamper(deps, caller))
    marks = place(deps, data, upload.pages, seal, wish)
    shown = StampPreview(
        preview_id=deps.ids.new("prv"),
        seal_id=seal_id,
        authority_code=caller.authority_code,
        operator=caller.subject,
        upload_id=upload_id,
        sha256=upload.sha256,
        marks=marks,
        lock=wish.lock,
        key_id=seal.key_id,
        created_at=now,
        expires_at=min(now + timedelta(seconds=PREVIEW_S), upload.expires_at),
    )
    # Drawn once now, so that what cannot be drawn or written is told before anything is shown.
    update_for(deps, data, seal, marks, lock=wish.lock, name=shown.preview_id, signed_at=now)
    with deps.uow() as tx:
        tx.stampings.insert_preview(shown)
    return shown


def own_preview(deps: Deps, caller: Principal, preview_id: str) -> StampPreview:
    """A preview of the caller's own, whatever its age; NotFound otherwise."""
    require_stamper(deps, caller)
    with deps.uow.read() as tx:
        found = tx.stampings.preview(preview_id)
    if found is None or found.operator != caller.subject:
        raise NotFound("没有这次预览，请重新预览")
    return found


def preview_picture(deps: Deps, caller: Principal, preview_id: str, *, page: int, width_px: int) -> bytes:
    """A page with its marks as PNG, drawn from the very update that would be signed; ``page`` counts from 1."""
    shown = own_preview(deps, caller, preview_id)
    upload, data = own_upload(deps, caller, shown.upload_id)
    check_page(page, len(upload.pages))
    seal = own_seal(deps, caller, shown.seal_id)
    made = update_for(deps, data, seal, shown.marks, lock=shown.lock, name=preview_id, signed_at=shown.created_at)
    return deps.uploads.picture(made.data, page=page - 1, width_px=width_px)


def seal_preview(
    deps: Deps,
    caller: Principal,
    preview_id: str,
    *,
    sha256: str,
    places: Sequence[tuple[int, Box]],
    case: StampCase,
) -> Stamping:
    """Seal what was shown. Asked again for the same preview, it is the same stamping.

    Args:
        deps: the ports.
        caller: who saw the preview.
        preview_id: which preview.
        sha256: digest of the upload, as the preview gave it.
        places: page (from 0) and rectangle of every mark, as the preview gave them and in its order.
        case: why the seal is used.

    Raises:
        NotFound: no such preview of this caller, or the upload is over.
        Conflict: other bytes or places than shown, or the preview is over or in use.
        SealUnavailable: the seal may not be used; the detail says why.
        Forbidden, InvalidInput: see :func:`~certsvc.commands.stamping.uploads.require_case`.
    """
    require_case(deps, caller, case)
    shown = own_preview(deps, caller, preview_id)
    seal = own_seal(deps, caller, shown.seal_id)
    expected = [(mark.page, mark.rect) for mark in shown.marks]
    if seal.key_id != shown.key_id:
        raise Conflict("印章在预览之后换制，印模可能已不同：请重新预览并确认后再盖章")
    if sha256 != shown.sha256 or [(page, tuple(rect)) for page, rect in places] != expected:
        detail = "盖章的文件或位置与预览不一致：请重新预览并确认后再盖章"
        raise Conflict(detail, problems=(FieldProblem(pointer="/preview_id", code="preview_mismatch", detail=detail),))
    with deps.uow.read() as tx:
        made = tx.stampings.by_work(preview_id)
    if made is not None:
        return made
    now = deps.clock.sure()
    upload, data = own_upload(deps, caller, shown.upload_id)
    with deps.uow() as tx:
        if not tx.stampings.take_preview(preview_id, now=now):
            raise Conflict("预览已过期或正在盖章：请重新预览并确认后再盖章")
    job = SealJob(
        work_id=preview_id,
        operator=caller.subject,
        case=case,
        data=data,
        sha256=upload.sha256,
        marks=shown.marks,
        lock=shown.lock,
    )
    return seal_and_register(deps, seal, job)
