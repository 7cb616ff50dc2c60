"""Pictures of inspections: normalised, encrypted, counted, and removed when their time is over."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.visits.history import may_read
from certsvc.commands.visits.outcomes import NO_SCAN, own_scan
from certsvc.errors import Conflict, NotFound
from certsvc.license.visits import MAX_PICTURES, Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal

PICTURES = "inspections/"
SUFFIX = ".bin"
SEALED = "application/octet-stream"
FORGOTTEN_AT_ONCE = 100


def add_picture(deps: Deps, caller: Principal, scan_id: str, data: bytes) -> Picture:
    """Keep a picture of a scan that the caller made or was in the visit of; the same picture again is the same one.

    The object is there before its row: a crash in between leaves a file that nobody can read, and it is swept.

    Raises:
        InvalidInput: no JPEG or PNG, or damaged.
        TooLarge: more bytes or pixels than the limits.
        NotFound: no such scan, or not one of the caller's.
        Conflict: the scan has as many pictures as one may have.
    """
    roles.require(caller, roles.OFFICER)
    now = deps.clock.now()
    with deps.uow.read() as tx:
        own_scan(tx, caller, scan_id)
    jpeg = deps.renderer.normalise_picture(data)
    picture_id = deps.ids.new("pic")
    picture = Picture(
        picture_id=picture_id,
        scan_id=scan_id,
        authority_code=caller.authority_code,
        actor=caller.subject,
        sha256=hashlib.sha256(jpeg).hexdigest(),
        size=len(jpeg),
        object_name=f"{PICTURES}{picture_id}{SUFFIX}",
        at=now,
        until=now + timedelta(days=deps.policy.picture_days),
    )
    with deps.uow.read() as tx:
        known = _same(tx.inspections.pictures_of([scan_id]).get(scan_id, ()), picture)
        sealed = tx.inspections.seal_picture(picture_id, jpeg)
    if known is None:
        deps.objects.put(picture.object_name, sealed, content_type=SEALED)
        deps.faults.reach("picture.stored")
        known = _register(deps, picture)
    if known.picture_id != picture_id:
        deps.objects.delete(picture.object_name)
    deps.objects.retain(known.object_name, until=known.until)
    return known


def _register(deps: Deps, picture: Picture) -> Picture:
    """Store the row, unless the scan has the picture by now; the one that is there then."""
    with deps.uow() as tx:
        tx.inspections.hold_scan(picture.scan_id)
        present = tx.inspections.pictures_of([picture.scan_id]).get(picture.scan_id, ())
        known = _same(present, picture)
        if known is None and len(present) < MAX_PICTURES:
            tx.inspections.add_picture(picture)
            content = {"picture_id": picture.picture_id, "sha256": picture.sha256}
            subject, actor = picture.scan_id, picture.actor
            record(tx, deps, kind="inspection.pictured", subject=subject, actor=actor, content=content, at=picture.at)
            return picture
    if known is None:
        deps.objects.delete(picture.object_name)
        raise Conflict(f"每次核验最多 {MAX_PICTURES} 张照片，已满")
    return known


def read_picture(deps: Deps, caller: Principal, scan_id: str, picture_id: str) -> bytes:
    """The JPEG, for officers of the body that took it and of those above; NotFound for anybody else."""
    roles.require(caller, roles.OFFICER)
    with deps.uow.read() as tx:
        pictures = tx.inspections.pictures_of([scan_id]).get(scan_id, ())
        found = next((one for one in pictures if one.picture_id == picture_id), None)
        if found is None or not may_read(deps, caller, found.authority_code):
            raise NotFound(NO_SCAN)
        return tx.inspections.open_picture(picture_id, deps.objects.get(found.object_name))


def forget_pictures(deps: Deps) -> int:
    """Remove pictures whose time is over: the files first, so that a crash leaves rows that are tried again."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        over = tx.inspections.pictures_over(now=now, limit=FORGOTTEN_AT_ONCE)
    for picture in over:
        deps.objects.delete(picture.object_name)
    if over:
        with deps.uow() as tx:
            tx.inspections.drop_pictures([picture.picture_id for picture in over])
            content = {"count": len(over)}
            record(tx, deps, kind="inspection.forgotten", subject=PICTURES, actor="certsvc", content=content, at=now)
    return len(over)


def _same(present: Sequence[Picture], picture: Picture) -> Picture | None:
    return next((one for one in present if one.sha256 == picture.sha256), None)
