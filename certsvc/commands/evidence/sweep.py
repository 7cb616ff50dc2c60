"""Find files that were never registered: a crash leaves them, and nobody can get them; and consents past their time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.commands.sharing.counter_consent import CONSENTS, KEPT_FOR, SUFFIX
from certsvc.commands.sharing.make_copy import PREFIX as COPIES
from certsvc.commands.signings.document import PREFIX as SIGNINGS
from certsvc.commands.stamping.uploads import UPLOADS, left_uploads
from certsvc.commands.visits.pictures import PICTURES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.consents import CounterConsent

PREFIX = "licenses/"
STAMPED = "stamped/"
ARCHIVES, MATERIALS = "archives/", "materials/"
SETTLE_S = 24 * 3600
"""Only files older than a day are looked at: longer than any lease, so work in flight is never touched."""


def orphans(deps: Deps, *, settle_s: int = SETTLE_S) -> Sequence[str]:
    """Names of files older than ``settle_s`` without a row, and of consents that were kept as long as they may be.

    Objects are listed first and the register is asked afterwards, name by name: what is registered in between is seen.
    """
    now = deps.clock.now()
    before = now - timedelta(seconds=settle_s)
    places = (PREFIX, COPIES, SIGNINGS, STAMPED, PICTURES, CONSENTS, ARCHIVES, MATERIALS)
    names = [name for place in places for name in deps.objects.names(place, before=before)]
    with deps.uow.read() as tx:
        found = [name for name in names if not _is_kept(tx, name, now)]
    return [*found, *left_uploads(deps, settle=timedelta(seconds=settle_s))]


def remove_orphans(deps: Deps, *, settle_s: int = SETTLE_S) -> Sequence[str]:
    """Delete the orphans, each asked for once more just before; the names removed."""
    removed: list[str] = []
    for name in orphans(deps, settle_s=settle_s):
        with deps.uow.read() as tx:
            kept = _is_kept(tx, name, deps.clock.now())
        if not kept:
            deps.objects.delete(name)
            removed.append(name)
    if removed:
        now = deps.clock.now()
        with deps.uow() as tx:
            content = {"count": len(removed)}
            record(tx, deps, kind="objects.swept", subject=PREFIX, actor="operator", content=content, at=now)
    return removed


def is_registered(tx: UnitOfWork, name: str) -> bool:
    """Whether a row names this object, and it did not go by decision: what a crash left of that is swept too."""
    return tx.erased.file(name) is None and _has_row(tx, name)


def _has_row(tx: UnitOfWork, name: str) -> bool:
    if name.startswith(CONSENTS):
        return _consent_of(tx, name) is not None
    if name.startswith(PICTURES):
        return tx.inspections.has_picture_object(name)
    if name.startswith((ARCHIVES, MATERIALS)):
        return _is_archived(tx, name)
    digest = digest_of(name)
    if name.startswith(UPLOADS):
        return tx.stampings.keeps(name, digest)
    if name.startswith(COPIES):
        return tx.copies.by_sha256(digest) is not None
    if name.startswith(SIGNINGS):
        return tx.signings.registered(digest) is not None
    if name.startswith(STAMPED):
        return tx.stampings.by_sha256(digest) is not None
    return tx.licenses.by_sha256(digest) is not None


def _is_archived(tx: UnitOfWork, name: str) -> bool:
    if name.startswith(MATERIALS):
        return tx.materials.by_id(digest_of(name)) is not None
    return tx.archives.by_id(name.removeprefix(ARCHIVES).removesuffix(".zip")) is not None


def _is_kept(tx: UnitOfWork, name: str, now: datetime) -> bool:
    """Whether a row names this object, and its time is not over."""
    if not name.startswith(CONSENTS):
        return is_registered(tx, name)
    consent = _consent_of(tx, name)
    return consent is not None and now < consent.created_at + KEPT_FOR


def _consent_of(tx: UnitOfWork, name: str) -> CounterConsent | None:
    consent_id = name.removeprefix(CONSENTS).removesuffix(SUFFIX)
    return tx.bases.counters([consent_id]).get(consent_id)


def digest_of(name: str) -> str:
    """The digest in a content-hash name ``licenses/ab/<sha256>.pdf``; the id in the name of an upload."""
    return name.rsplit("/", 1)[-1].removesuffix(".pdf")
